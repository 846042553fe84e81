"""A request on its way in: which operation of which cloud it asks for."""

from dataclasses import dataclass

from reconciler.simulator.aliyun import cloud as aliyun_cloud
from reconciler.simulator.aliyun import jobs
from reconciler.simulator.aliyun.cloud import Aliyun
from reconciler.simulator.aliyun.operations import OPERATIONS
from reconciler.simulator.faults import Fault
from reconciler.simulator.huaweicloud import cloud as huaweicloud_cloud
from reconciler.simulator.huaweicloud.cloud import find_route
from reconciler.simulator.wire import WireRequest


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request on its way in: what it is, whom it is for and which faults it will meet."""

    request: WireRequest
    vendor: str
    action: str
    operation: str
    kind: str
    owner: str
    destructive: bool
    named: tuple[str, ...]
    faults: tuple[Fault, ...] = ()


def identify(request: WireRequest, aliyun: Aliyun) -> Arrival:
    """Say what a request is, before anybody has checked it. `aliyun` knows whom its keys belong to."""
    if request.path == "/":
        action = aliyun_cloud.action_of(request)
        operation = OPERATIONS.get(action)
        named = aliyun_cloud.named_tasks(request)
        destructive = operation.destructive if operation else False
        owner = aliyun.owner_of(request)
        return Arrival(request, aliyun_cloud.VENDOR, action, action, jobs.KIND, owner, destructive, named)
    route, project = find_route(request)
    if route is None:
        name = f"iam.{request.path.rpartition('/')[2]}" if request.path.startswith("/v3/") else ""
        return Arrival(request, huaweicloud_cloud.VENDOR, "", name, "", "", destructive=False, named=())
    return Arrival(
        request=request,
        vendor=huaweicloud_cloud.VENDOR,
        action="",
        operation=f"{route.kind}.{route.verb}",
        kind=route.kind,
        owner=project,
        destructive=route.destructive,
        named=huaweicloud_cloud.named_tasks(request, route),
    )
