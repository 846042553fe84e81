"""Plans and reports as JUnit XML, for the test tabs of CI systems: suites of cases, each with its status.

The dialect is the part that Jenkins, GitLab, GitHub's reporters and Azure share (the `junit-10.xsd` of Jenkins' xUnit
plugin and the Ant task): counts as attributes, one `failure`, `error` or `skipped` in a case, times in UTC without a
zone. What XML 1.0 cannot carry stands in no document that is shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from typing import TYPE_CHECKING, Final

from reconciler.diagnostics import Severity
from reconciler.planning.remedies import needed_together
from reconciler.planning.report import Outcome
from reconciler.redaction import bounded
from reconciler.reports.wording import (
    OUTCOMES,
    blocked_failure,
    guard_breach,
    guard_remedy,
    note_place,
    open_scopes,
    policy_counts,
    report_advice,
    result_reason,
    scope_error,
    steps_words,
    unplaced_notes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.planning.limits import Guard, GuardCheck
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import Note, PolicyPlan, ScopePlan
    from reconciler.planning.report import Report, Result


class CaseStatus(StrEnum):
    """How a case came out. `failed`: what was checked does not hold; `error`: it could not be checked."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


_ELEMENTS: Final = {CaseStatus.FAILED: "failure", CaseStatus.ERROR: "error", CaseStatus.SKIPPED: "skipped"}
_COUNTS: Final = {"failures": CaseStatus.FAILED, "errors": CaseStatus.ERROR, "skipped": CaseStatus.SKIPPED}


_LONGEST_NAME: Final = 500
"""Characters of a name, which CI systems keep in columns of a database."""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a test report. `classname` groups cases; `message` is one line, `detail` may have several.

    A passed case may have a `message`, too: it becomes its output.
    """

    classname: str
    name: str
    status: CaseStatus
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
    if case.status is not CaseStatus.PASSED:
        attributes = {"message": case.message.replace("\n", " "), "type": case.status.value}
        element, inner = _ELEMENTS[case.status], _attributes(attributes)
    elif text:
        element, inner = "system-out", ""
    else:
        yield f"{opening}/>"
        return
    yield f"{opening}>"
    yield f"      <{element}{inner}>{escape(text)}</{element}>"  # GitLab shows the text, Jenkins the message first
    yield "    </testcase>"


def _totals(cases: Sequence[Case]) -> dict[str, str]:
    counts = Counter(case.status for case in cases)
    return {"tests": str(len(cases)), **{name: str(counts[status]) for name, status in _COUNTS.items()}, "time": "0"}


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items())


_STATUSES: Final = {
    Outcome.DONE: CaseStatus.PASSED,
    Outcome.SATISFIED: CaseStatus.PASSED,
    Outcome.MISSED: CaseStatus.SKIPPED,
    Outcome.NOT_ATTEMPTED: CaseStatus.SKIPPED,
    Outcome.FAILED: CaseStatus.FAILED,
    Outcome.UNKNOWN: CaseStatus.ERROR,
}

_TOLD: Final = frozenset({Outcome.FAILED.value, Outcome.UNKNOWN.value})
"""Causes that fail the cases of their changes."""


def render_plan_junit(plan: Plan) -> str:
    """A case for each scope and each policy; changes are no failure, a guard that refuses them is one."""
    suites = [
        Suite("plan: scopes", tuple(map(_scope, plan.scopes)), plan.created_at),
        Suite("plan: policies", tuple(_policies(plan)), plan.created_at),
        Suite("plan: errors", tuple(_errors(unplaced_notes(plan))), plan.created_at),
    ]
    return render_junit([suite for suite in suites if suite.cases])


def render_report_junit(report: Report) -> str:
    """A case for each change. Nothing to do is a suite without cases, so that it is not taken for a lost file."""
    changes = Suite("apply: changes", tuple(map(_result, report.results)), report.finished_at)
    errors = Suite("apply: errors", (*_errors(report.diagnostics), *_causes(report)), report.finished_at)
    return render_junit([changes, errors] if errors.cases else [changes])


def _scope(scope: ScopePlan) -> Case:
    if not scope.complete:
        what, consequence = scope_error(scope)
        return Case(scope.target, scope.resource, CaseStatus.ERROR, what, consequence)
    seen = ", ".join(f"{count} {status}" for status, count in sorted(scope.tasks.items()))
    return Case(scope.target, scope.resource, CaseStatus.PASSED, seen or "no tasks")


def _policies(plan: Plan) -> Iterator[Case]:
    """A policy on a scope that was not seen whole cannot be said to pass."""
    unseen, needed = {scope.key for scope in open_scopes(plan)}, needed_together(plan)
    for policy in plan.policies:
        in_the_dark = any(scope.target in policy.targets and scope.resource in policy.resources for scope in unseen)
        status, message, detail = _judged(policy, in_the_dark, needed)
        yield Case(", ".join(policy.resources), policy.name, status, message, detail)
    together = [check for policy, check in plan.breaches if policy is None]
    if together:
        refusals = "; ".join(guard_breach(None, check) for check in together)
        remedies = "\n".join(_remedy(None, check, needed) for check in together)
        yield Case("reconciler", "run_limits", CaseStatus.FAILED, refusals, remedies)


def _remedy(policy: PolicyPlan | None, check: GuardCheck, needed: Mapping[Guard, int]) -> str:
    return "to allow it: {}, or `{}` {}".format(*guard_remedy(policy, check, needed))


def _judged(policy: PolicyPlan, in_the_dark: bool, needed: Mapping[Guard, int]) -> tuple[CaseStatus, str, str]:
    counts = policy_counts(policy)
    if policy.suspended:
        return CaseStatus.SKIPPED, "suspended, so not checked", ""
    refusals = [guard_breach(policy, check) for check in policy.breaches]
    remedies = [_remedy(policy, check, needed) for check in policy.breaches]
    intolerant = blocked_failure(policy)
    failures = [*refusals, *([intolerant] if intolerant else [])]
    if failures:
        return CaseStatus.FAILED, "; ".join(failures), "\n".join([*remedies, counts])
    if in_the_dark:
        return CaseStatus.ERROR, "not all is known of some of its scopes, so whether it holds is not known", counts
    return CaseStatus.PASSED, counts, ""


def _errors(notes: Iterable[Note]) -> Iterator[Case]:
    for note in notes:
        if note.severity is Severity.ERROR:
            yield Case("reconciler", note_place(note) or "run", CaseStatus.ERROR, note.message)


def _causes(report: Report) -> Iterator[Case]:
    """What speaks against the run and fails no case of a change, so that what is green here ended with 0."""
    advice = "\n".join(report_advice(report))
    for cause in report.causes:
        if cause not in _TOLD:
            status = CaseStatus.ERROR if cause in {"interrupted", "error", "locked", "refused"} else CaseStatus.FAILED
            yield Case("reconciler", cause.replace("_", " "), status, f"the run ended as {report.outcome}", advice)


def _result(result: Result) -> Case:
    change = result
    said = result_reason(result)
    return Case(
        f"{change.target}/{change.resource}",
        f"{steps_words(change.steps)} {change.task_id}",
        _STATUSES[result.outcome],
        f"{result.outcome.value.replace('_', ' ')}: {said or OUTCOMES[result.outcome]}",
        f"before: {result.before}; now: {result.now or 'not read'}; policies: {', '.join(change.policies)}",
    )
