"""`policies` and `protect`: what may exist and what may not be touched, checked against resource types and targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.config.entries import WrongType, choice, flag, mapping, number, text, texts
from reconciler.config.environment import quoted
from reconciler.config.inventory import lists_in
from reconciler.config.model import (
    Absent,
    AtMost,
    Ensure,
    Event,
    Keep,
    Mode,
    OnBlocked,
    OnExcess,
    Policy,
    Protection,
)
from reconciler.config.schema_parts import LONGEST_GLOB
from reconciler.config.settings import limits
from reconciler.config.window import window_of
from reconciler.diagnostics import MAX_PROBLEMS, Problem, Rule, Severity, unknown
from reconciler.selectors.conditions import lacking_field
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.states import can_act, dead_ends
from reconciler.selectors.syntax import AllOf
from reconciler.tasks.observation import Scope
from reconciler.tasks.resource_type import Paging
from reconciler.tasks.task import OBSERVABLE, composed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.config.entries import Entry, Findings
    from reconciler.config.model import Limits, RunLimits, Settings, Target
    from reconciler.diagnostics import DocumentPath
    from reconciler.selectors.mistake import Lists
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import Catalogue, ResourceType
    from reconciler.tasks.task import Status

_WILDCARDS = frozenset("*?[")


@dataclass(slots=True)
class PolicyReader:
    """Makes policies of entries. `declared` are the names of all targets, those with mistakes included; with
    `all_files_read` false, a target may stand in a file that could not be read, and none is called unknown. `all_made`:
    each that is declared is among `targets`."""

    catalogue: Catalogue
    targets: Mapping[str, Target]
    declared: Sequence[str]
    settings: Settings
    all_files_read: bool
    all_made: bool
    _by_provider: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _families: dict[str, list[str]] = field(default_factory=dict)
    _misses: int = 0

    def __post_init__(self) -> None:
        for name, target in sorted(self.targets.items()):
            self._families.setdefault(target.family, []).append(name)

    def policy(self, entry: Entry, findings: Findings) -> Policy | None:
        """The policy that `entry` describes; None where there is too little to make one."""
        named, problems = resources_of(entry, self.catalogue)
        resources = sorted(
            {row.name: row for rows in named.values() for row in rows}.values(), key=lambda row: row.name
        )
        selector = only = None
        cancel_running = flag(entry.body, "cancel_running")
        if resources and "match" in entry.body:
            scopes, mistakes = self._scopes_of(entry, named)
            problems += mistakes
            path, lists = (*entry.path, "match"), _lists(entry, findings)
            selector, mistakes = parse_selector(entry.body["match"], resources, path, shared=True, lists=lists)
            problems += mistakes
            if cancel_running:
                problems += _never_running(entry, resources, self.catalogue)
            if selector is not None:
                asked = [row.as_asked(cancel_running=cancel_running) for row in resources]
                problems += dead_end_problems(selector, asked, entry)
            only = _only(entry, resources, lists, problems)
            if selector is not None and only is not None:
                problems += _never_both(selector, only, asked, entry)
            problems += self._unseen(entry, scopes)
            problems += _ungrouped(entry, resources)
        problems += self._unheard(entry)
        window = window_of(mapping(entry.body, "window"), (*entry.path, "window"), problems)
        for problem in problems:
            findings.problem(entry.document, problem)
        if selector is None:
            return None
        own = limits(mapping(entry.body, "limits"), self.settings.limits)
        for problem in _never_any(own, self.settings.run_limits, entry):
            findings.problem(entry.document, problem)
        return Policy(
            name=entry.name,
            resources=tuple(row.name for row in resources),
            scopes=scopes,
            match=selector,
            ensure=_ensure(entry.body),
            limits=own,
            description=text(entry.body, "description") or "",
            suspend=flag(entry.body, "suspend"),
            on_blocked=choice(entry.body, "on_blocked", OnBlocked, OnBlocked.REPORT),
            cancel_running=cancel_running,
            notify_above=number(entry.body, "notify_above"),
            only=only,
            mode=choice(entry.body, "mode", Mode, self.settings.mode),
            window=window,
            location=entry.location,
        )

    def _scopes_of(
        self, entry: Entry, named: Mapping[DocumentPath, Sequence[ResourceType]]
    ) -> tuple[tuple[Scope, ...], list[Problem]]:
        """What the policy looks at, sorted. Each part of `resource` must have a target, and each part of `targets` be
        one."""
        providers = sorted({row.provider for rows in named.values() for row in rows})
        chosen, problems = self._targets_of(entry, providers)
        scopes: set[Scope] = set()
        for path, rows in named.items():
            found = {Scope(name, row.name) for row in rows for name in chosen if self._is_of(name, row.provider)}
            scopes |= found
            if not found and self.all_made and (chosen or "targets" not in entry.body):
                problems.append(self._nowhere(path, sorted({row.provider for row in rows}), entry))
        return tuple(sorted(scopes)), problems

    def _nowhere(self, path: DocumentPath, providers: Sequence[str], entry: Entry) -> Problem:
        of = " or ".join(f"`{name}`" for name in providers)
        if "targets" in entry.body:
            message, hint = (
                f"none of `targets` is of provider {of}, so the policy holds nowhere",
                "add one, or leave it out",
            )
        else:
            message, hint = (
                f"no target of provider {of} is defined, so the policy holds nowhere",
                "define one under `targets`",
            )
        return Problem(path, message, hint, rule=Rule.UNKNOWN_REFERENCE)

    def _is_of(self, target: str, provider: str) -> bool:
        return self.targets[target].provider == provider

    def _targets_of(self, entry: Entry, providers: Sequence[str]) -> tuple[set[str], list[Problem]]:
        """Names of the targets that it may look at."""
        candidates = tuple(sorted(name for provider in providers for name in self._names_of(provider)))
        if "targets" not in entry.body:
            return set(candidates), []
        chosen: set[str] = set()
        problems: list[Problem] = []
        written = entry.body["targets"]
        for index, pattern in enumerate(written if isinstance(written, list) else ()):
            if not isinstance(pattern, str) or len(pattern) > LONGEST_GLOB or self._misses >= MAX_PROBLEMS:
                continue
            matches = self._matching(pattern, providers, candidates)
            chosen.update(matches)
            if not matches:
                self._misses += 1
                path = (*entry.path, "targets", index)
                problems += self._no_such_target(pattern, path, providers, candidates)
        return chosen, problems

    def _names_of(self, provider: str) -> tuple[str, ...]:
        """Names of the targets of a provider, sorted."""
        if provider not in self._by_provider:
            names = sorted(name for name, target in self.targets.items() if target.provider == provider)
            self._by_provider[provider] = tuple(names)
        return self._by_provider[provider]

    def _matching(self, pattern: str, providers: Sequence[str], candidates: Sequence[str]) -> Sequence[str]:
        if _WILDCARDS.isdisjoint(pattern):
            named = [pattern] if pattern in self.targets else self._families.get(pattern, ())
            return [name for name in named if self.targets[name].provider in providers]
        return [name for name in candidates if fnmatchcase(name, pattern)]

    def _no_such_target(
        self, pattern: str, path: DocumentPath, providers: Sequence[str], candidates: tuple[str, ...]
    ) -> Iterator[Problem]:
        shown, of = quoted(pattern), " or ".join(f"`{name}`" for name in providers)
        other = self.targets.get(pattern)
        if other is not None:
            message = f"target {shown} is of provider `{other.provider}`, but the policy is about tasks of {of}"
            yield Problem(path, message, allowed=candidates, rule=Rule.UNKNOWN_REFERENCE)
        elif pattern in self.declared or not self.all_files_read:
            return  # it is there, and what is wrong with it is said in its own place
        elif not _WILDCARDS.isdisjoint(pattern):
            if self.all_made:
                message = f"{shown} matches no target of provider {of}"
                yield Problem(path, message, allowed=candidates, rule=Rule.UNKNOWN_REFERENCE)
        else:
            yield unknown(path, f"unknown target {shown}", pattern, candidates)

    def _unseen(self, entry: Entry, scopes: Sequence[Scope]) -> Iterator[Problem]:
        """Mistakes where a target is in a region without the service of a kind, as far as regions are known yet; else
        warnings where nothing can be seen, because the API does not list and the user has not told."""
        path = (*entry.path, "resource")
        for name, resource in scopes:
            row, target = self.catalogue.resource_types[resource], self.targets[name]
            options = self.catalogue.providers[row.provider]
            there = options.regions_of.get(row.service)
            if there is not None and target.region in options.regions and target.region not in there:
                message = f"target `{name}` is in {target.region}, where {resource} does not exist"
                hint = f"name the targets that it holds on under `targets`; its regions: {', '.join(there)}"
                yield Problem(path, message, hint, rule=Rule.UNKNOWN_REFERENCE)
            elif row.listing.paging is Paging.INVENTORY and target.inventory is None:
                message = f"target `{name}` has no inventory, and the API of {resource} cannot list: no task is seen"
                hint = "add `inventory` to the target"
                yield Problem(path, message, hint, severity=Severity.WARNING, rule=Rule.INVENTORY)

    def _unheard(self, entry: Entry) -> Iterator[Problem]:
        """A warning where somebody is to be told, and nobody is there."""
        heard = any(Event.ABOVE in receiver.on for receiver in self.settings.notify.values())
        if "notify_above" in entry.body and not heard and self.all_files_read:
            message = "`notify_above` tells nobody: no entry under `settings.notify` has `above` in its `on`"
            path = (*entry.path, "notify_above")
            yield Problem(path, message, severity=Severity.WARNING, rule=Rule.UNKNOWN_REFERENCE)


def _lists(entry: Entry, findings: Findings) -> Lists:
    """What reads the lists that the selector of `entry` names, relative to the file that it stands in."""
    return lists_in(entry.document.file.parent, entry.document.roots, findings.lists)


def resources_of(
    entry: Entry, catalogue: Catalogue
) -> tuple[dict[DocumentPath, tuple[ResourceType, ...]], list[Problem]]:
    """The resource types of each name or glob under `resource`, by where it stands; a glob without any is a mistake."""
    written = entry.body.get("resource")
    path = (*entry.path, "resource")
    parts = {(*path, index): one for index, one in enumerate(written)} if isinstance(written, list) else {path: written}
    found: dict[DocumentPath, tuple[ResourceType, ...]] = {}
    problems = []
    for place, pattern in parts.items():
        if not isinstance(pattern, str) or len(pattern) > LONGEST_GLOB:
            continue
        if rows := catalogue.matching(pattern):
            found[place] = rows
        elif not _WILDCARDS.isdisjoint(pattern):  # names are checked by the structure
            message = f"{quoted(pattern)} matches no resource type"
            problems.append(unknown(place, message, pattern, catalogue.resource_types))
    return found, problems


def _ungrouped(entry: Entry, resources: Sequence[ResourceType]) -> Iterator[Problem]:
    """Mistakes where one of several resource types lacks a field that makes the groups."""
    ensure = entry.body.get("ensure")
    per = ensure.get("per") if isinstance(ensure, dict) and len(resources) > 1 else None
    for index, name in enumerate(per if isinstance(per, list) else ()):
        lacking = [row.name for row in resources if isinstance(name, str) and row.field_named(name) is None]
        if lacking:
            message, hint = lacking_field(name, lacking)
            yield Problem((*entry.path, "ensure", "per", index), message, hint, rule=Rule.UNKNOWN_FIELD)


def _never_running(entry: Entry, resources: Sequence[ResourceType], catalogue: Catalogue) -> Iterator[Problem]:
    """That no running task of some kind can be canceled, and which kinds have some that can."""
    if lacking := [row.name for row in resources if not row.cancels_running]:
        kinds = [name for name, row in sorted(catalogue.resource_types.items()) if row.cancels_running]
        message = f"`cancel_running`: no operation of {', '.join(lacking)} cancels a task that runs"
        hint = f"leave it out; those that have one: {', '.join(kinds)}" if kinds else "leave it out"
        yield Problem((*entry.path, "cancel_running"), message, hint, rule=Rule.NEVER_ACTS)


def _never_any(own: Limits, of_all: RunLimits, entry: Entry) -> Iterator[Problem]:
    """A warning where limits of 0 leave each task to a later run for ever."""
    if own.on_excess is not OnExcess.DEFER:
        return
    written = mapping(entry.body, "limits")
    for name in ("max_actions", "max_percent"):
        whose = "" if getattr(own, name) == 0 else " of run_limits" if getattr(of_all, name) == 0 else None
        if whose is not None:
            path = (*entry.path, "limits", *((name,) if name in written else ())) if written else entry.path
            message = f"the policy can never act: `{name}: 0`{whose} with `on_excess: defer` leaves all to later runs"
            hint = "raise it; to only show what the policy asks for, write `mode: report`"
            yield Problem(path, message, hint, at_key=True, severity=Severity.WARNING, rule=Rule.NEVER_ACTS)


def _only(entry: Entry, resources: Sequence[ResourceType], lists: Lists, problems: list[Problem]) -> Selector | None:
    """What `ensure` says besides of the tasks that go; None where it says nothing, or nothing that can be read."""
    ensure = entry.body.get("ensure")
    if not isinstance(ensure, dict) or "only" not in ensure:
        return None
    path = (*entry.path, "ensure", "only")
    selector, mistakes = parse_selector(ensure["only"], resources, path, shared=True, lists=lists)
    problems += mistakes
    return selector


def _never_both(match: Selector, only: Selector, resources: Sequence[ResourceType], entry: Entry) -> Iterator[Problem]:
    """A warning where nothing that matches and may go is in a state that an operation starts from."""
    for row in resources:
        if can_act(match, row) and not can_act(AllOf((match, only)), row):
            message = f"the policy can never act: no operation of {row.name} starts from a state that `only` lets go"
            path = (*entry.path, "ensure", "only")
            yield Problem(path, message, at_key=True, severity=Severity.WARNING, rule=Rule.NEVER_ACTS)


def _ensure(body: Mapping[str, object]) -> Ensure:
    if body.get("ensure") == "absent":
        return Absent()
    quota = mapping(body, "ensure")
    if flag(quota, "absent"):
        return Absent()
    count = number(quota, "at_most")
    if count is None:
        raise WrongType("ensure", "`absent` or a mapping with `at_most`")
    return AtMost(
        count=count, per=tuple(map(composed, texts(quota, "per"))), keep=choice(quota, "keep", Keep, Keep.NEWEST)
    )


def protection_of(entry: Entry, catalogue: Catalogue, findings: Findings) -> Protection | None:
    """The protection that `entry` describes; None where there is too little to make one."""
    named, problems = resources_of(entry, catalogue)
    resources = {row.name: row for rows in named.values() for row in rows}
    selector = None
    if resources and "match" in entry.body:
        path, lists = (*entry.path, "match"), _lists(entry, findings)
        selector, mistakes = parse_selector(entry.body["match"], list(resources.values()), path, lists=lists)
        problems += mistakes
    for problem in problems:
        findings.problem(entry.document, problem)
    return Protection(entry.name, tuple(sorted(resources)), selector, entry.location) if selector else None


def dead_end_problems(selector: Selector, resources: Iterable[ResourceType], entry: Entry) -> Iterator[Problem]:
    """An error where the selector admits states that nothing leads out of; a warning where it never leads to a call.

    Resource types of which the same is to be said share one.
    """
    stuck_in: dict[tuple[tuple[Status, ...], str], list[str]] = {}
    idle: dict[str, list[str]] = {}
    for row in resources:
        if stuck := dead_ends(selector, row):
            stuck_in.setdefault((stuck, _fix(row, stuck, entry.body["match"])), []).append(row.name)
        elif not can_act(selector, row):
            hint = f"operations: {', '.join(_operations(row))}" if row.operations else ""
            idle.setdefault(hint, []).append(row.name)
    path = (*entry.path, "match")
    for (stuck, hint), names in stuck_in.items():
        what = f"nothing takes a {' or '.join(names)} task out of it"
        message = f"tasks that are {_listed(stuck)} would match for ever: {what}"
        yield Problem(path, message, hint, at_key=True, rule=Rule.DEAD_END)
    for hint, names in idle.items():
        message = f"the policy can never act: no operation of {' or '.join(names)} starts from a state that it selects"
        yield Problem(path, message, hint, at_key=True, severity=Severity.WARNING, rule=Rule.NEVER_ACTS)


def _fix(resource: ResourceType, stuck: tuple[Status, ...], match: object) -> str:
    starts = {state for operation in resource.operations for state in operation.starts}
    open_states = [state for state in OBSERVABLE if state in starts and state not in stuck]
    if not open_states:
        return "there is no operation that could help"
    states = open_states[0].value if len(open_states) == 1 else f"[{', '.join(open_states)}]"
    return f"write `match: {{status: {states}}}`" if match == "all" else f"write `status: {states}` in match"


def _operations(resource: ResourceType) -> Iterator[str]:
    for operation in resource.operations:
        yield f"{operation.action} (from {_listed(tuple(s for s in OBSERVABLE if s in operation.starts))})"


def _listed(states: tuple[Status, ...]) -> str:
    *most, last = (state.value for state in states)
    return f"{', '.join(most)} or {last}" if most else last
