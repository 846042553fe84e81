"""One test as written, checked against the configuration: its clock, its policies, its tasks, its demands."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.config.entries import mapping, number, text, texts
from reconciler.config.environment import quoted
from reconciler.config.files import reason_of, shown_path
from reconciler.config.model import AtMost
from reconciler.diagnostics import MAX_PROBLEMS, Problem, Rule, unknown
from reconciler.documents.snapshot import read_snapshot
from reconciler.documents.strict_json import MAX_BYTES
from reconciler.exceptions import InvalidPlan
from reconciler.policy_tests.model import Demand, Fate, Named, PolicyTest
from reconciler.policy_tests.tasks import Placement, TaskReader
from reconciler.selectors.mistake import Mistake
from reconciler.selectors.trace import fields_of
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from reconciler.config.entries import Entry, Findings
    from reconciler.config.files import Roots
    from reconciler.config.model import Configuration
    from reconciler.diagnostics import DocumentPath
    from reconciler.planning.snapshot import Snapshot
    from reconciler.tasks.resource_type import Catalogue
    from reconciler.tasks.task import Task, TaskKey


class Reader:
    """Makes tests of entries. Mistakes go to `findings`; what is made along with them is not to be run."""

    def __init__(self, configuration: Configuration, catalogue: Catalogue, findings: Findings) -> None:
        self._configuration = configuration
        self._catalogue = catalogue
        self._findings = findings
        self._snapshots: dict[Path, Snapshot | Mistake] = {}

    def test(self, entry: Entry, file: Mapping[str, object]) -> PolicyTest:
        """The test of an entry in a file with these keys."""
        problems: list[Problem] = []
        present = self._present(entry, problems)
        demands = _demands_of(entry, self._configuration, present, problems)
        snapshot = self._snapshot(entry, problems)
        now = self._now(entry, file, snapshot, problems)
        tasks: list[Task] = []
        if self._places_are_known(entry, problems):
            placement = self._placement(entry, present, demands)
            reader = TaskReader(placement, now, problems, _keys(snapshot), self._by_word(present))
            tasks = _tasks(entry, reader)
        if not entry.body.get("tasks") and not entry.body.get("snapshot"):
            problems.append(Problem(entry.path, "a test needs `tasks` or a `snapshot`", at_key=True))
        for problem in problems:
            self._findings.problem(entry.document, problem)
        return PolicyTest(
            name=entry.name,
            location=entry.location,
            now=now,
            policies=present,
            expected=demands,
            tasks=tuple(tasks),
            snapshot=snapshot,
            description=text(entry.body, "description") or "",
        )

    def _present(self, entry: Entry, problems: list[Problem]) -> frozenset[str]:
        """Names of the policies that are there. A glob that names none is a mistake."""
        names = self._configuration.policies
        written = entry.body.get("policies")
        if not isinstance(written, list) or not written:
            return frozenset(names)
        for index, glob in enumerate(written[:MAX_PROBLEMS]):
            if isinstance(glob, str) and glob and not any(fnmatchcase(name, glob) for name in names):
                path = (*entry.path, "policies", index)
                problems.append(unknown(path, f"{quoted(glob)} names no policy of the configuration", glob, names))
        return frozenset(
            name for name in names if any(fnmatchcase(name, glob) for glob in texts(entry.body, "policies"))
        )

    def _places_are_known(self, entry: Entry, problems: list[Problem]) -> bool:
        """Whether the test's own `resource` and `target` exist. Of a resource type, the check of structure said so."""
        resource, target = text(entry.body, "resource"), text(entry.body, "target")
        targets = self._configuration.targets
        if target and target not in targets:
            problems.append(unknown((*entry.path, "target"), f"unknown target {quoted(target)}", target, targets))
            return False
        return not resource or resource in self._catalogue.resource_types

    def _placement(self, entry: Entry, present: frozenset[str], demands: Iterable[str]) -> Placement:
        policies = self._configuration.policies
        narrowed = present if entry.body.get("policies") else ()
        return Placement(
            self._configuration,
            self._catalogue,
            named=[policies[name] for name in sorted(tuple(demands) or narrowed)],
            present=[policies[name] for name in sorted(present)],
            resource=text(entry.body, "resource") or None,
            target=text(entry.body, "target") or None,
        )

    def _by_word(self, present: frozenset[str]) -> frozenset[str]:
        """The resource types of which a policy that is there, or a protection, looks at `provider_status`."""
        found: set[str] = set()
        for policy in (self._configuration.policies[name] for name in present):
            per = policy.ensure.per if isinstance(policy.ensure, AtMost) else ()
            if "provider_status" in (*policy.fields, *per):
                found.update(policy.resources)
        for protection in self._configuration.protections.values():
            if "provider_status" in fields_of(protection.match):
                found.update(protection.resources)
        return frozenset(found)

    def _snapshot(self, entry: Entry, problems: list[Problem]) -> Snapshot | None:
        path = text(entry.body, "snapshot")
        if not path:
            return None
        file = entry.document.file.parent / path
        if file not in self._snapshots:
            self._snapshots[file] = _read_snapshot(file, entry.document.roots, self._catalogue)
        found = self._snapshots[file]
        if isinstance(found, Mistake):
            problems.append(Problem((*entry.path, "snapshot"), found.message, found.hint, rule=Rule.FILE))
            return None
        return found

    def _now(self, entry: Entry, file: Mapping[str, object], snapshot: Snapshot | None, problems: list[Problem]) -> int:
        """The clock: of the test, else of its snapshot, else of the file."""
        own = _moment(text(entry.body, "now"), (*entry.path, "now"), problems)
        if own is not None:
            return own
        if snapshot is not None:
            return snapshot.taken_at
        shared = _moment(text(file, "now"), ("now",), problems)
        if shared is None and not (entry.body.get("now") or file.get("now") or entry.body.get("snapshot")):
            hint = "write `now: 2026-11-01T12:00:00Z` in the test, or above `tests` for all of them"
            problems.append(Problem(entry.path, "the test has no clock", hint, at_key=True))
        return shared or 0


def _keys(snapshot: Snapshot | None) -> frozenset[TaskKey]:
    scopes = snapshot.scopes.values() if snapshot else ()
    return frozenset(task.key for kept in scopes for task in kept.observation.tasks)


def _tasks(entry: Entry, reader: TaskReader) -> list[Task]:
    written = entry.body.get("tasks")
    found = (
        reader.task(body, (*entry.path, "tasks", index))
        for index, body in enumerate(written if isinstance(written, list) else ())
        if isinstance(body, dict) and not reader.is_lost
    )
    return [task for task in found if task is not None]


def _moment(written: str | None, path: DocumentPath, problems: list[Problem]) -> int | None:
    if not written:
        return None
    try:
        return parse_timestamp(written)
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        problems.append(Problem(path, f"{quoted(written)}: {message}", hint))
        return None


def _demands_of(
    entry: Entry, configuration: Configuration, present: frozenset[str], problems: list[Problem]
) -> dict[str, tuple[Demand, ...]]:
    """The demands of a test by policy. `present` are the policies that `policies` leaves in."""
    found: dict[str, tuple[Demand, ...]] = {}
    for name, body in mapping(entry.body, "expect").items():
        path = (*entry.path, "expect", name)
        if len(problems) >= MAX_PROBLEMS:
            break
        if name not in configuration.policies:
            message = f"unknown policy {quoted(name)}"
            problems.append(unknown(path, message, name, configuration.policies, at_key=True))
        elif name not in present:
            message = f"`policies` of this test leaves out {quoted(name)}"
            problems.append(Problem(path, message, "add it there, or expect nothing of it", at_key=True))
        elif isinstance(body, dict):
            found[name] = tuple(_demands(name, body, path, entry))
            problems += _repeated(found[name], path)
    return found


def _demands(policy: str, body: Mapping[str, object], path: DocumentPath, entry: Entry) -> Iterator[Demand]:
    for fate in Fate:
        written = body.get(fate.value)
        where = (*path, fate.value)
        location = entry.document.location(where, at_key=True)
        if isinstance(written, list):
            named = (_named(item, (*where, index), entry) for index, item in enumerate(written))
            yield Demand(policy, fate, location, tuple(one for one in named if one is not None))
        elif (count := number(body, fate.value)) is not None:
            yield Demand(policy, fate, location, count=count)


def _named(item: object, path: DocumentPath, entry: Entry) -> Named | None:
    location = entry.document.location(path)
    if isinstance(item, str) and item:
        return Named(item, location)
    if not isinstance(item, dict) or not text(item, "id"):
        return None
    steps = tuple(Action(step) for step in texts(item, "steps") if step in set(Action))
    return Named(text(item, "id") or "", location, text(item, "target") or None, steps or None)


def _repeated(demands: tuple[Demand, ...], path: DocumentPath) -> Iterator[Problem]:
    """A task has one fate under one policy, so it can be named once."""
    seen: dict[tuple[str, str | None], Fate] = {}
    for demand in demands:
        for index, named in enumerate(demand.tasks):
            first = seen.get((named.id, named.target))
            where = (*path, demand.fate.value, index)
            if first is None:
                seen[named.id, named.target] = demand.fate
            elif first is not demand.fate:
                yield Problem(where, f"{quoted(named.id)} stands under `{first}` as well", "a task has one fate")
            else:
                yield Problem(where, f"{quoted(named.id)} stands twice in the list", rule=Rule.DUPLICATE)


def _read_snapshot(file: Path, roots: Roots, catalogue: Catalogue) -> Snapshot | Mistake:
    shown = shown_path(file)
    try:
        return read_snapshot(roots.read(file, MAX_BYTES + 1).decode("utf-8-sig"), catalogue, shown)
    except InvalidPlan as error:
        return Mistake(error.message, error.hint)
    except UnicodeDecodeError:
        return Mistake(f"the snapshot {shown} is not UTF-8 text", "write it with `plan --save-snapshot`")
    except (OSError, ValueError) as error:
        hint = "write it with `plan --save-snapshot`; the path is relative to this file"
        return Mistake(f"the snapshot {shown} cannot be read: {reason_of(error)}", hint)
