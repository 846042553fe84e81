"""AWS: from a request to its answer. ListJobs, GetJob and CancelJob of MediaConvert; the token service stands beside.

Source: the service model of botocore, mediaconvert 2017-08-29, and the API reference. Pages hold 20 jobs at most, with
their whole settings, newest first unless asked otherwise, and tell no total; times are seconds since the epoch. A
cancel is accepted with 202, and takes a job that runs as well.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from reconciler.simulator.aws import sts
from reconciler.simulator.aws.answers import REGION, account_number, refusal
from reconciler.simulator.aws.authorization import Authorization
from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.options import AwsAccount, Options, Quotas
from reconciler.simulator.store import Phase, Spellings, Task, TaskStore
from reconciler.simulator.wire import Answer, Outcome, Refusal, WireRequest, json_answer, pairs

VENDOR = "aws"
KIND = "aws.mediaconvert.job"
ROOT = "/2017-08-29/"
_JOBS = re.compile(rf"{ROOT}jobs(?:/([^/]+))?")

SPELLINGS: Mapping[str, Spellings] = {
    KIND: Spellings(
        pending=("SUBMITTED",),
        running=("PROGRESSING",),
        succeeded=("COMPLETE",),
        failed=("ERROR",),
        canceled=("CANCELED",),
    )
}
_FIELDS = "queue jobTemplate priority role settings userMetadata errorCode errorMessage jobPercentComplete currentPhase"
FIELDS: Mapping[str, frozenset[str]] = {KIND: frozenset(_FIELDS.split())}
MAXIMUM_PAGE = 20


def new_id(kind: str, number: int) -> str:
    """Milliseconds and six characters."""
    drawn = hashlib.md5(f"{kind} {number}".encode(), usedforsecurity=False).hexdigest()[:6]
    return f"{1_700_000_000_000 + number}-{drawn}"


def operation_of(request: WireRequest) -> str:
    """The operation that a request asks for; empty where there is none."""
    match = _JOBS.fullmatch(request.path)
    if match is None:
        return ""
    named = match[1] is not None
    return {("GET", False): "ListJobs", ("GET", True): "GetJob", ("DELETE", True): "CancelJob"}.get(
        (request.method, named), ""
    )


def named_tasks(request: WireRequest) -> tuple[str, ...]:
    """The job ids that a request names."""
    match = _JOBS.fullmatch(request.path)
    return (unquote(match[1]),) if match and match[1] else ()


def item(job: Task, phase: Phase | None) -> dict[str, Any]:
    """A job as ListJobs and GetJob show it."""
    account = account_number(job.owner)
    timing = {"submitTime": int(job.created_at.timestamp())}
    if job.started_at is not None:
        timing["startTime"] = int(job.started_at.timestamp())
    if job.finished_at is not None:
        timing["finishTime"] = int(job.finished_at.timestamp())
    shown: dict[str, Any] = {
        "arn": f"arn:aws:mediaconvert:{REGION}:{account}:jobs/{job.id}",
        "id": job.id,
        "createdAt": int(job.created_at.timestamp()),
        "queue": f"arn:aws:mediaconvert:{REGION}:{account}:queues/Default",
        "role": f"arn:aws:iam::{account}:role/MediaConvert",
        "settings": {"inputs": [{"fileInput": f"s3://bucket/{job.id}.mp4"}], "outputGroups": []},
        "status": job.status,
        "timing": timing,
        "priority": 0,
        "accelerationStatus": "NOT_APPLICABLE",
        "messages": {"info": [], "warning": []},
    }
    if phase is Phase.RUNNING:
        shown |= {"currentPhase": "TRANSCODING", "jobPercentComplete": 50}
    if phase is Phase.FAILED:
        shown |= {"errorCode": 1404, "errorMessage": "Unable to open the input file."}
    return shown | dict(job.fields)


def _names(job: Task) -> tuple[str, str]:
    """The ARN of a job's queue, and its name."""
    arn = str(item(job, None)["queue"])
    return arn, arn.partition("/")[2]


@dataclass(slots=True)
class Aws:
    """The state of the cloud and its entry point."""

    tasks: TaskStore
    accounts: tuple[AwsAccount, ...]
    options: Options
    clock: VirtualClock
    quotas: Quotas
    authorization: Authorization = field(init=False)
    token_service: sts.TokenService = field(init=False)
    tokens: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    canceling: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.authorization = Authorization(self.accounts)
        self.token_service = sts.TokenService(self.authorization)

    def handle(self, request: WireRequest) -> Outcome:
        """Answer a request."""
        if sts.action_of(request):
            return Outcome(self.token_service.handle(request))
        changed: list[str] = []
        oddities: list[str] = []
        try:
            answer = self._serve(request, changed, oddities)
        except Refusal as refused:
            answer = refused.answer
        return Outcome(answer, tuple(changed), tuple(oddities))

    def _serve(self, request: WireRequest, changed: list[str], oddities: list[str]) -> Answer:
        account = self.authorization.grant(request)
        operation = operation_of(request)
        if not operation:
            raise refusal("ForbiddenException", "(no such operation)")
        wait = self.quotas.admit(account.owner, "mediaconvert")
        if wait is not None:
            raise Refusal(self.throttled("", wait))
        parameters = dict(pairs(request.raw_query, plus_is_space=False))
        if operation == "ListJobs":
            return self._list(account.owner, parameters, oddities)
        oddities += [f"unknown parameter {name!r}" for name in parameters]
        [name] = named_tasks(request)
        job = self.tasks.get(KIND, name, account.owner)
        if job is None:
            raise refusal("NotFoundException")
        if operation == "GetJob":
            self._read(job)
            return json_answer(200, {"job": item(job, self.tasks.phase(job))})
        if self.tasks.phase(job) not in {Phase.PENDING, Phase.RUNNING}:
            raise refusal("ConflictException")
        changed.append(name)
        self.canceling[account.owner, name] = self.options.cancel_reads
        self._read(job, counts=False)
        return json_answer(202, {})

    def _read(self, job: Task, *, counts: bool = True) -> None:
        """Let a cancel that was accepted take effect once the job was read often enough."""
        key = (job.owner, job.id)
        if key in self.canceling:
            self.canceling[key] -= counts
            if self.canceling[key] <= 0 and self.tasks.phase(job) in {Phase.PENDING, Phase.RUNNING}:
                self.tasks.set_status(KIND, job.id, Phase.CANCELED.value, job.owner)
                del self.canceling[key]

    def _list(self, owner: str, parameters: Mapping[str, str], oddities: list[str]) -> Answer:
        known = {"status", "queue", "order", "maxResults", "nextToken"}
        oddities += [f"unknown parameter {name!r}" for name in parameters if name not in known]
        status, size = parameters.get("status"), parameters.get("maxResults", str(MAXIMUM_PAGE))
        words = [word for phase in Phase for word in SPELLINGS[KIND].of(phase)]
        if status is not None and status not in words:
            raise refusal("BadRequestException", f"(status {status})")
        if not size.isdigit() or not 1 <= int(size) <= MAXIMUM_PAGE:
            raise refusal("BadRequestException", f"(maxResults {size})")
        order = parameters.get("order", "DESCENDING")
        if order not in {"ASCENDING", "DESCENDING"}:
            raise refusal("BadRequestException", f"(order {order})")
        question = (owner, status, parameters.get("queue"), order)
        after: tuple[Any, int] | None = None
        if token := parameters.get("nextToken"):
            asked, after = self.tokens.get(token, (None, None))
            if asked != question:
                raise refusal("BadRequestException", "(nextToken)")
        rows = [job for job in self.tasks.tasks(KIND, owner) if status in {None, job.status}]
        if queue := parameters.get("queue"):
            rows = [job for job in rows if queue in _names(job)]
        if order == "ASCENDING":
            rows.reverse()
        places = [(job.created_at, job.order) for job in rows]
        later = [
            job
            for job, place in zip(rows, places, strict=True)
            if after is None or (place > after if order == "ASCENDING" else place < after)
        ]
        page, rest = later[: int(size)], later[int(size) :]
        body: dict[str, Any] = {"jobs": [item(job, self.tasks.phase(job)) for job in page]}
        if rest:
            last = page[-1]
            body["nextToken"] = "Ab+/=" + hashlib.sha256(f"{question} {last.id}".encode()).hexdigest()
            self.tokens[body["nextToken"]] = (question, (last.created_at, last.order))
        return json_answer(200, body)

    def owner_of(self, request: WireRequest) -> str:
        """Whose tasks a request is about, before anybody has checked its signature."""
        return self.authorization.owner_of(request) or self.tasks.default_owner

    def throttled(self, code: str, retry_after: float | None) -> Answer:
        """The answer to one request too many. The service says of no time to come again."""
        del retry_after
        return refusal(code or "TooManyRequestsException").answer

    @staticmethod
    def failed(status: int) -> Answer:
        """The answer to an accident inside the cloud."""
        return refusal("InternalServerErrorException", status=status).answer
