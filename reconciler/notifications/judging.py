"""What there is to tell of a run, held against what a receiver knows. Pure.

A problem is known again by its subject, never by its words, which differ from run to run. One that was told is over
once a run that would have seen it does not: what a run did not look at stays as it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import astuple, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.backends.notices import Matter, Subject, Told
from reconciler.config.model import Event
from reconciler.diagnostics import Severity
from reconciler.engine.apply_run import breach_note
from reconciler.exceptions import (
    BackendError,
    ExitCode,
    InvalidConfiguration,
    LockedError,
    ReconcilerError,
    RefusedError,
    bug,
    innermost,
)
from reconciler.planning.canonical import sha256
from reconciler.planning.report import FailOn, Outcome
from reconciler.reports.cells import counted
from reconciler.reports.diagnostics import outcome_of
from reconciler.tasks.observation import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.config.model import Policy
    from reconciler.planning.change import Change
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import PolicyPlan
    from reconciler.planning.report import Report, Result

WorkKey = tuple[str, str, str, tuple[str, ...]]
"""Target, resource type, policy and steps of changes that are counted together."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that ended: what it planned and what became of it, or why it made no report.

    `report` is None where no calls were due, as in a run that is `plan_only`. `outdated` says why the configuration is
    not the one that stands in the files. `saved`: the plan was made by an earlier run. What became of it is told
    whatever was told before, and nothing is concluded from it: what it did not look at may be as it was.
    """

    command: str
    plan: Plan | None = None
    report: Report | None = None
    error: Exception | None = None
    outdated: str = ""
    plan_only: bool = False
    saved: bool = False

    @property
    def outcome(self) -> str:
        """In one word, as the documents have it."""
        item = self.report or self.plan
        if self.error is None and item is not None:
            return item.outcome.value
        cause = innermost(self.error) if isinstance(self.error, ExceptionGroup) else self.error
        return outcome_of(cause.exit_code if isinstance(cause, ReconcilerError) else ExitCode.ERROR)

    @property
    def targets(self) -> tuple[str, ...]:
        item = self.report or self.plan
        return item.targets if item else ()


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be said of a run, whoever is told. `made`: the changes in `work` took effect."""

    problems: Mapping[Subject, str]
    """What is wrong, with a sentence."""
    work: Mapping[WorkKey, int] = field(default_factory=lambda: MappingProxyType({}))
    work_of: Mapping[Subject, str] = field(default_factory=lambda: MappingProxyType({}))
    """By target, a hash of the changes there."""
    made: bool = False


def found(run: Run, policies: Mapping[str, Policy]) -> Found:
    """All that there is to say. `policies` are those of the configuration."""
    plan, report = run.plan, run.report
    problems: dict[Subject, str] = {}
    if run.outdated:
        problems[Subject(Event.FAILED, Matter.CONFIGURATION)] = run.outdated
    if run.error is not None:
        problems |= dict([_of_error(run.error)])
    if plan is not None and not run.saved:
        problems |= dict(_of_plan(plan, policies))
    if report is not None:
        problems |= dict(_of_report(report, plan, saved=run.saved))
    changes: Sequence[Change] = plan.changes if plan is not None and run.plan_only else ()
    if report is not None:
        changes = [result for result in report.results if result.outcome is Outcome.DONE]
    return Found(problems, _counted(changes), _by_target(changes), report is not None)


def _of_error(error: Exception) -> tuple[Subject, str]:
    cause = innermost(error) if isinstance(error, ExceptionGroup) else error
    match cause:
        case InvalidConfiguration():
            return Subject(Event.FAILED, Matter.CONFIGURATION), cause.first
        case LockedError():
            return Subject(Event.FAILED, Matter.LOCK), cause.message
        case BackendError():
            return Subject(Event.FAILED, Matter.DATABASE), cause.message
        case RefusedError():
            return Subject(Event.REFUSED, Matter.APPROVAL), cause.message
        case ReconcilerError():
            return Subject(Event.FAILED, Matter.RUN), cause.message
    return Subject(Event.FAILED, Matter.RUN), f"internal error: {bug(error)}"


def _of_plan(plan: Plan, policies: Mapping[str, Policy]) -> Iterator[tuple[Subject, str]]:
    for scope in plan.scopes:
        if not scope.complete:
            why = str(scope.error) if scope.error else "it was not listed"
            subject = Subject(Event.FAILED, Matter.LISTING, scope.target, scope.resource)
            yield subject, f"could not be observed whole: {why}"
    for policy, check in plan.breaches:
        place = (check.target or "", check.resource or "", policy.name if policy else "")
        extent = "" if policy and check.target else _extent(policy.targets, [policy.name]) if policy else _whole(plan)
        yield Subject(Event.REFUSED, Matter.GUARD, *place, extent), breach_note(policy, check).message
    for policy in plan.policies:
        extent = _extent(policy.targets, [policy.name])
        if policy.blocked_fails:
            told = f"{counted(policy.blocked, 'task')} blocked, which it does not tolerate"
            yield Subject(Event.FAILED, Matter.BLOCKED, policy=policy.name, extent=extent), told
        limit = policies[policy.name].notify_above if policy.name in policies else None
        if limit is not None and policy.matched > limit:
            told = f"{counted(policy.matched, 'task')} match, more than notify_above {limit}"
            yield Subject(Event.ABOVE, Matter.MATCHES, policy=policy.name, extent=extent), told


def _of_report(report: Report, plan: Plan | None, *, saved: bool) -> Iterator[tuple[Subject, str]]:
    for target in report.locked:
        told = next((note.message for note in report.diagnostics if note.target == target), "another apply holds it")
        yield Subject(Event.FAILED, Matter.LOCK, target), told
    yield from _of_results(report)
    if FailOn.BLOCKED in report.fail_on and report.blocked:
        yield Subject(Event.FAILED, Matter.BLOCKED), f"{counted(report.blocked, 'task')} blocked"
    if FailOn.EXCLUDED in report.fail_on and report.excluded:
        yield Subject(Event.FAILED, Matter.RUN), f"{counted(report.excluded, 'change')} left out"
    known = plan is not None and not saved
    if report.errored and not (known and plan and plan.errored):
        yield Subject(Event.FAILED, Matter.RUN), _last_error(report, "something could not be observed")
    if report.refused and not (known and plan and plan.breached):
        yield Subject(Event.REFUSED, Matter.GUARD), _last_error(report, "a guard refused changes")


def _of_results(report: Report) -> Iterator[tuple[Subject, str]]:
    """Changes that were not made, by target, resource type and policy."""
    bad = {Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED}
    if FailOn.MISSED in report.fail_on:
        bad.add(Outcome.MISSED)
    groups: dict[Subject, list[Result]] = defaultdict(list)
    for result in report.results:
        left_alone = result.outcome is Outcome.NOT_ATTEMPTED and (
            report.interrupted is not None or result.target in report.locked
        )
        if result.outcome in bad and not left_alone:
            place = (result.target, result.resource, result.policies[0] if result.policies else "")
            groups[Subject(Event.FAILED, Matter.CHANGE, *place)].append(result)
    for subject, results in groups.items():
        counts = Counter(result.outcome for result in results)
        outcomes = [f"{counts[outcome]} {outcome.value.replace('_', ' ')}" for outcome in Outcome if counts[outcome]]
        why = next((str(result.error or result.detail) for result in results if result.error or result.detail), "")
        yield subject, f"changes: {', '.join(outcomes)}" + (f" ({why})" if why else "")


def _last_error(report: Report, otherwise: str) -> str:
    errors = [
        note for note in report.diagnostics if note.severity is Severity.ERROR and note.target not in report.locked
    ]
    return errors[-1].message if errors else otherwise


def _counted(changes: Iterable[Change]) -> dict[WorkKey, int]:
    return dict(
        Counter(
            (change.target, change.resource, change.policies[0] if change.policies else "", change.steps)
            for change in changes
        )
    )


def _by_target(changes: Iterable[Change]) -> dict[Subject, str]:
    by_target: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for change in changes:
        by_target[change.target].append((change.resource, change.task_id, change.steps))
    return {
        Subject(Event.CHANGES, Matter.WORK, target): sha256({"changes": sorted(those)})
        for target, those in by_target.items()
    }


def _extent(targets: Iterable[str], policies: Iterable[str]) -> str:
    return sha256({"targets": sorted(targets), "policies": sorted(policies)})


def _whole(plan: Plan) -> str:
    return _extent(plan.targets, [policy.name for policy in plan.policies])


@dataclass(frozen=True, slots=True)
class News:
    """What one receiver is told: nothing where there are no `events`.

    `told` is what it knows afterwards of what is there, `over` what it need not know any more.
    """

    events: tuple[Event, ...]
    problems: tuple[tuple[Subject, str, bool], ...]
    """Each with its sentence, and whether it is new; these first."""
    recovered: Mapping[Subject, Told]
    work: bool
    told: Mapping[Subject, Told]
    over: Collection[Subject]
    key: str
    """A hash of what is new and what is over: of a run that has the same to tell, since it could not be, the same."""


def news(run: Run, what: Found, known: Mapping[Subject, Told], on: Collection[Event], now: int) -> News:
    """What a receiver that wants to hear of `on` is told of a run, and what it knows by then. `now` in ms."""
    problems = {subject: told for subject, told in what.problems.items() if subject.event in on}
    new = {subject for subject in problems if run.saved or subject not in known}
    work = {subject: digest for subject, digest in what.work_of.items() if subject.event in on}
    fresh = {one for one, digest in work.items() if run.saved or one not in known or known[one].digest != digest}
    would_show = _sight(run)
    gone = [one for one in known if one not in what.problems and one not in what.work_of and would_show(one)]
    recovered = {one: known[one] for one in gone if one.event is not Event.CHANGES}
    told = {one: known.get(one) or Told("", now) for one in problems} | {
        one: Told(digest, now if one in fresh else known[one].told_at) for one, digest in work.items()
    }
    events = {subject.event for subject in (*new, *fresh)}
    if recovered and Event.RECOVERED in on:
        events.add(Event.RECOVERED)
    return News(
        events=tuple(event for event in Event if event in events),
        problems=tuple(
            (one, told, one in new)
            for one, told in sorted(problems.items(), key=lambda pair: (pair[0] not in new, pair))
        ),
        recovered=recovered if Event.RECOVERED in on else {},
        work=bool(fresh),
        told={} if run.saved else told,
        over=() if run.saved else gone,
        key=sha256(
            {
                "new": sorted([*map(str, astuple(one))] for one in new),
                "work": sorted([*map(str, astuple(one)), work[one]] for one in fresh),
                "over": sorted([*map(str, astuple(one)), was.told_at] for one, was in recovered.items()),
                # What a run has done, no other one has to tell.
                "run": run.report.run_id if run.report and (fresh or run.saved) else "",
            }
        ),
    )


def _sight(run: Run) -> Callable[[Subject], bool]:
    """Says of a problem whether, if it were still there, it were among those of this run."""
    plan, report = run.plan, run.report
    if plan is None or run.error is not None or run.saved or (report is not None and report.interrupted is not None):
        return lambda _: False
    listed, targets = {scope.key for scope in plan.scopes}, {*plan.targets}
    unseen = {scope.target for scope in plan.scopes if not scope.complete}
    unseen |= {*report.locked} if report is not None else set()

    def would_show(subject: Subject) -> bool:
        if subject.matter in {Matter.CONFIGURATION, Matter.RUN, Matter.APPROVAL}:
            return True
        if subject.matter in {Matter.DATABASE, Matter.LOCK}:  # a run that only plans takes no lock
            return not run.plan_only and (not subject.target or subject.target in targets)
        if subject.matter is Matter.LISTING:
            return Scope(subject.target, subject.resource) in listed
        if plan.excluded or (report is not None and report.excluded):
            return False
        policies = [policy for policy in plan.policies if subject.policy in {"", policy.name}]
        if not policies or not all(_shows(policy, subject.matter) for policy in policies):
            return False
        if subject.target:
            planned = subject.matter is Matter.CHANGE and report is None and bool(plan.changes)
            return subject.target in targets and subject.target not in unseen and not planned
        if subject.policy:
            of_policy = policies[0].targets
            return unseen.isdisjoint(of_policy) and subject.extent == _extent(of_policy, [subject.policy])
        return not unseen and subject.extent in {"", _whole(plan)}

    return would_show


def _shows(policy: PolicyPlan, matter: Matter) -> bool:
    """Whether a policy was in a position to have such a problem: outside its window, say, no guard refuses it."""
    if matter is Matter.MATCHES or matter is Matter.WORK:
        return not policy.suspended
    if matter is Matter.CHANGE and (policy.refused or policy.deferred):
        return False
    return policy.acts
