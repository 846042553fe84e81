"""Every YAML file that we ship and every complete one in the documents is free of complaints in an editor."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.program import program
from reconciler.simulator.demo import write_configuration
from tests.config.schema_keys import SCHEMAS
from tests.editor.language_server import MISSING, Document, LanguageServer

ROOT = Path(__file__).parents[2]
MODELINE = "# yaml-language-server: $schema="
DOCUMENTS = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md"), *ROOT.glob("*.md")])
FENCE = re.compile(r"^( *)```ya?ml\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SECTIONS = ("settings:", "targets:", "protect:", "policies:")
EXAMPLES = sorted(
    path
    for path in (ROOT / "examples").rglob("*.yaml")
    if path.name.endswith(("reconciler.yaml", ".reconciler-test.yaml"))
)


def schema_of(text: str) -> str | None:
    """The schema that a YAML text is written for; None where it is not a whole file of ours."""
    lines = text.splitlines()
    if "version: 1" not in lines:
        return None
    if "tests:" in lines:
        return "reconciler-test.schema.json"
    return "reconciler.schema.json" if any(line.startswith(SECTIONS) for line in lines) else None


def _blocks() -> list[tuple[str, str, str]]:
    found = []
    for document in DOCUMENTS:
        for block in FENCE.finditer(document.read_text(encoding="utf-8")):
            text = re.sub(rf"^{block[1]}", "", block[2], flags=re.MULTILINE)
            schema = schema_of(text)
            if schema:
                found.append((document.relative_to(ROOT).as_posix(), schema, text))
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_examples(server: LanguageServer, path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith(MODELINE), "its first line leads editors to the schema"
    assert server.open(path).complaints() == []


@pytest.mark.parametrize(("document", "schema", "text"), _blocks())
def test_documents(server: LanguageServer, tmp_path: Path, document: str, schema: str, text: str) -> None:
    """A block that names its schema finds it: beside itself, where `reconciler schema` wrote it, or in `schemas/`."""
    (tmp_path / "schemas").mkdir()
    for file in SCHEMAS:
        shutil.copy(file, tmp_path)
        shutil.copy(file, tmp_path / "schemas")
    modeline = "" if MODELINE in text else f"{MODELINE}./{schema}\n"
    assert server.open(tmp_path / "reconciler.yaml", modeline + text).complaints() == [], document


def test_there_are_documents_to_look_at() -> None:
    names = {document for document, _, _ in _blocks()}
    assert {"docs/configuration.md", "docs/policies.md"} <= names
    assert len(EXAMPLES) > 5


def test_the_demo(opened: Callable[..., Document], tmp_path: Path) -> None:
    write_configuration(tmp_path)
    assert opened((tmp_path / "reconciler.yaml").read_text(encoding="utf-8")).complaints() == []


def test_what_init_writes(server: LanguageServer, tmp_path: Path) -> None:
    runner = CliRunner()
    words = ["init", "--no-input", "--cloud", "huaweicloud", "--cloud", "aliyun", str(tmp_path)]
    assert runner.invoke(program, words).exit_code == 0
    files = [path for path in tmp_path.rglob("*.yaml") if schema_of(path.read_text(encoding="utf-8"))]
    assert {schema_of(path.read_text(encoding="utf-8")) for path in files} == {path.name for path in SCHEMAS}
    for path in files:
        assert MODELINE in path.read_text(encoding="utf-8")
        assert server.open(path).complaints() == [], path.name


# -- the server itself -----------------------------------------------------------------------------------------


pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


def test_what_would_leave_the_machine_is_refused_and_named(tmp_path: Path) -> None:
    with LanguageServer(tmp_path) as server:
        modeline = "# yaml-language-server: $schema=https://schema.example.com/a.json\n"
        (complaint,) = server.open(tmp_path / "a.yaml", f"{modeline}version: 1\n").complaints()
        assert "https://schema.example.com/a.json" in complaint.message
        assert "schema.example.com" in server.close()


def test_a_file_without_a_schema_asks_nobody(tmp_path: Path) -> None:
    with LanguageServer(tmp_path) as server:
        assert server.open(tmp_path / "reconciler.yaml", "version: 1\n").complaints() == []
        assert server.close() == ""


def test_a_server_that_ends_is_no_riddle(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.js"
    nothing.write_text("throw new Error('out of order');\n", encoding="utf-8")
    with pytest.raises((RuntimeError, BrokenPipeError), match=r"out of order|Broken pipe"):
        LanguageServer(tmp_path, nothing)
