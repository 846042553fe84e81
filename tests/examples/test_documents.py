"""The documents tell the truth: what they show was printed, what they write can be typed, what they list is all."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest
import yaml

from reconciler.cli.program import program
from reconciler.config.loader import check as check_configuration
from reconciler.exceptions import ExitCode
from reconciler.planning.report import Outcome
from reconciler.providers.huaweicloud import mpc
from reconciler.providers.registry import catalogue
from reconciler.selectors.syntax import Operator
from reconciler.simulator import FaultKind, Options, ResponseShape, Simulator
from reconciler.simulator.demo import SEED, write_configuration
from reconciler.simulator.seeds import read_seed
from reconciler.tasks.resource_type import Listing, Operation
from tests.command_lines import check, command_lines
from tests.terminal import Terminal, credentials

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")),
        *(ROOT / "examples").rglob("*.md"),
    ]
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def fences(document: Path, *languages: str) -> Iterator[str]:
    """The code blocks of these languages, in order."""
    for block in FENCE.finditer(document.read_text(encoding="utf-8")):
        if block[2] in languages:
            yield block[3]


def prose(document: Path) -> str:
    return FENCE.sub("", document.read_text(encoding="utf-8"))


def tables(document: Path) -> Iterator[list[list[str]]]:
    """The tables, as rows of cells; the first row is the head."""
    rows: list[list[str]] = []
    for line in [*document.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif rows:
            yield [rows[0], *rows[2:]]
            rows = []


def table(document: Path, *head: str) -> list[list[str]]:
    """The rows of the first table whose head begins with these cells."""
    for rows in tables(document):
        if tuple(rows[0][: len(head)]) == head:
            return rows[1:]
    raise AssertionError(f"{document.name} has no table {head}")


def names(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


documents = pytest.mark.parametrize("document", DOCUMENTS, ids=names)


# -- what can be typed ----------------------------------------------------------------------------------------
@documents
def test_every_command_line_is_one_that_the_program_takes(document: Path) -> None:
    written = list(command_lines("\n".join(fences(document, "console", "sh", "cron"))))
    for span in re.findall(r"`([^`\n]+)`", prose(document)):
        for words in command_lines(span):
            if len(words) == 1:  # a command that is only named
                assert words[0] in program.list_commands(click.Context(program)) or words[0].startswith("-")
            else:
                written.append(words)
    for words in written:
        check(words)


@documents
def test_every_flag_named_is_one_that_there_is(document: Path) -> None:
    context = click.Context(program)
    commands = [program.get_command(context, name) for name in program.list_commands(context)]
    known = {option for command in commands if command for parameter in command.params for option in parameter.opts}
    foreign = {"--nonblock", "--conflict-exit-code", "--help", "--version", "--dryrun"}
    flags = {flag for span in re.findall(r"`([^`]+)`", prose(document)) for flag in re.findall(r"--[a-z][a-z-]+", span)}
    assert flags - known - foreign == set()


def test_the_readme_has_two_commands_of_set_up() -> None:
    first = next(fences(ROOT / "README.md", "console"))
    assert first == "$ make demo\n$ make test\n"


@documents
def test_every_make_target_is_one_that_there_is(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|\$ )make ([a-z]+)", document.read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


EXCERPT = "version: 1\ntargets: {prod: {provider: huaweicloud, region: cn-north-4}}\n"
"""What policies stand on that are shown alone."""


# -- YAML, JSON, Python ---------------------------------------------------------------------------------------
def _yaml_blocks() -> list[tuple[str, str]]:
    """Those of pages that lead by the hand are left out: test_walkthroughs.py writes and validates them."""
    documents = [document for document in DOCUMENTS if document.parent.name != "how-to"]
    return [(names(document), block) for document in documents for block in fences(document, "yaml")]


@pytest.mark.parametrize(("document", "block"), _yaml_blocks())
def test_yaml_is_a_valid_configuration_or_a_seed(
    document: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "tasks:\n" in block:
        read_seed(block)
        return
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "source-urls.txt").write_text("https://h/v.mp4\n", encoding="utf-8")
    head = "" if block.startswith(("version:", "#")) else EXCERPT
    (tmp_path / "reconciler.yaml").write_text(head + block, encoding="utf-8")
    configuration, diagnostics = check_configuration([], catalogue(), environment={})
    assert diagnostics == ()
    assert configuration is not None


def test_a_fault_as_the_documents_write_it_can_be_added() -> None:
    (block,) = fences(ROOT / "docs/simulator.md", "json")
    simulator = Simulator()
    assert simulator.faults.add(**yaml.safe_load(block)).kind is FaultKind.LOST_ANSWER


def test_the_example_of_a_resource_type_is_one() -> None:
    (block,) = fences(ROOT / "docs/architecture.md", "python")
    room = dict(vars(mpc))
    exec(block, room)  # noqa: S102 - our own text
    row = room["WATERMARK"]
    assert row.name not in catalogue().resource_types
    assert (row.listing.path, row.operations[0].path) == ("/v1/{project_id}/watermarks",) * 2


# -- tables ---------------------------------------------------------------------------------------------------
def test_the_exit_codes_are_all_exit_codes() -> None:
    rows = table(ROOT / "docs/operations.md", "exit", "outcome")
    assert [int(row[0]) for row in rows] == [int(code) for code in ExitCode]
    words = dict(zip(ExitCode, (row[1] for row in rows), strict=True))
    assert words[ExitCode.INTERRUPTED] == words[ExitCode.TERMINATED] == "interrupted"
    plain = [code for code in ExitCode if code not in {ExitCode.INTERRUPTED, ExitCode.TERMINATED}]
    assert [words[code] for code in plain] == [code.name.lower() for code in plain]


def test_the_outcomes_are_all_outcomes() -> None:
    rows = table(ROOT / "docs/operations.md", "outcome", "meaning")
    assert [row[0] for row in rows] == [outcome.value for outcome in Outcome]


def test_the_resource_types_are_the_catalogue() -> None:
    def call(entry: Listing | Operation | None) -> str:
        if entry is None:
            return "-"
        return f"`{entry.method} {entry.path}`" if entry.path.startswith("/") else f"`{entry.path}`"

    expected = []
    for row in catalogue().resource_types.values():
        operations = {operation.action.value: operation for operation in row.operations}
        expected.append(
            [f"`{row.name}`", call(row.listing), call(operations.get("cancel")), call(operations.get("delete"))]
        )
    assert table(ROOT / "docs/providers.md", "resource type", "list") == expected


def test_the_permissions_are_those_of_the_catalogue() -> None:
    document = ROOT / "docs/providers.md"
    _, rows = (found[1:] for found in tables(document) if found[0][:2] == ["resource type", "list"])
    expected = []
    for row in catalogue().resource_types.values():
        published = row.permissions
        if (published.list, published.cancel, published.delete) == (None, None, None):
            continue
        offered = {"list", *(operation.action.value for operation in row.operations)}
        names = {"list": published.list, "cancel": published.cancel, "delete": published.delete}
        cells = [f"`{name}`" if name else "not published" if verb in offered else "-" for verb, name in names.items()]
        expected.append([f"`{row.name}`", *cells])
    assert rows == expected


def test_the_five_calls_are_calls_of_their_resource_types() -> None:
    rows = table(ROOT / "README.md", "call", "resource type")
    assert len(rows) == 5
    for call, resource, *_ in rows:
        operations = catalogue().resource_types[resource.strip("`")].operations
        paths = {f"`{each.method} {each.path}`" for each in operations} | {f"`{each.path}`" for each in operations}
        assert call in paths


def test_the_number_of_further_kinds_is_right() -> None:
    numbers = {8: "Eight more kinds of task", 9: "Nine more kinds of task"}
    assert numbers[len(catalogue().resource_types) - 5] in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_operators_are_all_operators() -> None:
    rows = table(ROOT / "docs/configuration.md", "operator", "fields of type")
    written = {name for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    assert written == {operator.value for operator in Operator}


def test_the_faults_are_all_faults() -> None:
    rows = table(ROOT / "docs/simulator.md", "fault", "what happens")
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row[0])} == {kind.value for kind in FaultKind}


def test_the_options_are_all_options() -> None:
    rows = table(ROOT / "docs/simulator.md", "option", "values")
    assert {row[0].strip("`") for row in rows} == set(Options.__dataclass_fields__)
    shapes = next(row[1] for row in rows if row[0] == "`response_shape`")
    assert shapes.split(", ") == [shape.value for shape in ResponseShape]


# -- what they point at ---------------------------------------------------------------------------------------
@documents
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", prose(document)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        if anchor:
            heads = re.findall(r"^#+ (.+)$", prose(target), re.MULTILINE)
            assert anchor in {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}, link


@documents
def test_variables_of_the_vendors_are_those_that_the_code_reads(document: Path) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "reconciler/providers").rglob("*.py"))
    written = re.findall(r"\b(?:HUAWEICLOUD_SDK|ALIBABA_CLOUD)_[A-Z_]+\b", document.read_text(encoding="utf-8"))
    derived = "HUAWEICLOUD_SDK_REGION_MPC_CN_NORTH_"  # made of service and region
    assert [name for name in written if name != derived and name not in source] == []


@documents
def test_documents_name_no_place_of_a_machine(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.])/(?:root|home|work|tmp)/", text) == []


# -- what was printed -----------------------------------------------------------------------------------------
def test_the_plan_in_the_readme_is_what_the_demo_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word by word, but for the time of day; `[...]` stands for what is left out."""
    (excerpt,) = fences(ROOT / "README.md", "text")
    write_configuration(tmp_path)
    monkeypatch.chdir(tmp_path)
    with Simulator(seed=SEED).running() as simulator:
        for name, value in {**credentials(simulator), "DEMO_URL": simulator.url}.items():
            monkeypatch.setenv(name, value)
        printed = Terminal(tmp_path, simulator, capsys).run("plan").out
    parts = [_timeless(part) for part in excerpt.split("[...]\n")]
    places = [_timeless(printed).find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert all(earlier < later for earlier, later in pairwise(places))


def _timeless(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
