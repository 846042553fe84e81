"""One test as written, checked against the configuration: its clock, its policies, its tasks, its demands."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.config.entries import text, texts
from reconciler.config.environment import quoted
from reconciler.config.model import AtMost
from reconciler.diagnostics import MAX_PROBLEMS, Problem, Rule, unknown
from reconciler.policy_tests.expectations import demands_of
from reconciler.policy_tests.model import PolicyTest
from reconciler.policy_tests.placement import Placement
from reconciler.policy_tests.snapshots import SnapshotFiles
from reconciler.policy_tests.tasks import TaskReader
from reconciler.selectors.describe import fields_of
from reconciler.selectors.mistake import Mistake
from reconciler.tasks.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.config.entries import Entry, Findings
    from reconciler.config.model import Configuration
    from reconciler.diagnostics import DocumentPath
    from reconciler.planning.snapshot import Snapshot
    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.task import Task, TaskKey

__all__ = ["Reader"]


class Reader:
    """Makes tests of entries. Mistakes go to `findings`; what is made along with them is not to be run."""

    def __init__(self, configuration: Configuration, catalogue: Catalogue, findings: Findings) -> None:
        self._configuration = configuration
        self._catalogue = catalogue
        self._findings = findings
        self._snapshots = SnapshotFiles(catalogue)

    def test(self, entry: Entry, file: Mapping[str, object]) -> PolicyTest:
        """The test of an entry in a file with these keys."""
        problems: list[Problem] = []
        present = self._present(entry, problems)
        demands = demands_of(entry, self._configuration, present, problems)
        snapshot = self._snapshot(entry, problems)
        now = self._now(entry, file, snapshot, problems)
        tasks: list[Task] = []
        if self._places_are_known(entry, problems):
            placement = self._placement(entry, present, demands)
            by_word = self._by_word(present)
            reader = TaskReader(placement, now, problems, elsewhere=_keys(snapshot), by_word=by_word)
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
            if "provider_status" in (*fields_of(policy.match), *per):
                found.add(policy.resource)
        for protection in self._configuration.protections.values():
            if "provider_status" in fields_of(protection.match):
                found.update(protection.resources)
        return frozenset(found)

    def _snapshot(self, entry: Entry, problems: list[Problem]) -> Snapshot | None:
        path = text(entry.body, "snapshot")
        if not path:
            return None
        try:
            return self._snapshots.read(entry.document.file.parent / path, entry.document.roots)
        except Mistake as mistake:
            problems.append(Problem((*entry.path, "snapshot"), mistake.message, mistake.hint, rule=Rule.FILE))
            return None

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
