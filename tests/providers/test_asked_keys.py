"""Keys that somebody is asked for, whichever cloud they are for: renewed when they are refused, and not for ever."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.tasks.observation import Meaning
from reconciler.tasks.resource_type import Action, ResourceType
from tests.providers.aliyun import test_asked_keys as aliyun
from tests.providers.aliyun.cloud import URL_UPLOAD
from tests.providers.huaweicloud import test_asked_keys as huaweicloud
from tests.providers.huaweicloud.cloud import PACKAGING
from tests.providers.loopback import Issuer


@dataclass(frozen=True)
class Cloud:
    machine: type[Issuer]
    on: Callable[..., AbstractAsyncContextManager[Any]]
    resource: ResourceType
    action: Action


CLOUDS = {
    "aliyun": Cloud(aliyun.Machine, aliyun.on, URL_UPLOAD, Action.CANCEL),
    "huaweicloud": Cloud(huaweicloud.Machine, huaweicloud.on, PACKAGING, Action.DELETE),
}
of_each_cloud = pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)


@of_each_cloud
async def test_keys_that_are_refused_are_renewed_once_for_reads_and_writes(cloud: Cloud) -> None:
    machine = cloud.machine()
    async with cloud.on(machine, metadata=True) as (client, _):
        await client.observe(cloud.resource, None)
        machine.valid = 0
        observations = await asyncio.gather(*(client.observe(cloud.resource, None) for _ in range(5)))
        assert all(observation.complete for observation in observations)
        assert machine.issued == 2
        machine.time.now += 100
        machine.valid = 0
        assert await client.perform(cloud.resource, cloud.resource.operation(cloud.action), ["j"]) == {"j": None}
        assert machine.issued == 3
    assert [verdict for _, verdict in machine.calls[-2:]] == ["refused", "good"]
    assert machine.calls[-1][0] == machine.calls[-2][0] != machine.calls[0][0]


@of_each_cloud
async def test_a_cloud_that_refuses_every_key_is_not_asked_for_ever(cloud: Cloud) -> None:
    machine = cloud.machine()
    async with cloud.on(machine, metadata=True) as (client, _):
        assert (await client.observe(cloud.resource, None)).complete
        machine.refuses_all = True
        fault = (await client.observe(cloud.resource, None)).fault
    assert fault is not None
    assert fault.meaning is Meaning.CREDENTIALS
    assert len(machine.calls) == 3
    assert machine.issued == 2
