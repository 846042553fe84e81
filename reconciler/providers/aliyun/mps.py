"""ApsaraVideo Media Processing (MPS): transcoding jobs, as a resource type.

https://www.alibabacloud.com/help/en/mps/api-listjob, .../api-queryjoblist, .../api-canceljob. The vendor advises to
pause a pipeline before jobs are canceled: that would stop everybody's, so that none is ever paused here; a job that
started meanwhile is read again instead.
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
    Reading,
    ResourceType,
    Status,
)

QUOTAS = MappingProxyType(dict.fromkeys(("ListJob", "QueryJobList", "CancelJob"), (100, 1.0)))
"""As those of VOD: https://www.alibabacloud.com/help/en/mps/developer-reference/qps-limits."""

REGIONS = (
    *("cn-shanghai", "cn-hangzhou", "cn-beijing", "cn-zhangjiakou", "cn-qingdao", "cn-shenzhen", "cn-hongkong"),
    *("ap-southeast-1", "ap-southeast-5", "ap-northeast-1", "eu-central-1", "eu-west-1", "us-west-1"),
)
"""https://www.alibabacloud.com/help/en/mps/developer-reference/api-mts-2014-06-18-endpoint"""

_STRING, _TIME, _NUMBER = FieldType.STRING, FieldType.TIMESTAMP, FieldType.INTEGER
_OUTPUT = ("Output", "OutputFile")
_FIELDS = (
    Field("id", _STRING, "Job id", ("JobId",), "31dfa5ac590146dd8d22f2e0c1de2f01"),
    Field("status", FieldType.STATUS, "Normalised status"),
    Field("provider_status", _STRING, "Status as the vendor spells it", ("State",), "Submitted"),
    Field("created_at", _TIME, "When the job was submitted", ("CreationTime",)),
    Field("finished_at", _TIME, "When the job ended", ("FinishTime",)),
    Field("progress", _NUMBER, "Percentage done, 0 to 100", ("Percent",), 50),
    Field("error_code", _STRING, "Why the job failed", ("Code",), "InvalidParameter.ResourceNotFound"),
    Field("description", _STRING, "What the vendor says about the failure", ("Message",), "The resource is not found."),
    Field(
        "pipeline_id",
        _STRING,
        "The pipeline that the job waits in",
        ("PipelineId",),
        "88c6ca184c0e47098a5b665e2a126797",
    ),
    Field("priority", _NUMBER, "Priority in the pipeline, 1 to 10", ("Output", "Priority"), 6),
    Field("template_id", _STRING, "Transcoding template", ("Output", "TemplateId"), "S00000001-200010"),
    Field("user_data", _STRING, "Text that the submitter attached", ("Output", "UserData"), "order-4711"),
    Field("input.bucket", _STRING, "OSS bucket of the input", ("Input", "Bucket"), "drafts"),
    Field("input.location", _STRING, "OSS region of the input", ("Input", "Location"), "oss-cn-hangzhou"),
    Field("input.object", _STRING, "Object of the input, encoded as in a URL", ("Input", "Object"), "tmp%2Fa.mp4"),
    Field("output.bucket", _STRING, "OSS bucket of the output", (*_OUTPUT, "Bucket"), "videos"),
    Field("output.location", _STRING, "OSS region of the output", (*_OUTPUT, "Location"), "oss-cn-hangzhou"),
    Field("output.object", _STRING, "Object of the output, encoded as in a URL", (*_OUTPUT, "Object"), "a.m3u8"),
)

TRANSCODING = ResourceType(
    name="aliyun.mps.transcoding",
    summary="Transcoding job: a video turned into another format. Jobs of the last 90 days; records are not deleted.",
    fields=MappingProxyType({field.name: field for field in _FIELDS}),
    # The older pages spell the ends differently.
    statuses=MappingProxyType(
        {
            "Submitted": Status.PENDING,
            "Transcoding": Status.RUNNING,
            "TranscodeSuccess": Status.SUCCEEDED,
            "Transcodesuccess": Status.SUCCEEDED,
            "TranscodeFail": Status.FAILED,
            "Transcodefail": Status.FAILED,
            "TranscodeCancelled": Status.CANCELED,
            "Transcodecancelled": Status.CANCELED,
        }
    ),
    status_filters=MappingProxyType(
        {
            "Transcodesuccess": "TranscodeSuccess",
            "Transcodefail": "TranscodeFail",
            "Transcodecancelled": "TranscodeCancelled",
        }
    ),
    listing=Listing(
        path="ListJob",
        envelope="JobList.Job",
        paging=Paging.TOKEN,
        method="POST",
        total="",
        page_parameter="NextPageToken",
        size_parameter="MaximumPageSize",
        next_page="NextPageToken",
        status_parameter="State",
        ids_parameter="JobIds",
        reading=Reading("QueryJobList", "JobList.Job", method="POST", joined=True, missing="NonExistJobIds.String"),
    ),
    operations=(
        Operation(
            Action.CANCEL,
            "CancelJob",
            "JobId",
            starts=frozenset({Status.PENDING}),
            ends=Status.CANCELED,
            method="POST",
            accepted=frozenset({200}),
            echo="JobId",
            # "Permission denied" is how this call says that the job waits no more: never that a right is missing.
            refusals=MappingProxyType(
                {
                    "PermissionDenied.JobInRunning": Meaning.CHANGED,
                    "PermissionDenied.JobInComplete": Meaning.CHANGED,
                    "PermissionDenied.JobInFailure": Meaning.CHANGED,
                    "InvalidParameter.ResourceNotFound": Meaning.GONE,
                    "InvalidParameter.ResourceDeleted": Meaning.GONE,
                }
            ),
        ),
    ),
    unread=frozenset({"MNSMessageResult", "SubmitTime"}),
    object_fields=("input.bucket", "input.object"),
    permissions=Permissions("mts:ListJob", "mts:CancelJob", read="mts:QueryJobList"),
    documentation="https://www.alibabacloud.com/help/en/mps/api-canceljob",
)
