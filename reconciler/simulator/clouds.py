"""The local clouds as one object: state, clock, faults and log, and how a request goes through them."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from threading import RLock
from typing import Any

from reconciler.simulator.aliyun import cloud as aliyun_cloud
from reconciler.simulator.aliyun import operations
from reconciler.simulator.aliyun.cloud import Aliyun
from reconciler.simulator.aws import cloud as aws_cloud
from reconciler.simulator.aws import sts
from reconciler.simulator.aws.cloud import Aws
from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.faults import TASK_FAULTS, Fault, FaultKind, FaultQueue
from reconciler.simulator.huaweicloud import cloud as huaweicloud_cloud
from reconciler.simulator.huaweicloud.cloud import Huaweicloud, find_route
from reconciler.simulator.huaweicloud.kinds import SPELLINGS as HUAWEICLOUD_SPELLINGS
from reconciler.simulator.huaweicloud.vod import asset_of
from reconciler.simulator.options import Options, Quotas
from reconciler.simulator.request_log import SECRET_HEADERS, SECRET_PARAMETERS, Anomaly, RequestLog, RequestRecord
from reconciler.simulator.seeds import SeedError, Source, read_options, read_seed
from reconciler.simulator.store import Phase, Row, TaskStore
from reconciler.simulator.wire import Outcome, WireRequest, pairs


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


def identify(request: WireRequest, aliyun: Aliyun, aws: Aws) -> Arrival:
    """Say what a request is, before anybody has checked it. The clouds know whom their keys belong to."""
    if request.path.startswith(aws_cloud.ROOT):
        operation = aws_cloud.operation_of(request)
        named = aws_cloud.named_tasks(request)
        return Arrival(
            request=request,
            vendor=aws_cloud.VENDOR,
            action=operation,
            operation=operation,
            kind=aws_cloud.KIND,
            owner=aws.owner_of(request),
            destructive=operation == "CancelJob",
            named=named,
        )
    if action := sts.action_of(request):
        owner = aws.owner_of(request)
        return Arrival(request, aws_cloud.VENDOR, action, f"sts.{action}", "", owner, destructive=False, named=())
    if request.path == "/":
        action = aliyun_cloud.action_of(request)
        found = aliyun_cloud.OPERATIONS.get(action)
        named = aliyun_cloud.named_tasks(request)
        destructive = found.destructive if found else False
        owner = aliyun.owner_of(request)
        kind = found.kind if found else ""
        return Arrival(request, aliyun_cloud.VENDOR, action, action, kind, owner, destructive, named)
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


class LocalClouds:
    """The vendors' APIs in one process.

    `huaweicloud`, `aliyun` and `aws` are the tasks, `clock` the virtual time, `faults` the rules in force. Everything
    may be used from any thread while the server runs. `Simulator` adds the server.
    """

    def __init__(self, seed: Source = None, *, now: datetime | None = None, accounts: int | None = None) -> None:
        """Build the clouds from a seed: a path, YAML text, a mapping, or None for empty ones. Raises SeedError.

        `accounts` is as in a seed: the number of accounts of each vendor, each with all that the seed has.
        """
        sown = read_seed(seed, accounts)
        self._lock = RLock()
        self.accounts = sown.accounts
        self.clock = VirtualClock(now or sown.now)
        self.faults = FaultQueue(self._lock)
        self.log = RequestLog(self._lock)
        self._options = sown.options
        quotas = Quotas(sown.options.quotas, self.clock)
        self.huaweicloud = TaskStore(
            HUAWEICLOUD_SPELLINGS,
            huaweicloud_cloud.new_id,
            self.clock,
            self._lock,
            _first(sown.accounts.owners("huaweicloud")),
            asset_of,
        )
        self.aliyun = TaskStore(
            aliyun_cloud.SPELLINGS,
            operations.new_id,
            self.clock,
            self._lock,
            _first(sown.accounts.owners("aliyun")),
            aliyun_cloud.handle_of,
        )
        self.aws = TaskStore(
            aws_cloud.SPELLINGS,
            aws_cloud.new_id,
            self.clock,
            self._lock,
            _first(sown.accounts.owners("aws")),
            lambda job: job.id,
        )
        self.stores = {"huaweicloud": self.huaweicloud, "aliyun": self.aliyun, "aws": self.aws}
        self._aws = Aws(self.aws, sown.accounts.aws, sown.options, self.clock, quotas)
        self._huaweicloud = Huaweicloud(self.huaweicloud, sown.accounts.huaweicloud, sown.options, self.clock, quotas)
        self._aliyun = Aliyun(self.aliyun, sown.accounts.aliyun, sown.options, self.clock, quotas)
        for row in sown.rows:
            try:
                self.store(row.kind).insert(row)
            except ValueError as taken:
                raise SeedError(f"tasks: {taken}") from taken

    # -- what one looks at and turns ------------------------------------------------------------------------

    @property
    def options(self) -> Options:
        """The switches in force."""
        return self._options

    def configure(self, **options: Any) -> None:  # noqa: ANN401 - the attributes of Options
        """Change switches while running, for example `configure(response_shape="wrapped")`."""
        with self._lock:
            self._options = replace(self._options, **read_options(options))
            quotas = Quotas(self._options.quotas, self.clock)
            for cloud in (self._huaweicloud, self._aliyun, self._aws):
                cloud.options, cloud.quotas = self._options, quotas

    def store(self, kind: str) -> TaskStore:
        """The cloud that a resource type belongs to."""
        return self.stores.get(kind.partition(".")[0], self.huaweicloud)

    def expire_tokens(self) -> None:
        """Make the IAM tokens issued so far invalid."""
        with self._lock:
            self._huaweicloud.authorization.expire_tokens()

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests so far; where there are more than 50,000, the latest of them."""
        return self.log.records

    @property
    def destructive_requests(self) -> list[RequestRecord]:
        """The requests that asked for a cancellation or a deletion, whatever became of them."""
        return [record for record in self.log.records if record.destructive]

    @property
    def anomalies(self) -> list[Anomaly]:
        """What a good client would not have sent."""
        return self.log.anomalies

    @property
    def counters(self) -> Counter[tuple[str, str]]:
        """How many requests there were, by (vendor, operation)."""
        return self.log.counters()

    # -- a request ------------------------------------------------------------------------------------------

    def arrive(self, request: WireRequest) -> Arrival:
        """Say what a request is and take the faults that it meets."""
        with self._lock:
            arrival = identify(request, self._aliyun, self._aws)
            faults = tuple(self.faults.take(arrival.vendor, arrival.action, request))
            return replace(arrival, faults=faults)

    def interfere(self, arrival: Arrival) -> None:
        """Let happen what the faults of a request do to the tasks behind the client's back."""
        with self._lock:
            for fault in arrival.faults:
                if fault.kind in TASK_FAULTS:
                    self._interfere(fault, arrival)

    def perform(self, arrival: Arrival) -> Outcome:
        """Carry a request out."""
        with self._lock:
            return self.cloud(arrival.vendor).handle(arrival.request)

    def conclude(self, arrival: Arrival, status: int, outcome: Outcome | None) -> None:
        """Write a request into the log."""
        request = arrival.request
        record = RequestRecord(
            vendor=arrival.vendor,
            operation=arrival.operation,
            owner=arrival.owner,
            method=request.method,
            path=request.path,
            action=arrival.action,
            raw_query="" if _SECRET.search(request.raw_query) else request.raw_query,
            query=_without_secrets(pairs(request.raw_query, plus_is_space=arrival.vendor == aliyun_cloud.VENDOR)),
            headers={name: text for name, text in request.headers.items() if name not in SECRET_HEADERS},
            status=status,
            destructive=arrival.destructive,
            changed=outcome.changed if outcome else (),
            faults=tuple(fault.kind.value for fault in arrival.faults),
            body="" if _holds_secret(request) else request.body.decode(errors="replace"),
        )
        self.log.add(record, outcome.oddities if outcome else ())

    def cloud(self, vendor: str) -> Huaweicloud | Aliyun | Aws:
        """The cloud behind a vendor's name: it knows how its errors look."""
        if vendor == aws_cloud.VENDOR:
            return self._aws
        return self._aliyun if vendor == aliyun_cloud.VENDOR else self._huaweicloud

    def _interfere(self, fault: Fault, arrival: Arrival) -> None:
        if not arrival.kind:
            return
        store = self.store(arrival.kind)
        if fault.kind is FaultKind.SHIFT_PAGE:
            for task in store.tasks(arrival.kind, arrival.owner)[: fault.drop]:
                store.remove(task.kind, task.id, task.owner)
            for _ in range(fault.insert):
                store.insert(Row(kind=arrival.kind, owner=arrival.owner))
            return
        statuses = {
            FaultKind.START_TASK: Phase.RUNNING.value,
            FaultKind.FINISH_TASK: fault.final,
            FaultKind.CANCEL_TASK: Phase.CANCELED.value,
        }
        for identifier in (fault.task,) if fault.task else arrival.named:
            if store.get(arrival.kind, identifier, arrival.owner) is None:
                continue
            if fault.kind is FaultKind.DISAPPEAR:
                store.remove(arrival.kind, identifier, arrival.owner)
            else:
                store.set_status(arrival.kind, identifier, statuses[fault.kind], arrival.owner)


_SECRET = re.compile("(?:Signature|WebIdentityToken)=")


def _holds_secret(request: WireRequest) -> bool:
    return request.path.endswith("/auth/tokens") or bool(sts.action_of(request))


def _first(owners: tuple[str, ...]) -> str:
    return owners[0] if owners else "default"


def _without_secrets(query: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in query if pair[0] not in SECRET_PARAMETERS)
