"""The language server of these tests reaches nothing beyond this machine, and says so if it would."""

from pathlib import Path

import pytest

from tests.editor.language_server import MISSING, LanguageServer

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
