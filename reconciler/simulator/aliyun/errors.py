"""The error answers of Alibaba Cloud's RPC gateway and of VOD.

Source: the common error codes (help.aliyun.com document 434846) and the VOD error centre. The HTTP status of a code
is that of the pages; clients should look at the code.
"""

from collections.abc import Mapping
from uuid import uuid4

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
