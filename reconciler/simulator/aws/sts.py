"""The token service: whose a key is, and temporary keys of roles.

Source: the API reference of STS 2011-06-15 (GetCallerIdentity, AssumeRole, AssumeRoleWithWebIdentity, "Common errors"),
whose answers are XML unless JSON is asked for, and the service model of botocore.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from reconciler.simulator.aws.answers import account_number
from reconciler.simulator.aws.authorization import Authorization
from reconciler.simulator.options import AwsAccount
from reconciler.simulator.wire import JSON, Answer, Refusal, WireRequest, pairs

VERSION = "2011-06-15"
_NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role/([\w+=,.@/-]{1,512})", re.ASCII)
_SESSION = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)

# From the names that MediaConvert's gateway has for what is wrong with a signature to those of this service.
_NAMES = {
    "IncompleteSignatureException": (400, "IncompleteSignature"),
    "InvalidSignatureException": (403, "SignatureDoesNotMatch"),
    "MissingAuthenticationTokenException": (403, "MissingAuthenticationToken"),
    "UnrecognizedClientException": (403, "InvalidClientTokenId"),
    "ExpiredTokenException": (403, "ExpiredToken"),
}
OPERATIONS = frozenset({"GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity"})


def parameters(request: WireRequest) -> dict[str, str]:
    """Those of the query, or of the form in the body."""
    body = request.body.decode(errors="replace") if request.method == "POST" else ""
    return dict(pairs(request.raw_query or body, plus_is_space=True))


def action_of(request: WireRequest) -> str:
    """The action that a request asks this service for; empty where it asks another."""
    given = parameters(request)
    return given.get("Action", "") if request.path == "/" and given.get("Version") == VERSION else ""


class TokenService:
    """Answers for all accounts; the keys that it hands out are good for a while."""

    def __init__(self, authorization: Authorization) -> None:
        self._authorization = authorization

    def handle(self, request: WireRequest) -> Answer:
        """Answer a request."""
        given = parameters(request)
        action = given["Action"]
        try:
            if action not in OPERATIONS:
                raise _refused(request, 400, "InvalidAction", f"Could not find operation {action}")
            if action == "AssumeRoleWithWebIdentity":
                return _told(request, action, self._by_token(request, given))
            account = self._caller(request)
            if action == "AssumeRole":
                return _told(request, action, self._assumed(request, given, account))
            return _told(
                request,
                action,
                {"Arn": account.arn, "UserId": account.access_key_id, "Account": account_number(account.owner)},
            )
        except Refusal as refused:
            return refused.answer

    def _caller(self, request: WireRequest) -> AwsAccount:
        try:
            return self._authorization.grant(request, service="sts")
        except Refusal as refused:
            name = refused.answer.headers["x-amzn-ErrorType"].partition(":")[0]
            raise _refused(request, *_NAMES[name], json.loads(refused.answer.body)["message"]) from None

    def _by_token(self, request: WireRequest, given: Mapping[str, str]) -> dict[str, Any]:
        token = given.get("WebIdentityToken", "")
        account = next((one for one in self._authorization.accounts if token and one.web_identity_token == token), None)
        if account is None:
            raise _refused(request, 400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account")
        found = self._assumed(request, given, account)
        return found | {"Provider": "token.example.com", "Audience": "sts.amazonaws.com"}

    def _assumed(self, request: WireRequest, given: Mapping[str, str], account: AwsAccount) -> dict[str, Any]:
        role, session = _ROLE.fullmatch(given.get("RoleArn", "")), given.get("RoleSessionName", "")
        seconds = given.get("DurationSeconds", "3600")
        if (
            role is None
            or not _SESSION.fullmatch(session)
            or not seconds.isdigit()
            or not 900 <= int(seconds) <= 43_200
        ):
            raise _refused(request, 400, "ValidationError", "RoleArn, RoleSessionName or DurationSeconds is not valid")
        if role[1] != account_number(account.owner):
            raise _refused(request, 403, "AccessDenied", f"Not authorized to perform: sts:{given['Action']}")
        ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=int(seconds))
        arn = f"arn:aws:sts::{role[1]}:assumed-role/{role[2].rpartition('/')[2]}/{session}"
        key = replace(
            account,
            access_key_id=f"ASIA{secrets.token_hex(8).upper()}",
            secret_access_key=secrets.token_urlsafe(30),
            security_token=secrets.token_urlsafe(90),
            account_id=account.owner,
            arn=arn,
        )
        self._authorization.issue(key, ends)
        expires = ends.timestamp() if _asks_for_json(request) else f"{ends:%Y-%m-%dT%H:%M:%SZ}"
        return {
            "Credentials": {
                "AccessKeyId": key.access_key_id,
                "SecretAccessKey": key.secret_access_key,
                "SessionToken": key.security_token,
                "Expiration": expires,
            },
            "AssumedRoleUser": {"AssumedRoleId": f"AROA:{session}", "Arn": arn},
        }


def _asks_for_json(request: WireRequest) -> bool:
    return JSON in request.header("accept")


def _told(request: WireRequest, action: str, result: Mapping[str, Any]) -> Answer:
    framed = {f"{action}Result": result, "ResponseMetadata": {"RequestId": str(uuid4())}}
    return _answer(request, 200, f"{action}Response", framed)


def _refused(request: WireRequest, status: int, code: str, message: str) -> Refusal:
    fault = {"Type": "Sender", "Code": code, "Message": message}
    return Refusal(_answer(request, status, "ErrorResponse", {"Error": fault, "RequestId": str(uuid4())}))


def _answer(request: WireRequest, status: int, name: str, content: Mapping[str, Any]) -> Answer:
    if _asks_for_json(request):
        framed = content if name == "ErrorResponse" else {name: content}
        return Answer(status, json.dumps(framed).encode())
    text = f'<{name} xmlns="{_NAMESPACE}">{_xml(content)}</{name}>'
    return Answer(status, text.encode(), {}, "text/xml")


def _xml(content: Mapping[str, Any]) -> str:
    parts = ((name, _xml(part) if isinstance(part, Mapping) else escape(str(part))) for name, part in content.items())
    return "".join(f"<{name}>{part}</{name}>" for name, part in parts)
