"""Targets and clients of an Alibaba Cloud on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from reconciler.config.model import Target
from reconciler.provider.loopback import Received, Reply, Server, Time, serving
from reconciler.providers.aliyun import PROVIDER
from reconciler.providers.aliyun.client import AliyunClient
from reconciler.providers.base import Readings
from reconciler.tasks.observation import Fault, Observation
from reconciler.tasks.resource_type import Action
from tests.providers.loopback import around

AK = "FAKEAKID0000000000000000"
SK = "FakeSecret/With+Signs"
KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": AK, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SK}
URL_UPLOAD = PROVIDER.resource_types["aliyun.vod.url_upload"]
TRANSCODING = PROVIDER.resource_types["aliyun.mps.transcoding"]
CANCEL = URL_UPLOAD.operation(Action.CANCEL)
assert CANCEL is not None


def target(url: str, **changes: Any) -> Target:  # noqa: ANN401 - the attributes of Target
    """A target at `url`."""
    usual = Target("shanghai", "aliyun", "cn-shanghai", endpoints={"vod": url, "mps": url}, inventory={})
    return replace(usual, **changes)


@asynccontextmanager
async def connected(
    answer: Callable[[Received], Reply] | list[Reply],
    environment: Mapping[str, str] | None = None,
    *,
    now: Callable[[], datetime] | None = None,
    **changes: Any,  # noqa: ANN401 - as above
) -> AsyncIterator[tuple[AliyunClient, Server]]:
    """A client and the server that it talks to."""
    async with serving(answer) as server:
        surroundings = around(KEYS if environment is None else environment, time=Time(), now=now)
        async with PROVIDER.client(target(server.url, **changes), concurrency=8, surroundings=surroundings) as client:
            yield client, server


def observe(
    answer: Callable[[Received], Reply] | list[Reply], *, ids: Sequence[str] = (), urls: Sequence[str] = ()
) -> tuple[Observation, list[Received]]:
    """List an inventory."""

    async def run() -> tuple[Observation, list[Received]]:
        async with connected(answer, inventory={"job_ids": ids, "upload_urls": urls}) as (client, server):
            observation = await client.observe(URL_UPLOAD, None)
            assert client.requests == observation.requests == len(server.requests)
        return observation, server.requests

    return asyncio.run(run())


def read(answer: Callable[[Received], Reply] | list[Reply], ids: Sequence[str]) -> tuple[Readings, list[Received]]:
    """Read jobs by id."""

    async def run() -> tuple[Readings, list[Received]]:
        async with connected(answer) as (client, server):
            readings = await client.read(URL_UPLOAD, ids)
        return readings, server.requests

    return asyncio.run(run())


def cancel(
    answer: Callable[[Received], Reply] | list[Reply],
    ids: Sequence[str],
    environment: Mapping[str, str] | None = None,
    now: Callable[[], datetime] | None = None,
) -> tuple[Mapping[str, Fault | None], list[Received]]:
    """Cancel jobs by id."""

    async def run() -> tuple[Mapping[str, Fault | None], list[Received]]:
        assert CANCEL is not None
        async with connected(answer, environment, now=now) as (client, server):
            verdicts = await client.perform(URL_UPLOAD, CANCEL, ids)
        return verdicts, server.requests

    return asyncio.run(run())


def job(job_id: str, status: str = "PENDING", url: str = "http://h/v.mp4", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A record as the service writes it: a waiting job has a CompleteTime, too."""
    times = {"CreationTime": "2024-01-01T00:00:00Z", "CompleteTime": "2024-01-01T00:00:01Z"}
    return {"JobId": job_id, "Status": status, "UploadURL": url, **times, **more}


def asked_urls(request: Received) -> list[str]:
    """The URLs of a call: decoded once by the form, then one by one."""
    return [unquote(part) for part in (request.value("UploadURLs") or "").split(",")]


def asked_ids(request: Received) -> list[str]:
    return (request.value("JobIds") or "").split(",")
