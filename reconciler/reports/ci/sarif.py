"""Diagnostics as SARIF 2.1.0, for code scanning: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.

GitHub takes at most 25,000 results and knows them again by `primaryLocationLineHash`; see
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler import __version__
from reconciler.diagnostics import Severity
from reconciler.reports.ci.rules import RULES
from reconciler.reports.commands import command_line
from reconciler.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.diagnostics import Diagnostic, Location

__all__ = ["MAX_RESULTS", "render_diagnostics_sarif"]

MAX_RESULTS: Final = 25_000
_LONGEST: Final = 1_000
"""Characters of a message: as many results as there may be stay well within GitHub's 10 MB, compressed."""

_ROOT: Final = "%SRCROOT%"
_INDEX: Final = {rule: index for index, rule in enumerate(RULES)}
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning"}
_PLACE = re.compile(r":[0-9]+:[0-9]+\b")
_LINK = re.compile(r"\[(?=[^\[\]]*+\]\()")


def render_diagnostics_sarif(diagnostics: Sequence[Diagnostic], paths: Sequence[str] = ()) -> str:
    """The diagnostics as one SARIF log: errors first, the files relative to the directory that it was made in."""
    ranked = sorted(diagnostics, key=lambda diagnostic: diagnostic.severity is not Severity.ERROR)
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver()},
                "automationDetails": {"id": "reconciler-validate/"},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {_ROOT: {"description": {"text": "The directory that validate was run in."}}},
                "invocations": [_invocation(len(ranked) - MAX_RESULTS, paths)],
                "results": list(_results(ranked[:MAX_RESULTS])),
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _driver() -> dict[str, Any]:
    return {
        "name": "reconciler",
        "semanticVersion": __version__,
        "rules": [
            {
                "id": rule.value,
                "shortDescription": {"text": words.summary},
                "fullDescription": {"text": words.summary},
                "help": {"text": words.help},
                "properties": {"tags": ["configuration"]},
            }
            for rule, words in RULES.items()
        ],
    }


def _invocation(left_out: int, paths: Sequence[str]) -> dict[str, Any]:
    if left_out <= 0:
        return {"executionSuccessful": True}
    text = f"{counted(left_out, 'more result')} left out; `{command_line('validate', paths)}` shows all of them."
    return {
        "executionSuccessful": True,
        "toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}],
    }


def _results(diagnostics: Sequence[Diagnostic]) -> Iterator[dict[str, Any]]:
    seen: Counter[tuple[str, str]] = Counter()
    for diagnostic in diagnostics:
        where = diagnostic.location
        identity = (where.file if where else "", _fingerprint(diagnostic))
        seen[identity] += 1
        yield {
            "ruleId": diagnostic.rule.value,
            "ruleIndex": _INDEX[diagnostic.rule],
            "level": _LEVELS[diagnostic.severity],
            "message": {"text": _message(diagnostic)},
            **({"locations": [{"physicalLocation": _place(where, diagnostic)}]} if where else {}),
            "partialFingerprints": {"primaryLocationLineHash": f"{identity[1]}:{seen[identity]}"},
        }


def _message(diagnostic: Diagnostic) -> str:
    allowed = f"allowed: {', '.join(diagnostic.allowed)}" if diagnostic.allowed else ""
    text = "; ".join(part for part in (diagnostic.message, diagnostic.hint, allowed) if part)
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return _LINK.sub(r"\\[", text)  # a message may hold links; what a file holds is none of ours


def _place(where: Location, diagnostic: Diagnostic) -> dict[str, Any]:
    region = {"startLine": where.line, "startColumn": where.column}
    if diagnostic.excerpt:
        region["endColumn"] = where.column + diagnostic.excerpt_length
    return {"artifactLocation": _artifact(where.file), "region": region}


def _artifact(file: str) -> dict[str, str]:
    """A file below the working directory is relative to the root of the sources; another one is named whole."""
    if file.startswith("/"):
        return {"uri": f"file://{_uri(file)}"}
    return {"uri": _uri(file), "uriBaseId": _ROOT}


def _uri(file: str) -> str:
    return quote(file, errors="backslashreplace")


def _fingerprint(diagnostic: Diagnostic) -> str:
    """Of what is wrong and where in the document, whatever line that is on."""
    facts = [diagnostic.rule.value, diagnostic.path, _PLACE.sub("", diagnostic.message)]
    return hashlib.sha256("\0".join(facts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
