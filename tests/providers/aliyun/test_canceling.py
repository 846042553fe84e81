"""What CancelUrlUploadJobs says of each job."""

import json
from collections.abc import Mapping

import pytest

from reconciler.provider.loopback import ODD_ANSWERS, Received, Reply, as_json
from reconciler.providers.aliyun.answers import job_from
from reconciler.providers.aliyun.url_upload import URL_UPLOAD
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.task import Status
from tests.providers.aliyun.cloud import AK, SK, asked_ids, cancel, job

IDS = ("a" * 32, "b" * 32, "c" * 32)


def meanings(verdicts: Mapping[str, Fault | None]) -> list[Meaning | None]:
    return [fault.meaning if fault else None for fault in verdicts.values()]


SHAPES = [
    list,
    lambda ids: [",".join(ids)],
    lambda ids: [json.dumps(ids)],
    lambda ids: ["[" + ", ".join(f"'{each}'" for each in ids) + "]"],
    json.dumps,
    lambda ids: {"JobId": list(ids)},
]


@pytest.mark.parametrize("shape", SHAPES, ids=["array", "comma", "json", "quoted", "bare", "wrapped"])
def test_canceled_missing_and_neither(shape: object) -> None:
    assert callable(shape)
    body = {"RequestId": "r", "CanceledJobs": shape([IDS[0]]), "NonExists": shape([IDS[1]])}
    verdicts, received = cancel([as_json(body)], IDS)
    assert list(verdicts) == list(IDS)
    assert meanings(verdicts) == [None, Meaning.GONE, Meaning.CHANGED]
    assert asked_ids(received[0]) == list(IDS)
    body = {"RequestId": "r", "CanceledJobs": shape(IDS), "NonExists": shape([])}
    assert meanings(cancel([as_json(body)], IDS)[0]) == [None, None, None]


@pytest.mark.parametrize("body", [{"RequestId": "r"}, {"CanceledJobs": None}, {"NonExists": []}, {"CanceledJobs": []}])
def test_empty_lists_may_be_left_out(body: dict[str, object]) -> None:
    assert meanings(cancel([as_json(body)], IDS)[0]) == [Meaning.CHANGED] * 3


def test_in_both_lists_is_uncertain() -> None:
    body = {"CanceledJobs": [IDS[0]], "NonExists": [IDS[0]]}
    assert meanings(cancel([as_json(body)], IDS[:1])[0]) == [Meaning.MALFORMED]


@pytest.mark.parametrize("name", sorted(ODD_ANSWERS))
def test_an_odd_answer_is_uncertain_for_all(name: str) -> None:
    verdicts, received = cancel([ODD_ANSWERS[name]], IDS)
    assert meanings(verdicts) == [Meaning.MALFORMED] * 3
    assert len(received) == 1


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (as_json({"Code": "ServiceUnAvailable", "Message": "m"}, 503), Meaning.UNAVAILABLE),
        (as_json({"Code": "InternalError"}, 500), Meaning.UNAVAILABLE),
        (as_json({"Code": "SignatureNonceUsed"}, 400), Meaning.UNAVAILABLE),
        (Reply(403, b"<html>", {"Content-Type": "text/html"}), Meaning.MALFORMED),
    ],
)
def test_what_may_have_had_an_effect_is_sent_once_and_uncertain(reply: Reply, meaning: Meaning) -> None:
    verdicts, received = cancel([reply, as_json({"CanceledJobs": list(IDS)})], IDS)
    assert meanings(verdicts) == [meaning] * 3
    assert meaning.effect_uncertain
    assert len(received) == 1


@pytest.mark.parametrize("status", [400, 403, 429, 503])
@pytest.mark.parametrize("code", ["Throttling.User", "Throttling", "Throttling.Api", "throttling.user"])
def test_throttled_is_sent_again(code: str, status: int) -> None:
    verdicts, received = cancel([as_json({"Code": code}, status), as_json({"CanceledJobs": list(IDS)})], IDS)
    assert meanings(verdicts) == [None] * 3
    assert len(received) == 2


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (400, "MissingParameter", Meaning.PERMANENT),
        (400, "InvalidParameter.JobIds", Meaning.PERMANENT),
        (403, "OperationDenied", Meaning.CHANGED),
        (403, "OperationDenied.Suspended", Meaning.PERMISSION),
        (403, "Forbidden", Meaning.PERMISSION),
        (403, "Forbidden.RAM", Meaning.PERMISSION),
        (403, "NoPermission", Meaning.PERMISSION),
        (404, "InvalidAccessKeyId.NotFound", Meaning.CREDENTIALS),
        (400, "InvalidAccessKeyId.Inactive", Meaning.CREDENTIALS),
        (403, "SignatureDoesNotMatch", Meaning.CREDENTIALS),
        (400, "IncompleteSignature", Meaning.CREDENTIALS),
        (400, "InvalidTimeStamp.Expired", Meaning.CREDENTIALS),
        (400, "InvalidTimeStamp.Format", Meaning.CREDENTIALS),
        (400, "InvalidSecurityToken.Expired", Meaning.CREDENTIALS),
        (400, "MissingSecurityToken", Meaning.CREDENTIALS),
        (404, "InvalidApi.NotFound", Meaning.PERMANENT),
        (400, "UnsupportedHTTPMethod", Meaning.PERMANENT),
        (400, "NoSuchVersion", Meaning.PERMANENT),
        (409, "Whatever.New", Meaning.PERMANENT),
        (401, "Whatever.New", Meaning.CREDENTIALS),
    ],
)
def test_refusals_are_decided_by_code(status: int, code: str, meaning: Meaning) -> None:
    for spelt in ({"Code": code, "Message": "m", "RequestId": "r"}, {"code": code.lower(), "message": "m"}):
        verdicts, received = cancel([as_json(spelt, status)], IDS[:1])
        assert meanings(verdicts) == [meaning]
        assert len(received) == 1


def test_an_error_in_xml_is_understood() -> None:
    body = b"<?xml version='1.0'?><Error><Code>Forbidden.RAM</Code><Message>no</Message></Error>"
    verdicts, _ = cancel([Reply(403, body, {"Content-Type": "text/xml"})], IDS[:1])
    assert meanings(verdicts) == [Meaning.PERMISSION]


def test_a_batch_refused_for_one_job_is_tried_job_by_job() -> None:
    def answer(request: Received) -> Reply:
        ids = asked_ids(request)
        if IDS[1] in ids:
            return as_json({"Code": "OperationDenied", "Message": "not pending"}, 403)
        return as_json({"CanceledJobs": ids})

    verdicts, received = cancel(answer, IDS)
    assert meanings(verdicts) == [None, Meaning.CHANGED, None]
    assert len(received) == 4


def test_clock_skew_is_said_and_secrets_are_not() -> None:
    body = {"Code": "InvalidTimeStamp.Expired", "Message": f"expired {AK} {SK} https://h/?k=hunter2"}
    verdicts, _ = cancel([as_json(body, 400, Date="Tue, 02 Jan 2024 03:04:05 GMT")], IDS[:1])
    [fault] = verdicts.values()
    assert fault is not None
    assert "ahead of the server's" in fault.message
    assert SK not in fault.message
    assert "hunter2" not in fault.message


# -- the row ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("spelt", "status"), sorted(URL_UPLOAD.statuses.items()))
def test_statuses_in_any_case(spelt: str, status: Status) -> None:
    for text in (spelt, spelt.lower(), spelt.capitalize()):
        task = job_from("t", job("j", text))
        assert task is not None
        assert task.status is status
        assert task.values["status"] == status.value
        assert task.values["provider_status"] == spelt


@pytest.mark.parametrize("spelt", ["Normal", "PAUSED", "", None])
def test_an_unknown_status_is_unknown(spelt: str | None) -> None:
    task = job_from("t", job("j") | {"Status": spelt})
    assert task is not None
    assert task.status is Status.UNKNOWN
    assert "status" not in task.values
    assert task.values.get("provider_status", "") == (spelt or "")
    assert "finished_at" not in task.values


def test_a_waiting_job_has_not_finished_whatever_its_complete_time_says() -> None:
    for status in ("PENDING", "PROCESSING", "UPLOAD_SUCCESS"):
        task = job_from("t", job("j", status))
        assert task is not None
        assert "finished_at" not in task.values
    task = job_from("t", job("j", "SUCCESS"))
    assert task is not None
    assert task.values["finished_at"] == 1704067201


def test_all_fields() -> None:
    task = job_from(
        "t",
        {
            "JobId ": "j1",
            "UploadURL": "http://h/v.mp4?sig=1",
            "MediaId": "m",
            "FileSize": "123",
            "Status": "SUCCESS",
            "CreationTime": "2021-11-26 21:47:37",
            "CompleteTime": 1637963257000,
            "ErrorCode": "200",
            "ErrorMessage": "ok",
            "UserData": '{"a":1}',
            "RegisteredMediaId": None,
        },
    )
    assert task is not None
    assert task.values == {
        "id": "j1",
        "status": "succeeded",
        "provider_status": "SUCCESS",
        "upload_url": "http://h/v.mp4?sig=1",
        "media_id": "m",
        "file_size": 123,
        "created_at": 1637963257,
        "finished_at": 1637963257,
        "error_code": "200",
        "description": "ok",
        "user_data": '{"a":1}',
    }
