"""URL upload jobs: their statuses and how an answer shows them.

Source: the data types of the VOD API reference ("Status of URL upload jobs", 2021) and the samples of
GetURLUploadInfos. There is no published status for a cancelled job.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.simulator.tasks import Phase, Spellings, Task

KIND = "aliyun.vod.url_upload"
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

FIELDS: Mapping[str, frozenset[str]] = {
    KIND: frozenset(
        {
            "UploadURL",
            "MediaId",
            "RegisteredMediaId",
            "FileSize",
            "CompleteTime",
            "ErrorCode",
            "ErrorMessage",
            "UserData",
        }
    )
}

_UNPULLED = "https://uploads.example.com/{id}.mp4"


def new_id(kind: str, number: int) -> str:
    """A job id as in the vendor's samples: 32 hex characters."""
    return hashlib.md5(f"{kind} {number}".encode(), usedforsecurity=False).hexdigest()


def stamp(at: datetime) -> str:
    """`yyyy-MM-ddTHH:mm:ssZ`."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


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
