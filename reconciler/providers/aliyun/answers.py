"""What GetURLUploadInfos and CancelUrlUploadJobs say, checked against what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.provider import Fault, Meaning, Operation, Redactor, Task, by_id, json_object, malformed, tasks_in
from reconciler.providers.aliyun.errors import CODES
from reconciler.providers.aliyun.shapes import entry_key, named, records
from reconciler.providers.aliyun.url_upload import URL_UPLOAD, job_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import httpx

__all__ = ["Infos", "Question", "canceled_in", "infos_in"]

OK = 200
NON_EXISTS = "NonExists"
CANCELED = "CanceledJobs"

MOST_RECORDS = 10_000
"""Records of one answer at most; the vendor documents 100."""


@dataclass(frozen=True, slots=True)
class Question:
    """Job ids or source URLs, ten at most, and the parameter that they go into."""

    parameter: str
    entries: tuple[str, ...]

    def is_about(self, task: Task) -> bool:
        """Whether a task answers this question. One that does not show its URL may."""
        shown = task.id if self.parameter == URL_UPLOAD.listing.ids_parameter else task.values.get("upload_url")
        return shown is None or entry_key(str(shown)) in {entry_key(entry) for entry in self.entries}


@dataclass(frozen=True, slots=True)
class Infos:
    """One answer: the jobs asked for, the entries that the cloud does not know, those of which it says nothing, and
    how many records it had in all, `foreign` of which nobody asked for. `contradicted` are the ids of jobs whose
    records differ."""

    tasks: Sequence[Task]
    missing: frozenset[str]
    unanswered: frozenset[str]
    count: int
    foreign: int = 0
    contradicted: frozenset[str] = frozenset()


def infos_in(
    response: httpx.Response, question: Question, target: str, redactor: Redactor, now: Callable[[], datetime]
) -> Infos | Fault:
    """The answer of GetURLUploadInfos to a question. A missing envelope is never "no jobs"."""
    if response.status_code != OK:
        return CODES.refusal(response, redactor, now=now)
    body = _body(response, URL_UPLOAD.listing.envelope, redactor, CODES.means)
    if isinstance(body, Fault):
        return body
    rows = records(body.get(URL_UPLOAD.listing.envelope))
    if rows is None:
        return malformed(f"{URL_UPLOAD.listing.envelope} is no list", response)
    if len(rows) > MOST_RECORDS:
        return malformed(f"{len(rows)} records in one answer", response)
    read = tasks_in(URL_UPLOAD, rows, partial(job_from, target))
    if isinstance(read, str):
        return malformed(redactor(read), response)
    whole, contradicted = by_id(read)
    fitting = [task for task in whole.values() if question.is_about(task)]
    missing = named(body.get(NON_EXISTS), question.entries)
    answered = {entry_key(key) for task in fitting for key in (task.id, str(task.values.get("upload_url", "")))}
    unanswered = frozenset(entry for entry in question.entries if entry_key(entry) not in answered) - missing
    return Infos(fitting, missing, unanswered, len(rows), len(whole) - len(fitting), contradicted)


def canceled_in(
    response: httpx.Response,
    operation: Operation,
    ids: Sequence[str],
    redactor: Redactor,
    now: Callable[[], datetime],
) -> Mapping[str, Fault | None] | Fault:
    """What CancelUrlUploadJobs says of each job. One in neither list was not canceled: it waits no more."""
    refused = CODES.not_accepted(response, operation, redactor, now)
    if refused is not None:
        return refused
    body = _body(response, CANCELED, redactor)
    if isinstance(body, Fault):
        return body
    canceled, missing = named(body.get(CANCELED), ids), named(body.get(NON_EXISTS), ids)
    spoken = body.get("RequestId")
    request_id = redactor(spoken, 80) or None if isinstance(spoken, str) else None
    return {task_id: _verdict(task_id, canceled, missing, request_id) for task_id in ids}


def _verdict(task_id: str, canceled: frozenset[str], missing: frozenset[str], request_id: str | None) -> Fault | None:
    match task_id in canceled, task_id in missing:
        case True, False:
            return None
        case False, True:
            return Fault(Meaning.GONE, "the job does not exist", http_status=OK, request_id=request_id)
        case False, False:
            return Fault(Meaning.CHANGED, "the job was not canceled", http_status=OK, request_id=request_id)
        case _:
            contradiction = f"unexpected answer: the job is in {CANCELED} and in {NON_EXISTS}"
            return Fault(Meaning.MALFORMED, contradiction, http_status=OK, request_id=request_id)


def _body(
    response: httpx.Response,
    envelope: str,
    redactor: Redactor,
    means: Callable[[str], Meaning | None] = lambda _: None,
) -> dict[str, Any] | Fault:
    body = json_object(response, redactor, means)
    if isinstance(body, Fault):
        return body
    # Either list may be left out where it is empty, but then the answer is still one of this API.
    if body.keys().isdisjoint({envelope, NON_EXISTS, "RequestId"}):
        keys = ", ".join(sorted(map(str, body))) or "none"
        return malformed(f"neither {envelope} nor {NON_EXISTS}; keys: {redactor(keys, 120)}", response)
    return body
