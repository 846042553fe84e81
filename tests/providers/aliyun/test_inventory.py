"""What the inventory names is looked up, and what is not seen is not taken for absent."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.provider.loopback import Received, Reply, as_json
from reconciler.tasks.observation import Completeness, Meaning
from tests.providers.aliyun.cloud import asked_ids, asked_urls, cancel, job, observe, read

ENVELOPE = "URLUploadInfoList"
IMPOSSIBLE = ["", "j1,j2", "j1 j2", "j1\n", "j1\tj2", "j1;j2", "j1&JobIds=j2", "j\u200b1", "\ud800", "j" * 257]


def cloud(jobs: list[dict[str, Any]], cap: int = 100) -> Callable[[Received], Reply]:
    """Answers as documented: records up to the cap, and what there is none of."""

    def answer(request: Received) -> Reply:
        assert request.header("x-acs-action") == "GetURLUploadInfos"
        if request.value("JobIds"):
            wanted, key = asked_ids(request), "JobId"
        else:
            wanted, key = asked_urls(request), "UploadURL"
        assert len(wanted) <= 10
        found = [row for row in jobs if row[key] in wanted]
        missing = [entry for entry in wanted if entry not in {row[key] for row in found}]
        return as_json({"RequestId": "r", ENVELOPE: found[:cap], "NonExists": missing})

    return answer


def test_an_empty_inventory_costs_nothing() -> None:
    observation, received = observe([])
    assert observation.complete
    assert received == []


def test_ids_and_urls_ten_to_a_call() -> None:
    jobs = [job(f"j{number}", url=f"http://h/{number}.mp4") for number in range(25)]
    observation, received = observe(
        cloud(jobs), ids=[f"j{n}" for n in range(12)], urls=[f"http://h/{n}.mp4" for n in range(5, 25)]
    )
    assert observation.complete
    assert len(received) == 4
    assert sorted(task.id for task in observation.tasks) == sorted(row["JobId"] for row in jobs)


def test_all_jobs_of_a_url_are_found() -> None:
    jobs = [job("a"), job("b", "SUCCESS"), job("c", "DOWNLOAD_FAIL")]
    observation, _ = observe(cloud(jobs), urls=["http://h/v.mp4", "http://h/none.mp4"])
    assert observation.complete
    assert {task.id: task.status.value for task in observation.tasks} == {
        "a": "pending",
        "b": "succeeded",
        "c": "failed",
    }


def test_entries_that_the_cloud_does_not_know_are_named() -> None:
    known, lost = "0123456789abcdef" * 2, "f" * 32
    observation, _ = observe(
        cloud([job(known)]), ids=[known, lost, "ghp_0123456789token"], urls=["http://h/v.mp4", "http://h/none.mp4?k=1"]
    )
    assert observation.complete
    assert observation.unfound == (lost, "ghp_01...", "http://h/none.mp4?k=1")


def test_urls_are_split_by_length_too() -> None:
    urls = [f"http://h/{'x' * 1500}{number}.mp4" for number in range(4)]
    observation, received = observe(cloud([]), urls=urls)
    assert observation.complete
    assert [len(asked_urls(request)) for request in received] == [2, 2]
    observation, received = observe(cloud([]), urls=[f"http://h/{'x' * 9000}.mp4"])
    assert len(received) == 1


def test_an_answer_that_reaches_the_cap_is_asked_again_url_by_url() -> None:
    jobs = [job(f"a{n}", url="http://h/a.mp4") for n in range(60)] + [
        job(f"b{n}", url="http://h/b.mp4") for n in range(60)
    ]
    observation, received = observe(cloud(jobs), urls=["http://h/a.mp4", "http://h/b.mp4"])
    assert observation.complete
    assert len(observation.tasks) == 120
    assert [len(asked_urls(request)) for request in received] == [2, 1, 1]


@pytest.mark.parametrize("count", [100, 101])
def test_one_url_that_reaches_the_cap_makes_the_scope_incomplete(count: int) -> None:
    jobs = [job(f"a{n}", url="http://h/a.mp4") for n in range(count)]
    observation, received = observe(cloud(jobs), urls=["http://h/a.mp4"])
    assert observation.completeness is Completeness.UNSTABLE
    assert len(observation.tasks) == 100
    assert len(received) == 1
    assert observation.fault is not None
    assert "100 jobs or more" in observation.fault.message


@pytest.mark.parametrize(
    "body",
    [
        {"RequestId": "r"},
        {ENVELOPE: []},
        {ENVELOPE: [], "NonExists": []},
        {ENVELOPE: None, "NonExists": None},
        {ENVELOPE: [], "NonExists": ["other"]},
        {ENVELOPE: [job("other")], "NonExists": []},
    ],
)
def test_an_entry_neither_listed_nor_missing_makes_the_scope_incomplete(body: dict[str, Any]) -> None:
    observation, _ = observe([as_json(body)], ids=["j1"])
    assert observation.completeness is Completeness.UNSTABLE
    assert observation.tasks == ()
    assert observation.fault is not None


def test_jobs_that_nobody_asked_for_are_left_alone() -> None:
    body = {ENVELOPE: [job("j1"), job("other")], "NonExists": []}
    observation, _ = observe([as_json(body)], ids=["j1"])
    assert [task.id for task in observation.tasks] == ["j1"]
    assert observation.completeness is Completeness.UNSTABLE


def test_urls_come_back_decoded() -> None:
    body = {ENVELOPE: [job("j1", url="http://h/a b,c.mp4?k=1")], "NonExists": "http://h/d,e.mp4"}
    observation, _ = observe([as_json(body)], urls=["http://h/a%20b,c.mp4?k=1", "http://h/d,e.mp4"])
    assert observation.complete
    assert [task.values["upload_url"] for task in observation.tasks] == ["http://h/a b,c.mp4?k=1"]


def test_a_job_found_twice_is_one_and_the_later_state_counts() -> None:
    def answer(request: Received) -> Reply:
        status = "PENDING" if request.value("JobIds") else "DOWNLOADING"
        return as_json({ENVELOPE: [job("j1", status)]})

    observation, received = observe(answer, ids=["j1"], urls=["http://h/v.mp4"])
    assert len(received) == 2
    assert [(task.id, task.status.value) for task in observation.tasks] == [("j1", "running")]


def test_the_wrapped_list() -> None:
    body = {ENVELOPE: {"UrlUploadJobInfoDTO": [job("j1")]}, "NonExists": {"ExistId": ["j2"]}}
    observation, _ = observe([as_json(body)], ids=["j1", "j2"])
    assert observation.complete
    assert len(observation.tasks) == 1


@pytest.mark.parametrize(
    "rows", [[{}], [{"JobId": None}], [{"JobId": ""}], ["j1"], "j1", {"a": {}}, [job("j1"), {"Status": "PENDING"}]]
)
def test_records_that_are_none_fail_the_scope(rows: object) -> None:
    observation, _ = observe([as_json({ENVELOPE: rows, "NonExists": []})], ids=["j1"])
    assert observation.completeness is Completeness.FAILED


def test_one_call_that_fails_fails_the_scope() -> None:
    good = cloud([])

    def answer(request: Received) -> Reply:
        return as_json({"Code": "Forbidden.RAM"}, 403) if "j15" in asked_ids(request) else good(request)

    observation, _ = observe(answer, ids=[f"j{n}" for n in range(40)])
    assert observation.completeness is Completeness.FAILED
    assert observation.tasks == ()
    assert observation.fault is not None
    assert observation.fault.meaning is Meaning.PERMISSION


def test_source_urls_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        observe(cloud([]), urls=["http://h/v.mp4?token=hunter2"])
    assert "hunter2" not in caplog.text


def test_clock_skew_is_said() -> None:
    late = as_json({"Code": "InvalidTimeStamp.Expired"}, 400, Date="Tue, 02 Jan 2024 03:04:05 GMT")
    observation, _ = observe([late], ids=["j1"])
    assert observation.fault is not None
    assert observation.fault.meaning is Meaning.CREDENTIALS
    assert "ahead of the server's" in observation.fault.message


def test_reading() -> None:
    ids = [f"j{number}" for number in range(12)]
    jobs = [job(job_id, "UPLOADING") for job_id in ids[:5]]
    readings, received = read(cloud(jobs), [*ids, "j0"])
    assert sorted(len(asked_ids(request)) for request in received) == [2, 10]
    assert {task_id: task.status.value for task_id, task in readings.tasks.items()} == {
        **dict.fromkeys(ids[:5], "running"),
        **dict.fromkeys(ids[5:], "gone"),
    }
    assert readings.faults == {}


def test_reading_leaves_unknown_what_is_not_said() -> None:
    body = {ENVELOPE: [job("j1"), job("j2")], "NonExists": ["j2"]}
    readings, _ = read([as_json(body)], ["j1", "j2", "j3"])
    assert readings.tasks.keys() == {"j1"}
    assert readings.faults.keys() == {"j2", "j3"}


def test_reading_leaves_unknown_what_records_contradict() -> None:
    body = {ENVELOPE: [job("j1"), job("j1", "SUCCESS"), job("j2"), job("j2")]}
    readings, _ = read([as_json(body)], ["j1", "j2"])
    assert readings.tasks.keys() == {"j2"}
    assert readings.faults["j1"].message == "unexpected answer: records that contradict each other"


@pytest.mark.parametrize("spelt", ["J1", "j1 ", "j%31"])
def test_another_spelling_of_an_id_is_another_job(spelt: str) -> None:
    readings, _ = read([as_json({ENVELOPE: [job(spelt)]})], ["j1"])
    assert readings.tasks == {}
    assert readings.faults.keys() == {"j1"}


@pytest.mark.parametrize("odd", IMPOSSIBLE)
def test_what_can_be_no_id_goes_into_no_request(odd: str) -> None:
    """`JobIds` is joined with commas, so that one id with a comma would be two."""
    verdicts, received = cancel([as_json({"CanceledJobs": ["j1", "j2"]})], ["j1", odd])
    assert verdicts["j1"] is None
    assert verdicts[odd] is not None
    assert [asked_ids(request) for request in received] == [["j1"]]
    observation, received = observe([], ids=["j1", odd])
    assert observation.completeness is Completeness.FAILED
    assert received == []


@pytest.mark.parametrize("odd", [*IMPOSSIBLE, None, True, -1, 1.5, ["j2"], {"j2": 1}, 10**300])
def test_a_record_without_a_usable_id_fails_the_scope(odd: object) -> None:
    body = {ENVELOPE: [job("j1"), {**job("j2"), "JobId": odd}]}
    observation, _ = observe(lambda _: as_json(body), urls=["http://h/v.mp4"])
    assert observation.completeness is Completeness.FAILED
    assert observation.tasks == ()
    assert observation.fault is not None
    assert "row 2 of 'URLUploadInfoList' without a usable 'JobId'" in observation.fault.message


def test_a_key_with_a_blank_does_not_stand_for_the_one_without() -> None:
    observation, _ = observe([as_json({ENVELOPE: [{**job("j1"), "JobId ": "j2"}]})], ids=["j1"])
    assert {task.id for task in observation.tasks} == {"j1"}
