"""One file, from the disk to a parsed document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.discovery import shown_path
from reconciler.config.yaml_document import BEGINNING, MAX_BYTES, parse
from reconciler.diagnostics import Diagnostic, Location, Rule, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.config.entries import Findings
    from reconciler.config.yaml_document import Document

__all__ = ["read_document"]


def read_document(file: Path, findings: Findings, beginning: str = BEGINNING) -> Document | None:
    """The file, with what is wrong with it among the findings; None where nothing of it could be read.

    `beginning` says to the user of an empty file how one begins.
    """
    shown = shown_path(file)
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        findings.add([Diagnostic(Severity.ERROR, message, Location(shown, 1, 1), rule=Rule.FILE)])
        return None
    document, diagnostics = parse(content, file, shown, beginning=beginning)
    findings.add(diagnostics)
    return None if document.data is None and diagnostics else document
