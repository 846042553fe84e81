"""Diagnostics as SARIF 2.1.0, for code scanning: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.

GitHub takes at most 25,000 results and knows them again by `primaryLocationLineHash`; see
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support. Beside each finding stands
the rule that it breaks, in words.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler import __version__
from reconciler.diagnostics import Rule, Severity
from reconciler.reports.cells import counted
from reconciler.reports.commands import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.diagnostics import Diagnostic, Location


@dataclass(frozen=True, slots=True)
class RuleText:
    """`summary` says in one sentence what the rule asks for, `help` what to do where it is broken."""

    summary: str
    help: str


RULES: Mapping[Rule, RuleText] = MappingProxyType(
    {
        Rule.CONFIGURATION: RuleText(
            "The configuration is consistent.",
            "The message names the value and what is expected in its place.",
        ),
        Rule.FILE: RuleText(
            "Every file and directory that is named can be read.",
            "Name a file, or a directory that holds reconciler.yaml or *.reconciler.yaml. A path that leads to no "
            "file is an error, since the policies and protections that are believed to be there are not.",
        ),
        Rule.YAML_SYNTAX: RuleText(
            "Files are YAML 1.2 in UTF-8.",
            "Tags, tabs in indentation and control characters are not accepted; true and false are the only flags. "
            "Quote a value that YAML would read as something else.",
        ),
        Rule.DUPLICATE: RuleText(
            "Keys and names are defined once.",
            "All files merge into one configuration. Rename or remove one of the two; the message points at the first.",
        ),
        Rule.UNKNOWN_KEY: RuleText(
            "Every key is one that the format knows.",
            "A key that is not known would be ignored, and with it what its author meant. The allowed keys are listed.",
        ),
        Rule.STRUCTURE: RuleText(
            "Every value is of the kind and within the bounds that the schema asks for.",
            "`reconciler schema` prints the JSON Schema, with which an editor completes and checks these files.",
        ),
        Rule.SECRET: RuleText(
            "No secret stands in the configuration.",
            "Say where the secret is read from: {env: NAME} or {file: PATH}. Renew it if it was committed.",
        ),
        Rule.ENVIRONMENT: RuleText(
            "Variables stand where they are expanded, and are set.",
            "${NAME} and ${NAME:-default} are expanded in targets and settings only.",
        ),
        Rule.UNKNOWN_REFERENCE: RuleText(
            "Every name leads to a provider, resource type or target.",
            "The allowed names are listed. A policy without a target holds nowhere.",
        ),
        Rule.INVENTORY: RuleText(
            "Tasks that an API cannot list are named in an inventory.",
            "An inventory is lists of ids, URLs or the like, inline or in files of one entry a line.",
        ),
        Rule.UNKNOWN_FIELD: RuleText(
            "A selector names fields of its resource type.",
            "`reconciler explain RESOURCE` lists the fields of a type with their kinds and values.",
        ),
        Rule.SELECTOR: RuleText(
            "A selector is a mapping of fields to conditions.",
            "Keys are ANDed; all, any and not combine mappings. `match: all` is the only way to select everything.",
        ),
        Rule.SELECTOR_TYPE: RuleText(
            "Operators and values fit the field.",
            "The operators and values that the field takes are listed. Durations are written like 6h, times in RFC "
            "3339.",
        ),
        Rule.PROTECTION_BREADTH: RuleText(
            "A protection covers what it seems to.",
            "A field that a resource type lacks is unknown there, and unknown protects: all tasks of that type are "
            "protected. Narrow `resource`, or write a protection for each kind.",
        ),
        Rule.PROTECTION_IDLE: RuleText(
            "A protection protects something.",
            "It holds none of the tasks of the policy tests, though some are of its resource types. Correct `match`, "
            "or write a test of a task that it protects.",
        ),
        Rule.DEAD_END: RuleText(
            "Every task that a policy selects can leave it again.",
            "No operation, nor the task's own progress, leads out of the states that the message names, so the policy "
            "could never hold. Select the states that an operation starts from.",
        ),
        Rule.NEVER_ACTS: RuleText(
            "A policy selects some task that an operation starts from.",
            "No operation starts from the states that are selected, so the policy never does anything.",
        ),
    }
)


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
