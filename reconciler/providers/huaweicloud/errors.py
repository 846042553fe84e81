"""What Huawei Cloud's error codes mean to us.

Decided by code: HTTP 403 alone may be a missing task, a wrong state, a missing right, arrears or flow control.
https://support.huaweicloud.com/intl/en-us/api-mpc/mpc_04_0026.html (MPC), .../api-vod/ErrorCode.html (VOD),
.../devg-apisign/api-sign-errorcode.html (gateway).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.provider import Codes, Meaning, Said, parsed_object, said_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx


def _vod(*numbers: int) -> tuple[str, ...]:
    return tuple(f"VOD.{number}" for number in numbers)


def _said(response: httpx.Response) -> Said:
    body = parsed_object(response)
    request_id = response.headers.get("X-Request-Id") or said_in((body or {}).get("request_id"))
    return Said(*_code_and_message(body or {}), request_id, body is not None)


def _code_and_message(body: Mapping[str, Any]) -> tuple[str, str]:
    """From `{"error_code","error_msg"}`, or IAM's `{"error": {"code","message","title"}}`."""
    nested = body.get("error")
    if isinstance(nested, dict):
        return f"IAM.{said_in(nested.get('code'))}", said_in(nested.get("message")) or said_in(nested.get("title"))
    code = said_in(body.get("error_code"))
    # Some services spell the gateway's prefix otherwise.
    return code.replace("APIG.", "APIGW.", 1) if code.startswith("APIG.") else code, said_in(body.get("error_msg"))


CODES = Codes(
    {
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
    },
    {
        "APIGW.0301": "wrong AK/SK, or an expired security token",
        "APIGW.0303": (
            "the clock of this machine is off by more than 15 minutes, or the credentials are not for this API"
        ),
        "APIGW.0307": "the token has expired or is for another region",
        "APIGW.0101": "no such API here: check the region and the endpoint",
        "MPC.10203": "authentication failed: check AK/SK, security token and project",
        "MPC.10208": "the project does not belong to these credentials, or is of another region",
        "VOD.10057": "the project does not belong to these credentials, or is of another region",
        "VOD.10120": "the account is in arrears",
    },
    _said,
    # The gateway answers APIGW.0301 as well where it only sees that a signature of another time does not fit.
    clock="APIGW.0303",
)
