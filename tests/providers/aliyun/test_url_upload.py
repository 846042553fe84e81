"""A record of GetURLUploadInfos as a task."""

import pytest

from reconciler.providers.aliyun.url_upload import URL_UPLOAD, job_from
from reconciler.tasks.task import Status
from tests.providers.aliyun.cloud import job


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
