"""The answers of MediaConvert: JSON, and errors whose name stands in a header.

Source: the service model of botocore (rest-json) and the API reference of MediaConvert.
"""

import re
from collections.abc import Mapping
from uuid import uuid4

from reconciler.simulator.options import AWS_ACCOUNT
from reconciler.simulator.wire import Refusal, json_answer

ERRORS: Mapping[str, tuple[int, str]] = {
    "BadRequestException": (400, "The service can't process your request."),
    "ConflictException": (409, "The job is not in a state in which it can be canceled."),
    "ExpiredTokenException": (403, "The security token included in the request is expired."),
    "ForbiddenException": (403, "You don't have permissions for this action."),
    "IncompleteSignatureException": (403, "The request signature does not conform to AWS standards."),
    "InternalServerErrorException": (500, "The service encountered an unexpected condition."),
    "InvalidSignatureException": (403, "The request signature we calculated does not match the one you provided."),
    "MissingAuthenticationTokenException": (403, "Missing Authentication Token"),
    "NotFoundException": (404, "The resource you requested doesn't exist."),
    "TooManyRequestsException": (429, "Too many requests have been sent in too short of a time."),
    "UnrecognizedClientException": (403, "The security token included in the request is invalid."),
}


REGION = "eu-west-1"
"""Where all jobs are, as their ARNs have it."""


def account_number(owner: str) -> str:
    """The number of an account, of twelve digits, as ARNs have it."""
    return owner if re.fullmatch(r"[0-9]{12}", owner) else AWS_ACCOUNT


def refusal(name: str, detail: str = "", status: int | None = None) -> Refusal:
    """The refusal of an error."""
    usual, message = ERRORS[name]
    headers = {"x-amzn-ErrorType": f"{name}:http://internal.example/", "x-amzn-RequestId": str(uuid4())}
    return Refusal(json_answer(status or usual, {"message": f"{message} {detail}".strip()}, headers))
