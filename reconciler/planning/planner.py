"""The planner: what must change so that every policy holds. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.config.model import AtMost, Mode
from reconciler.diagnostics import Severity
from reconciler.planning.change import EVERY_TASK, Chosen, Skipped
from reconciler.planning.estimate import estimate
from reconciler.planning.guards import guards
from reconciler.planning.joining import part_of
from reconciler.planning.judgement import Judgement, Judgements, statuses_wanted
from reconciler.planning.limits import Overrides
from reconciler.planning.notes import Conclusions, Gap, Unfound, gaps_of, looked_at, undecided_told, unfound_told
from reconciler.planning.plan import Plan, Sources
from reconciler.planning.policy_plan import Note, PolicyPlan, ScopePlan, Source
from reconciler.planning.quota import split
from reconciler.planning.reasons import LONGEST, blocked_reason, change_reason, observed, protected_reason, shown_fields
from reconciler.planning.ruling import Asked, in_order, ruled
from reconciler.redaction import bounded
from reconciler.selectors.compile import seen_by
from reconciler.selectors.syntax import Everything, Truth
from reconciler.selectors.trace import gaps, named_ids
from reconciler.tasks.observation import AGES_UNKNOWN, Completeness, Observation, Scope, clock_fault, clocks_off
from reconciler.tasks.task import Status, id_order
from reconciler.tasks.timestamps import LATEST, Timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.config.model import Configuration, Policy
    from reconciler.planning.change import Observed
    from reconciler.planning.guards import Portion
    from reconciler.planning.part import Shard
    from reconciler.planning.quota import Surplus
    from reconciler.planning.sieve import Sieve
    from reconciler.tasks.resource_type import Catalogue
    from reconciler.tasks.task import Field, Task, TaskKey


@dataclass(slots=True)
class _Tally:
    """What one policy found so far, over its scopes, as in `PolicyPlan`."""

    matched: int = 0
    surplus: int = 0
    kept: int = 0
    blocked: int = 0
    protected: int = 0
    unknown: int = 0
    spared: int = 0
    reported: int = 0
    lacking: dict[str, int] = field(default_factory=dict)
    """For want of which fields it is not known whether tasks match."""
    staying: dict[str, int] = field(default_factory=dict)
    """For want of which fields it is not known whether surplus tasks may go."""


def written_notes(configuration: Configuration) -> Iterator[Note]:
    """What a reader should know of what is written."""
    for found in configuration.warnings:
        yield Note(Severity.WARNING, f"{found.location}: {found.message}")


class Planner:
    """Plans one run. Use once: `Planner(configuration, catalogue, now).plan(observations, ...)`, or, where only some of
    the tasks are meant, `draft` and then `guarded`.

    `now` is seconds since the epoch (UTC), the clock of all ages. What is asked for of tasks that are not `chosen` is
    only counted. `shard`: the plan is a part of one, and holds what joining it with the others takes. `portion`: nobody
    will join it with others, and so much of the limits is its own.
    """

    def __init__(
        self,
        configuration: Configuration,
        catalogue: Catalogue,
        now: int,
        chosen: Chosen = EVERY_TASK,
        shard: Shard | None = None,
        portion: Portion | None = None,
    ) -> None:
        self._chosen = chosen
        self._shard = shard
        self._portion = portion
        self._excluded: set[TaskKey] = set()
        self._configuration = configuration
        self._catalogue = catalogue
        self._now = now
        self._off: Mapping[str, int] = {}
        self._judgements = Judgements(configuration, catalogue, now)
        self._shown: dict[tuple[str, ...], tuple[Field, ...]] = {}
        """By resource type and policies, the fields that are shown of a task."""
        self._tasks: dict[TaskKey, Task] = {}
        """Those that something is said of."""
        self._wanted: dict[TaskKey, Asked] = {}
        self._reported: dict[TaskKey, Asked] = {}
        self._acting = frozenset(name for name, policy in configuration.policies.items() if policy.acts(now))
        self._blocked: dict[TaskKey, Asked] = {}
        self._protected: dict[TaskKey, tuple[Asked, tuple[str, ...]]] = {}
        self._sieves: dict[Scope, Sieve] = {}
        self._conclusions = Conclusions()
        self._staying: dict[Scope, set[str]] = {}
        """The ids of surplus tasks of which it is not known whether they may go."""
        self.deferred: Mapping[str, frozenset[TaskKey]] = {}
        """By policy, the tasks that it leaves to later runs."""
        self.refused: Mapping[str, frozenset[TaskKey]] = {}
        """By policy, the tasks that it asks for and that do not go ahead for it, since a guard refuses that."""
        self._notes = [*written_notes(configuration)]

    @property
    def reported(self) -> Mapping[str, frozenset[TaskKey]]:
        """By policy, the tasks that it asks for and only reports."""
        found: dict[str, set[TaskKey]] = {}
        for key, wanted in self._reported.items():
            for name in wanted.steps:
                found.setdefault(name, set()).add(key)
        return {name: frozenset(keys) for name, keys in found.items()}

    def plan(
        self,
        observations: Mapping[Scope, Observation],
        sieves: Mapping[Scope, Sieve] = MappingProxyType({}),
        *,
        tool_version: str,
        expires_at: int,
        overrides: Overrides = Overrides(),  # noqa: B008 - frozen, without state
    ) -> Plan:
        """Diff policies against what was observed, and hold the guards against that. As `draft`, then `guarded`."""
        plan = self._drafted(observations, sieves, tool_version, expires_at)
        return self.guarded(plan, self._wanted, overrides)

    def draft(
        self,
        observations: Mapping[Scope, Observation],
        sieves: Mapping[Scope, Sieve] = MappingProxyType({}),
        *,
        tool_version: str,
        expires_at: int,
        asking: Mapping[TaskKey, Collection[str]] = MappingProxyType({}),
    ) -> Plan:
        """All that the policies ask for, whatever the guards say.

        A scope that is not in `observations` counts as failed. `sieves` have the tasks of scopes that were listed into
        one, under the same clock. Of a task in `asking` only these policies count, where any of them wants it out: what
        others want of it, and further, was not reviewed.
        """
        plan = self._drafted(observations, sieves, tool_version, expires_at)
        for key, policies in asking.items():
            if key in self._wanted:
                self._wanted[key].keep(policies)
        return replace(
            plan, changes=tuple(one.change(one.steps, self._seen(one)) for one in in_order(self._wanted.values()))
        )

    def _drafted(
        self,
        observations: Mapping[Scope, Observation],
        sieves: Mapping[Scope, Sieve],
        tool_version: str,
        expires_at: int,
    ) -> Plan:
        seen = {
            scope: observations.get(scope) or Observation(scope, (), 0, Completeness.FAILED)
            for scope in self._configuration.scopes()
        }
        self._off = clocks_off(seen.values())
        self._judgements = Judgements(self._configuration, self._catalogue, self._now, self._off.__contains__)
        tallies = {name: _Tally() for name in self._configuration.policies}
        for scope, observation in seen.items():
            self._note_listing(observation)
            if observation.completeness is Completeness.FAILED:
                continue
            sieve = self._sieves[scope] = sieves.get(scope) or self._judgements.sifted(
                observation, self._configuration.policies_on(scope)
            )
            for policy in self._configuration.policies_on(scope):
                self._plan_policy(policy, observation, sieve, tallies[policy.name])
        self._conclusions = self._concluded(seen, tallies)
        return Plan(
            tool_version=tool_version,
            created_at=Timestamp(self._now),
            expires_at=Timestamp(expires_at),
            configuration=Sources(
                self._configuration.fingerprint, tuple(str(path) for path in self._configuration.files)
            ),
            scopes=tuple(self._scope_plan(observation) for observation in seen.values()),
            policies=tuple(
                self._policy_plan(policy, tallies[name])
                for name, policy in sorted(self._configuration.policies.items())
            ),
            changes=(),
            blocked=tuple(self._skipped(asked, ()) for asked in in_order(self._blocked.values())),
            protected=tuple(
                self._skipped(asked, self._protected[asked.key][1])
                for asked in in_order(asked for asked, _ in self._protected.values())
            ),
            reported=tuple(
                asked.change(asked.steps, self._seen(asked))
                for asked in in_order(self._reported.values())
                if asked.key not in self._wanted
            ),
            excluded=len(self._excluded),
            diagnostics=(*self._notes, *self._conclusions.notes()),
        )

    def _concluded(self, seen: Mapping[Scope, Observation], tallies: Mapping[str, _Tally]) -> Conclusions:
        """What can be said of all that was listed."""
        gaps: list[Gap] = []
        for name, tally in tallies.items():
            policy = self._configuration.policies[name]
            gaps += gaps_of(name, policy.match, tally.lacking)
            gaps += gaps_of(name, policy.only or Everything(), tally.staying, only=True)
        wanted = statuses_wanted(self._configuration, self._catalogue)
        watches = self._judgements.watches(seen.values(), self._sieves, wanted)
        unfound = tuple(self._unfound(self._configuration.policies[name], seen) for name in tallies)
        found = (self._wanted, self._reported, self._blocked, self._protected)
        unasked = self._chosen.others_than(key for keys in found for key in keys)
        # A name is an id, or holds one behind its scope.
        listed = {
            name
            for scope, sieve in self._sieves.items()
            for task_id in sieve.among(name.rpartition("/")[2] for name in unasked)
            for name in (task_id, "/".join((*scope, task_id)))
        }
        return Conclusions(
            tuple(gaps),
            watches,
            tuple(filter(None, unfound)),
            tuple(sorted(unasked)),
            tuple(sorted(unasked - listed)),
        )

    def guarded(self, plan: Plan, among: Collection[TaskKey], overrides: Overrides) -> Plan:
        """What goes ahead of a plan of this planner: the guards are held against the tasks `among` these."""
        asked = [one for key, one in self._wanted.items() if key in among]
        listed = {scope.key: scope.tasks for scope in plan.scopes if scope.completeness is not Completeness.FAILED}
        limits = guards(listed, self._acting, self._configuration, self._judgements, overrides)
        limits = limits.divided(self._portion) if self._portion else limits
        takes = partial(estimate, targets=self._configuration.targets, catalogue=self._catalogue)
        made, ruling = ruled(plan, asked, limits, overrides, self._seen, takes)
        self.deferred, self.refused = ruling.deferred, ruling.refused_of
        if self._shard is None:
            return made
        return replace(made, part=part_of(self._shard, made, asked, self._seen, self._notes, self._conclusions))

    def _plan_policy(self, policy: Policy, observation: Observation, sieve: Sieve, tally: _Tally) -> None:
        """Say which tasks of one scope must change so that `policy` holds."""
        judgement = self._judgements.of(policy.name, observation.scope)
        matched = sieve.selected(policy.name)
        tally.matched += len(matched)
        tally.unknown += sieve.unknown(policy.name)
        tally.lacking = _added(tally.lacking, sieve.lacking(policy.name))
        if isinstance(policy.ensure, AtMost) and not observation.complete:
            self._warn("the listing is incomplete, so this at_most policy does not act", policy, observation.scope)
            return
        division = split(matched, policy.ensure, judgement.resource)
        tally.kept += division.kept
        tally.surplus += len(division.surplus)
        if division.undecided:
            self._warn(undecided_told(division.undecided), policy, observation.scope)
        asked = tuple(gaps(policy.only)) if policy.only else ()
        staying: Counter[str] = Counter()
        for surplus in division.surplus:
            match judgement.lets_go(surplus.task.values):
                case Truth.TRUE:
                    self._route(judgement, surplus, tally)
                case Truth.FALSE:
                    tally.spared += 1
                case Truth.UNKNOWN:
                    tally.spared += 1
                    tally.unknown += 1
                    staying.update({test.name for test, _ in asked if seen_by(test, surplus.task.values) is None})
                    self._staying.setdefault(observation.scope, set()).add(surplus.task.id)
        tally.staying = _added(tally.staying, staying)

    def _route(self, judgement: Judgement, surplus: Surplus, tally: _Tally) -> None:
        """Put one surplus task where it belongs: protected, blocked or to be changed."""
        policy, task = judgement.policy, surplus.task
        protections = self._judgements.protections(task)
        steps = judgement.route(task)
        if task.key not in self._chosen:
            if steps is not None and not protections and self._acts(policy, task.target):
                self._excluded.add(task.key)
        elif protections:
            tally.protected += 1
            wanted, _ = self._protected.setdefault(task.key, (self._asked(task), protections))
            wanted.add(policy.name, protected_reason(protections))
        elif steps is None:
            tally.blocked += 1
            wanted = self._blocked.setdefault(task.key, self._asked(task))
            wanted.add(policy.name, blocked_reason(task, self._catalogue.resource_types[task.resource]))
        else:
            acts = self._acts(policy, task.target)
            tally.reported += not acts
            wanted = (self._wanted if acts else self._reported).setdefault(task.key, self._asked(task))
            actions = tuple(operation.action for operation in steps)
            wanted.add(policy.name, change_reason(policy, surplus), actions)

    def _acts(self, policy: Policy, target: str) -> bool:
        """Whether it does more than report there. No window is open by a clock that is known to be off."""
        return policy.name in self._acting and (policy.window is None or target not in self._off)

    def _asked(self, task: Task) -> Asked:
        self._tasks[task.key] = task
        return Asked(task.key, task.created_at)

    def _skipped(self, asked: Asked, protections: tuple[str, ...]) -> Skipped:
        return Skipped(*asked.entry(asked.reasons, self._seen(asked)), protections)

    def _seen(self, asked: Asked) -> Observed:
        """What is shown of a task: what its policies ask about, whichever of them it goes ahead for."""
        wanting = (asked.key.resource, *asked.reasons)
        fields = self._shown.get(wanting)
        if fields is None:
            named = [field for name in asked.reasons for field in self._configuration.policies[name].fields]
            resource = self._catalogue.resource_types[asked.key.resource]
            fields = self._shown[wanting] = shown_fields(resource, named)
        return observed(self._tasks[asked.key], fields)

    def _policy_plan(self, policy: Policy, tally: _Tally) -> PolicyPlan:
        counts = asdict(tally)
        counts["lacking"] = _added(tally.lacking, counts.pop("staying"))
        return PolicyPlan(
            name=policy.name,
            description=bounded(" ".join(policy.description.split()), LONGEST),
            resources=policy.resources,
            targets=policy.targets,
            **counts,
            mode=Mode.ENFORCE if policy.name in self._acting or policy.suspend else Mode.REPORT,
            opens_at=self._opens_at(policy),
            timezone=policy.window.timezone if policy.window else None,
            suspended=policy.suspend,
            on_blocked=policy.on_blocked,
            on_excess=policy.limits.on_excess,
            source=Source(policy.location.file, policy.location.line) if policy.location else None,
        )

    def _opens_at(self, policy: Policy) -> Timestamp | None:
        """When the window opens that alone keeps a policy from acting."""
        if policy.window is None or policy.suspend or policy.mode is Mode.REPORT or policy.name in self._acting:
            return None
        opens = policy.window.opens_after(self._now)
        return None if opens is None or opens > LATEST else Timestamp(opens)

    def _note_listing(self, observation: Observation) -> None:
        scope, fault = observation.scope, observation.fault
        if unfound := observation.unfound:
            self._notes.append(Note(Severity.WARNING, unfound_told(unfound), scope.target, scope.resource))
        why = str(fault) if fault else "it was not listed"
        if observation.completeness is Completeness.FAILED:
            message = f"could not be listed, so nothing is changed there: {why}"
        elif observation.completeness is Completeness.UNSTABLE:
            message = f"could not be listed whole, so tasks may be missing from this plan: {why}"
        elif scope.target in self._off:
            message = f"{clock_fault(self._off[scope.target])}, so that {AGES_UNKNOWN}"
        else:
            return
        self._notes.append(Note(Severity.ERROR, message, scope.target, scope.resource))

    def _scope_plan(self, observation: Observation) -> ScopePlan:
        scope, fault = observation.scope, observation.fault
        sieve = self._sieves.get(scope)
        counts = sieve.statuses if sieve else {}
        if fault is None and scope.target in self._off:
            fault = clock_fault(self._off[scope.target])
        return ScopePlan(
            target=scope.target,
            resource=scope.resource,
            tasks={status.value: counts[status] for status in Status if counts.get(status)},
            requests=observation.requests,
            completeness=observation.completeness,
            error=fault,
            unknown=sieve.undecided(self._staying.get(scope, ())) if sieve else 0,
            object_fields=self._catalogue.resource_types[scope.resource].object_fields,
            oldest_pending=None if sieve is None or sieve.oldest_pending is None else Timestamp(sieve.oldest_pending),
        )

    def _unfound(self, policy: Policy, seen: Mapping[Scope, Observation]) -> Unfound | None:
        """The ids that the policy is about, and that no listing shows."""
        named = named_ids(policy.match)
        if not named or policy.suspend:
            return None
        found = {
            task_id for scope in policy.scopes if scope in self._sieves for task_id in self._sieves[scope].among(named)
        }
        admitted = {state for scope in policy.scopes for state in self._judgements.of(policy.name, scope).admitted}
        absent = tuple(sorted(named - found, key=id_order))
        left_open = not all(seen[scope].complete for scope in policy.scopes)
        return Unfound(policy.name, absent, looked_at(admitted), left_open)

    def _warn(self, message: str, policy: Policy, scope: Scope) -> None:
        self._notes.append(Note(Severity.WARNING, message, *scope, policy.name))


def _added(counts: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(counts) + Counter(others))
