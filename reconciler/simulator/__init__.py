"""Local clouds: Huawei Cloud (MPC, VOD, IAM) and Alibaba Cloud (VOD) on loopback, for tests, demos and dry runs.

    with Simulator(seed="seed.yaml").running() as simulator:
        client = ...(simulator.url)
        simulator.clock.advance("6h")
        assert simulator.destructive_requests == []

Production code never imports this package. It imports nothing of the project, so that a mistake in reading the
vendors' documents is not made on both sides.
"""

from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.faults import Fault, FaultKind
from reconciler.simulator.options import (
    DEFAULT_ACCOUNTS,
    Accounts,
    AliyunAccount,
    AwsAccount,
    HuaweicloudAccount,
    Options,
    ResponseShape,
)
from reconciler.simulator.request_log import Anomaly, RequestRecord
from reconciler.simulator.seeds import SeedError
from reconciler.simulator.server import Simulator, check_loopback, serve
from reconciler.simulator.store import Task

__all__ = [
    "DEFAULT_ACCOUNTS",
    "Accounts",
    "AliyunAccount",
    "Anomaly",
    "AwsAccount",
    "Fault",
    "FaultKind",
    "HuaweicloudAccount",
    "Options",
    "RequestRecord",
    "ResponseShape",
    "SeedError",
    "Simulator",
    "Task",
    "VirtualClock",
    "check_loopback",
    "serve",
]
