"""What Alibaba Cloud's error codes mean to us.

Decided by code, compared without case: VOD answers flow control with HTTP 400.
https://help.aliyun.com/document_detail/434846.html (common codes),
https://api.aliyun.com/document/vod/2017-03-21/errorCode (VOD).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.provider import Codes, Meaning, Said, parsed_object, said_in

if TYPE_CHECKING:
    import httpx

_XML_CODE = re.compile(r"<Code>([^<]{1,100})</Code>")
_XML_MESSAGE = re.compile(r"<Message>([^<]{0,1000})</Message>")


def _said(response: httpx.Response) -> Said:
    """From JSON in either spelling, or from XML."""
    body = parsed_object(response)
    if body is None:
        text = response.content[:20_000].decode("utf-8", "replace")
        found = (pattern.search(text) for pattern in (_XML_CODE, _XML_MESSAGE))
        code, message = (match[1] if match else "" for match in found)
        return Said(code, message, "", bool(code))
    names = ("Code", "code"), ("Message", "message"), ("RequestId", "requestId")
    code, message, request_id = (said_in(body.get(upper)) or said_in(body.get(lower)) for upper, lower in names)
    return Said(code, message, request_id, bool(code))


CODES = Codes(
    {
        Meaning.THROTTLED: ("Throttling",),
        # A nonce that was "used before" may mean that something on the way sent our request twice, with effect.
        Meaning.UNAVAILABLE: ("ServiceUnavailable", "InternalError", "SystemBusy", "SignatureNonceUsed"),
        Meaning.CREDENTIALS: (
            "InvalidAccessKeyId",
            "IncompleteSignature",
            "SignatureDoesNotMatch",
            "InvalidTimeStamp",
            "IllegalTimestamp",
            "InvalidSecurityToken",
            "MissingSecurityToken",
        ),
        Meaning.PERMISSION: ("Forbidden", "NoPermission", "OperationDenied.Suspended"),
        Meaning.PERMANENT: (
            "MissingParameter",
            "InvalidParameter",
            "OperationDenied",
            "InvalidApi",
            "InvalidAction",
            "NoSuchVersion",
            "UnsupportedHTTPMethod",
        ),
    },
    {
        "invalidtimestamp": "the clock of this machine is off by more than 15 minutes",
        "invalidtimestamp.format": "the gateway cannot read the time of the request",
        "illegaltimestamp": "the clock of this machine is off by more than 15 minutes",
        "invalidsecuritytoken.expired": "the temporary credentials have expired",
        "invalidsecuritytoken": "the temporary credentials are wrong or have expired",
        "invalidaccesskeyid": "no such access key, or it is disabled",
        "signaturedoesnotmatch": "the access key secret is wrong",
        "invalidapi": "no such API here: check the region and the endpoint",
    },
    _said,
    clock="timestamp",
)
