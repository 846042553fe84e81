"""URL upload jobs, and the calls CancelUrlUploadJobs, GetURLUploadInfos and UploadMediaByURL.

Mind the parameter names: cancel says `UploadUrls`, the other two say `UploadURLs`. Source of the statuses: the data
types of the VOD API reference ("Status of URL upload jobs", 2021) and the samples of GetURLUploadInfos. There is no
published status for a cancelled job.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from reconciler.simulator.aliyun.answers import put_records, put_strings, refusal, request_id
from reconciler.simulator.aliyun.call import Call, Operation, stamp
from reconciler.simulator.options import Refused
from reconciler.simulator.store import Phase, Row, Spellings, Task
from reconciler.simulator.wire import Answer, json_answer

KIND = "aliyun.vod.url_upload"
VERSION = "2017-03-21"
CANCELED = "CANCELED"

SPELLINGS: Mapping[str, Spellings] = {
    KIND: Spellings(
        pending=("PENDING",),
        running=("PROCESSING", "DOWNLOADING", "DOWNLOAD_SUCCESS", "UPLOADING", "UPLOAD_SUCCESS"),
        succeeded=("SUCCESS",),
        failed=("DOWNLOAD_FAIL", "UPLOAD_FAIL"),
        canceled=(CANCELED,),
    )
}

_FIELDS = "UploadURL MediaId RegisteredMediaId FileSize CompleteTime ErrorCode ErrorMessage UserData"
FIELDS: Mapping[str, frozenset[str]] = {KIND: frozenset(_FIELDS.split())}

_UNPULLED = "https://uploads.example.com/{id}.mp4"


def new_id(kind: str, number: int) -> str:
    """A job id as in the vendor's samples: 32 hex characters."""
    return hashlib.md5(f"{kind} {number}".encode(), usedforsecurity=False).hexdigest()


def url_of(job: Task) -> str:
    """The URL that a job pulls, decoded."""
    return str(job.fields.get("UploadURL", _UNPULLED.format(id=job.id)))


def item(job: Task, phase: Phase | None) -> dict[str, Any]:
    """A job as GetURLUploadInfos shows it: every value a string.

    A pending job has a CompleteTime, as in the sample, but no media id, size or error code.
    """
    shown: dict[str, Any] = {
        "JobId": job.id,
        "UploadURL": url_of(job),
        "Status": job.status,
        "CreationTime": stamp(job.created_at),
        "CompleteTime": stamp(job.finished_at or job.created_at),
        "UserData": "",
    }
    if phase in {Phase.SUCCEEDED, Phase.FAILED}:
        succeeded = phase is Phase.SUCCEEDED
        shown["ErrorCode"] = "200" if succeeded else "InvalidFile.Download"
        shown["ErrorMessage"] = "Job success" if succeeded else "The file could not be downloaded."
    if phase is Phase.SUCCEEDED:
        shown["MediaId"] = new_id("media", job.order)
        shown["FileSize"] = "24"
    return shown | dict(job.fields)


MAXIMUM_NAMES = 10
MAXIMUM_UPLOADS = 20
MAXIMUM_RECORDS = 100
RETENTION = timedelta(days=365)
SESSION_LIFETIME = timedelta(minutes=10)
GONE = "gone"


class Uploads(Call):
    """A call about URL upload jobs."""

    def urls(self, parameter: str, most: int) -> list[str]:
        """The URLs of a parameter. Each was encoded before they were joined."""
        members = self.names(parameter, most)
        for member in members:
            if "://" in member:
                self.oddities.append(f"{parameter} has a URL that was not encoded before joining")
        return [unquote_plus(member) for member in members]

    def is_visible(self, job: Task) -> bool:
        """Whether the API still knows a job: not for a cancelled one, unless the options say so."""
        return job.status != CANCELED or self.options.canceled_visibility != GONE

    def retained(self, job: Task) -> bool:
        """Whether a query still finds a job: only those of the last year."""
        return job.created_at >= self.clock.now - RETENTION

    def selected(self, url_parameter: str, *, all_ages: bool) -> tuple[list[Task], list[str]]:
        """The jobs that JobIds names, else those of the URLs, and what there is no job for."""
        if self.parameters.get("JobIds"):
            wanted = list(dict.fromkeys(self.names("JobIds", MAXIMUM_NAMES)))
            found = [self.store.get(KIND, identifier, self.owner) for identifier in wanted]
            known = [job for job in found if job and self.is_visible(job) and (all_ages or self.retained(job))]
            ids = {job.id for job in known}
            return known, [identifier for identifier in wanted if identifier not in ids]
        if self.parameters.get(url_parameter):
            wanted = list(dict.fromkeys(self.urls(url_parameter, MAXIMUM_NAMES)))
            shared = [job for url in wanted for job in self.store.sharing(KIND, url, self.owner)]
            known = [job for job in shared if self.is_visible(job) and (all_ages or self.retained(job))]
            urls = {url_of(job) for job in known}
            return known, [url for url in wanted if url not in urls]
        raise refusal("MissingParameter", f"(JobIds or {url_parameter})")


def cancel_jobs(call: Uploads) -> Answer:
    """CancelUrlUploadJobs: only pending jobs; one that has started appears in neither list."""
    call.allow("JobIds", "UploadUrls")
    found, missing = call.selected("UploadUrls", all_ages=True)
    pending = [job for job in found if call.store.phase(job) is Phase.PENDING]
    if len(pending) < len(found) and call.options.refused is Refused.ERROR:
        raise refusal("OperationDenied", "(a job is not in the Pending state)")
    visibility = call.options.canceled_visibility
    for job in pending:
        call.store.set_status(KIND, job.id, CANCELED if visibility == GONE else visibility, call.owner)
        call.changed.append(job.id)
    shape = call.options.response_shape
    body: dict[str, Any] = {"RequestId": request_id()}
    put_strings(body, "CanceledJobs", call.changed, shape, "JobId")
    put_strings(body, "NonExists", missing, shape, "JobId")
    return json_answer(200, body)


def get_infos(call: Uploads) -> Answer:
    """GetURLUploadInfos: at most 100 records, without paging, of jobs of the last year."""
    call.allow("JobIds", "UploadURLs")
    found, missing = call.selected("UploadURLs", all_ages=False)
    shape = call.options.response_shape
    body: dict[str, Any] = {"RequestId": request_id()}
    records = [item(job, call.store.phase(job)) for job in found[:MAXIMUM_RECORDS]]
    put_records(body, "URLUploadInfoList", records, shape, "UrlUploadJobInfoDTO")
    put_strings(body, "NonExists", missing, shape, "ExistId")
    return json_answer(200, body)


_UPLOAD_PARAMETERS = (
    *("UploadURLs", "UploadMetadatas", "TemplateGroupId", "WorkflowId", "StorageLocation", "AppId", "UserData"),
    *("SessionId", "EnableFirstFrameCover", "GenerateThumbnail"),
)


def upload(call: Uploads) -> Answer:
    """UploadMediaByURL: one new pending job for each URL, even where the URL was submitted before."""
    call.allow(*_UPLOAD_PARAMETERS)
    urls = call.urls("UploadURLs", MAXIMUM_UPLOADS)
    if not urls:
        raise refusal("MissingParameter", "(UploadURLs)")
    extensions = _extensions(call.parameters.get("UploadMetadatas", ""))
    for url in urls:
        if "." not in urlsplit(url).path.rpartition("/")[2] and url not in extensions:
            raise refusal("InvalidParameter.UploadURLs", "(no file extension)")
    _check_session(call)
    user_data = call.parameters.get("UserData", "")
    submitted = []
    for url in urls:
        fields = {"UploadURL": url} | ({"UserData": user_data} if user_data else {})
        job = call.store.insert(Row(kind=KIND, owner=call.owner, fields=fields))
        call.changed.append(job.id)
        submitted.append({"JobId": job.id, "SourceURL": url})
    body: dict[str, Any] = {"RequestId": request_id()}
    put_records(body, "UploadJobs", submitted, call.options.response_shape, "UploadJob")
    return json_answer(200, body)


def _extensions(metadata: str) -> frozenset[str]:
    """The URLs, decoded, for which the metadata gives a file extension."""
    if not metadata:
        return frozenset()
    try:
        entries = json.loads(metadata)
        given: Sequence[str] = [entry["SourceURL"] for entry in entries if entry.get("FileExtension")]
    except (ValueError, TypeError, KeyError, AttributeError) as broken:
        raise refusal("InvalidParameter.UploadMetadatas") from broken
    return frozenset(unquote_plus(url) for url in given)


def _check_session(call: Uploads) -> None:
    session = call.parameters.get("SessionId")
    if session is None:
        return
    key = (call.owner, session)
    if key in call.sessions and call.clock.now - call.sessions[key] < SESSION_LIFETIME:
        raise refusal("InvalidParameter.SessionId", "(used within the last ten minutes)")
    call.sessions[key] = call.clock.now


OPERATIONS: Mapping[str, Operation] = {
    operation.action: operation
    for operation in (
        Operation("CancelUrlUploadJobs", cancel_jobs, "cancel", KIND, VERSION, Uploads),
        Operation("GetURLUploadInfos", get_infos, "list", KIND, VERSION, Uploads),
        Operation("UploadMediaByURL", upload, "create", KIND, VERSION, Uploads),
    )
}
