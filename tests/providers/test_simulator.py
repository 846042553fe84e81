"""Both clients against the strict clouds of the simulator: what they send raises no eyebrow there."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from reconciler.config.model import Credentials, Secret, Target
from reconciler.provider.loopback import Time
from reconciler.providers.aliyun import PROVIDER as ALIYUN
from reconciler.providers.base import Client
from reconciler.providers.huaweicloud import PROVIDER as HUAWEICLOUD
from reconciler.simulator import Simulator
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action, ResourceType
from reconciler.tasks.task import Status
from tests.providers.loopback import around

AK, SK = "SIMULATORHUAWEICLOUD", "simulator-secret-of-huaweicloud"
ENVIRONMENT = {
    "HUAWEICLOUD_SDK_AK": AK,
    "HUAWEICLOUD_SDK_SK": SK,
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "SIMULATORALIYUN",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "simulator-secret-of-aliyun",
    "USER": "simulator",
    "PASSWORD": "simulator-password",
    "DOMAIN": "simulator-domain",
}
PHASES = ("pending", "running", "succeeded", "failed", "canceled")
CANCEL_ONLY = [row for row in HUAWEICLOUD.resource_types.values() if not row.listing.rows_merge]
WITH_RECORDS = [row for row in CANCEL_ONLY if row.operation(Action.DELETE)]
TRANSCODING = HUAWEICLOUD.resource_types["huaweicloud.mpc.transcoding"]
VOD_TRANSCODING = HUAWEICLOUD.resource_types["huaweicloud.vod.transcoding"]
URL_UPLOAD = ALIYUN.resource_types["aliyun.vod.url_upload"]


@asynccontextmanager
async def huaweicloud(simulator: Simulator, **changes: Any) -> AsyncIterator[Client]:  # noqa: ANN401 - the attributes of Target
    endpoints = dict.fromkeys(("mpc", "vod", "iam"), simulator.url)
    target = replace(Target("prod", "huaweicloud", "cn-north-4", endpoints=endpoints), **changes)
    surroundings = around(ENVIRONMENT, time=Time())
    async with HUAWEICLOUD.client(target, concurrency=8, surroundings=surroundings) as client:
        yield client


@asynccontextmanager
async def aliyun(simulator: Simulator, inventory: Mapping[str, tuple[str, ...]]) -> AsyncIterator[Client]:
    target = Target("shanghai", "aliyun", "cn-shanghai", endpoints={"vod": simulator.url}, inventory=inventory)
    async with ALIYUN.client(target, concurrency=8, surroundings=around(ENVIRONMENT, time=Time())) as client:
        yield client


def seeded(kind: str, **more: object) -> dict[str, object]:
    return {"tasks": {kind: [{"count": 25, "status": list(PHASES), "every": "1m", **more}]}}


async def perform(client: Client, resource: ResourceType, action: Action, task_id: str) -> Fault | None:
    operation = resource.operation(action)
    assert operation is not None
    verdicts: Mapping[str, Fault | None] = await client.perform(resource, operation, [task_id])
    return verdicts[task_id]


@pytest.mark.parametrize("numeric", [False, True], ids=["text", "numbers"])
@pytest.mark.parametrize("resource", CANCEL_ONLY, ids=lambda row: row.name)
def test_list_read_and_cancel(resource: ResourceType, numeric: bool) -> None:
    async def run(simulator: Simulator) -> None:
        async with huaweicloud(simulator) as client:
            whole = await client.observe(resource, None)
            assert whole.complete
            assert sorted(task.status.value for task in whole.tasks) == sorted(PHASES * 5)
            assert all(task.created_at for task in whole.tasks)
            for status in (Status.PENDING, Status.RUNNING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED):
                wanted = frozenset(resource.vendor_statuses(status))
                part = await client.observe(resource, wanted)
                assert {task.id for task in part.tasks} >= {task.id for task in whole.tasks if task.status is status}
            by_status = {task.status: task.id for task in whole.tasks}
            assert await perform(client, resource, Action.CANCEL, by_status[Status.PENDING]) is None
            late = await perform(client, resource, Action.CANCEL, by_status[Status.RUNNING])
            assert late is not None
            assert late.meaning is Meaning.CHANGED
            ids = [*by_status.values(), "999999" if resource.service == "mpc" else "f" * 32]
            readings = await client.read(resource, ids)
            assert readings.faults == {}
            assert readings.tasks[by_status[Status.PENDING]].status is Status.CANCELED
            assert readings.tasks[by_status[Status.RUNNING]].status is Status.RUNNING
            assert readings.tasks[ids[-1]].status is Status.GONE

    with Simulator(seeded(resource.name) | {"options": {"numeric_ids": numeric}}).running() as simulator:
        asyncio.run(run(simulator))
        assert simulator.anomalies == []


@pytest.mark.parametrize("resource", WITH_RECORDS, ids=lambda row: row.name)
def test_delete_records(resource: ResourceType) -> None:
    async def run(simulator: Simulator) -> None:
        async with huaweicloud(simulator) as client:
            whole = await client.observe(resource, None)
            by_status = {task.status: task.id for task in whole.tasks}
            for status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELED):
                assert await perform(client, resource, Action.DELETE, by_status[status]) is None
                again = await perform(client, resource, Action.DELETE, by_status[status])
                assert again is not None
                assert again.meaning is Meaning.GONE
            early = await perform(client, resource, Action.DELETE, by_status[Status.PENDING])
            assert early is not None
            assert early.meaning is Meaning.CHANGED
            readings = await client.read(resource, list(by_status.values()))
            assert readings.tasks[by_status[Status.FAILED]].status is Status.GONE

    with Simulator(seeded(resource.name)).running() as simulator:
        asyncio.run(run(simulator))
        assert simulator.anomalies == []


def test_vod_transcoding() -> None:
    rows = [{"id": f"asset{number % 3}#{number}", "status": PHASES[number % 2]} for number in range(12)]

    async def run(simulator: Simulator) -> None:
        async with huaweicloud(simulator) as client:
            whole = await client.observe(VOD_TRANSCODING, None)
            assert whole.complete
            assert {task.id: task.status.value for task in whole.tasks} == dict.fromkeys(
                ("asset0", "asset1", "asset2"), "pending"
            )
            assert await perform(client, VOD_TRANSCODING, Action.CANCEL, "asset1") is None
            readings = await client.read(VOD_TRANSCODING, ["asset0", "asset1"])
            assert {key: task.status.value for key, task in readings.tasks.items()} == {
                "asset0": "pending",
                "asset1": "running",
            }
            again = await perform(client, VOD_TRANSCODING, Action.CANCEL, "asset1")
            assert again is not None
            assert again.meaning is Meaning.CHANGED

    with Simulator({"tasks": {VOD_TRANSCODING.name: rows}}).running() as simulator:
        asyncio.run(run(simulator))
        assert simulator.anomalies == []


def test_the_documented_quota_is_never_met() -> None:
    """MPC takes 100 requests a minute. 350 pages are asked for, in a clock of their own, and none is refused."""
    time = Time()

    async def run(simulator: Simulator) -> list[float]:
        endpoints = dict.fromkeys(("mpc", "vod", "iam"), simulator.url)
        target = Target("prod", "huaweicloud", "cn-north-4", endpoints=endpoints)
        sent: list[float] = []
        async with HUAWEICLOUD.client(target, concurrency=8, surroundings=around(ENVIRONMENT, time=time)) as client:
            for _ in range(35):
                observation = await client.observe(TRANSCODING, None)
                assert observation.complete
                sent += [time.monotonic()] * observation.requests
        return sent

    with Simulator({"tasks": {TRANSCODING.name: [{"count": 1000, "status": "pending"}]}}).running() as simulator:
        sent = asyncio.run(run(simulator))
    assert len(sent) == 350
    assert all(earlier <= later for earlier, later in pairwise(sent))
    assert sent[-1] - sent[0] >= 3 * 60.0 - 12


def test_5000_tasks_of_which_150_wait_cost_two_requests() -> None:
    rows = [{"count": 150, "status": "pending"}, {"count": 4850, "status": "succeeded", "created": "1d"}]

    async def run(simulator: Simulator) -> None:
        async with huaweicloud(simulator) as client:
            observation = await client.observe(TRANSCODING, frozenset({"WAITING"}))
            assert (len(observation.tasks), observation.requests) == (150, 2)

    with Simulator({"tasks": {TRANSCODING.name: rows}}).running() as simulator:
        asyncio.run(run(simulator))
        assert [record.query for record in simulator.requests if "transcodings" in record.path] == [
            (("page", str(page)), ("size", "100"), ("status", "WAITING")) for page in range(2)
        ]


def test_a_shifting_page_is_repeated() -> None:
    async def run(simulator: Simulator) -> None:
        async with huaweicloud(simulator) as client:
            observation = await client.observe(TRANSCODING, frozenset({"WAITING"}))
            assert observation.complete
            assert observation.requests == 6

    with Simulator({"tasks": {TRANSCODING.name: [{"count": 250, "status": "pending"}]}}).running() as simulator:
        simulator.faults.add("shift_page", path="transcodings", nth=2, drop=3)
        asyncio.run(run(simulator))


def test_login_by_password() -> None:
    sources = {
        "iam_user": Secret(env="USER"),
        "iam_password": Secret(env="PASSWORD"),
        "iam_domain": Secret(env="DOMAIN"),
    }

    async def run(simulator: Simulator) -> None:
        async with huaweicloud(simulator, credentials=Credentials(secrets=sources)) as client:
            assert (await client.observe(TRANSCODING, None)).complete
            simulator.expire_tokens()
            observation = await client.observe(TRANSCODING, frozenset({"WAITING"}))
            assert await perform(client, TRANSCODING, Action.CANCEL, observation.tasks[0].id) is None

    with Simulator(seeded(TRANSCODING.name)).running() as simulator:
        asyncio.run(run(simulator))
        assert simulator.anomalies == []


SHAPES = ["array", "comma_joined", "json_in_array", "quoted_in_array", "bare_string", "wrapped", "missing", "null"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("refused", ["silent", "error"])
def test_url_uploads(shape: str, refused: str) -> None:
    url = "https://legacy.example.com/a b,c.mp4?sig=%2F"
    seed = {
        "options": {"response_shape": shape, "refused": refused},
        "tasks": {
            URL_UPLOAD.name: [
                {"id": "p1", "status": "pending", "UploadURL": "https://legacy.example.com/a b,c.mp4?sig=/"},
                {"id": "p2", "status": "pending", "UploadURL": "https://h.example.com/2.mp4"},
                {"id": "r1", "status": "running", "UploadURL": "https://h.example.com/2.mp4"},
            ]
        },
    }
    urls = (url, "https://h.example.com/2.mp4", "https://h.example.com/none,d.mp4")
    inventory = {"job_ids": ("p1", "none"), "upload_urls": urls}

    async def run(simulator: Simulator) -> None:
        async with aliyun(simulator, inventory) as client:
            observation = await client.observe(URL_UPLOAD, None)
            assert observation.complete, observation.fault
            assert {task.id: task.status.value for task in observation.tasks} == {
                "p1": "pending",
                "p2": "pending",
                "r1": "running",
            }
            cancel = URL_UPLOAD.operation(Action.CANCEL)
            assert cancel is not None
            verdicts = await client.perform(URL_UPLOAD, cancel, ["p1", "r1", "none"])
            assert {key: fault.meaning if fault else None for key, fault in verdicts.items()} == {
                "p1": None,
                "r1": Meaning.CHANGED,
                "none": Meaning.GONE,
            }
            readings = await client.read(URL_UPLOAD, ["p1", "p2", "r1", "none"])
            assert readings.faults == {}
            assert {key: task.status.value for key, task in readings.tasks.items()} == {
                "p1": "gone",
                "p2": "pending",
                "r1": "running",
                "none": "gone",
            }

    with Simulator(seed).running() as simulator:
        asyncio.run(run(simulator))
        assert simulator.anomalies == []
