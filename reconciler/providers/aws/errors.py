"""What the error names of AWS mean to us, without the `Exception` that most end in.

https://docs.aws.amazon.com/mediaconvert/latest/apireference/jobs-id.html; the common ones:
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
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
    """The name stands in a header, before a colon, or in the body, behind a number sign; STS may answer in XML."""
    body = parsed_object(response)
    named = response.headers.get("x-amzn-ErrorType", "")
    if body is None and not named:
        text = response.content[:20_000].decode("utf-8", "replace")
        found = (pattern.search(text) for pattern in (_XML_CODE, _XML_MESSAGE))
        named, message = (match[1] if match else "" for match in found)
    else:
        body = body or {}
        inner = body.get("Error")
        body = inner if isinstance(inner, dict) else body  # as STS frames it
        named = named or next((text for key in ("__type", "code", "Code") if (text := said_in(body.get(key)))), "")
        message = said_in(body.get("message")) or said_in(body.get("Message"))
    code = named.partition(":")[0].rpartition("#")[2].strip()
    code = code.removesuffix("Exception") or code
    return Said(code, message, response.headers.get("x-amzn-RequestId", ""), bool(code))


CODES = Codes(
    {
        Meaning.THROTTLED: ("TooManyRequests", "Throttling", "ThrottledException", "Throttled", "RequestLimitExceeded"),
        Meaning.UNAVAILABLE: ("InternalServerError", "InternalFailure", "ServiceUnavailable", "RequestTimeout"),
        Meaning.CREDENTIALS: (
            "UnrecognizedClient",
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "ExpiredToken",
            "InvalidSignature",
            "SignatureDoesNotMatch",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "RequestExpired",
            "NotAuthorized",
        ),
        Meaning.PERMISSION: ("Forbidden", "AccessDenied", "OptInRequired"),
        Meaning.GONE: ("NotFound",),
        Meaning.PERMANENT: ("BadRequest", "ServiceQuotaExceeded", "Validation"),
    },
    {
        "expiredtoken": "the temporary credentials have expired",
        "unrecognizedclient": "no such access key, or its session token is wrong",
        "invalidclienttokenid": "no such access key, or its session token is wrong",
        "invalidsignature": "the secret access key is wrong, or the clock of this machine is off",
        "signaturedoesnotmatch": "the secret access key is wrong, or the clock of this machine is off",
    },
    _said,
    clock="signature",
)
