"""Tests on the tasks of a snapshot: its time is the clock, and what it does not show fails the test."""

from collections.abc import Iterable

import pytest

from reconciler.documents.snapshot import render_snapshot
from reconciler.planning.snapshot import Snapshot, SnapshotScope
from reconciler.providers.registry import catalogue
from reconciler.tasks.observation import Completeness, Fault, Meaning, Observation, Scope
from reconciler.tasks.task import Status, Task
from reconciler.tasks.timestamps import parse_timestamp
from tests.policy_tests.repository import Repository

TAKEN = "2026-11-20T12:00:00Z"
NOW = parse_timestamp(TAKEN)
PACKAGING = "huaweicloud.mpc.packaging"
BOTH = ("huawei-a", "huawei-b")


def record(task_id: str, days: int, target: str = "huawei-b", bucket: str = "b") -> Task:
    """A failed packaging task that ended so many days ago."""
    values = {"id": task_id, "status": "failed", "provider_status": "FAILED", "input.bucket": bucket}
    return Task(target, PACKAGING, task_id, Status.FAILED, {**values, "finished_at": NOW - days * 86_400})


@pytest.fixture
def save(repository: Repository) -> "Saving":
    return Saving(repository)


class Saving:
    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    def __call__(
        self,
        *tasks: Task,
        targets: Iterable[str] = BOTH,
        statuses: frozenset[str] | None = None,
        completeness: Completeness = Completeness.COMPLETE,
    ) -> None:
        fault = None if completeness is Completeness.COMPLETE else Fault(Meaning.LOST, "no answer came")
        scopes = {}
        for target in targets:
            scope = Scope(target, PACKAGING)
            mine = tuple(task for task in tasks if task.target == target)
            seen = () if completeness is Completeness.FAILED else mine
            scopes[scope] = SnapshotScope(Observation(scope, seen, 0, completeness, fault), statuses)
        text = render_snapshot(Snapshot("1", NOW, scopes), catalogue())
        self.repository.write("snapshots/s.json", text)


BODY = "snapshot: snapshots/s.json\npolicies: [old-records]\nexpect: {old-records: {change: [old], keep: [new]}}"


def test_its_tasks_are_there_and_its_time_is_the_clock(repository: Repository, save: Saving) -> None:
    """The clock of the file is 19 days earlier: a snapshot knows better."""
    save(record("old", 31), record("new", 29))
    result = repository.one(BODY)
    assert result.failures == ()
    assert result.test.now == NOW


def test_a_clock_of_the_test_wins(repository: Repository, save: Saving) -> None:
    save(record("old", 31), record("new", 29))
    assert repository.failures(f"now: 2026-11-22T12:00:01Z\n{BODY}") == [
        "new on huawei-b: expected to be left alone by old-records, but it would be changed: delete"
    ]


def test_tasks_may_stand_beside_it(repository: Repository, save: Saving) -> None:
    save(record("old", 31))
    body = BODY + "\ntasks: [{id: new, status: failed, input.bucket: b, finished_at: 29d}]"
    assert repository.failures(body) == []


def test_a_task_is_not_in_both(repository: Repository, save: Saving) -> None:
    save(record("old", 31))
    body = BODY + "\ntarget: huawei-b\ntasks: [{id: old, status: failed}]"
    assert repository.mistakes_in(body) == ["the task `old` is in the snapshot, too (give one of them another id)"]


def test_the_path_is_relative_to_the_test_file(repository: Repository, save: Saving) -> None:
    save(record("old", 31), record("new", 29))
    test = "{snapshot: ../snapshots/s.json, policies: [old-*], expect: {old-records: {change: 1}}}"
    repository.write("deep/t.reconciler-test.yaml", f"version: 1\ntests:\n  it: {test}\n")
    assert [result.passed for result in repository.run().results] == [True]


@pytest.mark.parametrize(
    ("targets", "statuses", "completeness", "expected"),
    [
        (["huawei-b"], None, Completeness.COMPLETE, "huawei-a"),
        (BOTH, {"WAITING", "INIT", "PROCESSING", "SUCCEED"}, Completeness.COMPLETE, "huawei-a huawei-b"),
        (BOTH, None, Completeness.FAILED, "huawei-a huawei-b"),
        (BOTH, None, Completeness.UNSTABLE, ""),
        (BOTH, {"SUCCEED", "FAILED", "CANCELED", "INIT"}, Completeness.COMPLETE, ""),
    ],
    ids=["scope missing", "statuses missing", "failed", "unstable is good enough", "more statuses than needed"],
)
def test_what_it_does_not_show_fails_the_test(
    repository: Repository,
    save: Saving,
    targets: list[str],
    statuses: set[str] | None,
    completeness: Completeness,
    expected: str,
) -> None:
    """`expect: {}` says that nothing may change, which nothing that was not seen can show."""
    listed = None if statuses is None else frozenset(statuses)
    save(record("new", 29), targets=targets, statuses=listed, completeness=completeness)
    body = "snapshot: snapshots/s.json\npolicies: [old-records]\nexpect: {}"
    assert repository.failures(body) == [
        f"the snapshot does not show {PACKAGING} on {target} whole" for target in expected.split()
    ]


def test_a_quota_does_not_pass_for_kept_where_it_would_not_act(repository: Repository, save: Saving) -> None:
    """On an incomplete listing an `at_most` keeps everything, which says nothing of how it is written."""
    quota = "{resource: huaweicloud.mpc.packaging, targets: [huawei-b], match: {status: failed}, ensure: {at_most: 0}}"
    repository.write("more.reconciler.yaml", f"version: 1\npolicies: {{quota: {quota}}}\n")
    save(record("new", 29), completeness=Completeness.UNSTABLE)
    body = "snapshot: snapshots/s.json\npolicies: [quota, old-records]\nexpect: {quota: {keep: [new]}}"
    said = f"the snapshot does not show {PACKAGING} on huawei-b whole"
    assert repository.failures(body) == [said]
    beside = body + "\ntarget: huawei-b\nresource: huaweicloud.mpc.packaging\ntasks: [{id: more, status: failed}]"
    assert repository.failures(beside) == [said]


def test_policies_narrows_what_has_to_be_in_it(repository: Repository, save: Saving) -> None:
    save(record("new", 29), targets=["huawei-b"])
    assert repository.failures("snapshot: snapshots/s.json\npolicies: [no-drafts]\nexpect: {}") == []


def test_one_that_was_altered_is_a_mistake_of_the_test(repository: Repository, save: Saving) -> None:
    save(record("old", 31))
    path = repository.folder / "snapshots/s.json"
    path.write_text(path.read_text("utf-8").replace('"FAILED"', '"SUCCEED"'), "utf-8")
    (mistake,) = repository.mistakes_in(BODY)
    assert mistake.startswith("snapshots/s.json: scopes[1].tasks[0].status: failed, but the provider status `SUCCEED`")
