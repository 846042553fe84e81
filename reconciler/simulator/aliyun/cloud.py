"""Alibaba Cloud: from a request to its answer."""

import math
from dataclasses import dataclass, field
from typing import Any

from reconciler.simulator.aliyun import mts, operations
from reconciler.simulator.aliyun.answers import refusal
from reconciler.simulator.aliyun.authorization import Authorization, Incomplete, read
from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.options import AliyunAccount, Options, Quotas
from reconciler.simulator.store import Task, TaskStore
from reconciler.simulator.wire import Answer, Outcome, Refusal, WireRequest, pairs

VENDOR = "aliyun"
OPERATIONS = {**operations.OPERATIONS, **mts.OPERATIONS}
SPELLINGS = {**operations.SPELLINGS, **mts.SPELLINGS}
FIELDS = {**operations.FIELDS, **mts.FIELDS}
_METHODS = frozenset({"GET", "POST"})


def action_of(request: WireRequest) -> str:
    """The action that a request asks for, whichever way it is signed."""
    return request.header("x-acs-action") or dict(pairs(request.raw_query, plus_is_space=True)).get("Action", "")


def named_tasks(request: WireRequest) -> tuple[str, ...]:
    """The job ids that a request names."""
    parameters = dict(pairs(request.raw_query, plus_is_space=True))
    return tuple(name for name in (parameters.get("JobIds") or parameters.get("JobId", "")).split(",") if name)


def handle_of(job: Task) -> str:
    """What jobs share: the URL that they pull, if they pull one."""
    return operations.url_of(job) if job.kind == operations.KIND else job.id


@dataclass(slots=True)
class Aliyun:
    """The state of the cloud and its entry point."""

    tasks: TaskStore
    accounts: tuple[AliyunAccount, ...]
    options: Options
    clock: VirtualClock
    quotas: Quotas
    authorization: Authorization = field(init=False)
    sessions: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.authorization = Authorization(self.accounts)

    def handle(self, request: WireRequest) -> Outcome:
        """Answer a request."""
        changed: list[str] = []
        oddities: list[str] = []
        try:
            answer = self._serve(request, changed, oddities)
        except Refusal as refused:
            answer = refused.answer
        return Outcome(answer, tuple(changed), tuple(oddities))

    def _serve(self, request: WireRequest, changed: list[str], oddities: list[str]) -> Answer:
        if request.path != "/" or action_of(request) not in OPERATIONS:
            raise refusal("InvalidApi.NotFound")
        if request.method not in _METHODS:
            raise refusal("UnsupportedHTTPMethod")
        account, signed = self.authorization.grant(request)
        operation = OPERATIONS[signed.action]
        if signed.version != operation.version:
            raise refusal("NoSuchVersion")
        wait = self.quotas.admit(account.owner, signed.action)
        if wait is not None:
            raise Refusal(self.throttled("", wait))
        if signed.signed_headers and "json" not in request.header("accept"):
            oddities.append("no accept: application/json, without which the gateway may answer XML")
        call = operation.call(
            parameters=signed.parameters,
            owner=account.owner,
            store=self.tasks,
            options=self.options,
            clock=self.clock,
            sessions=self.sessions,
            changed=changed,
            oddities=oddities,
        )
        return operation.serve(call)

    def owner_of(self, request: WireRequest) -> str:
        """Whose tasks a request is about, before anybody has checked its signature."""
        try:
            key = read(request).access_key_id
        except Incomplete:
            key = ""
        return self.authorization.owners.get(key, self.tasks.default_owner)

    def throttled(self, code: str, retry_after: float | None) -> Answer:
        """The answer to one request too many; `retry_after` in seconds goes out in milliseconds."""
        headers = {"x-acs-retry-after": str(math.ceil(retry_after * 1000))} if retry_after is not None else {}
        return refusal(code or "Throttling.User", headers=headers).answer

    @staticmethod
    def failed(status: int) -> Answer:
        """The answer to an accident inside the cloud."""
        code = "ServiceUnAvailable" if status == 503 else "InternalError"
        return refusal(code, status=status).answer
