"""`policies` and `protect`: what may exist and what may not be touched, checked against resource types and targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.config.entries import WrongType, choice, flag, mapping, number, text, texts
from reconciler.config.environment import quoted
from reconciler.config.model import Absent, AtMost, Ensure, Keep, OnBlocked, Policy, Protection
from reconciler.config.schema_parts import LONGEST_GLOB
from reconciler.config.settings import limits
from reconciler.diagnostics import MAX_PROBLEMS, Problem, Rule, Severity, unknown
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.states import can_act, dead_ends
from reconciler.tasks.resource_type import Paging
from reconciler.tasks.task import OBSERVABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.config.entries import Entry, Findings
    from reconciler.config.model import Limits, Target
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import Catalogue, ResourceType
    from reconciler.tasks.task import Status

_WILDCARDS = frozenset("*?[")


@dataclass(slots=True)
class PolicyReader:
    """Makes policies of entries. `declared` are the names of all targets, those with mistakes included; with
    `all_files_read` false, a target may stand in a file that could not be read, and none is called unknown."""

    catalogue: Catalogue
    targets: Mapping[str, Target]
    declared: Sequence[str]
    limits: Limits
    all_files_read: bool
    _by_provider: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _misses: int = 0

    @property
    def _unclear(self) -> bool:
        return not self.all_files_read or len(self.targets) < len(self.declared)

    def policy(self, entry: Entry, findings: Findings) -> Policy | None:
        """The policy that `entry` describes; None where there is too little to make one."""
        resource = self.catalogue.resource_types.get(text(entry.body, "resource") or "")
        if resource is None or "match" not in entry.body:
            return None
        targets, problems = self._targets_of(entry, resource)
        selector, mistakes = parse_selector(entry.body["match"], [resource], (*entry.path, "match"))
        problems += mistakes
        if selector is not None:
            problems += dead_end_problems(selector, resource, entry)
        problems += self._without_inventory(entry, resource, targets)
        for problem in problems:
            findings.problem(entry.document, problem)
        if selector is None:
            return None
        return Policy(
            name=entry.name,
            resource=resource.name,
            targets=targets,
            match=selector,
            ensure=_ensure(entry.body),
            limits=limits(mapping(entry.body, "limits"), self.limits),
            description=text(entry.body, "description") or "",
            suspend=flag(entry.body, "suspend"),
            on_blocked=choice(entry.body, "on_blocked", OnBlocked, OnBlocked.REPORT),
            location=entry.location,
        )

    def _targets_of(self, entry: Entry, resource: ResourceType) -> tuple[tuple[str, ...], list[Problem]]:
        """Names of the targets, sorted, each once."""
        candidates = self._names_of(resource.provider)
        if "targets" not in entry.body:
            if candidates or self._unclear:
                return candidates, []
            message = f"no target of provider `{resource.provider}` is defined, so the policy holds nowhere"
            hint = "define one under `targets`"
            return (), [Problem((*entry.path, "resource"), message, hint, rule=Rule.UNKNOWN_REFERENCE)]
        chosen: set[str] = set()
        problems: list[Problem] = []
        written = entry.body["targets"]
        for index, pattern in enumerate(written if isinstance(written, list) else ()):
            if not isinstance(pattern, str) or len(pattern) > LONGEST_GLOB or self._misses >= MAX_PROBLEMS:
                continue
            matches = self._matching(pattern, resource.provider)
            chosen.update(matches)
            if not matches:
                self._misses += 1
                path = (*entry.path, "targets", index)
                problems += self._no_such_target(pattern, path, resource, candidates)
        return tuple(sorted(chosen)), problems

    def _names_of(self, provider: str) -> tuple[str, ...]:
        """Names of the targets of a provider, sorted."""
        if provider not in self._by_provider:
            names = sorted(name for name, target in self.targets.items() if target.provider == provider)
            self._by_provider[provider] = tuple(names)
        return self._by_provider[provider]

    def _matching(self, pattern: str, provider: str) -> Sequence[str]:
        if _WILDCARDS.isdisjoint(pattern):
            target = self.targets.get(pattern)
            return [pattern] if target is not None and target.provider == provider else []
        return [name for name in self._names_of(provider) if fnmatchcase(name, pattern)]

    def _no_such_target(
        self, pattern: str, path: tuple[str | int, ...], resource: ResourceType, candidates: tuple[str, ...]
    ) -> Iterator[Problem]:
        shown = quoted(pattern)
        other = self.targets.get(pattern)
        if other is not None:
            message = (
                f"target {shown} is of provider `{other.provider}`, but {resource.name} needs `{resource.provider}`"
            )
            yield Problem(path, message, allowed=candidates, rule=Rule.UNKNOWN_REFERENCE)
        elif pattern in self.declared or not self.all_files_read:
            return  # it is there, and what is wrong with it is said in its own place
        elif not _WILDCARDS.isdisjoint(pattern):
            if not self._unclear:
                message = f"{shown} matches no target of provider `{resource.provider}`"
                yield Problem(path, message, allowed=candidates, rule=Rule.UNKNOWN_REFERENCE)
        else:
            yield unknown(path, f"unknown target {shown}", pattern, candidates)

    def _without_inventory(self, entry: Entry, resource: ResourceType, names: Sequence[str]) -> Iterator[Problem]:
        """Warnings where nothing can be seen, because the API does not list and the user has not told."""
        if resource.listing.paging is not Paging.INVENTORY:
            return
        for name in names:
            if self.targets[name].inventory is None:
                message = (
                    f"target `{name}` has no inventory, and the API of {resource.name} cannot list: no task is seen"
                )
                hint = "add `inventory` to the target"
                path = (*entry.path, "resource")
                yield Problem(path, message, hint, severity=Severity.WARNING, rule=Rule.INVENTORY)


def _ensure(body: Mapping[str, object]) -> Ensure:
    if body.get("ensure") == "absent":
        return Absent()
    quota = mapping(body, "ensure")
    count = number(quota, "at_most")
    if count is None:
        raise WrongType("ensure", "`absent` or a mapping with `at_most`")
    return AtMost(count=count, per=tuple(texts(quota, "per")), keep=choice(quota, "keep", Keep, Keep.NEWEST))


def protection_of(entry: Entry, catalogue: Catalogue, findings: Findings) -> Protection | None:
    """The protection that `entry` describes; None where there is too little to make one."""
    pattern = text(entry.body, "resource")
    if not pattern or len(pattern) > LONGEST_GLOB:
        return None
    resources = catalogue.matching(pattern)
    if not resources:
        message = f"{quoted(pattern)} matches no resource type"
        problem = unknown((*entry.path, "resource"), message, pattern, catalogue.resource_types)
        findings.problem(entry.document, problem)
        return None
    if "match" not in entry.body:
        return None
    selector, problems = parse_selector(entry.body["match"], resources, (*entry.path, "match"))
    for problem in problems:
        findings.problem(entry.document, problem)
    if selector is None:
        return None
    return Protection(entry.name, tuple(sorted(row.name for row in resources)), selector, entry.location)


def dead_end_problems(selector: Selector, resource: ResourceType, entry: Entry) -> Iterator[Problem]:
    """An error where the selector admits states that nothing leads out of; a warning where it never leads to a call."""
    path = (*entry.path, "match")
    if stuck := dead_ends(selector, resource):
        message = (
            f"tasks that are {_listed(stuck)} would match for ever: nothing takes a {resource.name} task out of it"
        )
        hint = _fix(resource, stuck, entry.body["match"])
        yield Problem(path, message, hint, at_key=True, rule=Rule.DEAD_END)
    elif not can_act(selector, resource):
        message = f"the policy can never act: no operation of {resource.name} starts from a state that it selects"
        hint = f"operations: {', '.join(_operations(resource))}" if resource.operations else ""
        yield Problem(path, message, hint, at_key=True, severity=Severity.WARNING, rule=Rule.NEVER_ACTS)


def _fix(resource: ResourceType, stuck: tuple[Status, ...], match: object) -> str:
    starts = {state for operation in resource.operations for state in operation.starts}
    open_states = [state for state in OBSERVABLE if state in starts and state not in stuck]
    if not open_states:
        return f"{resource.name} has no operation that could help"
    states = open_states[0].value if len(open_states) == 1 else f"[{', '.join(open_states)}]"
    return f"write `match: {{status: {states}}}`" if match == "all" else f"write `status: {states}` in match"


def _operations(resource: ResourceType) -> Iterator[str]:
    for operation in resource.operations:
        yield f"{operation.action} (from {_listed(tuple(s for s in OBSERVABLE if s in operation.starts))})"


def _listed(states: tuple[Status, ...]) -> str:
    *most, last = (state.value for state in states)
    return f"{', '.join(most)} or {last}" if most else last
