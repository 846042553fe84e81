"""Where the vendors' documents are silent or contradict each other, the simulator can be told what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ResponseShape(StrEnum):
    """How Aliyun writes a list of strings: every shape seen in the vendor's own material."""

    ARRAY = "array"  # ["a","b"]: the type in every SDK
    COMMA_JOINED = "comma_joined"  # ["a,b"]: the samples of CancelUrlUploadJobs
    JSON_IN_ARRAY = "json_in_array"  # ["[\"a\", \"b\"]"]: the sample of GetURLUploadInfos
    QUOTED_IN_ARRAY = "quoted_in_array"  # ["['a', 'b']"]: the sibling service IMS
    BARE_STRING = "bare_string"  # "[\"a\", \"b\"]": the documents of 2021
    WRAPPED = "wrapped"  # {"JobId":["a","b"]}: the parsers of the C++ SDK
    MISSING = "missing"  # no key where the list is empty
    NULL = "null"  # null where the list is empty


class UnknownIds(StrEnum):
    """What a Huawei list answers for an id that does not exist."""

    NO_TASK = "no_task"  # an item of status NO_TASK, for the kinds that document it
    OMIT = "omit"  # no item


class Refused(StrEnum):
    """What CancelUrlUploadJobs does with a job that is no longer pending; the vendor does not say."""

    SILENT = "silent"  # it is in neither list
    ERROR = "error"  # 403 OperationDenied for the whole request


@dataclass(frozen=True, slots=True)
class Options:
    """The switches of one simulator. Quotas are requests per window in seconds, by quota group."""

    numeric_ids: bool = False
    unknown_ids: UnknownIds = UnknownIds.NO_TASK
    init_cancellable: bool = False
    response_shape: ResponseShape = ResponseShape.ARRAY
    canceled_visibility: str = "gone"
    refused: Refused = Refused.SILENT
    quotas: Mapping[str, tuple[int, float]] = field(default_factory=dict)


# MPC: productdesc-mpc/mpc_03_0018, per tenant. VOD of Huawei Cloud: 100 a minute for processing calls; nothing is
# published for editing tasks. Aliyun: help.aliyun.com document 342790, per account and action.
DOCUMENTED_QUOTAS: Mapping[str, tuple[int, float]] = {
    "mpc": (100, 60.0),
    "vod": (100, 60.0),
    "CancelUrlUploadJobs": (50, 1.0),
    "GetURLUploadInfos": (100, 1.0),
}
