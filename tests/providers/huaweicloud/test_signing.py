"""The signature is the vendor's, by its own captures and by its own signer."""

import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.provider.loopback import Received, Reply, as_json
from reconciler.providers.credential_source import canonical_query
from reconciler.providers.credentials import AccessKey
from reconciler.providers.huaweicloud.client import HuaweicloudClient
from reconciler.providers.huaweicloud.signing import authorization
from reconciler.tasks.resource_type import Action, ResourceType
from tests.providers.huaweicloud.cloud import AK, PROJECT, SK, TYPES, against
from tests.providers.loopback import FROZEN

# The SDK sorts a list of integers as numbers; text sorting, the gateway's and ours, gives another order.
SORTED_AS_NUMBERS = {"list_transcoding_task.ids"}


def test_every_captured_signature_is_recomputed(huaweicloud_captured: dict[str, Any]) -> None:
    key = AccessKey(huaweicloud_captured["ak"], huaweicloud_captured["sk"])
    mismatches = set()
    for captured in huaweicloud_captured["requests"]:
        headers = {name.lower(): text for name, text in captured["headers"].items()}
        signed = re.search(r"SignedHeaders=([^,]+)", headers["authorization"])
        assert signed is not None
        path, _, query = captured["raw_target"].partition("?")
        expected = authorization(
            key,
            captured["method"],
            f"{path}?{canonical_query(parse_qsl(query, keep_blank_values=True))}",
            {name: headers[name] for name in signed[1].split(";")},
            (captured["body"] or "").encode(),
        )
        if expected != headers["authorization"]:
            mismatches.add(captured["name"])
    assert len(huaweicloud_captured["requests"]) == 72
    assert mismatches == SORTED_AS_NUMBERS


PARAMETERS = st.lists(
    st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=8)), max_size=6, unique_by=lambda p: p[0]
)


@given(PARAMETERS.filter(lambda pairs: all(c < "\ud800" or c > "\udfff" for pair in pairs for c in "".join(pair))))
def test_a_canonical_query_stays_canonical(parameters: list[tuple[str, str]]) -> None:
    query = canonical_query(parameters)
    assert canonical_query(parse_qsl(query, keep_blank_values=True)) == query
    assert sorted(parse_qsl(query, keep_blank_values=True)) == sorted(parameters)
    assert "+" not in query


def test_repeated_values_are_sorted_as_text() -> None:
    assert (
        canonical_query([("task_id", text) for text in ("30", "200", "1000")]) == "task_id=1000&task_id=200&task_id=30"
    )


def observe(resource: ResourceType) -> list[Received]:
    async def act(client: HuaweicloudClient) -> None:
        await client.observe(resource, None)

    empty = {resource.listing.envelope: [], resource.listing.total: 0}
    return against(lambda _: as_json(empty), act, now=lambda: FROZEN)


def test_the_vendors_signer_agrees_about_what_was_received(sdk: SimpleNamespace) -> None:
    for resource in TYPES.values():
        for received in observe(resource):
            check(sdk, received)


def check(sdk: SimpleNamespace, received: Received, secret: str = SK) -> None:
    """Let the vendor's signer sign the bytes that arrived."""
    sent = received.header("authorization")
    assert sent is not None
    names = sent.split("SignedHeaders=")[1].split(",")[0].split(";")
    request = sdk.SdkRequest(
        method=received.method,
        schema="http",
        host=received.header("host"),
        resource_path=received.path,
        query_params=received.query,
        header_params={"X-Sdk-Date" if name == "x-sdk-date" else name: received.header(name) for name in names},
        body=None,
    )
    signed = sdk.HuaweicloudSigner(sdk.BasicCredentials(AK, secret, PROJECT)).sign(request)
    assert signed.header_params["Authorization"] == sent
    assert signed.uri == received.target


CAPTURED_AS = {
    "huaweicloud.mpc.transcoding": "list_transcoding_task",
    "huaweicloud.mpc.packaging": "list_remux_task",
    "huaweicloud.mpc.snapshot": "list_thumbnails_task",
    "huaweicloud.mpc.animated_gif": "list_animated_graphics_task",
    "huaweicloud.mpc.metadata_extraction": "list_extract_task",
    "huaweicloud.mpc.editing": "list_editing_job",
    "huaweicloud.mpc.enhancement": "list_media_process_task",
    "huaweicloud.mpc.channel_merge": "list_merge_channels_task",
    "huaweicloud.mpc.track_reset": "list_reset_tracks_task",
    "huaweicloud.vod.editing": "list_asset_edit_task",
    "huaweicloud.vod.transcoding": "list_asset_task_info",
}
WRITES_CAPTURED_AS = {
    ("huaweicloud.mpc.transcoding", Action.CANCEL): "delete_transcoding_task",
    ("huaweicloud.mpc.transcoding", Action.DELETE): "delete_transcoding_task_by_console",
    ("huaweicloud.mpc.packaging", Action.CANCEL): "cancel_remux_task",
    ("huaweicloud.mpc.packaging", Action.DELETE): "delete_remux_task",
    ("huaweicloud.mpc.snapshot", Action.CANCEL): "delete_thumbnails_task",
    ("huaweicloud.mpc.animated_gif", Action.CANCEL): "delete_animated_graphics_task",
    ("huaweicloud.mpc.metadata_extraction", Action.CANCEL): "delete_extract_task",
    ("huaweicloud.mpc.editing", Action.CANCEL): "delete_editing_job",
    ("huaweicloud.mpc.enhancement", Action.CANCEL): "delete_media_process_task",
    ("huaweicloud.mpc.channel_merge", Action.CANCEL): "delete_merge_channels_task",
    ("huaweicloud.mpc.track_reset", Action.CANCEL): "delete_reset_tracks_task",
    ("huaweicloud.vod.editing", Action.CANCEL): "delete_asset_edit_task",
    ("huaweicloud.vod.transcoding", Action.CANCEL): "cancel_asset_transcode_task",
}
UNSIGNED = {"user-agent", "accept", "accept-encoding", "connection"}


def captured(document: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [request for request in document["requests"] if request["name"] == name]
    return dict(found)


def assert_headers(received: Received, expected: dict[str, Any]) -> None:
    """All headers of the SDK and no others, but for the signature: the SDK signs its User-Agent, we do not."""
    ours = {name: received.header(name) for name in received.headers if name not in UNSIGNED}
    theirs = {name.lower(): text for name, text in expected["headers"].items() if name.lower() not in UNSIGNED}
    theirs["host"] = str(ours["host"])
    assert str(ours.pop("authorization")).startswith(f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=content-type;host;")
    theirs.pop("authorization")
    assert ours == theirs


@pytest.mark.parametrize("name", sorted(CAPTURED_AS))
def test_lists_are_asked_as_the_sdk_does(name: str, huaweicloud_captured: dict[str, Any]) -> None:
    resource = TYPES[name]
    expected = captured(huaweicloud_captured, f"{CAPTURED_AS[name]}.page")
    [received] = observe(resource)
    assert (received.method, received.path) == ("GET", expected["path"])
    # The capture filters by time and status as well; the rest of its query is ours, in its order.
    left_out = {"start_time", "end_time", "create_time_after", "create_time_before", "status"}
    kept = [f"{key}={text}" for key, text in expected["query"] if key not in left_out]
    assert received.raw_query == "&".join(kept)
    assert_headers(received, expected)


@pytest.mark.parametrize("name", sorted(CAPTURED_AS.keys() - {"huaweicloud.vod.transcoding"}))
def test_ids_are_asked_as_the_sdk_does(name: str, huaweicloud_captured: dict[str, Any]) -> None:
    resource = TYPES[name]
    suffix = "id" if name == "huaweicloud.vod.editing" else "ids"
    expected = captured(huaweicloud_captured, f"{CAPTURED_AS[name]}.{suffix}")
    ids = [text for _, text in expected["query"]]

    async def act(client: HuaweicloudClient) -> None:
        await client.read(resource, ids)

    [received] = against(lambda _: as_json({resource.listing.envelope: [], "total": 0}), act, now=lambda: FROZEN)
    if expected["name"] in SORTED_AS_NUMBERS:
        assert received.raw_query == "task_id=1000&task_id=200&task_id=30"
    else:
        assert received.target == expected["raw_target"]
    assert_headers(received, expected)


@pytest.mark.parametrize(("name", "action"), sorted(WRITES_CAPTURED_AS))
def test_writes_are_sent_as_the_sdk_does(
    name: str, action: Action, huaweicloud_captured: dict[str, Any], sdk: SimpleNamespace
) -> None:
    expected = captured(huaweicloud_captured, WRITES_CAPTURED_AS[name, action])
    resource = TYPES[name]
    operation = resource.operation(action)
    assert operation is not None
    [(_, task_id)] = expected["query"]

    async def act(client: HuaweicloudClient) -> None:
        assert await client.perform(resource, operation, [task_id]) == {task_id: None}

    [received] = against([Reply(204)], act, now=lambda: FROZEN)
    assert (received.method, received.target) == (expected["method"], expected["raw_target"])
    assert received.body == b""
    assert_headers(received, expected)
    check(sdk, received)


def test_every_operation_was_compared() -> None:
    built = {(row.name, operation.action) for row in TYPES.values() for operation in row.operations}
    assert built == WRITES_CAPTURED_AS.keys()
    assert TYPES.keys() == CAPTURED_AS.keys()


def test_temporary_keys_carry_their_token(huaweicloud_captured: dict[str, Any], sdk: SimpleNamespace) -> None:
    expected = captured(huaweicloud_captured, "delete_remux_task.with_security_token")
    resource = TYPES["huaweicloud.mpc.packaging"]
    operation = resource.operation(Action.DELETE)
    assert operation is not None
    environment = {
        "HUAWEICLOUD_SDK_AK": AK,
        "HUAWEICLOUD_SDK_SK": SK,
        "HUAWEICLOUD_SDK_SECURITY_TOKEN": expected["headers"]["X-Security-Token"],
    }

    async def act(client: HuaweicloudClient) -> None:
        await client.perform(resource, operation, ["100211"])

    [received] = against([Reply(204)], act, environment, now=lambda: FROZEN)
    assert received.target == expected["raw_target"]
    assert_headers(received, expected)
    check(sdk, received)
