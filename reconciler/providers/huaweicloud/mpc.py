"""Media Processing Center: its kinds of tasks, each a row.

https://support.huaweicloud.com/intl/en-us/api-mpc/mpc_04_0018.html and the pages beside it.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.provider import (
    TERMINAL,
    Action,
    Field,
    FieldType,
    Listing,
    Meaning,
    Operation,
    Paging,
    Permissions,
    Status,
)
from reconciler.providers.huaweicloud.fields import (
    CREATED_FINISHED,
    DESCRIPTION,
    ERROR_CODE,
    INPUT,
    OUTPUT,
    PROGRESS,
    STARTED,
    USER_DATA,
    cancel,
    fields,
    identity_fields,
    resource_type,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTATION = "https://support.huaweicloud.com/intl/en-us/api-mpc"

# The pages document one code for "cannot be canceled" per kind, and not the same: 10212 (transcoding), 10202 (the
# others). 10213 is the race "in progress or completed". None of them is proof, so the task is read again.
_NOT_CANCELED = MappingProxyType(
    dict.fromkeys(("MPC.10202", "MPC.10212", "MPC.10213"), Meaning.CHANGED) | {"MPC.10211": Meaning.GONE}
)
_NOT_DELETED = MappingProxyType(
    dict.fromkeys(("MPC.10212", "MPC.10213"), Meaning.CHANGED) | {"MPC.10211": Meaning.GONE}
)


def _statuses(*vendor: tuple[str, Status]) -> Mapping[str, Status]:
    return MappingProxyType(dict((*vendor, ("FAILED", Status.FAILED), ("CANCELED", Status.CANCELED))))


_WAITING, _PROCESSING = ("WAITING", Status.PENDING), ("PROCESSING", Status.RUNNING)
_SUCCEEDED = _statuses(_WAITING, _PROCESSING, ("SUCCEEDED", Status.SUCCEEDED))
_TRANSCODING = _statuses(_WAITING, ("TRANSCODING", Status.RUNNING), ("SUCCEEDED", Status.SUCCEEDED))
_SUCCEED = _statuses(("INIT", Status.PENDING), _WAITING, _PROCESSING, ("SUCCEED", Status.SUCCEEDED))
# Animated GIF, metadata extraction and editing answer PROCESSING but want to be asked for PREPROCESSING.
_PREPROCESSING = MappingProxyType({"PROCESSING": "PREPROCESSING"})


def _listing(path: str, envelope: str, id_parameter: str = "task_id") -> Listing:
    return Listing(
        path=f"/v1/{{project_id}}/{path}",
        envelope=envelope,
        paging=Paging.PAGE,
        truncated="is_truncated",
        status_parameter="status",
        ids_parameter=id_parameter,
    )


def _cancel(path: str, id_parameter: str = "task_id") -> Operation:
    return cancel(f"/v1/{{project_id}}/{path}", id_parameter, _NOT_CANCELED)


def _delete(path: str) -> Operation:
    return Operation(
        Action.DELETE,
        f"/v1/{{project_id}}/{path}/task",
        "task_id",
        starts=TERMINAL,
        ends=Status.GONE,
        refusals=_NOT_DELETED,
    )


TRANSCODING = resource_type(
    name="huaweicloud.mpc.transcoding",
    summary="Transcoding task: a video turned into other formats.",
    fields=fields(
        identity_fields("task_id"),
        CREATED_FINISHED,
        PROGRESS,
        ERROR_CODE,
        DESCRIPTION,
        USER_DATA,
        INPUT,
        OUTPUT,
        Field("template_ids", FieldType.STRINGS, "Transcoding templates", ("trans_template_id",), "7000523"),
    ),
    statuses=_TRANSCODING,
    listing=_listing("transcodings", "task_array"),
    operations=(_cancel("transcodings"), _delete("transcodings")),
    unread=frozenset(
        {
            "output_file_name",
            "tips",
            "transcode_detail",
            "thumbnail_output",
            "thumbnail_outputname",
            "pic_info",
            "thumbnails_info",
            "image_sprite_info",
            "av_parameters",
            "additional_manifests",
            "metadata",
        }
    ),
    permissions=Permissions("mpc:transcodeTask:view", "mpc:transcodeTask:delete", "mpc:transcodeTask:deleteRecord"),
    documentation=f"{DOCUMENTATION}/mpc_04_0018.html",
    # The only kind whose ids the vendor's schema makes numbers, which could be spelt in several ways.
    id_form=re.compile("0|[1-9][0-9]{0,18}"),
)

PACKAGING = resource_type(
    name="huaweicloud.mpc.packaging",
    summary="Packaging (remux) task: a video put into another container.",
    fields=fields(
        identity_fields("task_id"),
        CREATED_FINISHED,
        STARTED,
        Field("progress", FieldType.INTEGER, "Percentage done, 0 to 100", ("complete_ratio",), 50),
        ERROR_CODE,
        DESCRIPTION,
        USER_DATA,
        INPUT,
        OUTPUT,
        Field("output.format", FieldType.STRING, "Container of the output", ("output_param", "format"), "HLS"),
    ),
    statuses=_SUCCEED,
    listing=_listing("remux", "tasks"),
    operations=(_cancel("remux"), _delete("remux")),
    unread=frozenset({"output_metadata"}),
    # "Tsk" is the vendor's spelling. The name for record deletion is not published.
    permissions=Permissions("mpc:remuxTsk:view", "mpc:remuxTsk:delete", "mpc:remuxTsk:deleteRecord"),
    documentation=f"{DOCUMENTATION}/mpc_04_0054.html",
)

SNAPSHOT = resource_type(
    name="huaweicloud.mpc.snapshot",
    summary="Snapshot task: still images taken from a video.",
    fields=fields(identity_fields("task_id"), CREATED_FINISHED, DESCRIPTION, USER_DATA, INPUT, OUTPUT),
    statuses=_SUCCEEDED,
    listing=_listing("thumbnails", "task_array"),
    operations=(_cancel("thumbnails"),),
    unread=frozenset({"output_file_name", "thumbnail_info"}),
    permissions=Permissions("mpc:thumbnailsTask:view"),
    documentation=f"{DOCUMENTATION}/mpc_04_0037.html",
)

ANIMATED_GIF = resource_type(
    name="huaweicloud.mpc.animated_gif",
    summary="Animated GIF task: a part of a video turned into a GIF.",
    fields=fields(
        identity_fields("task_id"),
        CREATED_FINISHED,
        STARTED,
        ERROR_CODE,
        DESCRIPTION,
        USER_DATA,
        INPUT,
        OUTPUT,
        Field("output.format", FieldType.STRING, "Format of the output", ("output_param", "format"), "gif"),
    ),
    statuses=_SUCCEED,
    listing=_listing("animated-graphics", "tasks"),
    operations=(_cancel("animated-graphics"),),
    unread=frozenset(),
    permissions=Permissions("mpc:animatedGraphicsTask:view", "mpc:animatedGraphicsTask:delete"),
    status_filters=_PREPROCESSING,
    documentation=f"{DOCUMENTATION}/mpc_04_0058.html",
)

METADATA_EXTRACTION = resource_type(
    name="huaweicloud.mpc.metadata_extraction",
    summary="Metadata extraction task: what a video consists of.",
    fields=fields(
        identity_fields("task_id"), CREATED_FINISHED, STARTED, ERROR_CODE, DESCRIPTION, USER_DATA, INPUT, OUTPUT
    ),
    statuses=_SUCCEED,
    listing=_listing("extract-metadata", "tasks"),
    operations=(_cancel("extract-metadata"),),
    unread=frozenset({"metadata"}),
    # "extrac" is the vendor's spelling.
    permissions=Permissions("mpc:extracTask:view", "mpc:extracTask:delete"),
    status_filters=_PREPROCESSING,
    documentation=f"{DOCUMENTATION}/mpc_04_0062.html",
)

EDITING = resource_type(
    name="huaweicloud.mpc.editing",
    summary="Editing task: clips cut, joined or mixed.",
    fields=fields(
        identity_fields("job_id"),
        CREATED_FINISHED,
        STARTED,
        ERROR_CODE,
        DESCRIPTION,
        USER_DATA,
        OUTPUT,
        Field("edit_type", FieldType.STRINGS, "CLIP, CONCAT, CONCATS or MIX", ("edit_type",), "CLIP"),
    ),
    statuses=_SUCCEED,
    listing=_listing("editing/jobs", "jobs", "job_id"),
    operations=(_cancel("editing/jobs", "job_id"),),
    unread=frozenset({"task_id", "edit_task_req", "output_file_info"}),
    permissions=Permissions("mpc:editingTask:view", "mpc:editingTask:delete"),
    status_filters=_PREPROCESSING,
    documentation=f"{DOCUMENTATION}/ListEditingJobs.html",
    object_fields=("output.bucket", "output.object"),
)

ENHANCEMENT = resource_type(
    name="huaweicloud.mpc.enhancement",
    summary="Enhancement task: a video's picture improved.",
    fields=fields(identity_fields("task_id"), CREATED_FINISHED, DESCRIPTION, INPUT, OUTPUT),
    statuses=_SUCCEEDED,
    listing=_listing("enhancements", "task_array"),
    operations=(_cancel("enhancements"),),
    unread=frozenset({"output_file_name"}),
)

CHANNEL_MERGE = resource_type(
    name="huaweicloud.mpc.channel_merge",
    summary="Channel merge task: audio files merged into one.",
    fields=fields(identity_fields("task_id"), CREATED_FINISHED, DESCRIPTION, OUTPUT),
    statuses=_SUCCEEDED,
    listing=_listing("audio/services/merge_channels/task", "task_array"),
    operations=(_cancel("audio/services/merge_channels/task"),),
    unread=frozenset({"audio_files", "output_filename"}),
    object_fields=("output.bucket", "output.object"),
)

TRACK_RESET = resource_type(
    name="huaweicloud.mpc.track_reset",
    summary="Track reset task: audio tracks of a file set anew.",
    fields=fields(identity_fields("task_id"), CREATED_FINISHED, DESCRIPTION, INPUT, OUTPUT),
    statuses=_SUCCEEDED,
    listing=_listing("audio/services/reset_tracks/task", "task_array"),
    operations=(_cancel("audio/services/reset_tracks/task"),),
    unread=frozenset({"output_filename", "tracks_info"}),
)

RESOURCE_TYPES = (
    TRANSCODING,
    PACKAGING,
    SNAPSHOT,
    ANIMATED_GIF,
    METADATA_EXTRACTION,
    EDITING,
    ENHANCEMENT,
    CHANNEL_MERGE,
    TRACK_RESET,
)
