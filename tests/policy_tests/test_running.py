"""What passes and what fails, told by small tests of the policies of `repository.py`."""

import pytest

from reconciler.exceptions import UsageError
from reconciler.policy_tests.model import NoSuchTask, WrongFate
from reconciler.policy_tests.runner import Selection
from tests.policy_tests.repository import Repository, one_test

LEGACY = "upload_url: 'https://legacy.example.com/x.mp4'"

PASSING = {
    "an age and a time": f"""
        tasks:
          - {{id: a1, status: pending, {LEGACY}, created_at: 8h}}
          - {{id: a2, status: pending, {LEGACY}, created_at: 2026-11-01T11:30:00Z}}
          - {{id: a3, status: pending, {LEGACY}, created_at: "2026-11-01 01:00:00+08:00"}}
        expect: {{stale-uploads: {{change: [a1, a3], keep: [a2]}}}}""",
    "exactly the age is not older": f"""
        tasks: [{{id: a1, status: pending, {LEGACY}, created_at: 6h}}]
        expect: {{stale-uploads: {{keep: [a1]}}}}""",
    "numbers of tasks": f"""
        tasks:
          - {{id: a1, status: pending, {LEGACY}, created_at: 8h}}
          - {{id: a2, status: running, {LEGACY}, created_at: 8h}}
        expect: {{stale-uploads: {{change: 1, keep: 1, blocked: 0, protected: 0}}}}""",
    "nothing may change": f"""
        resource: aliyun.vod.url_upload
        tasks: [{{id: a1, status: running, {LEGACY}, created_at: 8h}}]
        expect: {{}}""",
    "the vendor's word gives the status": f"""
        tasks:
          - {{id: a1, provider_status: PENDING, {LEGACY}, created_at: 8h}}
          - {{id: a2, provider_status: NEVER_SEEN, {LEGACY}, created_at: 8h}}
          - {{id: a3, status: pending, provider_status: PENDING, {LEGACY}, created_at: 8h}}
        expect: {{stale-uploads: {{change: [a1, a3], keep: [a2]}}}}""",
    "null and the empty text are missing": """
        tasks:
          - {id: a1, status: pending, upload_url: "", created_at: 8h}
          - {id: a2, status: pending, upload_url: null, created_at: 8h}
        expect: {stale-uploads: {keep: [a1, a2]}}""",
    "a quota keeps the oldest of each group": """
        target: huawei-a
        tasks:
          - {id: "1", status: pending, input.bucket: b, input.object: o, created_at: 3h}
          - {id: "2", status: pending, input.bucket: b, input.object: o, created_at: 2h}
          - {id: "3", status: pending, input.bucket: c, input.object: o, created_at: 1h}
          - {id: "4", status: pending, input.bucket: b, created_at: 1h}
        expect: {one-transcode: {change: ["2"], keep: ["1", "3", "4"]}}""",
    "steps": """
        policies: [no-drafts]
        tasks:
          - {id: "1", status: pending, input.bucket: drafts}
          - {id: "2", status: failed, input.bucket: drafts}
        expect: {no-drafts: {change: [{id: "1", steps: [cancel, delete]}, {id: "2", steps: [delete]}]}}""",
    "a running task is blocked": """
        tasks: [{id: "1", status: running, input.bucket: drafts}]
        expect: {no-drafts: {blocked: ["1"]}}""",
    "a protected task": """
        tasks:
          - {id: "1", status: failed, input.bucket: legal-1, finished_at: 40d}
          - {id: "2", status: failed, finished_at: 40d}
          - {id: "3", status: failed, input.bucket: b, finished_at: 40d}
        expect: {old-records: {protected: ["1", "2"], change: ["3"]}}""",
    "one policy names a change that another joins in": """
        tasks: [{id: "1", status: failed, input.bucket: drafts, finished_at: 40d, target: huawei-b}]
        expect: {old-records: {change: ["1"]}}""",
    "a suspended policy changes nothing": """
        tasks: [{id: "1", status: pending, input.bucket: b}]
        expect: {all-snapshots: {keep: ["1"]}}""",
    "the same id on two targets": """
        tasks:
          - {id: "1", status: failed, input.bucket: b, finished_at: 40d, target: huawei-a}
          - {id: "1", status: failed, input.bucket: b, finished_at: 10d, target: huawei-b}
        expect: {old-records: {change: [{id: "1", target: huawei-a}], keep: [{id: "1", target: huawei-b}]}}""",
    "the same id of two types": """
        target: huawei-b
        tasks:
          - {id: "1", resource: huaweicloud.mpc.packaging, status: failed, input.bucket: drafts}
          - {id: "1", resource: huaweicloud.mpc.transcoding, status: pending, input.bucket: drafts, created_at: 1h}
        expect: {no-drafts: {change: ["1"]}, one-transcode: {keep: ["1"]}}""",
    "a task of a type that no policy is about": """
        tasks: [{id: "1", resource: huaweicloud.vod.editing, target: huawei-a, status: pending}]
        expect: {}""",
    "the clock of the test wins over that of the file": f"""
        now: 2026-11-02T12:00:00Z
        tasks: [{{id: a1, status: pending, {LEGACY}, created_at: 2026-11-01T11:30:00Z}}]
        expect: {{stale-uploads: {{change: [a1]}}}}""",
}


@pytest.mark.parametrize("body", PASSING.values(), ids=PASSING)
def test_it_passes(repository: Repository, body: str) -> None:
    assert repository.failures(body) == []


FAILING = {
    "kept instead of changed": (
        f"tasks: [{{id: a1, status: pending, {LEGACY}, created_at: 1h}}]\nexpect: {{stale-uploads: {{change: [a1]}}}}",
        ["a1 on aliyun-a: expected to be changed by stale-uploads, but it is left alone"],
        ["stale-uploads: does not match", "created_at older than 6h is false: 2026-11-01T11:00:00Z (1h ago)"],
    ),
    "unknown instead of changed": (
        "tasks: [{id: a1, status: pending, created_at: 8h}]\nexpect: {stale-uploads: {change: [a1]}}",
        ["a1 on aliyun-a: expected to be changed by stale-uploads, but it is left alone"],
        [
            "stale-uploads: not known to match: the task lacks upload_url",
            "upload_url like https://legacy.example.com/* is unknown: (not set)",
        ],
    ),
    "changed instead of kept": (
        (
            "policies: [no-drafts]\n"
            "tasks: [{id: '1', status: failed, input.bucket: drafts}]\nexpect: {no-drafts: {keep: ['1']}}"
        ),
        ["1 on huawei-b: expected to be left alone by no-drafts, but it would be changed: delete"],
        ["no-drafts: matches, so it must go: delete", "input.bucket is drafts is true: drafts"],
    ),
    "blocked instead of changed": (
        "tasks: [{id: '1', status: running, input.bucket: drafts}]\nexpect: {no-drafts: {change: ['1']}}",
        ["1 on huawei-b: expected to be changed by no-drafts, but it is blocked"],
        [
            (
                "no-drafts: matches, but it is blocked: a running task can be neither canceled nor deleted; "
                "it will be looked at again once it has ended"
            ),
            "input.bucket is drafts is true: drafts",
        ],
    ),
    "protected because of what is not known": (
        "tasks: [{id: '1', status: failed, finished_at: 40d}]\nexpect: {old-records: {change: ['1']}}",
        ["1 on huawei-a: expected to be changed by old-records, but it is protected"],
        [
            "old-records: matches, but it is protected by legal-hold",
            "status is one of succeeded, failed, canceled is true: failed",
            "finished_at older than 30d is true: 2026-09-22T12:00:00Z (40d ago)",
            "legal-hold: holds it: the task lacks input.bucket, and what is not known is protected",
        ],
    ),
    "within the quota": (
        (
            "tasks: [{id: '1', status: pending, input.bucket: b, input.object: o, created_at: 1h}]\n"
            "expect: {one-transcode: {change: ['1']}}"
        ),
        ["1 on huawei-a: expected to be changed by one-transcode, but it is left alone"],
        [
            "one-transcode: matches, and is kept (number 1 of 1 for b, o, oldest first)",
            "status is pending is true: pending",
        ],
    ),
    "suspended": (
        "tasks: [{id: '1', status: pending, input.bucket: b}]\nexpect: {all-snapshots: {change: ['1']}}",
        ["1 on huawei-a: expected to be changed by all-snapshots, but it is left alone"],
        ["all-snapshots: suspended, so not checked; its conditions hold", "status is pending is true: pending"],
    ),
    "other steps": (
        (
            "policies: [no-drafts]\ntasks: [{id: '1', status: pending, input.bucket: drafts}]\n"
            "expect: {no-drafts: {change: [{id: '1', steps: [cancel]}]}}"
        ),
        ["1 on huawei-b: expected cancel by no-drafts, but the steps are cancel, then delete"],
        ["the steps are those of all policies together: `policies` narrows a test to one"],
    ),
    "another number": (
        "tasks: [{id: '1', status: running, input.bucket: drafts}]\nexpect: {no-drafts: {blocked: 2}}",
        ["expected 2 tasks to be blocked for no-drafts, but there is 1"],
        ["1 on huawei-b"],
    ),
    "a change that nobody expects": (
        f"policies: [stale-*]\ntasks: [{{id: a1, status: pending, {LEGACY}, created_at: 8h}}]\nexpect: {{}}",
        ["a1 on aliyun-a: not expected of stale-uploads, but it would be changed: cancel"],
        None,
    ),
    "a change that its policy does not name": (
        (
            f"tasks: [{{id: a1, status: pending, {LEGACY}, created_at: 8h}}, "
            f"{{id: a2, status: pending, {LEGACY}, created_at: 9h}}]\nexpect: {{stale-uploads: {{change: [a1]}}}}"
        ),
        ["a2 on aliyun-a: not expected of stale-uploads, but it would be changed: cancel"],
        None,
    ),
    "a change that another policy of the test should have named": (
        (
            "tasks: [{id: '1', status: failed, input.bucket: drafts, finished_at: 40d, target: huawei-b}]\n"
            "expect: {old-records: {change: ['1']}, no-drafts: {}}"
        ),
        ["1 on huawei-b: not expected of no-drafts, but it would be changed: delete"],
        None,
    ),
    "more blocked tasks than named": (
        "tasks: [{id: '1', status: running, input.bucket: drafts}]\nexpect: {no-drafts: {blocked: []}}",
        ["1 on huawei-b: not expected of no-drafts, but it is blocked"],
        None,
    ),
    "no such task": (
        "tasks: [{id: '1', status: running, input.bucket: drafts}]\nexpect: {no-drafts: {blocked: ['1'], keep: ['7']}}",
        ["there is no task 7 for no-drafts to look at"],
        ["it looks at 1"],
    ),
    "a task on a target that the policy leaves out": (
        "tasks: [{id: '1', target: huawei-a, status: running}]\nexpect: {no-drafts: {keep: ['1']}}",
        ["there is no task 1 for no-drafts to look at"],
        [
            "1 is a task of huaweicloud.mpc.packaging on huawei-a",
            "no task of the test is of the resource type and on a target of no-drafts",
        ],
    ),
    "an id of two tasks": (
        (
            "tasks: [{id: '1', target: huawei-a, status: running}, {id: '1', target: huawei-b, status: running}]\n"
            "expect: {old-records: {keep: ['1']}}"
        ),
        ["old-records looks at a task 1 on each of huawei-a, huawei-b"],
        ["write {id: 1, target: huawei-a}"],
    ),
}


@pytest.mark.parametrize(("body", "sentences", "reasons"), FAILING.values(), ids=FAILING)
def test_it_fails_and_says_why(
    repository: Repository, body: str, sentences: list[str], reasons: list[str] | None
) -> None:
    assert repository.failures(body) == sentences
    if reasons is not None:
        assert repository.reasons(body) == reasons


def test_a_failure_stands_where_the_expectation_does(repository: Repository) -> None:
    failure = repository.failure(
        """
        tasks: [{id: a1, status: running}]
        expect:
          stale-uploads:
            change:
              - a1
        """
    )
    assert isinstance(failure, WrongFate)
    assert str(failure.location) == "t.reconciler-test.yaml:9:13"


def test_every_failure_is_told_at_once(repository: Repository) -> None:
    body = "tasks: [{id: a1, status: running}]\nexpect: {stale-uploads: {change: [a1, a2, a3], blocked: 4}}"
    assert len(repository.failures(body)) == 4


def test_the_place_of_tasks_follows_from_what_the_policies_share(repository: Repository) -> None:
    """`no-drafts` looks at huawei-b only, so that the tasks of a test of both are there."""
    failure = repository.failure(
        "tasks: [{id: '1', status: running, input.bucket: b}]\nexpect: {old-records: {change: ['9']}, no-drafts: {}}"
    )
    assert isinstance(failure, NoSuchTask)
    (result,) = repository.run().results
    assert [task.target for task in result.test.tasks] == ["huawei-b"]


def test_policies_narrows_what_is_there(repository: Repository) -> None:
    body = (
        "policies: ['old-*']\ntasks: [{id: '1', target: huawei-b, status: running, input.bucket: drafts}]\n"
        "expect: {old-records: {keep: ['1']}}"
    )
    assert repository.one(body).test.policies == {"old-records"}
    assert repository.failures(body) == []


# -- what is run --------------------------------------------------------------------------------------------

TWO = """
version: 1
now: 2026-11-01T12:00:00Z
tests:
  uploads: {tasks: [{id: a1, status: running}], expect: {stale-uploads: {keep: [a1]}}}
  drafts: {tasks: [{id: '1', status: failed, input.bucket: b}], expect: {no-drafts: {keep: ['1']}}}
"""


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(), ["uploads", "drafts"]),
        (Selection(tests=["up*"]), ["uploads"]),
        (Selection(policies=["no-*"]), ["drafts"]),
        (Selection(tests=["*"], policies=["stale-uploads"]), ["uploads"]),
    ],
)
def test_a_selection_runs_only_what_it_names(repository: Repository, selection: Selection, names: list[str]) -> None:
    repository.write("t.reconciler-test.yaml", TWO)
    assert [result.test.name for result in repository.run(selection).results] == names


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(tests=["down*"]), "--test down*: no test has such a name"),
        (Selection(policies=["zz"]), "--policy zz: no policy of the configuration has such a name"),
        (Selection(policies=["old-records"]), "--policy old-records: no such test expects anything of such a policy"),
    ],
)
def test_a_selection_of_nothing_is_a_mistake(repository: Repository, selection: Selection, message: str) -> None:
    repository.write("t.reconciler-test.yaml", TWO)
    with pytest.raises(UsageError) as raised:
        repository.run(selection)
    assert raised.value.message == message


def test_tests_come_in_the_order_of_files_and_lines(repository: Repository) -> None:
    repository.write("b.reconciler-test.yaml", TWO)
    repository.write(
        "a/z.reconciler-test.yaml", one_test("tasks: [{id: a1, status: running}]\nexpect: {stale-uploads: {}}")
    )
    assert [result.test.name for result in repository.run().results] == ["it", "uploads", "drafts"]
