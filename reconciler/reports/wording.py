"""The words that every format shares: one vocabulary for actions, outcomes, guards and scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.planning.limits import Guard
from reconciler.planning.plan import Cause
from reconciler.planning.report import Outcome
from reconciler.reports.cells import counted
from reconciler.tasks.observation import AGES_UNKNOWN, Completeness
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.planning.change import Observed
    from reconciler.planning.limits import GuardCheck
    from reconciler.planning.plan import Plan, Summary
    from reconciler.planning.policy_plan import Note, PolicyPlan, ScopePlan
    from reconciler.planning.report import Report, Result
    from reconciler.tasks.observation import Scope

GRAVE = frozenset(set(Cause) - {Cause.NOT_ATTEMPTED, Cause.MISSED, Cause.EXCLUDED, Cause.BLOCKED, Cause.CHANGES})
"""Causes after which somebody should look at what became of a run."""

SYMBOLS: dict[tuple[Action, ...], str] = {
    (Action.CANCEL,): "-",
    (Action.DELETE,): "x",
    (Action.CANCEL, Action.DELETE): "-x",
}
KINDS: dict[tuple[Action, ...], str] = {
    (Action.CANCEL,): "cancel",
    (Action.DELETE,): "delete",
    (Action.CANCEL, Action.DELETE): "cancel then delete",
}
"""The kinds of change in a headline or a column. Each task is of one of them."""
MEANINGS: dict[tuple[Action, ...], str] = {
    (Action.CANCEL,): "the waiting task is canceled",
    (Action.DELETE,): "the record of the ended task is deleted for good",
    (Action.CANCEL, Action.DELETE): "the waiting task is canceled and its record deleted for good",
}
OUTCOMES: dict[Outcome, str] = {
    Outcome.FAILED: "refused for good",
    Outcome.UNKNOWN: "sent, and whether it took effect could not be found out",
    Outcome.NOT_ATTEMPTED: "no call was sent",
    Outcome.MISSED: "started or ended by itself first, or no policy asks for it any more",
    Outcome.DONE: "took effect, and reading the task back showed it",
    Outcome.SATISFIED: "already canceled or gone, without us",
}
"""What each outcome means, the ones that want attention first."""

BLOCKED = "no operation leads out of the state these tasks are in"
PROTECTED = "these tasks stay, whatever policies ask for"
INTOLERANT = "Blocked tasks count as failures (on_blocked: fail)"
LACKING = "lack a field that the policy asks for, and are left alone"
REFUSED = "a guard refuses the policies that ask for these, and nothing is done to them"
REPORTED = "only policies ask for these that are in report mode or outside their windows: nothing is done"
ALLOW_ALL = "To allow all of it, on plan and apply:"


def steps_words(steps: tuple[Action, ...]) -> str:
    """`cancel`, `delete`, or `cancel, then delete`."""
    return ", then ".join(step.value for step in steps)


def value_text(value: str | int | tuple[str, ...]) -> str:
    """A field's value on one line."""
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def status_text(observed: Observed) -> str:
    """`pending (QUEUEING)`: our status, and the vendor's where it is another word."""
    status = value_text(observed.get("status", "unknown"))
    vendor = value_text(observed.get("provider_status", ""))
    return f"{status} ({vendor})" if vendor and vendor.lower() != status else status


def object_fields(plan: Plan) -> dict[Scope, tuple[str, ...]]:
    """The fields that say what the tasks of each scope work on."""
    return {scope.key: scope.object_fields for scope in plan.scopes}


def object_text(observed: Observed, names: Sequence[str]) -> str:
    """What a task works on by the fields of these names, such as `uploads/a.mp4`; empty where that is not known."""
    return "/".join(value_text(observed[name]) for name in names if name in observed)


def scope_name(scope: ScopePlan) -> str:
    return f"{scope.resource} on {scope.target}"


def open_scopes(plan: Plan) -> tuple[ScopePlan, ...]:
    """The scopes that were not observed whole."""
    return tuple(scope for scope in plan.scopes if not scope.complete)


def unseen(plan: Plan) -> bool:
    """Whether tasks may be missing; else a plan that is not complete lacks but their ages."""
    return any(scope.completeness is not Completeness.COMPLETE for scope in plan.scopes)


def half_truth(plan: Plan) -> str:
    """Why a plan that is not complete is not the whole truth."""
    what = "some scope was not observed whole" if unseen(plan) else "a clock is off, so that some ages are not known"
    return f"This plan is not the whole truth: {what}"


def scope_error(scope: ScopePlan) -> tuple[str, str]:
    """What happened to a scope that was not observed whole, and what that means for the plan."""
    cause = str(scope.error) if scope.error else "no reason was given"
    if scope.completeness is Completeness.FAILED:
        return (
            f"scope {scope_name(scope)} could not be listed: {cause}",
            "Nothing will be changed there, and nothing is known about its tasks.",
        )
    if scope.completeness is Completeness.COMPLETE:
        return (
            f"scope {scope_name(scope)}: {cause}",
            "No age of its tasks is known: what policies ask by age is left alone, and what is protected by age stays.",
        )
    return (
        f"scope {scope_name(scope)} was not seen whole: {cause}",
        "The tasks seen there are real, but others may exist; policies with `at_most` do not act there.",
    )


def unplaced_notes(plan: Plan) -> tuple[Note, ...]:
    """The notes, without those that only repeat the error of a scope; errors first."""
    told: dict[tuple[str | None, str | None], str] = {
        scope.key: str(scope.error) for scope in open_scopes(plan) if scope.error is not None
    }

    def repeats_scope(note: Note) -> bool:
        error = told.get((note.target, note.resource))
        return note.policy is None and error is not None and error in note.message

    rest = [note for note in plan.diagnostics if not repeats_scope(note)]
    return tuple(sorted(rest, key=lambda note: note.severity is not Severity.ERROR))


def note_place(note: Note) -> str:
    """`policy p, target t`, or the empty string."""
    named = (("policy", note.policy), ("target", note.target), ("resource", note.resource))
    return ", ".join(f"{kind} {name}" for kind, name in named if name)


def guard_breach(policy: PolicyPlan | None, verdict: GuardCheck) -> str:
    """Why a guard refuses, with its numbers. No policy: it is one of all policies together."""
    who = "all policies together" if policy is None else f"policy {policy.name}"
    limit = f"{verdict.guard.value} {verdict.limit}{' of run_limits' if policy is None else ''}"
    if verdict.guard is Guard.MAX_ACTIONS:
        return f"{who}: {counted(verdict.changes, 'change')}, more than {limit}"
    place = " / ".join(name for name in (verdict.target or "its target", verdict.resource) if name)
    return (
        f"{who} on {place}: {verdict.changes} of {counted(verdict.basis, 'listed task')} would change "
        f"({verdict.share}%), more than {limit}"
    )


def guard_remedy(policy: PolicyPlan | None, verdict: GuardCheck, together: Mapping[Guard, int]) -> tuple[str, str, str]:
    """The flag that lets a plan pass, the limit that does the same for good, and where that is written.

    `together` is what all policies together need besides.
    """
    number = f"{{{verdict.guard.value}: {verdict.needed}}}"
    if policy is None:
        return verdict.flag(None), f"run_limits: {number}", "in the settings"
    flag, limit, place = verdict.flag(policy.name), f"limits: {number}", "in the policy"
    if verdict.guard not in together:
        return flag, limit, place
    more = together[verdict.guard]
    besides = f"with run_limits: {{{verdict.guard.value}: {more}}} in the settings"
    return f"{flag} {verdict.guard.flag} {more}", limit, f"{place}, {besides}"


def policy_counts(policy: PolicyPlan) -> str:
    """`5 matched, 2 to change, 0 blocked, 0 protected, 3 kept, 0 unknown`: what one policy found, in tasks."""
    return (
        f"{policy.matched} matched, {policy.changes} to change, {policy.blocked} blocked, "
        f"{policy.protected} protected, {policy.kept} kept, {policy.unknown} unknown{_held_back(policy)}"
    )


def _held_back(counts: PolicyPlan | Summary) -> str:
    """What does not go ahead though nothing in the way of the tasks is, where there are such."""
    return "".join(f", {count} {name}" for name in _RARE if (count := getattr(counts, name, 0)))


_RARE = ("spared", "refused", "deferred", "reported")


def rare_counts(plan: Plan) -> tuple[str, ...]:
    """The counts of policies that are told where some policy has such tasks."""
    return tuple(name for name in _RARE if any(getattr(policy, name) for policy in plan.policies))


def estimate_words(plan: Plan) -> str:
    """`3900 requests, about 39 min at 100/min`, that applying it takes; empty where it makes none."""
    found = plan.estimate
    if not found.total:
        return ""
    pace = f", about {_span(found.seconds)} at {found.per_minute}/min" if found.seconds else ""
    return f"{found.total} {'request' if found.total == 1 else 'requests'}{pace}"


def _span(seconds: int) -> str:
    if seconds < 100:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def restraints(plan: Plan) -> tuple[str, ...]:
    """The policies that only report, each with why."""
    return tuple(f"{policy.name} is {policy.restraint}" for policy in plan.policies if policy.restraint)


def blocked_failure(policy: PolicyPlan) -> str | None:
    """Why the blocked tasks of a policy are failures; None where there are none, or it only reports them."""
    if not policy.blocked_fails:
        return None
    return f"policy {policy.name}: {_as_failures(policy.blocked)} (on_blocked: fail)"


def _as_failures(blocked: int) -> str:
    return "1 blocked task counts as a failure" if blocked == 1 else f"{blocked} blocked tasks count as failures"


def plan_counts(plan: Plan) -> str:
    """`13 changes: 8 cancel, 4 delete, 1 cancel then delete; 2 blocked, 0 protected`, each task counted once.

    Kinds of change that there are none of are left out, and so are the counts from kept on. Frozen.
    """
    summary = plan.summary
    counts = [f"{summary.blocked} blocked", f"{summary.protected} protected"]
    counts += [f"{summary.kept} kept"] if summary.kept else []
    counts += [f"{summary.unknown} unknown"] if summary.unknown else []
    excluded = f", {plan.excluded} left out" if plan.excluded else ""
    return f"{changes_counted(summary)}; {', '.join(counts)}{_held_back(summary)}{excluded}"


def changes_counted(summary: Summary) -> str:
    """`13 changes: 8 cancel, 4 delete, 1 cancel then delete`: the kinds add up to the changes."""
    counts = (summary.cancel, summary.delete, summary.cancel_then_delete)
    words = ", ".join(f"{count} {kind}" for count, kind in zip(counts, KINDS.values(), strict=True) if count)
    return f"{counted(summary.changes, 'change')}{f': {words}' if words else ''}"


def plan_sentence(plan: Plan) -> str | None:
    """What to conclude from a plan without changes; None where there are some. Never more than was seen."""
    if plan.changes:
        return None
    scopes = counted(len(plan.scopes), "scope")
    if not plan.complete:
        what = f"{len(open_scopes(plan))} of {scopes}"
        why = f"{what} could not be observed whole" if unseen(plan) else f"a clock is off on {what}"
        return f"No changes, but {why}: whether the policies hold is not known."
    if any(note.severity is Severity.ERROR for note in plan.diagnostics):
        return "No changes, but there are errors: whether the policies hold is not known."
    if not plan.scopes:
        return "No changes: no scope was listed, so nothing was checked."
    if plan.excluded:
        return f"No changes of the tasks that were named; {plan.excluded} of others."
    if plan.refused:
        return f"No changes: guards refuse all {len(plan.refused)} that the policies ask for."
    if plan.deferred:
        return f"No changes: the limits of policies that defer leave {counted(plan.deferred, 'task')} to later runs."
    if plan.reported:
        return f"No changes: policies that only report would ask for {counted(len(plan.reported), 'change')}."
    if plan.blocked or plan.protected:
        return f"No changes: every surplus task on the {scopes} listed is blocked or protected."
    if unknown := plan.summary.unknown:
        if any(policy.spared for policy in plan.policies):
            of_some = f"of {counted(unknown, 'task')} on the {scopes} listed"
            return f"No changes: {of_some} it is not known whether {'it' if unknown == 1 else 'they'} may go."
        return f"No changes: no task on the {scopes} listed is surplus, but some could not be judged."
    active = "every policy" if not any(policy.suspended for policy in plan.policies) else "every active policy"
    return f"No changes: {active} holds on the {scopes} listed."


def report_counts(report: Report) -> str:
    """`5 done, 1 satisfied, 0 missed, 0 failed, 0 unknown, 0 not attempted`. Frozen."""
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in report.summary.items())


def result_reason(result: Result) -> str:
    """Why a change ended as it did: the detail, then what the cloud answered."""
    request = f" (request {result.error.request_id})" if result.error and result.error.request_id else ""
    error = f"{result.error!s}{request}" if result.error else ""
    return "; ".join(part for part in (result.detail, error) if part)


def _mending(report: Report) -> Iterator[str]:
    """What to mend where a run ended in error, by cause; the errors themselves stand beside it."""
    errors = [note for note in report.diagnostics if note.severity is Severity.ERROR]
    off = [note for note in errors if note.message.endswith(AGES_UNKNOWN)]
    unplaced = [note for note in errors if not note.target]
    if len(off) + len(unplaced) < len(errors) or not errors:
        yield "Some scope could not be observed whole; its tasks were left alone. Mend that, then run again."
    if off:
        yield f"A clock is off: {AGES_UNKNOWN}. Set it right, then run again."
    if unplaced:
        yield "An error kept the run from going on as planned. Mend it, then run again."


def report_advice(report: Report) -> tuple[str, ...]:
    """What to do next, most urgent first; nothing where all is well."""
    counts = report.summary
    advice = []
    if report.refused:
        advice.append("A guard refused some changes: no call was sent for these. The plan names the number to pass.")
    if report.errored:
        advice += _mending(report)
    if counts["failed"]:
        advice.append("Failed changes were refused for good: the same call would be refused again. See each reason.")
    if counts["unknown"]:
        advice.append("Unknown changes were sent, but no verdict came. The next run reads the tasks again first.")
    if "blocked" in report.causes:
        advice.append(f"{_as_failures(report.blocked)}; the plan names them. They are looked at again by the next run.")
    if counts["missed"]:
        advice.append("Nothing was done to what was missed; the next plan shows what the policies make of them now.")
    left = [result for result in report.results if result.outcome in {Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED}]
    if not report.refused and left:
        advice.append("Running the same command again finishes the work.")
    return tuple(advice)
