"""The tasks of a test: where they are, and what stands in them, read as providers read rows: into fields of a type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.config.environment import quoted
from reconciler.diagnostics import MAX_PROBLEMS, Problem, Rule, did_you_mean
from reconciler.redaction import presentable
from reconciler.selectors.mistake import Mistake, described, noting
from reconciler.selectors.operands import Subject, read_value
from reconciler.tasks.task import EARLIEST, LARGEST_INTEGER, OBSERVABLE, FieldType, Status, Task
from reconciler.tasks.timestamps import parse_duration, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.config.model import Configuration, Policy
    from reconciler.diagnostics import DocumentPath
    from reconciler.tasks.resource_type import Catalogue, ResourceType
    from reconciler.tasks.task import Field, TaskKey, Value


@dataclass(frozen=True, slots=True)
class Placement:
    """Finds the resource type and the target of a task.

    `named` are the policies that the test names in `expect`, or else in `policies`; `present` all that are there.
    `resource` and `target` are what the test says for all its tasks. Methods raise Mistake.
    """

    configuration: Configuration
    catalogue: Catalogue
    named: Sequence[Policy]
    present: Sequence[Policy]
    resource: str | None
    target: str | None
    _fitting: dict[str, list[str]] = field(default_factory=dict)

    def resource_of(self, written: str | None) -> ResourceType:
        """The resource type that a task is `written` to have, or else that of the test or its policies."""
        name = written or self.resource or self._only_resource()
        rows = self.catalogue.resource_types
        if name not in rows:
            raise _unknown("resource type", name, sorted(rows))
        return rows[name]

    def target_of(self, written: str | None, resource: ResourceType) -> str:
        """The target that a task is `written` to be on, or else that of the test or its policies."""
        name = written or self.target or self._first_target(resource)
        fitting = self._targets_of(resource)
        target = self.configuration.targets.get(name)
        if target is None:
            raise _unknown("target", name, fitting)
        if target.provider != resource.provider:
            message = f"target {quoted(name)} is of provider `{target.provider}`, but the task is of {resource.name}"
            raise Mistake(message, allowed=tuple(fitting))
        return name

    def _only_resource(self) -> str:
        found = sorted({name for policy in self.named for name in policy.resources})
        if len(found) == 1:
            return found[0]
        why = f"the policies that the test names are about {' and '.join(found)}" if found else "it names no policy"
        hint = "write `resource: ...` in the task or in the test"
        raise Mistake(
            f"the resource type of the task does not follow from the test: {why}",
            hint,
            tuple(found or sorted(self.catalogue.resource_types)),
        )

    def _first_target(self, resource: ResourceType) -> str:
        """The first target that all policies on the resource type share: of those named, or else of all."""
        policies = [policy for policy in self.named if resource.name in policy.resources]
        policies = policies or [policy for policy in self.present if resource.name in policy.resources]
        shared = [name for name in self._targets_of(resource) if all(name in policy.targets for policy in policies)]
        if shared and policies:
            return shared[0]
        why = f"its policies on {resource.name} share none" if policies else f"no policy is about {resource.name}"
        message = f"the target of the task does not follow from the test: {why}"
        raise Mistake(message, "write `target: ...` in the task or in the test", tuple(self._targets_of(resource)))

    def _targets_of(self, resource: ResourceType) -> list[str]:
        if resource.provider not in self._fitting:
            targets = self.configuration.targets.items()
            self._fitting[resource.provider] = sorted(
                name for name, target in targets if target.provider == resource.provider
            )
        return self._fitting[resource.provider]


def _unknown(what: str, name: str, allowed: Sequence[str]) -> Mistake:
    return Mistake(f"unknown {what} {quoted(name)}", did_you_mean(name, allowed), tuple(allowed))


_PLACE = ("target", "resource")


@dataclass(frozen=True, slots=True)
class TaskReader:
    """Reads the tasks of one test. `now` is its clock, which ages are counted back from.

    `elsewhere` are the tasks of its snapshot. `by_word` are the resource types of which a policy or protection looks at
    the vendor's word for the status. What is wrong is noted in `problems`, each mistake about the place of tasks once.
    """

    placement: Placement
    now: int
    problems: list[Problem]
    elsewhere: frozenset[TaskKey]
    by_word: frozenset[str]
    _said: set[str] = field(default_factory=set)
    _seen: set[TaskKey] = field(default_factory=set)

    @property
    def is_lost(self) -> bool:
        """Whether there are so many mistakes that no more are looked for."""
        return len(self.problems) >= MAX_PROBLEMS

    def task(self, body: Mapping[str, object], path: DocumentPath) -> Task | None:
        """The task that `body` describes; None where it is not known what or where it is."""
        try:
            resource = self.placement.resource_of(_given(body, "resource"))
            target = self.placement.target_of(_given(body, "target"), resource)
        except Mistake as mistake:
            self._misplaced(mistake, body, path)
            return None
        values: dict[str, Value] = {}
        for name, raw in body.items():
            if name not in _PLACE:
                with noting(self.problems, (*path, name)):
                    value = self._value(resource, name, raw)
                    if value is not None:
                        values[name] = value
        task_id = values.get("id")
        if not isinstance(task_id, str):
            if body.get("id") in (None, ""):
                self._problem(path, "a task needs an `id`", "any text will do that is not another's")
            return None
        try:
            status = _status(resource, values, by_word=resource.name in self.by_word)
        except Mistake as mistake:
            self.problems.append(Problem(path, mistake.message, mistake.hint, mistake.allowed, rule=mistake.rule))
            return None
        task = Task(target, resource.name, presentable(task_id), status, values)
        if task.key in self._seen or task.key in self.elsewhere:
            where = "stands twice" if task.key in self._seen else "is in the snapshot, too"
            self._problem((*path, "id"), f"the task {quoted(task_id)} {where}", "give one of them another id")
        self._seen.add(task.key)
        return task

    def _value(self, resource: ResourceType, name: str, raw: object) -> Value | None:
        """A field's value; None where it is empty, which is how a cloud says that there is none."""
        field = resource.field_named(name)
        if field is None or field.part:
            hint = did_you_mean(name, (*resource.fields, *_PLACE))
            raise Mistake(
                f"{quoted(name)} is not a field of {resource.name}", hint, tuple(resource.fields), at_key=True
            )
        if raw is None or raw == "":
            return None
        match field.type:
            case FieldType.TIMESTAMP:
                return read_moment(name, raw, self.now)
            case FieldType.STRINGS:
                return _texts(field, raw)
            case FieldType.STATUS if raw == Status.UNKNOWN:
                hint = "write a word of the vendor that is not documented: `provider_status: NEVER_SEEN`"
                raise Mistake("`unknown` cannot be written as a status", hint)
            case _:
                value = read_value(_subject(field, resource), raw)
                _check(name, value)
                return value

    def _misplaced(self, mistake: Mistake, body: Mapping[str, object], path: DocumentPath) -> None:
        """Say once that something does not follow, and of each task that it says something wrong itself."""
        key = next((name for name in _PLACE if name in body and quoted(body[name]) in mistake.message), None)
        if key is None and mistake.message in self._said:
            return
        self._said.add(mistake.message)
        where = path if key is None else (*path, key)
        problem = Problem(where, mistake.message, mistake.hint, mistake.allowed, rule=Rule.UNKNOWN_REFERENCE)
        self.problems.append(problem)

    def _problem(self, path: DocumentPath, message: str, hint: str) -> None:
        self.problems.append(Problem(path, message, hint))


def read_moment(name: str, raw: object, now: int) -> int:
    """Seconds since the epoch of an RFC 3339 time, or of an age before `now` (`8h`). Raises Mistake."""
    if not isinstance(raw, str):
        message = f"`{name}` is a time or an age, but this is {described(raw)}"
        raise Mistake(message, "write it like `2026-11-01T12:00:00Z`, or like `8h` for eight hours before `now`")
    try:
        if raw[:4].isdigit() and raw[4:5] == "-":
            return parse_timestamp(raw)
        moment = now - (0 if raw == "0s" else parse_duration(raw))
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        if message == "not a duration":
            message, hint = "neither a time nor an age", "write it like `2026-11-01T12:00:00Z`, or like `8h`"
        raise Mistake(f"{quoted(raw)}: {message}", hint) from None
    if moment < EARLIEST:
        raise Mistake(f"{quoted(raw)} before `now` is before 1980, which counts as no time", "write a shorter age")
    return moment


def _given(body: Mapping[str, object], key: str) -> str | None:
    value = body.get(key)
    return str(value) if value not in (None, "") else None


def _subject(field: Field, resource: ResourceType) -> Subject:
    # Any word may stand under `provider_status`: one that is not in the table is how a test makes a status unknown.
    words = {} if field.name == "provider_status" else resource.statuses
    return Subject(field, words)


def _texts(field: Field, raw: object) -> tuple[str, ...] | None:
    if not isinstance(raw, list):
        hint = f"write [{raw}]" if isinstance(raw, str) else ""
        raise Mistake(f"`{field.name}` is a list of texts, but this is {described(raw)}", hint)
    return tuple(str(read_value(Subject(field, {}), item)) for item in raw) or None


def _check(name: str, value: str | int) -> None:
    """Raise Mistake for what no listing shows."""
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise Mistake(f"`{name}` has more than 18 digits, which counts as missing where a cloud says so")
    elif name == "id" and (not value.isprintable() or value != value.strip()):
        raise Mistake("an id has no control characters, and no blanks at its ends")


def _status(resource: ResourceType, values: dict[str, Value], *, by_word: bool) -> Status:
    """The status of a task, which both `status` and `provider_status` may give; fills in the one that follows."""
    given, word = values.get("status"), values.get("provider_status")
    if word in resource.gone:
        raise Mistake(f"{quoted(word)} says that there is no such task", "leave the task out")
    if word is not None:
        meant = resource.statuses.get(str(word), Status.UNKNOWN)
        if given is not None and given != meant:
            message = f"`status` is {given}, but the provider status {quoted(word)} means {meant}"
            raise Mistake(message, "write only one of them")
        if meant is not Status.UNKNOWN:
            values["status"] = meant.value
        return meant
    if given is None:
        return Status.UNKNOWN
    status = Status(str(given))
    words = resource.vendor_statuses(status)
    if not words:
        reached = tuple(state.value for state in OBSERVABLE if resource.vendor_statuses(state))
        raise Mistake(f"no status of {resource.name} means {status}", allowed=reached)
    if len(words) == 1:
        values["provider_status"] = words[0]
    elif by_word:
        # Left out it would be unknown, which no listed task is: a test would pass on a world that cannot be.
        message = f"`provider_status` decides here, and {status} may be any of {' '.join(words)}"
        raise Mistake(message, f"write `provider_status: {words[0]}` instead of `status`", words)
    return status
