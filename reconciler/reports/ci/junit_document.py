"""JUnit XML, as Jenkins, GitLab, GitHub's reporters and Azure read it: suites of cases with a verdict each.

The dialect is the part that all of them share (the `junit-10.xsd` of Jenkins' xUnit plugin and the Ant task): counts
as attributes, one `failure`, `error` or `skipped` in a case, times in UTC without a zone. Whatever the texts hold, the
document is well-formed: what XML 1.0 cannot carry is escaped as it is for a terminal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from typing import TYPE_CHECKING, Final

from reconciler.redaction import bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Case", "Suite", "Verdict", "render_junit"]


class Verdict(StrEnum):
    """How a case came out. `failed`: what was checked does not hold; `error`: it could not be checked."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


_ELEMENTS: Final = {Verdict.FAILED: "failure", Verdict.ERROR: "error", Verdict.SKIPPED: "skipped"}
_COUNTS: Final = {"failures": Verdict.FAILED, "errors": Verdict.ERROR, "skipped": Verdict.SKIPPED}


_LONGEST_NAME: Final = 500
"""Characters of a name, which CI systems keep in columns of a database."""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a test report. `classname` groups cases; `message` is one line, `detail` may have several.

    A passed case may have a `message`, too: it becomes its output.
    """

    classname: str
    name: str
    verdict: Verdict
    message: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases that were run together. `timestamp`: when, in seconds since the epoch (UTC), or None."""

    name: str
    cases: tuple[Case, ...]
    timestamp: int | None = None


def render_junit(suites: Sequence[Suite]) -> str:
    """The suites as one document. Deterministic: durations are not measured, so each is 0."""
    totals = _totals([case for suite in suites for case in suite.cases])
    del totals["skipped"]  # the schema has it for a suite only
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites{_attributes({'name': 'reconciler', **totals})}>",
        *(line for suite in suites for line in _suite(suite)),
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _suite(suite: Suite) -> Iterator[str]:
    attributes = {"name": suite.name, **_totals(suite.cases)}
    if suite.timestamp is not None:
        attributes["timestamp"] = datetime.fromtimestamp(suite.timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    yield f"  <testsuite{_attributes(attributes)}>"
    for case in suite.cases:
        yield from _case(case)
    yield "  </testsuite>"


def _case(case: Case) -> Iterator[str]:
    names = {"classname": bounded(case.classname, _LONGEST_NAME), "name": bounded(case.name, _LONGEST_NAME)}
    opening = f"    <testcase{_attributes({**names, 'time': '0'})}"
    text = "\n".join(filter(None, (case.message, case.detail)))
    if case.verdict is not Verdict.PASSED:
        attributes = {"message": case.message.replace("\n", " "), "type": case.verdict.value}
        element, inner = _ELEMENTS[case.verdict], _attributes(attributes)
    elif text:
        element, inner = "system-out", ""
    else:
        yield f"{opening}/>"
        return
    yield f"{opening}>"
    yield f"      <{element}{inner}>{escape(text)}</{element}>"  # GitLab shows the text, Jenkins the message first
    yield "    </testcase>"


def _totals(cases: Sequence[Case]) -> dict[str, str]:
    counts = Counter(case.verdict for case in cases)
    return {"tests": str(len(cases)), **{name: str(counts[verdict]) for name, verdict in _COUNTS.items()}, "time": "0"}


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items())
