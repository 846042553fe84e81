"""URL upload jobs of Aliyun VOD, driven by the vendor's SDK."""

# ruff: noqa: ANN401 - the vendors' SDKs and the decoded answers have no types

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from reconciler.simulator import ResponseShape, Simulator

KIND = "aliyun.vod.url_upload"
TRICKY = "http://example.com/a b/vidéo+01.mp4?x=1,2&y=%2C"


@pytest.fixture
def client(aliyun_client: Callable[..., Any], simulator: Simulator) -> Any:
    return aliyun_client(simulator)


@pytest.fixture
def cancel(client: Any, sdk: SimpleNamespace) -> Callable[..., dict[str, Any]]:
    def call(**arguments: str) -> dict[str, Any]:
        answer = client.cancel_url_upload_jobs(sdk.aliyun.CancelUrlUploadJobsRequest(**arguments))
        body: dict[str, Any] = answer.body.to_map()
        return body

    return call


@pytest.fixture
def infos(client: Any, sdk: SimpleNamespace) -> Callable[..., dict[str, Any]]:
    def call(**arguments: str) -> dict[str, Any]:
        answer = client.get_urlupload_infos(sdk.aliyun.GetURLUploadInfosRequest(**arguments))
        body: dict[str, Any] = answer.body.to_map()
        return body

    return call


Call = Callable[..., dict[str, Any]]


def add(simulator: Simulator, status: str = "pending", url: str = "http://example.com/v.mp4", **row: Any) -> str:
    return simulator.aliyun.add(KIND, status=status, UploadURL=url, **row).id


def test_cancels_by_job_id(simulator: Simulator, cancel: Call, infos: Call) -> None:
    waiting, running = add(simulator), add(simulator, "running")
    answer = cancel(job_ids=f"{waiting},{running},nobody")
    assert (answer["CanceledJobs"], answer["NonExists"]) == ([waiting], ["nobody"])
    assert simulator.aliyun.status(KIND, waiting) == "CANCELED"
    assert infos(job_ids=waiting)["NonExists"] == [waiting], "a cancelled job is gone"
    assert cancel(job_ids=waiting)["NonExists"] == [waiting]
    assert [record.destructive for record in simulator.requests] == [True, False, True]
    assert simulator.anomalies == []


def test_cancelled_jobs_can_stay_visible(simulator: Simulator, cancel: Call, infos: Call) -> None:
    simulator.configure(canceled_visibility="CANCELED")
    job = add(simulator)
    cancel(job_ids=job)
    assert [item["Status"] for item in infos(job_ids=job)["URLUploadInfoList"]] == ["CANCELED"]


@pytest.mark.parametrize("encode", [quote, quote_plus, lambda url: quote(url, safe="")], ids=["py", "java", "all"])
def test_urls_are_encoded_twice_on_the_wire(
    simulator: Simulator, cancel: Call, infos: Call, encode: Callable[[str], str]
) -> None:
    first, second = add(simulator, url=TRICKY), add(simulator, url=TRICKY)
    unknown = "http://example.com/none,none.mp4"
    found = infos(upload_urls=f"{encode(TRICKY)},{encode(unknown)}")
    assert {item["JobId"] for item in found["URLUploadInfoList"]} == {first, second}
    assert {item["UploadURL"] for item in found["URLUploadInfoList"]} == {TRICKY}
    assert found["NonExists"] == [unknown]
    answer = cancel(upload_urls=f"{encode(TRICKY)},{encode(unknown)}")
    assert (set(answer["CanceledJobs"]), answer["NonExists"]) == ({first, second}, [unknown])
    assert simulator.anomalies == []


def test_urls_that_were_not_encoded_are_noted(simulator: Simulator, infos: Call) -> None:
    infos(upload_urls="http://example.com/v.mp4")
    assert "not encoded" in simulator.anomalies[0].what


def test_job_ids_win_over_urls(simulator: Simulator, cancel: Call) -> None:
    by_id, by_url = add(simulator), add(simulator, url=TRICKY)
    answer = cancel(job_ids=by_id, upload_urls=quote(TRICKY))
    assert answer["CanceledJobs"] == [by_id]
    assert simulator.aliyun.status(KIND, by_url) == "PENDING"


@pytest.mark.parametrize("parameter", ["job_ids", "upload_urls"])
def test_more_than_ten_names_are_refused(
    simulator: Simulator, cancel: Call, infos: Call, parameter: str, sdk: SimpleNamespace
) -> None:
    for call in (cancel, infos):
        with pytest.raises(sdk.AliyunError) as refused:
            call(**{parameter: ",".join("abcdefghijk")})
        assert str(refused.value.code).startswith("InvalidParameter")


def test_one_of_both_parameters_is_mandatory(
    simulator: Simulator, cancel: Call, infos: Call, sdk: SimpleNamespace
) -> None:
    for call in (cancel, infos):
        with pytest.raises(sdk.AliyunError) as refused:
            call()
        assert refused.value.code == "MissingParameter"


def test_pending_items_look_as_documented(simulator: Simulator, infos: Call) -> None:
    pending, done, failed = (add(simulator, status) for status in ("pending", "succeeded", "failed"))
    items = {item["JobId"]: item for item in infos(job_ids=f"{pending},{done},{failed}")["URLUploadInfoList"]}
    assert items[pending]["CompleteTime"]
    assert not {"MediaId", "FileSize", "ErrorCode"} & set(items[pending])
    assert (items[done]["Status"], items[done]["ErrorCode"]) == ("SUCCESS", "200")
    assert items[done]["MediaId"]
    assert items[failed]["Status"] == "DOWNLOAD_FAIL"
    assert all(isinstance(text, str) for item in items.values() for text in item.values())


def test_an_answer_is_capped_at_100_records(simulator: Simulator, infos: Call) -> None:
    for _ in range(103):
        add(simulator, url=TRICKY)
    assert len(infos(upload_urls=quote(TRICKY))["URLUploadInfoList"]) == 100


def test_jobs_are_retained_for_a_year(simulator: Simulator, infos: Call) -> None:
    job = add(simulator, created="360d")
    assert len(infos(job_ids=job)["URLUploadInfoList"]) == 1
    simulator.clock.advance("6d")
    assert infos(job_ids=job)["NonExists"] == [job]


def test_uploads_make_a_job_for_each_url(simulator: Simulator, client: Any, sdk: SimpleNamespace) -> None:
    request = sdk.aliyun.UploadMediaByURLRequest(
        upload_urls=f"{quote(TRICKY)},{quote('http://example.com/noext')}",
        upload_metadatas=json.dumps(
            [{"SourceURL": quote("http://example.com/noext"), "Title": "t", "FileExtension": "mp4"}]
        ),
        user_data='{"Extend":"x"}',
        session_id="s-1",
    )
    submitted = client.upload_media_by_url(request).body.to_map()["UploadJobs"]
    assert [job["SourceURL"] for job in submitted] == [TRICKY, "http://example.com/noext"]
    assert simulator.aliyun.status(KIND, submitted[0]["JobId"]) == "PENDING"
    with pytest.raises(sdk.AliyunError):
        client.upload_media_by_url(request)  # the session was used within ten minutes
    simulator.clock.advance("11m")
    client.upload_media_by_url(request)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "MissingParameter"),
        ({"upload_urls": quote("http://example.com/noext")}, "InvalidParameter.UploadURLs"),
        ({"upload_urls": ",".join(["x.mp4"] * 21)}, "InvalidParameter.UploadURLs"),
        ({"upload_urls": "x.mp4", "upload_metadatas": "{"}, "InvalidParameter.UploadMetadatas"),
    ],
)
def test_uploads_that_are_refused(
    simulator: Simulator, client: Any, sdk: SimpleNamespace, arguments: dict[str, str], code: str
) -> None:
    with pytest.raises(sdk.AliyunError) as refused:
        client.upload_media_by_url(sdk.aliyun.UploadMediaByURLRequest(**arguments))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("shape", "two", "none"),
    [
        ("array", ["1", "2"], []),
        ("comma_joined", ["1,2"], []),
        ("json_in_array", ['["1", "2"]'], []),
        ("quoted_in_array", ["['1', '2']"], []),
        ("bare_string", '["1", "2"]', "[]"),
        ("wrapped", {"JobId": ["1", "2"]}, {"JobId": []}),
        ("missing", ["1", "2"], None),
        ("null", ["1", "2"], None),
    ],
)
def test_shapes(simulator: Simulator, cancel: Call, shape: str, two: object, none: object) -> None:
    assert ResponseShape(shape)
    simulator.configure(response_shape=shape)
    for job in ("1", "2"):
        add(simulator, id=job)
    answer = cancel(job_ids="1,2")
    assert (answer["CanceledJobs"], answer.get("NonExists")) == (two, none)


@pytest.mark.parametrize(
    ("shape", "shown"), [("wrapped", {"UrlUploadJobInfoDTO": []}), ("missing", "absent"), ("null", None), ("array", [])]
)
def test_shapes_of_records(
    simulator: Simulator, client: Any, sdk: SimpleNamespace, send: Callable[..., Any], shape: str, shown: object
) -> None:
    """Read without the SDK's model, which breaks on a wrapped list."""
    simulator.configure(response_shape=shape)
    parameters = sdk.openapi.Params(
        action="GetURLUploadInfos", version="2017-03-21", protocol="HTTP", pathname="/", method="POST",
        auth_type="AK", style="RPC", req_body_type="formData", body_type="json",
    )  # fmt: skip
    request = sdk.openapi.OpenApiRequest(query={"JobIds": "1"})
    body = client.call_api(parameters, request, sdk.RuntimeOptions())["body"]
    assert body.get("URLUploadInfoList", "absent") == shown
    expected = {"wrapped": {"ExistId": ["1"]}}.get(shape, ["1"])
    assert body["NonExists"] == expected


def test_a_started_job_may_be_an_error(simulator: Simulator, cancel: Call, sdk: SimpleNamespace) -> None:
    simulator.configure(refused="error")
    waiting, running = add(simulator), add(simulator, "running")
    with pytest.raises(sdk.AliyunError) as refused:
        cancel(job_ids=f"{waiting},{running}")
    assert (refused.value.code, simulator.aliyun.status(KIND, waiting)) == ("OperationDenied", "PENDING")
