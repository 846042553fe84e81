"""MediaConvert: the signature by golden vectors, the calls against the simulator, and boto3 as a foreign client."""

# ruff: noqa: ANN401 - boto3 has no types

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest

from reconciler.config.model import Target
from reconciler.provider.loopback import Received, Reply, Time, as_json, serving
from reconciler.providers.aws import PROVIDER
from reconciler.providers.aws.client import AwsClient
from reconciler.providers.aws.endpoints import endpoint
from reconciler.providers.aws.errors import CODES
from reconciler.providers.aws.signing import authorization
from reconciler.providers.credential_source import canonical_query
from reconciler.providers.credentials import AccessKey
from reconciler.providers.transport.answers import Redactor
from reconciler.simulator import Simulator
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import Status
from tests.providers.loopback import FROZEN, around

T = TypeVar("T")
JOB = PROVIDER.resource_types["aws.mediaconvert.job"]
CANCEL = JOB.operation(Action.CANCEL)
CAPTURED = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "aws_mediaconvert_sdk_requests.json").read_text(encoding="utf-8")
)
ID = "1704164645000-abc123"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE000000000", "AWS_SECRET_ACCESS_KEY": "SkExample/Secret+Key0000000000000000000"}


def target(url: str, **changes: Any) -> Target:
    return Target("here", "aws", "eu-central-1", endpoints={"mediaconvert": url} if url else {}, **changes)


def with_client(
    answer: Callable[[Received], Reply] | list[Reply],
    act: Callable[[AwsClient], Awaitable[T]],
    keys: Mapping[str, str] = KEYS,
) -> tuple[T, list[Received]]:
    async def run() -> tuple[T, list[Received]]:
        async with serving(answer) as server:
            surroundings = around(keys, time=Time(), now=lambda: FROZEN)
            async with PROVIDER.client(target(server.url), concurrency=4, surroundings=surroundings) as client:
                return await act(client), server.requests

    return asyncio.run(run())


def simulated(simulator: Simulator, act: Callable[[AwsClient], Awaitable[T]]) -> T:
    account = simulator.accounts.aws[0]
    keys = {"AWS_ACCESS_KEY_ID": account.access_key_id, "AWS_SECRET_ACCESS_KEY": account.secret_access_key}

    async def run() -> T:
        surroundings = around(keys, time=Time())
        async with PROVIDER.client(target(simulator.url), concurrency=4, surroundings=surroundings) as client:
            return await act(client)

    return asyncio.run(run())


@pytest.mark.parametrize("entry", CAPTURED["requests"], ids=lambda entry: entry["name"])
def test_the_signature_is_botocores(entry: Mapping[str, Any]) -> None:
    headers = {name.lower(): text for name, text in entry["headers"].items()}
    signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    body = entry["body"]
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    key = AccessKey(CAPTURED["access_key_id"], CAPTURED["secret_access_key"])
    ours = authorization(
        key,
        entry["method"],
        entry["raw_target"],
        {name: headers[name] for name in signed},
        text.encode(),
        service="mediaconvert",
        region=CAPTURED["region"],
    )
    assert ours == headers["authorization"]


def test_requests_are_those_of_botocore() -> None:
    theirs = {entry["name"]: entry for entry in CAPTURED["requests"]}

    async def act(client: AwsClient) -> None:
        assert CANCEL is not None
        await client.read(JOB, [ID])
        await client.perform(JOB, CANCEL, [ID])

    _, received = with_client(
        lambda request: Reply(202) if request.method == "DELETE" else as_json({"job": {"id": ID}}), act
    )
    for request, name in zip(received, ("get_job", "cancel_job"), strict=True):
        assert (request.method, request.target) == (theirs[name]["method"], theirs[name]["raw_target"])
        assert request.header("x-amz-date") == "20240102T030405Z"
        assert "SignedHeaders=host;x-amz-date," in (request.header("authorization") or "")


def test_a_token_is_sent_as_it_came() -> None:
    assert (
        canonical_query([("nextToken", "tok+en/=1 2"), ("maxResults", "20")])
        == "maxResults=20&nextToken=tok%2Ben%2F%3D1%202"
    )


@pytest.mark.parametrize(
    ("status", "name", "meaning"),
    [
        (409, "ConflictException", Meaning.CHANGED),
        (404, "NotFoundException", Meaning.GONE),
        (400, "BadRequestException", Meaning.CHANGED),
        (403, "ForbiddenException", Meaning.PERMISSION),
        (403, "AccessDeniedException", Meaning.PERMISSION),
        (402, "ServiceQuotaExceededException", Meaning.PERMANENT),
        (403, "UnrecognizedClientException", Meaning.CREDENTIALS),
        (403, "InvalidSignatureException", Meaning.CREDENTIALS),
        (403, "MissingAuthenticationTokenException", Meaning.CREDENTIALS),
        (500, "InternalServerErrorException", Meaning.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("place", ["header", "__type", "code"])
def test_what_a_refusal_means(status: int, name: str, meaning: Meaning, place: str) -> None:
    named = {"x_amzn_ErrorType": f"{name}:http://internal/"} if place == "header" else {}
    body = {"message": "no"} | ({} if named else {place: f"com.amazon#{name}"})

    async def act(client: AwsClient) -> Fault | None:
        assert CANCEL is not None
        return (await client.perform(JOB, CANCEL, [ID]))[ID]

    fault, _ = with_client(lambda _: as_json(body, status, **named), act)
    assert fault is not None
    assert fault.meaning is meaning


def test_a_failed_job_is_a_task_and_no_error_of_the_call() -> None:
    job = {"id": ID, "status": "ERROR", "errorCode": 1404, "errorMessage": "no input", "createdAt": 1704164645.0}
    readings, _ = with_client([as_json({"job": job})], lambda client: client.read(JOB, [ID]))
    task = readings.tasks[ID]
    assert (task.status, task.values["error_code"], task.created_at) == (Status.FAILED, "1404", 1704164645)


def test_fields_are_read_where_the_vendor_has_them() -> None:
    row = {
        "id": ID,
        "status": "pending",
        "queue": "arn:aws:mediaconvert:eu-central-1:1:queues/slow",
        "userMetadata": {"team": "video", "order": "7"},
        "settings": {"inputs": [{"fileInput": "s3://b/a.mp4"}, {"fileInput": "s3://b/b.mp4"}]},
        "jobTemplate": "hls",
        "priority": -3,
    }
    with Simulator({"tasks": {JOB.name: [row]}}).running() as simulator:
        seen = simulated(simulator, lambda client: client.observe(JOB, None))
    [task] = seen.tasks
    files = ("s3://b/a.mp4", "s3://b/b.mp4")
    expected = {"queue_name": "slow", "input.location": files, "job_template": "hls", "priority": -3}
    metadata = {"user_metadata.order": "7", "user_metadata.team": "video"}
    assert task.values.items() >= (expected | metadata).items()


ODD_METADATA: tuple[object, ...] = ([], "a", {"a": None, "b": "", "": "x", "*": "x"})
ODD_SETTINGS: tuple[object, ...] = (
    [],
    *({"inputs": {}}, {"inputs": [{"fileInput": "s3://b/a"}, "s3://b/b"]}),
    {"inputs": [{"fileInput": "s3://b/a"}, {"fileInput": "s3://b/" + "b" * 20_000}]},
)


@pytest.mark.parametrize(
    "odd",
    [*({"userMetadata": metadata} for metadata in ODD_METADATA), *({"settings": one} for one in ODD_SETTINGS)],
)
def test_what_has_another_form_is_unknown(odd: Mapping[str, object]) -> None:
    seen, _ = with_client(
        [as_json({"jobs": [{"id": ID, "status": "SUBMITTED", **odd}]})], lambda client: client.observe(JOB, None)
    )
    [task] = seen.tasks
    assert task.values.keys() == {"id", "status", "provider_status"}


def test_a_list_of_twenty_a_page_is_read_to_its_end() -> None:
    rows = {"count": 90, "status": ["pending", "running", "succeeded"], "every": "1s"}
    with Simulator({"tasks": {JOB.name: [rows]}}).running() as simulator:
        whole = simulated(simulator, lambda client: client.observe(JOB, None))
        waiting = simulated(simulator, lambda client: client.observe(JOB, frozenset({"SUBMITTED"})))
        assert simulator.anomalies == []
    assert (whole.complete, len(whole.tasks), whole.requests) == (True, 90, 5)
    assert (waiting.complete, len(waiting.tasks), waiting.requests) == (True, 30, 2)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "mediaconvert.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "mediaconvert.us-gov-west-1.amazonaws.com"),
        ("cn-northwest-1", "mediaconvert.cn-northwest-1.amazonaws.com.cn"),
    ],
)
def test_hosts(region: str, host: str) -> None:
    found = endpoint(Target("t", "aws", region), "mediaconvert", around(KEYS))
    assert urlsplit(found).hostname == host


def test_an_error_of_sts_is_read_in_json_and_in_xml() -> None:
    for answer in (
        httpx.Response(403, json={"Error": {"Code": "ExpiredToken", "Message": "too late"}}),
        httpx.Response(403, text="<E><Error><Code>ExpiredToken</Code><Message>too late</Message></Error></E>"),
    ):
        said = CODES.said(answer)
        assert (said.code, said.message) == ("ExpiredToken", "too late")
        assert CODES.refusal(answer, Redactor(), now=lambda: FROZEN).meaning is Meaning.CREDENTIALS


@pytest.fixture
def vendors(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """boto3's client."""
    boto3 = pytest.importorskip("boto3", reason="no development dependency everywhere yet")
    config = pytest.importorskip("botocore.config")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    account = simulator.accounts.aws[0]
    client = boto3.client(
        "mediaconvert",
        region_name="eu-central-1",
        endpoint_url=simulator.url,
        aws_access_key_id=account.access_key_id,
        aws_secret_access_key=account.secret_access_key,
        config=config.Config(retries={"max_attempts": 0}),
    )
    yield client
    client.close()


def test_boto3_lists_reads_and_cancels_on_the_simulator(simulator: Simulator, vendors: Any) -> None:
    for status in ("pending", "running", "succeeded", *["pending"] * 20):
        simulator.aws.add(JOB.name, status=status)
    first = vendors.list_jobs(Status="SUBMITTED", MaxResults=20, Order="ASCENDING")
    rest = vendors.list_jobs(Status="SUBMITTED", MaxResults=20, Order="ASCENDING", NextToken=first["NextToken"])
    assert (len(first["Jobs"]), len(rest["Jobs"]), "NextToken" in rest) == (20, 1, False)
    job = vendors.get_job(Id=first["Jobs"][0]["Id"])["Job"]
    assert (job["Status"], job["Priority"]) == ("SUBMITTED", 0)
    for status in ("SUBMITTED", "PROGRESSING"):
        name = vendors.list_jobs(Status=status)["Jobs"][0]["Id"]
        assert vendors.cancel_job(Id=name)["ResponseMetadata"]["HTTPStatusCode"] == 202
        assert simulator.aws.status(JOB.name, name) == "CANCELED"
    done = vendors.list_jobs(Status="COMPLETE")["Jobs"][0]["Id"]
    with pytest.raises(vendors.exceptions.ConflictException):
        vendors.cancel_job(Id=done)
    with pytest.raises(vendors.exceptions.NotFoundException):
        vendors.get_job(Id="1-none")
    assert simulator.anomalies == []
