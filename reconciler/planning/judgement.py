"""Policies and protections, compiled once per run and asked about many tasks."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.config.model import AtMost
from reconciler.planning.notes import Watch
from reconciler.planning.reasons import always
from reconciler.planning.rules import Rule, Rules
from reconciler.planning.sieve import Sieve
from reconciler.selectors.compile import compile_selector
from reconciler.selectors.states import admitted_statuses, after_operation, wanted_statuses
from reconciler.selectors.syntax import Everything, Truth
from reconciler.selectors.trace import fields_of
from reconciler.tasks.task import OBSERVABLE, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.config.model import Configuration, Policy
    from reconciler.selectors.compile import Predicate
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.observation import Observation, Scope
    from reconciler.tasks.resource_type import Catalogue, Operation, ResourceType
    from reconciler.tasks.task import Task, Value


@dataclass(frozen=True)
class Judgement:
    """One policy against the tasks of one resource type, as the policy goes by it, at one moment."""

    policy: Policy
    resource: ResourceType
    selects: Predicate
    lets_go: Predicate
    """Of what is surplus, what may go."""

    def wants(self, task: Task) -> bool:
        """Whether the task, as it is now, satisfies the selector. A task that is gone satisfies nothing."""
        return task.status is not Status.GONE and self.selects(task.values) == Truth.TRUE

    def route(self, task: Task) -> tuple[Operation, ...] | None:
        """Shortest path of operations after which the selector no longer holds; None where there is none."""
        return self.resource.route(task.status, lambda status: self._holds_after(task.values, status))

    @cached_property
    def admitted(self) -> frozenset[Status]:
        """The statuses in which the selector can hold."""
        return admitted_statuses(self.policy.match, self.resource)

    @cached_property
    def _holds_after(self) -> Callable[[Mapping[str, Value], Status], bool]:
        return after_operation(self.selects, self.resource)


class Judgements:
    """All policies and protections of a configuration, compiled for one moment (`now`: seconds since the epoch).

    Of tasks on the targets that are `off`, no age is known: their clocks and this one disagree. Which these are is
    asked each time, since it may come to light in the middle of a run.
    """

    def __init__(
        self, configuration: Configuration, catalogue: Catalogue, now: int, off: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._off = off
        self._catalogue = catalogue
        self._by_clock = _Compiled(configuration, catalogue, now)
        self._compiled_without = partial(_Compiled, configuration, catalogue, None)

    def of(self, policy: str, scope: Scope) -> Judgement:
        """A policy, for the tasks of one of its scopes."""
        return self._on(scope.target).policies[policy, scope.resource]

    def protections(self, task: Task) -> tuple[str, ...]:
        """The protections that hold the task: those whose selector is true of it, *or unknown*."""
        rules = self._on(task.target).protections.get(task.resource, ())
        return tuple(name for name, _, holds in rules if holds(task.values) != Truth.FALSE)

    def rules(self, scope: Scope, policies: Iterable[Policy]) -> Rules:
        """What tasks of a scope are held against. What a plan shows of them matters, too."""
        compiled = self._on(scope.target)
        asking = tuple(policies)
        row = self._catalogue.resource_types[scope.resource]
        per = (name for policy in asking if isinstance(policy.ensure, AtMost) for name in policy.ensure.per)
        quotas = [field.held for name in per if (field := row.field_named(name))]
        besides = (fields_of(policy.only) for policy in asking if policy.only)
        shown = always(row)
        return Rules(
            [compiled.rule(policy.name, policy.match) for policy in asking],
            [compiled.rule(name, match) for name, match, _ in compiled.protections.get(scope.resource, ())],
            frozenset((*shown, *quotas, *chain.from_iterable(besides))),
            self._off(scope.target),
        )

    def sifted(self, observation: Observation, policies: Iterable[Policy]) -> Sieve:
        """What these make of tasks that are held."""
        sieve = Sieve(lambda: self.rules(observation.scope, policies))
        sieve.see((*observation.tasks, *observation.rows))
        sieve.end_pass()
        return sieve

    def watches(
        self,
        observations: Iterable[Observation],
        sieves: Mapping[Scope, Sieve],
        wanted: Mapping[Scope, frozenset[str] | None] = MappingProxyType({}),
    ) -> tuple[Watch, ...]:
        """How many of the tasks listed each protection was held against, by name; whole listings only.

        `wanted` are the vendor statuses that were asked for. Of a protection that may hold tasks in others as well, the
        statuses that were looked at are given; one that holds tasks in others only is left out.
        """
        listed: Counter[str] = Counter()
        busy: set[str] = set()
        narrow: defaultdict[str, set[Status]] = defaultdict(set)
        for observation in observations:
            scope, sieve = observation.scope, sieves.get(observation.scope)
            row = self._catalogue.resource_types[scope.resource]
            words = wanted.get(scope) if row.listing.status_parameter else None
            seen = frozenset(Status) if words is None else frozenset(row.statuses[word] for word in words)
            for name, match, _ in self._on(scope.target).protections.get(scope.resource, ()):
                if sieve is None or not observation.complete or name in sieve.busy:
                    busy.add(name)
                elif (admitted := admitted_statuses(match, row)) & seen:
                    listed[name] += sieve.total
                    if not admitted <= seen:
                        narrow[name] |= seen
        return tuple(
            Watch(name, listed[name], tuple(status for status in OBSERVABLE if status in narrow[name]), name in busy)
            for name in sorted({*listed, *busy})
        )

    def _on(self, target: str) -> _Compiled:
        return self._without if self._off(target) else self._by_clock

    @cached_property
    def _without(self) -> _Compiled:
        return self._compiled_without()


class _Compiled:
    """Policies by name and resource type, and protections by resource type, with or without a clock."""

    def __init__(self, configuration: Configuration, catalogue: Catalogue, now: int | None) -> None:
        self.policies: dict[tuple[str, str], Judgement] = {}
        for name, policy in configuration.policies.items():
            selects, lets_go = (compile_selector(one, now) for one in (policy.match, policy.only or Everything()))
            for resource in policy.resources:
                row = catalogue.resource_types[resource].as_asked(cancel_running=policy.cancel_running)
                self.policies[name, resource] = Judgement(policy, row, selects, lets_go)
        self.protections: dict[str, list[tuple[str, Selector, Predicate]]] = {}
        for name, protection in sorted(configuration.protections.items()):
            holds = compile_selector(protection.match, now)
            for resource in protection.resources:
                self.protections.setdefault(resource, []).append((name, protection.match, holds))
        self._now = now
        self._rules: dict[tuple[str, int], Rule] = {}

    def rule(self, name: str, selector: Selector) -> Rule:
        """A selector of the configuration for sieves, made once for all of them."""
        key = (name, id(selector))
        if key not in self._rules:
            self._rules[key] = Rule.of(name, selector, self._now)
        return self._rules[key]


def statuses_wanted(configuration: Configuration, catalogue: Catalogue) -> dict[Scope, frozenset[str] | None]:
    """The scopes that a run lists, each once, with the vendor statuses that its policies need (None: all)."""
    wanted: dict[Scope, frozenset[str] | None] = {}
    alike: dict[tuple[str, ...], frozenset[str] | None] = {}
    for scope in configuration.scopes():
        policies = configuration.policies_on(scope)
        asked = (scope.resource, *(policy.name for policy in policies))
        if asked not in alike:
            alike[asked] = wanted_statuses(
                [policy.match for policy in policies], catalogue.resource_types[scope.resource]
            )
        wanted[scope] = alike[asked]
    return wanted
