"""Signatures are recomputed from the raw request, against the vendors' captures, vectors and SDKs."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.simulator import Simulator
from reconciler.simulator.aliyun import authorization as aliyun
from reconciler.simulator.huaweicloud import authorization as huaweicloud
from reconciler.simulator.wire import WireRequest, pairs

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK's signer

FIXTURES = Path(__file__).parents[1] / "fixtures"
CAPTURED = json.loads((FIXTURES / "huaweicloud_sdk_requests.json").read_text(encoding="utf-8"))
CAPTURED_ALIYUN = json.loads((FIXTURES / "aliyun_sdk_requests.json").read_text(encoding="utf-8"))


def captured(entry: dict[str, Any]) -> WireRequest:
    body = entry["body"]
    text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
    return WireRequest.of(entry["method"], entry["raw_target"], entry["headers"], text.encode())


@pytest.mark.parametrize("entry", CAPTURED["requests"], ids=lambda entry: entry["name"])
def test_captured_huaweicloud_requests_hold(entry: dict[str, Any]) -> None:
    request = captured(entry)
    claimed = huaweicloud.claim(request)
    assert claimed is not None
    assert claimed.access_key_id == CAPTURED["ak"]
    assert huaweicloud.fault_of(request, claimed, CAPTURED["sk"]) is None
    assert huaweicloud.fault_of(request, claimed, "another secret") is not None


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"path": "/v1/x/transcodings"},
        {"raw_query": "task_id=1"},
        {"body": b"{}"},
        {"headers": {"x-project-id": "another"}},
        {"headers": {"host": "elsewhere"}},
        {"headers": {"x-sdk-date": "20240102T030406Z"}},
        {"headers": {"x-security-token": "unsigned"}},
    ],
    ids=str,
)
def test_what_was_signed_cannot_be_changed(change: dict[str, Any]) -> None:
    request = captured(CAPTURED["requests"][0])
    claimed = huaweicloud.claim(request)
    assert claimed is not None
    parts: dict[str, Any] = {name: getattr(request, name) for name in ("method", "path", "raw_query", "body")}
    headers = {**request.headers, **change.get("headers", {})}
    tampered = WireRequest(**{**parts, **change, "headers": headers})
    assert huaweicloud.fault_of(tampered, claimed, CAPTURED["sk"]) is not None


def test_captured_aliyun_requests_are_complete() -> None:
    """The captures hide host and secret, so that only what must be signed can be judged here."""
    read = 0
    for case in CAPTURED_ALIYUN["requests"]:
        for entry in case["requests"]:
            request = WireRequest.of(
                entry["method"], f"{entry['path']}?{entry['raw_query']}", entry["headers"], entry["body"].encode()
            )
            signed = aliyun.read(request)
            assert signed.action == case["action"]
            assert signed.at is not None
            read += 1
    assert read == 33


def test_vector_of_the_vendor_for_acs3() -> None:
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-version": "2014-05-26",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }
    headers["authorization"] = (
        f"ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={';'.join(sorted(headers))},"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    request = WireRequest.of("POST", f"/?{query}", headers)
    assert aliyun.holds(request, aliyun.read(request), "YourAccessKeySecret")
    assert not aliyun.holds(request, aliyun.read(request), "AnotherSecret")


@pytest.mark.parametrize("missing", ["x-acs-date", "x-acs-action", "x-acs-content-sha256", "x-acs-extra"])
def test_every_acs_header_must_be_signed(missing: str) -> None:
    case = CAPTURED_ALIYUN["requests"][0]["requests"][0]
    headers = {name.lower(): text for name, text in case["headers"].items()}
    headers["x-acs-extra"] = "1"
    if missing != "x-acs-extra":
        del headers[missing]
    with pytest.raises(aliyun.Incomplete):
        aliyun.read(WireRequest.of("POST", f"/?{case['raw_query']}", headers))


def test_a_plus_is_a_space_for_aliyun_only() -> None:
    assert pairs("a=1+2%2B", plus_is_space=True) == (("a", "1 2+"),)
    assert pairs("a=1+2%2B", plus_is_space=False) == (("a", "1+2+"),)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"secret_access_key": "wrong"}, 401, "APIGW.0301"),
        ({"access_key_id": "NOBODY"}, 401, "APIGW.0301"),
        ({"security_token": "unasked"}, 401, "APIGW.0301"),
        ({"project_id": "f" * 32}, 403, "MPC.10208"),
    ],
)
def test_huaweicloud_refuses(
    simulator: Simulator,
    mpc_client: Callable[..., Any],
    sdk: SimpleNamespace,
    changed: dict[str, str],
    status: int,
    code: str,
) -> None:
    with pytest.raises(sdk.HuaweicloudError) as refused:
        mpc_client(simulator, **changed).list_remux_task(sdk.mpc.ListRemuxTaskRequest())
    assert (refused.value.status_code, refused.value.error_code) == (status, code)


def test_huaweicloud_checks_date_and_project_header(
    simulator: Simulator, send: Callable[..., Any], signed: Callable[..., dict[str, str]]
) -> None:
    target = f"/v1/{simulator.accounts.huaweicloud[0].owners()[0]}/remux"
    late = (datetime.now(UTC) - timedelta(minutes=16)).strftime("%Y%m%dT%H%M%SZ")
    for headers, code in (({"X_Sdk_Date": late}, "APIGW.0303"), ({"X_Project_Id": "another"}, "MPC.10208")):
        reply = send(simulator, "GET", target, signed(simulator, "GET", target, **headers))
        assert json.loads(reply.body)["error_code"] == code
    assert send(simulator, "GET", target, signed(simulator, "GET", target)).status == 200
    assert send(simulator, "GET", target).status == 401


def test_temporary_keys_need_their_token(
    start: Callable[..., Simulator],
    mpc_client: Callable[..., Any],
    aliyun_client: Callable[..., Any],
    sdk: SimpleNamespace,
) -> None:
    keys = {"access_key_id": "AK", "secret_access_key": "SK", "security_token": "TOKEN/+="}
    simulator = start({"accounts": {"huaweicloud": [{**keys, "projects": {"r": "p" * 32}}], "aliyun": [keys]}})
    mpc_client(simulator).list_remux_task(sdk.mpc.ListRemuxTaskRequest())
    with pytest.raises(sdk.HuaweicloudError):
        mpc_client(simulator, security_token="other").list_remux_task(sdk.mpc.ListRemuxTaskRequest())
    request = sdk.aliyun.GetURLUploadInfosRequest(job_ids="1")
    aliyun_client(simulator).get_urlupload_infos(request)
    for token, code in (("other", "InvalidSecurityToken.Malformed"), (None, "MissingSecurityToken")):
        with pytest.raises(sdk.AliyunError) as refused:
            aliyun_client(simulator, security_token=token).get_urlupload_infos(request)
        assert refused.value.code == code


@pytest.mark.parametrize("algorithm", ["v2", None], ids=["rpc", "acs3"])
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        ({"access_key_secret": "wrong"}, "SignatureDoesNotMatch"),
        ({"access_key_id": "NOBODY"}, "InvalidAccessKeyId.NotFound"),
    ],
)
def test_aliyun_takes_both_algorithms(
    simulator: Simulator,
    aliyun_client: Callable[..., Any],
    sdk: SimpleNamespace,
    changed: dict[str, str],
    code: str | None,
    algorithm: str | None,
) -> None:
    client = aliyun_client(simulator, signature_algorithm=algorithm, **changed)
    request = sdk.aliyun.GetURLUploadInfosRequest(job_ids="a b*c~d/é,+")
    if code is None:
        assert client.get_urlupload_infos(request).body.non_exists == ["a b*c~d/é", "+"]
        return
    with pytest.raises(sdk.AliyunError) as refused:
        client.get_urlupload_infos(request)
    assert refused.value.code == code


def acs3(simulator: Simulator, query: str, **changed: str) -> dict[str, str]:
    """Headers signed by the vendor's utility would carry a fresh date; these can carry any."""
    account = simulator.accounts.aliyun[0]
    headers = {
        "host": simulator.url.removeprefix("http://"),
        "accept": "application/json",
        "x-acs-action": "GetURLUploadInfos",
        "x-acs-version": "2017-03-21",
        "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": "nonce",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
    }
    headers |= {name.replace("_", "-"): text for name, text in changed.items()}
    names = ";".join(sorted(headers))
    block = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"POST\n/\n{query}\n{block}\n{names}\n{headers['x-acs-content-sha256']}"
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    made = hmac.new(account.secret_access_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    claim = f"Credential={account.access_key_id},SignedHeaders={names},Signature={made}"
    return {**headers, "Authorization": f"ACS3-HMAC-SHA256 {claim}"}


def test_aliyun_takes_a_nonce_once(simulator: Simulator, send: Callable[..., Any]) -> None:
    headers = acs3(simulator, "JobIds=1")
    replies = [send(simulator, "POST", "/?JobIds=1", headers) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 400]
    assert json.loads(replies[1].body)["Code"] == "SignatureNonceUsed"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"x_acs_date": "2020-01-01T00:00:00Z"}, 400, "InvalidTimeStamp.Expired"),
        ({"x_acs_date": "yesterday"}, 400, "InvalidTimeStamp.Format"),
        ({"x_acs_version": "2016-01-01"}, 400, "NoSuchVersion"),
        ({"x_acs_action": "ListUrlUploadJobs"}, 404, "InvalidApi.NotFound"),
        ({"x_acs_content_sha256": "0" * 64}, 400, "IncompleteSignature"),
    ],
)
def test_aliyun_refuses(
    simulator: Simulator, send: Callable[..., Any], changed: dict[str, str], status: int, code: str
) -> None:
    reply = send(simulator, "POST", "/?JobIds=1", acs3(simulator, "JobIds=1", **changed))
    body = json.loads(reply.body)
    assert (reply.status, body["Code"]) == (status, code)
    assert body["RequestId"]
    assert body["HostId"]
