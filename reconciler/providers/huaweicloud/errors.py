"""What Huawei Cloud's error codes mean to us.

Decided by code: HTTP 403 alone may be a missing task, a wrong state, a missing right, arrears or flow control.
https://support.huaweicloud.com/intl/en-us/api-mpc/mpc_04_0026.html (MPC), .../api-vod/ErrorCode.html (VOD),
.../devg-apisign/api-sign-errorcode.html (gateway).
"""

from __future__ import annotations

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


__all__ = ["COMMON", "refusal"]


def _vod(*numbers: int) -> tuple[str, ...]:
    return tuple(f"VOD.{number}" for number in numbers)


_CODES: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.GONE: ("MPC.10211", "VOD.10062"),
    Meaning.CHANGED: ("MPC.10212", "MPC.10213", *_vod(10060, 10061, 10079, 10080, 10083)),
    Meaning.THROTTLED: ("APIGW.0308", "VOD.10127"),
    Meaning.UNAVAILABLE: (*_vod(10051, 10052, 100021010), "VST.10002"),
    Meaning.CREDENTIALS: ("APIGW.0301", "APIGW.0303", "APIGW.0307", "MPC.10203", "VOD.10054", "VST.10004"),
    Meaning.PERMISSION: (
        "APIGW.0302",
        "MPC.10208",
        *_vod(10055, 10056, 10057, 10074, 10111, 10120, 10132, 10133),
    ),
    Meaning.PERMANENT: (
        "APIGW.0101",
        "APIGW.0201",
        *(f"MPC.{number}" for number in (10089, 10090, 10091, 10202, 10204, 10205, 10214, 10217)),
        *_vod(10003, 10053, 10058, 10059, 10078, 10081, 10136),
        "VST.10001",
    ),
}

COMMON: Mapping[str, Meaning] = MappingProxyType({code: meaning for meaning, codes in _CODES.items() for code in codes})
"""Codes that mean the same in every call. What a call documents for itself comes first."""

_BY_HTTP_STATUS: Mapping[int, Meaning] = {
    401: Meaning.CREDENTIALS,
    408: Meaning.UNAVAILABLE,
    429: Meaning.THROTTLED,
}

_HINTS: Mapping[str, str] = {
    "APIGW.0301": "wrong AK/SK, or an expired security token",
    "APIGW.0303": "the clock of this machine is off by more than 15 minutes, or the credentials are not for this API",
    "APIGW.0307": "the token has expired or is for another region",
    "APIGW.0101": "no such API here: check the region and the endpoint",
    "MPC.10203": "authentication failed: check AK/SK, security token and project",
    "MPC.10208": "the project does not belong to these credentials, or is of another region",
    "VOD.10057": "the project does not belong to these credentials, or is of another region",
    "VOD.10120": "the account is in arrears",
}

_NO_REFUSALS: Mapping[str, Meaning] = MappingProxyType({})


def refusal(
    response: httpx.Response,
    excerpts: Excerpts,
    refusals: Mapping[str, Meaning] = _NO_REFUSALS,
    *,
    unlisted: Meaning = Meaning.PERMANENT,
    now: Callable[[], datetime] | None = None,
) -> Fault:
    """The fault in an answer that is no success.

    `refusals` are the codes particular to the call; `unlisted` is what HTTP 400 with a code of no table means.
    With `now`, refused credentials are explained by how far this machine's clock is from the server's.
    """
    status = response.status_code
    if not (response.is_client_error or response.is_server_error):
        answer = json_object(response, excerpts)
        return answer if isinstance(answer, Fault) else malformed(f"HTTP {status}, which is not documented", response)
    body = parsed_object(response)
    if body is None and not response.is_server_error and status not in _BY_HTTP_STATUS:
        answer = json_object(response, excerpts)
        if isinstance(answer, Fault):
            return answer
    code, message = _code_and_message(body or {})
    meaning = refusals.get(code) or COMMON.get(code) or _meaning_of(status, unlisted)
    if response.is_server_error and meaning is not Meaning.THROTTLED:
        meaning = Meaning.UNAVAILABLE
    explained = [excerpts(message) if message else f"HTTP {status} without a message", _HINTS.get(code, "")]
    if meaning is Meaning.CREDENTIALS and now is not None:
        # The gateway answers APIGW.0301 as well where it only sees that a signature of another time does not fit.
        explained.append(clock_skew(response, now(), 0 if code == "APIGW.0303" else CLOCKS_APART))
    request_id = response.headers.get("X-Request-Id") or said_in((body or {}).get("request_id"))
    return Fault(
        meaning,
        "; ".join(part for part in explained if part),
        excerpts(code, 60) or None,
        status,
        excerpts(request_id, 80) if request_id else None,
    )


def _meaning_of(status: int, unlisted: Meaning) -> Meaning:
    return unlisted if status == 400 else _BY_HTTP_STATUS.get(status, Meaning.PERMANENT)


def _code_and_message(body: Mapping[str, Any]) -> tuple[str, str]:
    """From `{"error_code","error_msg"}`, or IAM's `{"error": {"code","message","title"}}`."""
    nested = body.get("error")
    if isinstance(nested, dict):
        return f"IAM.{said_in(nested.get('code'))}", said_in(nested.get("message")) or said_in(nested.get("title"))
    code = said_in(body.get("error_code"))
    # Some services spell the gateway's prefix otherwise.
    return code.replace("APIG.", "APIGW.", 1) if code.startswith("APIG.") else code, said_in(body.get("error_msg"))
