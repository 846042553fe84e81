"""What Alibaba Cloud's error codes mean to us.

Decided by code, compared without case: VOD answers flow control with HTTP 400.
https://help.aliyun.com/document_detail/434846.html (common codes),
https://api.aliyun.com/document/vod/2017-03-21/errorCode (VOD).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.provider import (
    CLOCKS_APART,
    Excerpts,
    Fault,
    Meaning,
    clock_skew,
    json_object,
    malformed,
    parsed_object,
    said_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import httpx


__all__ = ["COMMON", "common_meaning", "refusal"]

_CODES: Mapping[Meaning, tuple[str, ...]] = {
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
}

COMMON: Mapping[str, Meaning] = MappingProxyType(
    {code.casefold(): meaning for meaning, codes in _CODES.items() for code in codes}
)
"""Codes in lower case. A code stands for all that begin with it and a dot: `Throttling` for `Throttling.User`."""

_BY_HTTP_STATUS: Mapping[int, Meaning] = {
    401: Meaning.CREDENTIALS,
    408: Meaning.UNAVAILABLE,
    429: Meaning.THROTTLED,
}

_HINTS: Mapping[str, str] = {
    "invalidtimestamp": "the clock of this machine is off by more than 15 minutes",
    "invalidtimestamp.format": "the gateway cannot read the time of the request",
    "illegaltimestamp": "the clock of this machine is off by more than 15 minutes",
    "invalidsecuritytoken.expired": "the temporary credentials have expired",
    "invalidsecuritytoken": "the temporary credentials are wrong or have expired",
    "invalidaccesskeyid": "no such access key, or it is disabled",
    "signaturedoesnotmatch": "the access key secret is wrong",
    "invalidapi": "no such API here: check the region and the endpoint",
}

_XML_CODE = re.compile(r"<Code>([^<]{1,100})</Code>")
_XML_MESSAGE = re.compile(r"<Message>([^<]{0,1000})</Message>")


def refusal(
    response: httpx.Response,
    excerpts: Excerpts,
    refusals: Mapping[str, Meaning] = MappingProxyType({}),
    *,
    now: Callable[[], datetime] | None = None,
) -> Fault:
    """The fault in an answer that is no success.

    `refusals` are the codes particular to the call. With `now`, refused credentials are explained by how far
    this machine's clock is from the server's.
    """
    status = response.status_code
    if not (response.is_client_error or response.is_server_error):
        answer = json_object(response, excerpts)
        return answer if isinstance(answer, Fault) else malformed(f"HTTP {status}, which is not documented", response)
    code, message, request_id = _facts(response)
    if not code and not response.is_server_error and status not in _BY_HTTP_STATUS:
        answer = json_object(response, excerpts)
        return answer if isinstance(answer, Fault) else malformed("an error without a code", response)
    particular = {name.casefold(): meaning for name, meaning in refusals.items()}.get(code.casefold())
    meaning = particular or common_meaning(code) or _BY_HTTP_STATUS.get(status, Meaning.PERMANENT)
    if response.is_server_error and meaning is not Meaning.THROTTLED:
        meaning = Meaning.UNAVAILABLE
    explained = [excerpts(message) if message else f"HTTP {status} without a message", _looked_up(_HINTS, code) or ""]
    if meaning is Meaning.CREDENTIALS and now is not None:
        explained.append(clock_skew(response, now(), 0 if "timestamp" in code.casefold() else CLOCKS_APART))
    return Fault(
        meaning,
        "; ".join(part for part in explained if part),
        excerpts(code, 60) or None,
        status,
        excerpts(request_id, 80) or None,
    )


def common_meaning(code: str) -> Meaning | None:
    """What a code means in every call; None for one of no table."""
    found: Meaning | None = _looked_up(COMMON, code)
    return found


def _looked_up(table: Mapping[str, Any], code: str) -> Any:  # noqa: ANN401 - the table's values
    """What `table` says of a code, or of the code before its last dot."""
    key = code.casefold()
    while key:
        if key in table:
            return table[key]
        key = key.rpartition(".")[0]
    return None


def _facts(response: httpx.Response) -> tuple[str, str, str]:
    """Code, message and request id, from JSON in either spelling or from XML; empty where they are missing."""
    body = parsed_object(response)
    if body is None:
        text = response.content[:20_000].decode("utf-8", "replace")
        code, message = _XML_CODE.search(text), _XML_MESSAGE.search(text)
        return (code[1] if code else "", message[1] if message else "", "")
    names = ("Code", "code"), ("Message", "message"), ("RequestId", "requestId")
    code_text, message_text, request_id = (
        said_in(body.get(upper)) or said_in(body.get(lower)) for upper, lower in names
    )
    return code_text, message_text, request_id
