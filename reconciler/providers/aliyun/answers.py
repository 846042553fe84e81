"""What GetURLUploadInfos and CancelUrlUploadJobs say, checked against what was asked.

The ways in which VOD writes lists are all seen in the vendor's own material: arrays, arrays of one comma-joined
element, arrays of one JSON-like element (also with single quotes), a bare string, an object around the array, null, and
no key at all. What was asked for is looked for first, since a decoded URL may itself hold commas, brackets and quotes.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.provider import (
    TERMINAL,
    Fault,
    HttpClient,
    Meaning,
    Operation,
    Redactor,
    Row,
    by_id,
    json_object,
    malformed,
    task_from,
    tasks_in,
)
from reconciler.providers.aliyun.inventory import Infos, Question, entry_key
from reconciler.providers.aliyun.url_upload import URL_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import httpx

    from reconciler.provider import Task

OK = 200
NON_EXISTS = "NonExists"
CANCELED = "CanceledJobs"

MOST_RECORDS = 10_000
"""Records of one answer at most; the vendor documents 100."""


def infos_in(response: httpx.Response, question: Question, client: HttpClient[Any]) -> Infos | Fault:
    """The answer of GetURLUploadInfos to a question. A missing envelope is never "no jobs"."""
    body = _documented(client.body(response), URL_UPLOAD.listing.envelope, response, client.redactor)
    if isinstance(body, Fault):
        return body
    rows = records(body.get(URL_UPLOAD.listing.envelope))
    if rows is None:
        return malformed(f"{URL_UPLOAD.listing.envelope} is no list", response)
    if len(rows) > MOST_RECORDS:
        return malformed(f"{len(rows)} records in one answer", response)
    read = tasks_in(URL_UPLOAD, rows, partial(job_from, client.target.name))
    if isinstance(read, str):
        return malformed(client.redactor(read), response)
    whole, contradicted = by_id(read)
    fitting = [task for task in whole.values() if question.is_about(task)]
    odd = [each for rows in contradicted.values() if any(map(question.is_about, rows)) for each in rows]
    about = (*fitting, *odd)
    missing = named(body.get(NON_EXISTS), question.entries)
    answered = {entry_key(key) for task in about for key in (task.id, str(task.values.get("upload_url", "")))}
    unanswered = frozenset(entry for entry in question.entries if entry_key(entry) not in answered) - missing
    foreign = (whole.keys() | contradicted.keys()) - {task.id for task in about}
    return Infos(fitting, missing, unanswered, len(rows), len(foreign), odd)


def job_from(target: str, row: Row) -> Task | None:
    """The task that a record shows; None where the record has no usable JobId.

    Prose and samples write statuses in several cases, so they are brought to the table's. A record carries a
    CompleteTime even while the job waits, so it counts only where the job has ended.
    """
    record = {name.strip(): found for name, found in row.items()} | row
    spoken = record.get("Status") or record.get("UploadStatus")
    spoken = spoken.strip() if isinstance(spoken, str) else ""
    spelt = spoken.upper() if spoken.upper() in URL_UPLOAD.statuses else spoken
    ended = URL_UPLOAD.statuses.get(spelt) in TERMINAL
    return task_from(target, URL_UPLOAD, record | {"Status": spelt} | ({} if ended else {"CompleteTime": None}))


def canceled_in(
    response: httpx.Response, operation: Operation, ids: Sequence[str], client: HttpClient[Any]
) -> Mapping[str, Fault | None] | Fault:
    """What CancelUrlUploadJobs says of each job. One in neither list was not canceled: it waits no more."""
    refused = client.not_accepted(response, operation)
    if refused is not None:
        return refused
    redactor = client.redactor
    # No code of an error is believed here: beside HTTP 200 the call may have had its effect.
    body = _documented(json_object(response, redactor), CANCELED, response, redactor)
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


def _documented(
    body: dict[str, Any] | Fault, envelope: str, response: httpx.Response, redactor: Redactor
) -> dict[str, Any] | Fault:
    # Either list may be left out where it is empty, but then the answer is still one of this API.
    if isinstance(body, Fault) or not body.keys().isdisjoint({envelope, NON_EXISTS, "RequestId"}):
        return body
    keys = ", ".join(sorted(map(str, body))) or "none"
    return malformed(f"neither {envelope} nor {NON_EXISTS}; keys: {redactor(keys, 120)}", response)


DEPTH = 6
"""Levels of a list in an answer: an object around an array of texts that are lists themselves."""

MOST_ELEMENTS = 10_000
LONGEST_TEXT = 64 * 1024
"""Ten URLs, joined and encoded, are shorter."""


def named(found: object, requested: Iterable[str]) -> frozenset[str]:
    """Which of the `requested` ids or URLs the value `found` of an answer names, in whatever shape."""
    wanted: dict[str, set[str]] = {}
    for entry in requested:
        wanted.setdefault(entry_key(entry), set()).add(entry)
    keys = _keys(found, wanted)
    return frozenset(entry for key in keys for entry in wanted[key])


def records(found: object) -> list[object] | None:
    """The rows of a list, which may be wrapped in an object of one key; None where it is something else.

    A key that is left out, or null, is the empty list: what was asked for and is named nowhere stays unanswered.
    """
    if isinstance(found, dict):
        if len(found) != 1:
            return None
        found = next(iter(found.values()))
    if found is None:
        return []
    return found if isinstance(found, list) else None


def _keys(found: object, wanted: Mapping[str, object], depth: int = DEPTH) -> set[str]:
    """What is larger or deeper than the vendor's shapes names nothing."""
    if depth == 0:
        return set()
    match found:
        case str():
            return _keys_in_text(found, wanted, depth)
        case list() if len(found) <= MOST_ELEMENTS:
            return {key for element in found for key in _keys(element, wanted, depth - 1)}
        case dict() if len(found) == 1:
            return _keys(next(iter(found.values())), wanted, depth - 1)
        case int() if not isinstance(found, bool):
            return _keys_in_text(str(found), wanted, depth)
        case _:
            return set()


def _keys_in_text(text: str, wanted: Mapping[str, object], depth: int) -> set[str]:
    if len(text) > LONGEST_TEXT:
        return set()
    key = entry_key(text)
    if key in wanted:
        return {key}
    stripped = text.strip()
    if stripped.startswith("[") and stripped.endswith("]"):
        return _keys_in_brackets(stripped, wanted, depth)
    return _keys_in_parts(stripped.split(","), wanted)


def _keys_in_brackets(text: str, wanted: Mapping[str, object], depth: int) -> set[str]:
    try:
        return _keys(json.loads(text), wanted, depth - 1)
    except (ValueError, RecursionError):
        return _keys_in_parts(text[1:-1].split(","), wanted)


def _keys_in_parts(parts: list[str], wanted: Mapping[str, object]) -> set[str]:
    """Join neighbouring parts again wherever they make up something that was asked for, the longest first."""
    keys: set[str] = set()
    start = 0
    lengths = sorted({1 + key.count(",") for key in wanted}, reverse=True)
    while start < len(parts):
        for length in (length for length in lengths if start + length <= len(parts)):
            key = entry_key(",".join(parts[start : start + length]).strip().strip("'\""))
            if key in wanted:
                keys.add(key)
                start += length
                break
        else:
            start += 1
    return keys
