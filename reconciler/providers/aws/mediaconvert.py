"""AWS Elemental MediaConvert: its jobs, as a resource type.

https://docs.aws.amazon.com/mediaconvert/latest/apireference/jobs.html and .../jobs-id.html. The user guide advises to
pause a queue before jobs are canceled: that would stop everybody's, so that none is ever paused here. A cancel has no
condition: a job that starts before the call arrives is canceled all the same.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.provider import (
    Action,
    Field,
    FieldType,
    Listing,
    Meaning,
    Operation,
    Paging,
    Permissions,
    Reading,
    ResourceType,
    Status,
)

if TYPE_CHECKING:
    from reconciler.provider import Row

_STRING, _TIME, _NUMBER = FieldType.STRING, FieldType.TIMESTAMP, FieldType.INTEGER
PATH = "/2017-08-29/jobs"


def _prepared(row: Row) -> Row:
    """A job with what fields are made of: the name in the queue's ARN, and the files of all inputs. What has another
    form is left out, which makes it unknown."""
    queue, settings = row.get("queue"), row.get("settings")
    inputs = settings.get("inputs") if isinstance(settings, dict) else None
    files = None
    if isinstance(inputs, list) and all(isinstance(each, dict) for each in inputs):
        files = [each.get("fileInput") for each in inputs]
    return row | {
        "queueName": queue.partition("/")[2] if isinstance(queue, str) else None,
        "inputFiles": files,
    }


_QUEUE = "arn:aws:mediaconvert:eu-west-1:111122223333:queues/Default"
_FIELDS = (
    Field("id", _STRING, "Job id", ("id",), "1671477617078-2886ye"),
    Field("status", FieldType.STATUS, "Normalised status"),
    Field("provider_status", _STRING, "Status as the vendor spells it", ("status",), "SUBMITTED"),
    Field("created_at", _TIME, "When the job was created", ("createdAt",)),
    Field("started_at", _TIME, "When the job left its queue", ("timing", "startTime")),
    Field("finished_at", _TIME, "When the job ended", ("timing", "finishTime")),
    Field("progress", _NUMBER, "Percentage done, 0 to 100, as estimated", ("jobPercentComplete",), 50),
    Field("error_code", _STRING, "Why the job failed", ("errorCode",), "1404"),
    Field("description", _STRING, "What the vendor says about the failure", ("errorMessage",), "Unable to open input."),
    Field("queue", _STRING, "ARN of the queue", ("queue",), _QUEUE),
    Field("queue_name", _STRING, "Name of the queue", ("queueName",), "Default"),
    Field("job_template", _STRING, "Job template, by name or ARN, as the submitter gave it", ("jobTemplate",), "hls"),
    Field("priority", _NUMBER, "Priority in the queue, -50 to 50", ("priority",), 0),
    Field("role", _STRING, "ARN of the role that reads and writes", ("role",), "arn:aws:iam::111122223333:role/media"),
    Field(
        "input.location", FieldType.STRINGS, "Files of the inputs, in order", ("inputFiles",), "s3://b/a.mp4", url=True
    ),
    Field("user_metadata.*", _STRING, "What the submitter attached, by its key", ("userMetadata",), "video"),
)

QUOTAS = {"mediaconvert": (10, 5.0)}
"""Requests in so many seconds. The vendor publishes none that can be read, and users are throttled at a handful of
calls a second: careful, and less once throttled."""

JOB = ResourceType(
    name="aws.mediaconvert.job",
    summary="MediaConvert job: a file transcoded into others. Records are not deleted.",
    fields=MappingProxyType({field.name: field for field in _FIELDS}),
    statuses=MappingProxyType(
        {
            "SUBMITTED": Status.PENDING,
            "PROGRESSING": Status.RUNNING,
            "COMPLETE": Status.SUCCEEDED,
            "ERROR": Status.FAILED,
            "CANCELED": Status.CANCELED,
        }
    ),
    listing=Listing(
        path=PATH,
        envelope="jobs",
        paging=Paging.TOKEN,
        total="",
        page_size=20,
        page_parameter="nextToken",
        size_parameter="maxResults",
        next_page="nextToken",
        status_parameter="status",
        ids_per_call=1,
        reading=Reading(f"{PATH}/{{id}}", "job", single=True),
    ),
    operations=(
        Operation(
            Action.CANCEL,
            f"{PATH}/{{id}}",
            "",
            starts=frozenset({Status.PENDING, Status.RUNNING}),
            ends=Status.CANCELED,
            accepted=frozenset({202}),
            refusals=MappingProxyType({"Conflict": Meaning.CHANGED, "BadRequest": Meaning.CHANGED}),
        ),
    ),
    prepared=_prepared,
    unread=frozenset(
        {
            *("arn", "accelerationSettings", "accelerationStatus", "billingTagsSource", "clientRequestToken"),
            *("currentPhase", "hopDestinations", "jobEngineVersionRequested", "jobEngineVersionUsed", "messages"),
            *("lastShareDetails", "outputGroupDetails", "queueTransitions", "retryCount", "shareStatus"),
            *("simulateReservedQueue", "statusUpdateInterval", "settings", "warnings"),
        }
    ),
    object_fields=("input.location",),
    permissions=Permissions("mediaconvert:ListJobs", "mediaconvert:CancelJob", read="mediaconvert:GetJob"),
    documentation="https://docs.aws.amazon.com/mediaconvert/latest/apireference/jobs-id.html",
)
