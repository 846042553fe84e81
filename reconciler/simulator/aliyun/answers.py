"""The answers of Alibaba Cloud's RPC gateway and of its services: errors, and the ways in which lists are written.

Source: the common error codes (help.aliyun.com document 434846) and the VOD error centre. The HTTP status of a code
is that of the pages; clients should look at the code. The shapes of lists were all seen in the vendor's own material.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from reconciler.simulator.options import ResponseShape
from reconciler.simulator.wire import Refusal, json_answer

ERRORS: Mapping[str, tuple[int, str]] = {
    "IncompleteSignature": (400, "The request signature does not conform to Aliyun standards."),
    "InternalError": (500, "The request processing has failed due to some unknown error."),
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "InvalidApi.NotFound": (404, "Specified api is not found, please check your url and method."),
    "InvalidParameter": (400, "The specified parameter is not valid."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "MissingParameter": (400, "A required parameter is missing."),
    "MissingSecurityToken": (400, "SecurityToken is mandatory for this action."),
    "NoSuchVersion": (400, "The specified version does not exist."),
    "PermissionDenied": (403, "The job is not in the state that the operation needs."),
    "OperationDenied": (403, "The operation is denied."),
    "ServiceUnAvailable": (503, "The request has failed due to a temporary failure of the server."),
    "SignatureDoesNotMatch": (400, "Specified signature is not matched with our calculation."),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "UnsupportedHTTPMethod": (400, "This http method is not supported."),
}


def request_id() -> str:
    """A RequestId as the vendor writes it."""
    return str(uuid4()).upper()


def refusal(
    code: str, detail: str = "", status: int | None = None, headers: Mapping[str, str] | None = None
) -> Refusal:
    """The refusal of a code. A code such as `InvalidParameter.UploadURLs` takes the row of its first part."""
    usual, message = ERRORS.get(code) or ERRORS[code.partition(".")[0]]
    body = {
        "RequestId": request_id(),
        "HostId": "vod.cn-shanghai.aliyuncs.com",
        "Code": code,
        "Message": f"{message} {detail}".strip(),
    }
    return Refusal(json_answer(status or usual, body, headers))


def put_strings(body: dict[str, Any], key: str, strings: Sequence[str], shape: ResponseShape, wrapper: str) -> None:
    """Write `strings` into `body[key]`. `wrapper` is the inner key of the wrapped shape."""
    listed = list(strings)
    match shape:
        case ResponseShape.ARRAY:
            body[key] = listed
        case ResponseShape.COMMA_JOINED:
            body[key] = [",".join(listed)] if listed else []
        case ResponseShape.JSON_IN_ARRAY:
            body[key] = [json.dumps(listed)] if listed else []
        case ResponseShape.QUOTED_IN_ARRAY:
            body[key] = ["[" + ", ".join(f"'{text}'" for text in listed) + "]"] if listed else []
        case ResponseShape.BARE_STRING:
            body[key] = json.dumps(listed)
        case ResponseShape.WRAPPED:
            body[key] = {wrapper: listed}
        case ResponseShape.MISSING:
            if listed:
                body[key] = listed
        case ResponseShape.NULL:
            body[key] = listed or None


def put_records(body: dict[str, Any], key: str, records: list[Any], shape: ResponseShape, wrapper: str) -> None:
    """Write a list of objects: only the wrapped, the missing and the null shape exist for these."""
    match shape:
        case ResponseShape.WRAPPED:
            body[key] = {wrapper: records}
        case ResponseShape.MISSING:
            if records:
                body[key] = records
        case ResponseShape.NULL:
            body[key] = records or None
        case _:
            body[key] = records
