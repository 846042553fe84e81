"""Upload by URL: jobs that fetch a video from the web, as a resource type.

https://www.alibabacloud.com/help/en/vod/developer-reference/api-vod-2017-03-21-cancelurluploadjobs,
.../api-vod-2017-03-21-geturluploadinfos; statuses: "Status of a URL-based upload job" in the data types.
"""

from __future__ import annotations

from types import MappingProxyType

from reconciler.provider import (
    Action,
    Field,
    FieldType,
    Listing,
    Meaning,
    Operation,
    Paging,
    Permissions,
    ResourceType,
    Status,
)

QUOTAS = MappingProxyType({"CancelUrlUploadJobs": (50, 1.0), "GetURLUploadInfos": (100, 1.0)})
"""Requests in so many seconds, per account, RAM users summed, for each action:
https://help.aliyun.com/document_detail/342790.html."""

REGIONS = ("cn-shanghai", "ap-southeast-1")
"""The regions that serve these calls (api-geturluploadinfos)."""

_STRING, _TIME = FieldType.STRING, FieldType.TIMESTAMP
_FIELDS = (
    Field("id", _STRING, "Job id", ("JobId",), "341c92e6c18dc435ee31253685f9c0a1"),
    Field("status", FieldType.STATUS, "Normalised status"),
    Field("provider_status", _STRING, "Status as the vendor spells it", ("Status",), "PENDING"),
    Field("upload_url", _STRING, "The source URL, whole", ("UploadURL",), "https://media.example.com/a.mp4", url=True),
    Field("media_id", _STRING, "The media asset, once there is one", ("MediaId",), "93ab850b4f6f54b6e91d24d81d4fa0b3"),
    Field("file_size", FieldType.INTEGER, "Bytes, once known", ("FileSize",), 1_000_000),
    Field("created_at", _TIME, "When the job was submitted", ("CreationTime",)),
    Field("finished_at", _TIME, "When the job ended; only of jobs that did", ("CompleteTime",)),
    Field("error_code", _STRING, "Code of the result; 200 for success", ("ErrorCode",), "200"),
    Field("description", _STRING, "What the vendor says about the result", ("ErrorMessage",), "Success"),
    Field("user_data", _STRING, "Text that the submitter attached, JSON as a rule", ("UserData",), "order-4711"),
)

URL_UPLOAD = ResourceType(
    name="aliyun.vod.url_upload",
    summary="URL upload job: a video to be fetched from the web. Found through the target's inventory.",
    fields=MappingProxyType({field.name: field for field in _FIELDS}),
    statuses=MappingProxyType(
        {
            "PENDING": Status.PENDING,
            "PROCESSING": Status.RUNNING,
            "DOWNLOADING": Status.RUNNING,
            "DOWNLOAD_SUCCESS": Status.RUNNING,
            "UPLOADING": Status.RUNNING,
            "UPLOAD_SUCCESS": Status.RUNNING,
            "SUCCESS": Status.SUCCEEDED,
            "DOWNLOAD_FAIL": Status.FAILED,
            "UPLOAD_FAIL": Status.FAILED,
            # What a canceled job shows is not documented; these are taken for it should they come.
            "CANCELED": Status.CANCELED,
            "CANCELLED": Status.CANCELED,
            "CANCEL": Status.CANCELED,
        }
    ),
    listing=Listing(
        path="GetURLUploadInfos",
        envelope="URLUploadInfoList",
        paging=Paging.INVENTORY,
        method="POST",
        ids_parameter="JobIds",
        ids_per_call=10,
    ),
    operations=(
        Operation(
            Action.CANCEL,
            "CancelUrlUploadJobs",
            "JobIds",
            starts=frozenset({Status.PENDING}),
            ends=Status.CANCELED,
            method="POST",
            batch_size=10,
            accepted=frozenset({200}),
            refusals=MappingProxyType({"OperationDenied": Meaning.CHANGED}),
        ),
    ),
    permissions=Permissions("vod:GetURLUploadInfos", "vod:CancelUrlUploadJobs"),
    documentation="https://www.alibabacloud.com/help/en/vod/developer-reference/api-vod-2017-03-21-cancelurluploadjobs",
    unread=frozenset({"RegisteredMediaId", "UploadStatus"}),
    object_fields=("upload_url",),
)
