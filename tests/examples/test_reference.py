"""The reference in docs/reference/ is what the code says."""

import re

import click
import pytest

from docs.generate.markdown import code, prose, table
from docs.generate.pages import PAGES, REFERENCE
from reconciler.cli.program import program
from reconciler.config.schema import build_schema
from reconciler.exceptions import ExitCode
from reconciler.providers.registry import catalogue
from reconciler.tasks.url_parts import UrlPart
from tests.config.schema_keys import keys

COMMANDS = [program.get_command(click.Context(program), name) for name in program.list_commands(click.Context(program))]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name](), "run `make reference`"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_the_same_each_time(name: str) -> None:
    assert PAGES[name]() == PAGES[name]()


def test_there_are_no_other_pages() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


def test_every_page_is_in_the_index() -> None:
    links = set(re.findall(r"\]\((.+?)\)", PAGES["README.md"]()))
    assert links == set(PAGES) - {"README.md"}


# Whatever the pages are made from, nothing is left out.


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_flag_of_a_command_is_there(command: click.Command) -> None:
    section = PAGES["cli.md"]().split(f"\n## {command.name}\n")[1].split("\n## ")[0]
    for option in command.params:
        if not isinstance(option, click.Option) or option.hidden:
            continue
        name = re.escape(max(option.opts, key=len))
        (line,) = (line for line in section.splitlines() if re.match(rf"\| `{name}[ `]", line))
        assert prose(str(option.help)) in line
        assert code(str(option.envvar)) in line


def test_every_key_of_the_configuration_is_there() -> None:
    text = PAGES["configuration.md"]()
    fields = {field for row in catalogue().resource_types.values() for field in row.fields}
    places = [place for place, _ in keys(build_schema(catalogue())) if ".condition." not in place]
    fields |= {f"{field}.{part}" for field in fields for part in UrlPart}
    words = {place.rsplit(".", 1)[-1] for place in places if not any(place.endswith(f".{field}") for field in fields)}
    assert [word for word in sorted(words) if f"\n| `{word}` |" not in text] == []


@pytest.mark.parametrize("name", catalogue().resource_types)
def test_every_field_of_a_resource_type_is_there(name: str) -> None:
    section = PAGES["resource-types.md"]().split(f"\n## {name}\n")[1].split("\n## ")[0]
    for field in catalogue().resource_types[name].fields.values():
        assert f"\n| `{field.name}` | {field.type} | {prose(field.summary)} |" in section


def test_every_exit_code_is_there() -> None:
    assert re.findall(r"^\| (\d+) \|", PAGES["exit-codes.md"](), re.MULTILINE) == [str(int(each)) for each in ExitCode]


# -- Markdown ---------------------------------------------------------------------------------------------------
def test_text_means_nothing_to_markdown() -> None:
    assert prose("a | b, *.yaml, <x>, `c|d *`") == r"a \| b, \*.yaml, \<x>, `c\|d *`"


def test_a_table_has_no_empty_column() -> None:
    assert table(("a", "b"), [("1", ""), ("2", "")]) == "| a |\n| --- |\n| 1 |\n| 2 |"
    assert table(("a", "b"), [("1", ""), ("", "2")]) == "| a | b |\n| --- | --- |\n| 1 | |\n| | 2 |"
