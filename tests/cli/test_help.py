"""Every `--help`: it has examples, which can be typed, and fits into a terminal."""

import click
import pytest

from reconciler.cli.examples import EXAMPLES
from reconciler.cli.program import program
from tests.command_lines import check, command_lines
from tests.terminal import Terminal

COMMANDS = program.list_commands(click.Context(program))


def test_every_command_has_examples() -> None:
    assert list(EXAMPLES) == sorted(EXAMPLES, key=COMMANDS.index)
    assert EXAMPLES.keys() == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_can_be_typed(name: str) -> None:
    lines = list(command_lines(EXAMPLES[name].replace('"$(', "").replace(')"', "").replace("eval ", "")))
    assert lines
    assert any(words[0] == name for words in lines)
    for words in lines:
        check(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_text_fits_into_eighty_columns_and_ends_in_examples(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    finished = terminal.run(name, "--help")
    assert finished.code == 0
    _, found, examples = finished.out.partition("\n  Examples:\n")
    assert found
    assert [line.strip() for line in examples.strip().splitlines()] == EXAMPLES[name].strip().splitlines()
    assert max(map(len, finished.out.splitlines())) <= 80


def test_without_a_command_the_help_is_shown(terminal: Terminal) -> None:
    finished = terminal.run()
    assert finished.code == 64
    assert finished.err.startswith("Usage: reconciler [OPTIONS] COMMAND")
    assert all(f"  {name} " in finished.err for name in COMMANDS)
