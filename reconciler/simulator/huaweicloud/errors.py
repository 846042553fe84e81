"""The error answers of Huawei Cloud: gateway, MPC, VOD and IAM.

Sources: devg-apisign/api-sign-errorcode (APIGW), api-mpc/ErrorCode and the pages of the single calls (MPC),
api-vod/ErrorCode (VOD). Where a page documents a status for one call, the caller passes it.
"""

from collections.abc import Mapping
from uuid import uuid4

from reconciler.simulator.wire import Refusal, json_answer

ERRORS: Mapping[str, tuple[int, str]] = {
    "APIGW.0101": (404, "The API does not exist or has not been published in the environment."),
    "APIGW.0301": (401, "Incorrect IAM authentication information"),
    "APIGW.0303": (401, "Incorrect app authentication information: x-sdk-date expired"),
    "APIGW.0307": (401, "The token must be updated."),
    "APIGW.0308": (
        429,
        "The throttling threshold has been reached: policy user over ratelimit,limit:100,time:1 minute.",
    ),
    "MPC.10202": (400, "Invalid request parameter"),
    "MPC.10205": (400, "Invalid content type."),
    "MPC.10208": (403, "Failed to check the tenant ID."),
    "MPC.10211": (403, "The task does not exist."),
    "MPC.10212": (400, "Operation failed."),
    "MPC.10213": (400, "Operation failed. The task is not in the final state."),
    "VOD.10053": (400, "The request parameter is illegal."),
    "VOD.10057": (403, "Failed to check the tenant ID."),
    "VOD.10062": (403, "The media asset or resource does not exist."),
    "VOD.10083": (400, "The current media asset status does not support this operation."),
    "VOD.10127": (403, "Flow control: too many requests."),
}


def refusal(
    code: str, detail: str = "", status: int | None = None, headers: Mapping[str, str] | None = None
) -> Refusal:
    """The refusal of a documented code; `status` overrides the usual one, `detail` is appended to the message."""
    usual, message = ERRORS[code]
    body = {"error_code": code, "error_msg": f"{message} {detail}".strip()}
    if code.startswith("APIGW."):
        body["request_id"] = uuid4().hex
    return Refusal(json_answer(status or usual, body, headers))


def iam_refusal(status: int, title: str, message: str) -> Refusal:
    """An error in the form of IAM, which wraps it."""
    return Refusal(json_answer(status, {"error": {"code": status, "message": message, "title": title}}))
