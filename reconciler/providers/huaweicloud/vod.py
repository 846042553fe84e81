"""Video on Demand: its kinds of tasks, each a row.

https://support.huaweicloud.com/intl/en-us/api-vod/ListAssetEditTask.html, .../ListAssetTaskInfo.html
"""

from __future__ import annotations

from types import MappingProxyType

from reconciler.provider import Field, FieldType, Listing, Meaning, Paging, Permissions, Status
from reconciler.providers.huaweicloud.fields import (
    CREATED_FINISHED,
    PROGRESS,
    cancel,
    fields,
    identity_fields,
    resource_type,
)

DOCUMENTATION = "https://support.huaweicloud.com/intl/en-us/api-vod"

# The page says only that a task which does not wait is answered 400; the code is not published, so that even the
# codes for illegal parameters may stand for it. None of them is proof: the task is read again.
_NOT_CANCELED = MappingProxyType(
    dict.fromkeys(("VOD.10053", "VOD.10081", "VOD.10083"), Meaning.CHANGED) | {"VOD.10062": Meaning.GONE}
)

EDITING = resource_type(
    name="huaweicloud.vod.editing",
    summary="Editing task: media assets cut and joined into a new one. Its record cannot be deleted.",
    fields=fields(
        identity_fields("task_id"),
        CREATED_FINISHED,
        PROGRESS,
        Field(
            "asset_id",
            FieldType.STRING,
            "The media asset that the task makes",
            ("asset_id",),
            "f488337c31c8e4622f1590735b134c65",
        ),
    ),
    statuses=MappingProxyType(
        {
            "WAITING": Status.PENDING,
            "PROCESSING": Status.RUNNING,
            "SUCCEED": Status.SUCCEEDED,
            "FAILED": Status.FAILED,
            "CANCEL": Status.CANCELED,
        }
    ),
    listing=Listing(
        path="/v1/{project_id}/asset/editing/tasks",
        envelope="tasks",
        paging=Paging.OFFSET,
        page_parameter="offset",
        size_parameter="limit",
        truncated="is_truncated",
        ids_parameter="task_id",
        ids_per_call=1,
    ),
    operations=(cancel("/v1/{project_id}/asset/editing/tasks", "task_id", _NOT_CANCELED),),
    permissions=Permissions("vod:asset:listEditTask", "vod:asset:deleteEditTask"),
    documentation=f"{DOCUMENTATION}/ListAssetEditTask.html",
    object_fields=("asset_id",),
    unread=frozenset(),
)

TRANSCODING = resource_type(
    name="huaweicloud.vod.transcoding",
    summary="Transcoding of one media asset; its handle is the asset, and a cancel takes all that wait.",
    fields=fields(
        identity_fields("asset_id"),
        CREATED_FINISHED,
        Field("started_at", FieldType.TIMESTAMP, "When processing began", ("transcode_result", "start_time")),
        Field("progress", FieldType.INTEGER, "Percentage done, 0 to 100", ("transcode_result", "progress"), 50),
        Field(
            "asset_id",
            FieldType.STRING,
            "The media asset, the same as the id",
            ("asset_id",),
            "f488337c31c8e4622f1590735b134c65",
        ),
        Field(
            "template_name", FieldType.STRING, "Transcoding template", ("transcode_result", "template_name"), "hd-h264"
        ),
    ),
    # In the order in which one row speaks for the whole asset: pending if any waits.
    statuses=MappingProxyType(
        {
            "WAITING": Status.PENDING,
            "PROCESSING": Status.RUNNING,
            "FAILED": Status.FAILED,
            "SUCCEED": Status.SUCCEEDED,
        }
    ),
    listing=Listing(
        path="/v1/{project_id}/asset/tasks",
        envelope="results",
        paging=Paging.MARKER,
        total="count",
        page_parameter="marker",
        size_parameter="limit",
        next_page="next_marker",
        truncated="is_truncated",
        status_parameter="status",
        ids_parameter="asset_id",
        ids_per_call=1,
        constants=(("type", "TRANSCODE"),),
        rows_merge=True,
    ),
    operations=(cancel("/v1.0/{project_id}/asset/process", "asset_id", _NOT_CANCELED),),
    permissions=Permissions("vod:asset:getTaskInfo", "vod:asset:deleteProcessTask"),
    documentation=f"{DOCUMENTATION}/ListAssetTaskInfo.html",
    object_fields=("asset_id",),
    unread=frozenset({"type"}),
)

RESOURCE_TYPES = (EDITING, TRANSCODING)
