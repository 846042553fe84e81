"""Transcoding jobs of ApsaraVideo Media Processing, and the calls ListJob, QueryJobList and CancelJob.

Source: api-listjob, api-queryjoblist and api-canceljob of the MPS reference (version 2014-06-18), and its table of
errors. Lists are newest first, of the last 90 days, and go on by a token of 32 characters; no total is told.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from reconciler.simulator.aliyun.answers import refusal, request_id
from reconciler.simulator.aliyun.call import Call, Operation, stamp
from reconciler.simulator.clock import moment
from reconciler.simulator.store import Phase, Spellings, Task
from reconciler.simulator.wire import Answer, json_answer

KIND = "aliyun.mps.transcoding"
VERSION = "2014-06-18"

SPELLINGS: Mapping[str, Spellings] = {
    KIND: Spellings(
        pending=("Submitted",),
        running=("Transcoding",),
        succeeded=("TranscodeSuccess",),
        failed=("TranscodeFail",),
        canceled=("TranscodeCancelled",),
    )
}
FIELDS: Mapping[str, frozenset[str]] = {
    KIND: frozenset(["Input", "Output", "PipelineId", "Percent", "Code", "Message", "MNSMessageResult"])
}

RETENTION = timedelta(days=90)
MAXIMUM_PAGE = 100
DEFAULT_PAGE = 10
MAXIMUM_IDS = 10
STATES = ("All", *(spelling for phase in Phase for spelling in SPELLINGS[KIND].of(phase)))
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_REFUSED = {
    Phase.RUNNING: "PermissionDenied.JobInRunning",
    Phase.SUCCEEDED: "PermissionDenied.JobInComplete",
    Phase.FAILED: "PermissionDenied.JobInFailure",
    Phase.CANCELED: "PermissionDenied.JobInFailure",
    None: "InvalidParameter.InvalidState",
}


def item(job: Task, phase: Phase | None) -> dict[str, Any]:
    """A job as ListJob and QueryJobList show it. `Code` and `Message` only of one that failed."""
    usual = {"Bucket": "bucket", "Location": "oss-cn-shanghai"}
    output = {
        "OutputFile": {**usual, "Object": f"{job.id}.m3u8"},
        "TemplateId": "S00000001-200010",
        "UserData": "",
        "Priority": "6",
    }
    shown: dict[str, Any] = {
        "JobId": job.id,
        "State": job.status,
        "PipelineId": "88c6ca184c0e47098a5b665e2a126797",
        "CreationTime": stamp(job.created_at),
        "Percent": 100 if phase is Phase.SUCCEEDED else 0,
        "Input": {**usual, "Object": f"{job.id}.mp4"},
    }
    if job.finished_at is not None:
        shown["FinishTime"] = stamp(job.finished_at)
    if phase is Phase.FAILED:
        shown |= {"Code": "InvalidParameter.ResourceNotFound", "Message": "The input is not found."}
    given = dict(job.fields)
    output |= given.pop("Output", {})
    shown["Input"] |= given.pop("Input", {})
    return shown | {"Output": output} | given


def list_jobs(call: Call) -> Answer:
    """ListJob: the newest first, page by page; a token is good for the same question only."""
    names = ("State", "PipelineId", "StartOfJobCreatedTimeRange", "EndOfJobCreatedTimeRange")
    call.allow(*names, "MaximumPageSize", "NextPageToken")
    state = call.parameters.get("State", "All")
    if state not in STATES:
        raise refusal("InvalidParameter.State", f"({state})")
    size = call.parameters.get("MaximumPageSize", str(DEFAULT_PAGE))
    if not size.isdigit() or not 1 <= int(size) <= MAXIMUM_PAGE:
        raise refusal("InvalidParameter.MaximumPageSize", f"({size})")
    question = (call.owner, *(call.parameters.get(name, "") for name in names))
    after: tuple[Any, int] | None = None
    if token := call.parameters.get("NextPageToken"):
        asked, after = call.sessions.get(("token", token), (None, None))
        if asked != question:
            raise refusal("InvalidParameter.NextPageToken")
    rows = [job for job in call.store.tasks(KIND, call.owner) if _matches(call, job, state)]
    rows = [job for job in rows if after is None or (job.created_at, job.order) < after]
    page, rest = rows[: int(size)], rows[int(size) :]
    body: dict[str, Any] = {"RequestId": request_id()}
    if rest:
        last = page[-1]
        body["NextPageToken"] = hashlib.md5(f"{question} {last.id}".encode(), usedforsecurity=False).hexdigest()
        call.sessions["token", body["NextPageToken"]] = (question, (last.created_at, last.order))
    body["JobList"] = {"Job": [item(job, call.store.phase(job)) for job in page]}
    return json_answer(200, body)


def _matches(call: Call, job: Task, state: str) -> bool:
    bounds = []
    for name in ("StartOfJobCreatedTimeRange", "EndOfJobCreatedTimeRange"):
        text = call.parameters.get(name)
        if text and not _TIME.fullmatch(text):
            raise refusal(f"InvalidParameter.{name}", f"({text})")
        bounds.append(moment(text) if text else None)
    start, end = bounds
    pipeline = call.parameters.get("PipelineId")
    return (
        job.created_at >= call.clock.now - RETENTION
        and state in {"All", job.status}
        and (start is None or job.created_at >= start)
        and (end is None or job.created_at < end)
        and (not pipeline or item(job, None)["PipelineId"] == pipeline)
    )


def query_jobs(call: Call) -> Answer:
    """QueryJobList: ten ids at most; those that are not there are named."""
    call.allow("JobIds")
    if not call.parameters.get("JobIds"):
        raise refusal("MissingParameter", "(JobIds)")
    wanted = list(dict.fromkeys(call.names("JobIds", MAXIMUM_IDS)))
    found = [job for name in wanted if (job := call.store.get(KIND, name, call.owner))]
    there = {job.id for job in found}
    body = {
        "RequestId": request_id(),
        "JobList": {"Job": [item(job, call.store.phase(job)) for job in found]},
        "NonExistJobIds": {"String": [name for name in wanted if name not in there]},
    }
    return json_answer(200, body)


def cancel_job(call: Call) -> Answer:
    """CancelJob: one job, which must wait. The refusals say in which state it is instead."""
    call.allow("JobId")
    name = call.parameters.get("JobId")
    if not name:
        raise refusal("MissingParameter", "(JobId)")
    job = call.store.get(KIND, name, call.owner)
    if job is None:
        raise refusal("InvalidParameter.ResourceNotFound", "The resource operated cannot be found.", status=404)
    phase = call.store.phase(job)
    if phase is not Phase.PENDING:
        raise refusal(_REFUSED[phase])
    call.store.set_status(KIND, name, Phase.CANCELED.value, call.owner)
    call.changed.append(name)
    return json_answer(200, {"RequestId": request_id(), "JobId": name})


OPERATIONS: Mapping[str, Operation] = {
    operation.action: operation
    for operation in (
        Operation("ListJob", list_jobs, "list", KIND, VERSION),
        Operation("QueryJobList", query_jobs, "read", KIND, VERSION),
        Operation("CancelJob", cancel_job, "cancel", KIND, VERSION),
    )
}
