"""The signature is the vendor's: its published vector, its captures, its own code."""

from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.provider.loopback import Received, as_json
from reconciler.providers.aliyun.signing import authorization
from reconciler.providers.credential_source import canonical_query
from reconciler.providers.credentials import AccessKey
from tests.providers.aliyun.cloud import AK, KEYS, SK, cancel, observe, read
from tests.providers.loopback import FROZEN

EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SIGNED = ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"]


def test_the_published_vector() -> None:
    """https://help.aliyun.com/zh/resource-management/common-parameters"""
    query = canonical_query(
        [("RegionId", "cn-shanghai"), ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd")]
    )
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-version": "2014-05-26",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-content-sha256": EMPTY_HASH,
    }
    signed = authorization(AccessKey("YourAccessKeyId", "YourAccessKeySecret"), "POST", f"/?{query}", headers)
    assert signed == (
        f"ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={';'.join(SIGNED)},"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"JobIds": "a,b"},
        {"UploadURLs": "http%3A%2F%2Fh%2Fa%20b%2C%2A~.mp4,http%3A%2F%2Fh%2F%E4%B8%AD.mp4"},
        {"A": " *~/+%", "B": ""},
    ],
)
def test_the_vendors_code_agrees(parameters: dict[str, str], sdk: SimpleNamespace) -> None:
    headers = dict.fromkeys(SIGNED, "x") | {"x-acs-content-sha256": EMPTY_HASH}
    request = SimpleNamespace(method="POST", pathname="/", query=parameters, headers=headers)
    theirs = sdk.AliyunSigner.get_authorization(request, "ACS3-HMAC-SHA256", EMPTY_HASH, AK, SK)
    assert authorization(AccessKey(AK, SK), "POST", f"/?{canonical_query(parameters.items())}", headers) == theirs


def captured(document: dict[str, Any], action: str, case: str) -> dict[str, Any]:
    rows = [row for row in document["requests"] if row["action"] == action and row["case"].startswith(case)]
    return dict(rows[0]["requests"][0])


def assert_as_captured(received: Received, expected: dict[str, Any], sdk: SimpleNamespace) -> None:
    """The SDK's request line byte for byte, and its x-acs headers.

    Left out: the SDK signs its User-Agent and accept as well, and says where its keys come from.
    """
    assert (received.method, received.path) == (expected["method"], expected["path"])
    assert received.raw_query == expected["raw_query"]
    assert received.body == b""
    assert received.header("content-length") == "0"
    assert received.header("accept") == "application/json"
    ours = {name for name in received.headers if name.startswith("x-acs-")}
    theirs = {name.lower() for name in expected["headers"] if name.lower().startswith("x-acs-")}
    assert ours == theirs - {"x-acs-credentials-provider", "x-acs-accesskey-id"}
    for name in ("x-acs-action", "x-acs-version", "x-acs-content-sha256"):
        assert received.header(name) == expected["headers"][name]
    assert received.header("x-acs-date") == "2024-01-02T03:04:05Z"
    check(received, sdk)


def check(received: Received, sdk: SimpleNamespace) -> None:
    """Let the vendor's code sign what arrived."""
    sent = received.header("authorization")
    assert sent is not None
    names = sent.split("SignedHeaders=")[1].split(",")[0].split(";")
    headers = {name: received.header(name) for name in names}
    request = SimpleNamespace(
        method=received.method, pathname=received.path, query=dict(received.query), headers=headers
    )
    assert sdk.AliyunSigner.get_authorization(request, "ACS3-HMAC-SHA256", EMPTY_HASH, AK, SK) == sent
    assert {"host", *(name for name in received.headers if name.startswith("x-acs-"))} == set(names)


def test_cancel_is_sent_as_the_sdk_does(aliyun_captured: dict[str, Any], sdk: SimpleNamespace) -> None:
    expected = captured(aliyun_captured, "CancelUrlUploadJobs", "by JobIds")
    ids = expected["query_decoded_once"]["JobIds"].split(",")
    verdicts, [received] = cancel([as_json({"CanceledJobs": ids})], ids, now=lambda: FROZEN)
    assert verdicts == dict.fromkeys(ids)
    assert_as_captured(received, expected, sdk)


def test_temporary_keys_carry_their_token(aliyun_captured: dict[str, Any], sdk: SimpleNamespace) -> None:
    expected = captured(aliyun_captured, "CancelUrlUploadJobs", "sts")
    environment = {**KEYS, "ALIBABA_CLOUD_SECURITY_TOKEN": "token"}
    _, [received] = cancel([as_json({"CanceledJobs": ["j1"]})], ["j1"], environment, now=lambda: FROZEN)
    assert received.header("x-acs-security-token") == "token"
    assert_as_captured(received, expected, sdk)


def test_queries_are_sent_as_the_sdk_does(aliyun_captured: dict[str, Any], sdk: SimpleNamespace) -> None:
    expected = captured(aliyun_captured, "GetURLUploadInfos", "by JobIds")
    ids = expected["query_decoded_once"]["JobIds"].split(",")
    _, [received] = read([as_json({"NonExists": ids})], ids)
    assert received.raw_query == expected["raw_query"]
    check(received, sdk)
    expected = captured(aliyun_captured, "GetURLUploadInfos", "by UploadURLs")
    url = "http://example.com/video02.mp4"
    _, [received] = observe([as_json({"NonExists": [url]})], urls=[url])
    assert received.raw_query == expected["raw_query"]
    check(received, sdk)


def test_every_try_has_a_new_nonce(sdk: SimpleNamespace) -> None:
    throttled = as_json({"Code": "Throttling.User", "Message": "m"}, 400)
    _, received = cancel([throttled, throttled, as_json({"CanceledJobs": ["j1"]})], ["j1"])
    assert len({request.header("x-acs-signature-nonce") for request in received}) == 3
    for request in received:
        check(request, sdk)


def test_odd_urls_survive_the_double_encoding(sdk: SimpleNamespace) -> None:
    urls = ["http://h/a b,c/中.mp4?x=1&y=%2F+~*'(", "http://h/%25.mp4"]
    _, [received] = observe([as_json({"NonExists": urls})], urls=urls)
    check(received, sdk)
    value = received.value("UploadURLs")
    assert value is not None
    assert value.count(",") == 1
