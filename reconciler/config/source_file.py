"""One file, from the disk to a parsed document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.files import reason_of, shown_path
from reconciler.config.yaml_document import BEGINNING, MAX_BYTES, parse
from reconciler.diagnostics import Diagnostic, Location, Rule, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.config.entries import Findings
    from reconciler.config.files import Roots
    from reconciler.config.yaml_document import Document

__all__ = ["read_document"]


def read_document(file: Path, roots: Roots, findings: Findings, beginning: str = BEGINNING) -> Document | None:
    """The file, with what is wrong with it among the findings; None where nothing of it could be read.

    `beginning` says to the user of an empty file how one begins.
    """
    shown = shown_path(file)
    try:
        content = roots.read(file, MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        message = f"the file cannot be read: {reason_of(error)}"
        findings.add([Diagnostic(Severity.ERROR, message, Location(shown, 1, 1), rule=Rule.FILE)])
        return None
    document, diagnostics = parse(content, file, shown, beginning=beginning, roots=roots)
    findings.add(diagnostics)
    return None if document.data is None and diagnostics else document
