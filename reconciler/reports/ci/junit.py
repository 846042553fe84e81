"""Plans and reports as JUnit XML, for the test tabs of CI systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.diagnostics import Severity
from reconciler.planning.report import Outcome
from reconciler.reports.ci.junit_document import Case, Suite, Verdict, render_junit
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
    from collections.abc import Iterable, Iterator

    from reconciler.planning.guards import GuardCheck
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import Note, PolicyPlan, ScopePlan
    from reconciler.planning.report import Report, Result

__all__ = ["render_plan_junit", "render_report_junit"]

_VERDICTS: Final = {
    Outcome.DONE: Verdict.PASSED,
    Outcome.SATISFIED: Verdict.PASSED,
    Outcome.MISSED: Verdict.SKIPPED,
    Outcome.NOT_ATTEMPTED: Verdict.SKIPPED,
    Outcome.FAILED: Verdict.FAILED,
    Outcome.UNKNOWN: Verdict.ERROR,
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
        return Case(scope.target, scope.resource, Verdict.ERROR, what, consequence)
    seen = ", ".join(f"{count} {status}" for status, count in sorted(scope.tasks.items()))
    return Case(scope.target, scope.resource, Verdict.PASSED, seen or "no tasks")


def _policies(plan: Plan) -> Iterator[Case]:
    """A policy on a scope that was not seen whole cannot be said to pass."""
    unseen = {scope.key for scope in open_scopes(plan)}
    for policy in plan.policies:
        verdict, message, detail = _judged(policy, any((name, policy.resource) in unseen for name in policy.targets))
        yield Case(policy.resource, policy.name, verdict, message, detail)
    together = [verdict for policy, verdict in plan.breaches if policy is None]
    if together:
        refusals = "; ".join(guard_breach(None, verdict) for verdict in together)
        remedies = "\n".join(_remedy(None, verdict) for verdict in together)
        yield Case("reconciler", "run_limits", Verdict.FAILED, refusals, remedies)


def _remedy(policy: PolicyPlan | None, verdict: GuardCheck) -> str:
    return "to allow it: {}, or `{}` {}".format(*guard_remedy(policy, verdict))


def _judged(policy: PolicyPlan, in_the_dark: bool) -> tuple[Verdict, str, str]:
    counts = policy_counts(policy)
    if policy.suspended:
        return Verdict.SKIPPED, "suspended, so not checked", ""
    refusals = [guard_breach(policy, verdict) for verdict in policy.breaches]
    remedies = [_remedy(policy, verdict) for verdict in policy.breaches]
    intolerant = blocked_failure(policy)
    failures = [*refusals, *([intolerant] if intolerant else [])]
    if failures:
        return Verdict.FAILED, "; ".join(failures), "\n".join([*remedies, counts])
    if in_the_dark:
        return Verdict.ERROR, "not all is known of some of its scopes, so whether it holds is not known", counts
    return Verdict.PASSED, counts, ""


def _errors(notes: Iterable[Note]) -> Iterator[Case]:
    for note in notes:
        if note.severity is Severity.ERROR:
            yield Case("reconciler", note_place(note) or "run", Verdict.ERROR, note.message)


def _causes(report: Report) -> Iterator[Case]:
    """What speaks against the run and fails no case of a change, so that what is green here ended with 0."""
    advice = "\n".join(report_advice(report))
    for cause in report.causes:
        if cause not in _TOLD:
            verdict = Verdict.ERROR if cause in {"interrupted", "error", "locked", "refused"} else Verdict.FAILED
            yield Case("reconciler", cause.replace("_", " "), verdict, f"the run ended as {report.outcome}", advice)


def _result(result: Result) -> Case:
    change = result
    said = result_reason(result)
    return Case(
        f"{change.target}/{change.resource}",
        f"{steps_words(change.steps)} {change.task_id}",
        _VERDICTS[result.outcome],
        f"{result.outcome.value.replace('_', ' ')}: {said or OUTCOMES[result.outcome]}",
        f"before: {result.before}; now: {result.now or 'not read'}; policies: {', '.join(change.policies)}",
    )
