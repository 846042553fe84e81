"""Transcoding jobs of MPS: listed by tokens, read by ids, canceled one by one; against the vendor's SDK as well."""

# ruff: noqa: ANN401 - the vendor's SDK has no types

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from reconciler.exceptions import ProviderError
from reconciler.provider.loopback import Received, Reply, Time, as_json
from reconciler.providers.aliyun import PROVIDER
from reconciler.providers.aliyun.client import AliyunClient
from reconciler.providers.aliyun.endpoints import endpoint
from reconciler.providers.aliyun.signing import authorization
from reconciler.providers.credential_source import canonical_query
from reconciler.providers.credentials import AccessKey
from reconciler.simulator import Simulator
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import Status
from tests.providers.aliyun.cloud import KEYS, TRANSCODING, connected, target
from tests.providers.loopback import around

T = TypeVar("T")
KIND = TRANSCODING.name
CAPTURED = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "aliyun_more_sdk_requests.json").read_text(encoding="utf-8")
)
JOB = "d1ce4d3efcb549419193f50f1fcd0001"


def simulated(simulator: Simulator, act: Callable[[AliyunClient], Awaitable[T]]) -> T:
    account = simulator.accounts.aliyun[0]
    keys = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": account.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": account.secret_access_key,
    }

    async def run() -> T:
        surroundings = around(keys, time=Time())
        async with PROVIDER.client(target(simulator.url), concurrency=8, surroundings=surroundings) as client:
            return await act(client)

    return asyncio.run(run())


def cancel(answer: Reply) -> tuple[Fault | None, Received]:
    operation = TRANSCODING.operation(Action.CANCEL)
    assert operation is not None

    async def run() -> tuple[Fault | None, Received]:
        async with connected([answer]) as (client, server):
            return (await client.perform(TRANSCODING, operation, [JOB]))[JOB], server.requests[0]

    return asyncio.run(run())


def test_requests_are_those_of_the_vendors_sdk() -> None:
    """Method, query and service; what else its SDK signs is its own."""
    sent: dict[str, tuple[str, str, str | None]] = {}

    async def run() -> None:
        jobs = as_json({"JobList": {"Job": []}, "NonExistJobIds": {"String": [JOB]}})
        async with connected(lambda _: jobs) as (client, server):
            await client.observe(TRANSCODING, frozenset({"Submitted"}))
            await client.read(TRANSCODING, [JOB])
            operation = TRANSCODING.operation(Action.CANCEL)
            assert operation is not None
            await client.perform(TRANSCODING, operation, [JOB])
            for request in server.requests:
                name = request.header("x-acs-action") or ""
                sent[name] = (request.method, request.target, request.header("x-acs-version"))

    asyncio.run(run())
    theirs = {entry["name"]: entry for entry in CAPTURED["requests"]}
    for action, name in (("CancelJob", "mts.cancel_job"), ("ListJob", "mts.list_job.first")):
        entry = theirs[name]
        assert sent[action] == (entry["method"], entry["raw_target"], entry["headers"]["x-acs-version"])
    assert sent["QueryJobList"] == ("POST", f"/?JobIds={JOB}", "2014-06-18")
    assert "%2C" in theirs["mts.query_job_list"]["raw_target"]


def test_the_signature_is_the_vendors_sdks() -> None:
    key = AccessKey(CAPTURED["access_key_id"], CAPTURED["access_key_secret"])
    for entry in CAPTURED["requests"]:
        headers = {name.lower(): text for name, text in entry["headers"].items()}
        signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        path, _, query = entry["raw_target"].partition("?")
        target = f"{path}?{canonical_query(parse_qsl(query, keep_blank_values=True))}"
        ours = authorization(key, entry["method"], target, {name: headers[name] for name in signed})
        assert ours == headers["authorization"], entry["name"]


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("PermissionDenied.JobInRunning", Meaning.CHANGED),
        ("PermissionDenied.JobInComplete", Meaning.CHANGED),
        ("PermissionDenied.JobInFailure", Meaning.CHANGED),
        ("InvalidParameter.ResourceNotFound", Meaning.GONE),
        ("InvalidParameter.ResourceDeleted", Meaning.GONE),
        ("InvalidParameter.UUIDFormatInvalid", Meaning.PERMANENT),
        ("InvalidParameter.InvalidState", Meaning.PERMANENT),
        ("Forbidden.RAM", Meaning.PERMISSION),
        ("NoPermission", Meaning.PERMISSION),
        ("Throttling.User", Meaning.THROTTLED),
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_a_refusal_means_is_said_by_its_code_alone(code: str, meaning: Meaning, status: int) -> None:
    operation = TRANSCODING.operation(Action.CANCEL)
    assert operation is not None

    async def run() -> Fault | None:
        refused = as_json({"Code": code, "Message": "no permission", "RequestId": "r"}, status)
        async with connected(lambda _: refused) as (client, _):
            return (await client.perform(TRANSCODING, operation, [JOB]))[JOB]

    fault = asyncio.run(run())
    assert fault is not None
    assert (fault.meaning, fault.code) == (meaning, code)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"RequestId": "r"},
        {"RequestId": "r", "JobId": "another"},
        {"RequestId": "r", "JobId": [JOB]},
        {"Code": "PermissionDenied.JobInRunning", "JobId": JOB},
    ],
    ids=str,
)
def test_a_success_that_does_not_name_the_job_is_none(body: Mapping[str, object]) -> None:
    fault, _ = cancel(as_json(body))
    assert fault is not None
    assert fault.meaning is Meaning.MALFORMED
    assert cancel(as_json({"RequestId": "r", "JobId": JOB}))[0] is None


def test_a_long_list_is_read_token_by_token_and_the_missing_are_told() -> None:
    rows = [{"id": JOB, "status": "pending"}, {"count": 250, "status": ["pending", "running"], "every": "1s"}]
    with Simulator({"tasks": {KIND: rows}}).running() as simulator:

        async def act(client: AliyunClient) -> None:
            whole = await client.observe(TRANSCODING, None)
            assert whole.complete
            assert (len(whole.tasks), whole.requests) == (251, 3)
            waiting = await client.observe(TRANSCODING, frozenset({"Submitted"}))
            assert (len(waiting.tasks), waiting.requests) == (126, 2)
            read = await client.read(TRANSCODING, [JOB, "f" * 32])
            assert {name: task.status for name, task in read.tasks.items()} == {
                JOB: Status.PENDING,
                "f" * 32: Status.GONE,
            }

        simulated(simulator, act)
        assert simulator.anomalies == []


def test_fields_are_read_where_the_vendor_has_them() -> None:
    row = {
        "id": JOB,
        "status": "failed",
        "Output": {"UserData": "order-1", "Priority": "10", "OutputFile": {"Bucket": "b", "Object": "o"}},
        "Input": {"Bucket": "in"},
        "PipelineId": "p1",
    }
    with Simulator({"tasks": {KIND: [row]}}).running() as simulator:
        seen = simulated(simulator, lambda client: client.observe(TRANSCODING, None))
    [task] = seen.tasks
    expected = {"status": "failed", "user_data": "order-1", "priority": 10, "output.bucket": "b", "input.bucket": "in"}
    expected |= {"pipeline_id": "p1", "error_code": "InvalidParameter.ResourceNotFound"}
    assert task.values.items() >= expected.items()
    assert task.created_at is not None


@pytest.mark.parametrize("spelt", ["Transcodesuccess", "TranscodeSuccess"])
def test_both_spellings_of_an_end_are_known_and_one_is_asked_for(spelt: str) -> None:
    async def run() -> tuple[list[Status], list[str | None]]:
        answer = as_json({"JobList": {"Job": [{"JobId": JOB, "State": spelt}]}})
        async with connected(lambda _: answer) as (client, server):
            wanted = frozenset({"TranscodeSuccess", "Transcodesuccess"})
            seen = await client.observe(TRANSCODING, wanted)
            return [task.status for task in seen.tasks], [request.value("State") for request in server.requests]

    assert asyncio.run(run()) == ([Status.SUCCEEDED], ["TranscodeSuccess"])


@pytest.mark.parametrize(
    ("region", "given", "host"),
    [
        ("cn-hangzhou", {}, "mts.cn-hangzhou.aliyuncs.com"),
        ("cn-shanghai", {"mps": "https://mts-vpc.eu-west-1.aliyuncs.com"}, "mts-vpc.eu-west-1.aliyuncs.com"),
        ("cn-shanghai", {"vod": "https://vod-vpc.ap-southeast-1.aliyuncs.com"}, "mts.ap-southeast-1.aliyuncs.com"),
    ],
)
def test_each_service_has_its_host(region: str, given: dict[str, str], host: str) -> None:
    found = endpoint(target("", region=region, endpoints=given), "mps", {})
    assert urlsplit(found).hostname == host


def test_endpoints_in_two_regions_are_refused() -> None:
    endpoints = {"mps": "https://mts.cn-beijing.aliyuncs.com", "vod": "https://vod.cn-shanghai.aliyuncs.com"}
    with pytest.raises(ProviderError, match="several regions: cn-beijing, cn-shanghai"):
        PROVIDER.client(target("", endpoints=endpoints), concurrency=1, surroundings=around(KEYS))


@pytest.fixture
def vendors(simulator: Simulator) -> Any:
    """The vendor's own client of MPS, and its requests."""
    client = pytest.importorskip("alibabacloud_mts20140618.client", reason="no development dependency everywhere yet")
    models = pytest.importorskip("alibabacloud_mts20140618.models")
    openapi = pytest.importorskip("alibabacloud_tea_openapi.models")
    account = simulator.accounts.aliyun[0]
    config = openapi.Config(
        access_key_id=account.access_key_id,
        access_key_secret=account.secret_access_key,
        endpoint=urlsplit(simulator.url).netloc,
        protocol="HTTP",
    )
    return client.Client(config), models


def test_the_vendors_sdk_lists_reads_and_cancels_on_the_simulator(simulator: Simulator, vendors: Any) -> None:
    client, models = vendors
    for status in ("pending", "running", "pending"):
        simulator.aliyun.add(KIND, status=status)
    page = client.list_job(models.ListJobRequest(state="Submitted", maximum_page_size=1)).body
    [first] = page.job_list.job
    rest = client.list_job(
        models.ListJobRequest(state="Submitted", maximum_page_size=1, next_page_token=page.next_page_token)
    ).body
    assert [job.state for job in (first, *rest.job_list.job)] == ["Submitted", "Submitted"]
    assert not rest.next_page_token
    read = client.query_job_list(models.QueryJobListRequest(job_ids=f"{first.job_id},{'f' * 32}")).body
    assert [job.job_id for job in read.job_list.job] == [first.job_id]
    assert read.non_exist_job_ids.string == ["f" * 32]
    assert client.cancel_job(models.CancelJobRequest(job_id=first.job_id)).body.job_id == first.job_id
    assert simulator.aliyun.status(KIND, first.job_id) == "TranscodeCancelled"
    running = next(task for task in simulator.aliyun if task.status == "Transcoding")
    with pytest.raises(Exception, match=r"PermissionDenied\.JobInRunning"):
        client.cancel_job(models.CancelJobRequest(job_id=running.id))
    assert simulator.aliyun.status(KIND, running.id) == "Transcoding"
