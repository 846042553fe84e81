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
        Meaning.CHANGED: ("MPC.10212", "MPC.10213", "VOD.10060", "VOD.10061", "VOD.10079", "VOD.10080", "VOD.10083"),
        Meaning.THROTTLED: ("APIGW.0308", "VOD.10127"),
        Meaning.UNAVAILABLE: ("VOD.10051", "VOD.10052", "VOD.100021010", "VST.10002"),
        Meaning.CREDENTIALS: ("APIGW.0301", "APIGW.0303", "APIGW.0307", "MPC.10203", "VOD.10054", "VST.10004"),
        Meaning.PERMISSION: (
            "APIGW.0302",
            "MPC.10208",
            "VOD.10055",
            "VOD.10056",
            "VOD.10057",
            "VOD.10074",
            "VOD.10111",
            "VOD.10120",
            "VOD.10132",
            "VOD.10133",
        ),
        Meaning.PERMANENT: (
            "APIGW.0101",
            "APIGW.0201",
            "MPC.10089",
            "MPC.10090",
            "MPC.10091",
            "MPC.10202",
            "MPC.10204",
            "MPC.10205",
            "MPC.10214",
            "MPC.10217",
            "VOD.10003",
            "VOD.10053",
            "VOD.10058",
            "VOD.10059",
            "VOD.10078",
            "VOD.10081",
            "VOD.10136",
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
