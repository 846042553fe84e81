"""Targets and clients of a Huawei Cloud on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.config.model import Rate, Target
from reconciler.provider.loopback import Received, Reply, Server, Time, serving
from reconciler.providers.huaweicloud import PROVIDER
from reconciler.providers.huaweicloud.client import HuaweicloudClient
from reconciler.tasks.observation import Fault, Observation
from tests.providers.loopback import around

AK = "AKIDEXAMPLE0000000000"
SK = "SkExample/Secret+Key0000000000000000000"
PROJECT = "0123456789abcdef0123456789abcdef"
KEYS = {"HUAWEICLOUD_SDK_AK": AK, "HUAWEICLOUD_SDK_SK": SK}
TYPES = PROVIDER.resource_types
TRANSCODING = TYPES["huaweicloud.mpc.transcoding"]
PACKAGING = TYPES["huaweicloud.mpc.packaging"]
SNAPSHOT = TYPES["huaweicloud.mpc.snapshot"]
ANIMATED_GIF = TYPES["huaweicloud.mpc.animated_gif"]
VOD_EDITING = TYPES["huaweicloud.vod.editing"]
VOD_TRANSCODING = TYPES["huaweicloud.vod.transcoding"]


def target(url: str, **changes: Any) -> Target:  # noqa: ANN401 - the attributes of Target
    """A target whose services are all at `url`, with quotas that nobody feels."""
    usual = Target(
        "prod",
        "huaweicloud",
        "cn-north-4",
        options={"project_id": PROJECT},
        endpoints=dict.fromkeys(("mpc", "vod", "iam"), url),
        rate_limits={"mpc": Rate(10_000, 1), "vod": Rate(10_000, 1)},
    )
    return replace(usual, **changes)


@asynccontextmanager
async def connected(
    answer: Callable[[Received], Reply] | list[Reply],
    environment: Mapping[str, str] | None = None,
    *,
    now: Callable[[], datetime] | None = None,
    **changes: Any,  # noqa: ANN401 - as above
) -> AsyncIterator[tuple[HuaweicloudClient, Server]]:
    """A client and the server that it talks to."""
    async with serving(answer) as server:
        surroundings = around(KEYS if environment is None else environment, time=Time(), now=now)
        client = PROVIDER.client(target(server.url, **changes), concurrency=8, surroundings=surroundings)
        async with client:
            yield client, server


def against(
    answer: Callable[[Received], Reply] | list[Reply],
    act: Callable[[HuaweicloudClient], Awaitable[object]],
    environment: Mapping[str, str] | None = None,
    *,
    now: Callable[[], datetime] | None = None,
    **changes: Any,  # noqa: ANN401 - as above
) -> list[Received]:
    """Let `act` use a client; what the server received."""

    async def run() -> list[Received]:
        async with connected(answer, environment, now=now, **changes) as (client, server):
            await act(client)
        return server.requests

    return asyncio.run(run())


def one_fault(faults: Mapping[str, Fault | None]) -> Fault | None:
    """The only verdict."""
    [fault] = faults.values()
    return fault


def seen(observation: Observation) -> dict[str, str]:
    """Ids and statuses."""
    return {task.id: task.status.value for task in observation.tasks}
