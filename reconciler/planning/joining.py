"""Joining the parts of a plan, or the reports of several processes, to one. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

from reconciler.config.model import Mode, OnExcess
from reconciler.exceptions import InvalidPlan
from reconciler.planning.canonical import sha256
from reconciler.planning.change import Change, Observed, Skipped
from reconciler.planning.estimate import Estimate
from reconciler.planning.guards import Guards
from reconciler.planning.notes import Conclusions
from reconciler.planning.part import Claim, Claimed, Part, Shard
from reconciler.planning.policy_plan import Note, PolicyPlan, ScopePlan
from reconciler.planning.ruling import Asked, ruled
from reconciler.tasks.observation import Scope
from reconciler.tasks.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from reconciler.planning.limits import GuardCheck
    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report
    from reconciler.tasks.task import TaskKey


def part_of(
    shard: Shard,
    plan: Plan,
    asked: Iterable[Asked],
    seen: Callable[[Asked], Observed],
    notes: Sequence[Note],
    conclusions: Conclusions,
) -> Part:
    """What a plan of some accounts takes to be joined with the others."""
    told = {entry.key for entry in (*plan.changes, *plan.refused)}
    claimed = (
        Claimed(*one.key, seen(one), tuple(Claim(name, one.reasons[name], steps) for name, steps in one.steps.items()))
        for one in asked
        if len(one.steps) > 1 or one.key not in told
    )
    return Part(shard, tuple(claimed), tuple(notes), conclusions)


def joined_plan(parts: Sequence[Plan]) -> Plan:
    """The plan that parts are of, as one process would have made it. Raises InvalidPlan where they are not the parts of
    one, or not all of them."""
    found = [plan.part for plan in parts]
    held = [part for part in found if part is not None]
    if len(held) < len(found):
        raise InvalidPlan(
            "a whole plan is among the parts of another", "give the files that `plan --shard` has saved, and no others"
        )
    _check_whole([part.shard for part in held])
    parts = sorted(parts, key=lambda plan: plan.part.shard.index if plan.part else 0)
    first = parts[0]
    for what, values in (
        ("configurations", {plan.configuration.digest for plan in parts}),
        ("limits on the command line", {plan.overrides.given for plan in parts}),
        ("versions of reconciler", {plan.tool_version for plan in parts}),
    ):
        if len(values) > 1:
            raise InvalidPlan(f"the parts were made with different {what}", "make all of them again, alike")
    seen = Counter(scope.key for plan in parts for scope in plan.scopes)
    if twice := sorted(scope for scope, times in seen.items() if times > 1):
        raise InvalidPlan(f"two parts have listed {twice[0].resource} on {twice[0].target}", "make all parts again")
    conclusions = Conclusions.joined([part.conclusions for part in held])
    policies = _policies(parts)
    notes = dict.fromkeys(chain.from_iterable(part.notes for part in held))
    of_scopes = [note for note in notes if note.target is not None]
    draft = replace(
        first,
        created_at=min(plan.created_at for plan in parts),
        expires_at=min(plan.expires_at for plan in parts),
        scopes=_by_scope(plan.scopes for plan in parts),
        policies=policies,
        blocked=_by_scope(plan.blocked for plan in parts),
        protected=_by_scope(plan.protected for plan in parts),
        reported=_by_scope(plan.reported for plan in parts),
        excluded=sum(plan.excluded for plan in parts),
        part=None,
        diagnostics=(
            *(note for note in notes if note.target is None),
            *sorted(of_scopes, key=lambda note: (note.target or "", note.resource or "")),
            *conclusions.notes(),
        ),
    )
    limits = Guards(
        {policy.name: policy.guards for policy in policies if policy.guards},
        _together([plan.run_guards for plan in parts]),
        frozenset(policy.name for policy in policies if policy.guards and policy.on_excess is OnExcess.REFUSE),
    )
    asked = {one.key: (one, observed) for plan in parts for one, observed in _asked(plan)}
    estimates = [plan.estimate for plan in parts]

    def takes(changes: Collection[Change]) -> Estimate:
        """As each part has it: they are worked on side by side. Too much, where all together may do less."""
        requests = sum((Counter(one.requests) for one in estimates), Counter[str]())
        slowest = max(estimates, key=lambda one: one.seconds)
        return Estimate(dict(sorted(requests.items())), slowest.seconds, slowest.per_minute) if changes else Estimate()

    plan, _ = ruled(
        draft,
        [one for one, _ in asked.values()],
        limits,
        first.overrides,
        lambda one: asked[one.key][1],
        takes,
    )
    return plan


def joined_report(reports: Sequence[Report]) -> Report:
    """The report of what several processes did, each on other accounts. Raises InvalidPlan as `joined_plan` does."""
    shards = [report.shard for report in reports]
    held = [shard for shard in shards if shard is not None]
    if len(held) < len(shards):
        raise InvalidPlan("a whole report is among those of shards", "give the reports of one run of all shards")
    _check_whole(held)
    reports = sorted(reports, key=lambda report: report.shard.index if report.shard else 0)
    digests = list(dict.fromkeys(report.plan_digest for report in reports))
    first = min(report.started_at for report in reports)
    results = chain.from_iterable(report.results for report in reports)
    return replace(
        reports[0],
        run_id=",".join(report.run_id for report in reports),
        plan_digest=digests[0] if len(digests) == 1 else sha256({"plans": digests}),
        started_at=first,
        finished_at=max(report.finished_at for report in reports),
        results=tuple(sorted(results, key=lambda result: (result.target, result.resource))),
        targets=tuple(sorted({name for report in reports for name in report.targets})),
        blocked=sum(report.blocked for report in reports),
        excluded=sum(report.excluded for report in reports),
        errored=any(report.errored for report in reports),
        refused=any(report.refused for report in reports),
        locked=tuple(sorted({name for report in reports for name in report.locked})),
        blocked_fails=any(report.blocked_fails for report in reports),
        fail_on=tuple(dict.fromkeys(chain.from_iterable(report.fail_on for report in reports))),
        interrupted=max((report.interrupted for report in reports if report.interrupted), default=None),
        diagnostics=tuple(dict.fromkeys(chain.from_iterable(report.diagnostics for report in reports))),
        shard=None,
    )


def _check_whole(shards: Sequence[Shard]) -> None:
    """Raise InvalidPlan unless these are all parts of one thing, each once."""
    first = shards[0]
    if other := next(
        (shard for shard in shards if (shard.partition, shard.total) != (first.partition, first.total)), None
    ):
        raise InvalidPlan(
            f"{first} of {first.partition} and {other} of {other.partition} are parts of different things",
            "make all parts from one checkout, with the same flags",
        )
    counts = Counter(shard.index for shard in shards)
    if twice := sorted(index for index, times in counts.items() if times > 1):
        raise InvalidPlan(f"part {twice[0]}/{first.total} is given twice", "give each part once")
    if len(counts) < first.total:
        missing = islice((index for index in range(first.total) if index not in counts), _NAMED)
        told = ", ".join(f"{index}/{first.total}" for index in missing)
        more = first.total - len(counts) - _NAMED
        raise InvalidPlan(
            f"a part is missing: {told}" + (f", and {more} more" if more > 0 else ""), "give the files of all parts"
        )


_NAMED = 5
"""Parts that are named of many that are missing."""

_Placed = TypeVar("_Placed", ScopePlan, Skipped, Change)


def _by_scope(lists: Iterable[Iterable[_Placed]]) -> tuple[_Placed, ...]:
    """All in one, by target and resource type. Those of one scope are of one part, and in their order."""
    return tuple(sorted(chain.from_iterable(lists), key=lambda one: (one.target, one.resource)))


def _policies(parts: Sequence[Plan]) -> tuple[PolicyPlan, ...]:
    found: defaultdict[str, list[PolicyPlan]] = defaultdict(list)
    for policy in chain.from_iterable(plan.policies for plan in parts):
        found[policy.name].append(policy)
    return tuple(_policy(plans) for _, plans in sorted(found.items()))


_COUNTS = ("matched", "surplus", "kept", "blocked", "protected", "unknown", "spared", "reported")


def _policy(plans: Sequence[PolicyPlan]) -> PolicyPlan:
    """What a policy found, from what it found in each part that it looks at."""
    counts = {name: sum(getattr(plan, name) for plan in plans) for name in _COUNTS}
    enforced = any(plan.mode is Mode.ENFORCE for plan in plans)
    return replace(
        plans[0],
        **counts,
        resources=tuple(sorted({name for plan in plans for name in plan.resources})),
        targets=tuple(sorted({name for plan in plans for name in plan.targets})),
        lacking=dict(sum((Counter(plan.lacking) for plan in plans), Counter[str]())),
        guards=_together([plan.guards for plan in plans if plan.guards]),
        mode=Mode.ENFORCE if enforced else Mode.REPORT,
        opens_at=None if enforced else min((plan.opens_at for plan in plans if plan.opens_at), default=None),
    )


def _together(lists: Sequence[tuple[GuardCheck, ...]]) -> tuple[GuardCheck, ...]:
    """The limits of all parts: that of the run, which is the largest that one has, and those of their scopes."""
    if not lists:
        return ()
    firsts = [checks[0] for checks in lists if checks and checks[0].scope is None]
    if len(firsts) < len(lists):
        raise InvalidPlan("a part has no limit for all of it", _ALTERED)
    limit, own = max(check.limit for check in firsts), max(check.limit_of_its_own for check in firsts)
    run = replace(firsts[0], limit=limit, own=None if own == limit else own, basis=sum(check.basis for check in firsts))
    scopes = sorted(
        chain.from_iterable(checks[1:] for checks in lists),
        key=lambda check: (check.target or "", check.resource or ""),
    )
    return (run, *scopes)


def _asked(plan: Plan) -> Iterator[tuple[Asked, Observed]]:
    """All that is asked for in a part, whatever its own guards said of it. Raises InvalidPlan for what no part says."""
    part = plan.part
    assert part is not None  # noqa: S101 - told to mypy
    limited = {policy.name: {check.scope for check in policy.guards} for policy in plan.policies}
    of_run = {check.scope for check in plan.run_guards}
    listed = {scope.key for scope in plan.scopes}
    claimed = {one.key for one in part.claimed}
    seen: set[TaskKey] = set()
    told: list[tuple[Claimed | Change, tuple[Claim, ...]]] = [(one, one.claims) for one in part.claimed]
    told += [
        (one, tuple(Claim(name, one.reason, one.steps) for name in one.policies))
        for one in (*plan.changes, *plan.refused)
        if one.key not in claimed
    ]
    for one, claims in told:
        asked = Asked(one.key, _created(one.observed))
        scope = Scope(one.target, one.resource)
        what = f"part {part.shard} asks for the task {one.task_id} of {one.target}"
        if one.key in seen:
            raise InvalidPlan(f"{what} twice", _ALTERED)
        if scope not in listed:
            raise InvalidPlan(f"{what}, which it did not list", _ALTERED)
        seen.add(one.key)
        for claim in claims:
            asked.add(claim.policy, claim.reason, claim.steps)
            if not {None, scope} <= limited.get(claim.policy, set()) or scope not in of_run:
                raise InvalidPlan(f"{what}, which no limit of its covers", _ALTERED)
        yield asked, one.observed


_ALTERED = "the file was torn or altered; make the part again"


def _created(observed: Observed) -> int | None:
    """When a task was created, by what is shown of it."""
    try:
        return parse_timestamp(str(observed["created_at"]))
    except (KeyError, ValueError):
        return None
