"""Who is calling, and for which project: signatures of AK/SK and IAM tokens, with the two calls of IAM that a client
of MPC and VOD needs, for its project's id and for a token.

SDK-HMAC-SHA256 is seen from the server's side. Source: Huawei Cloud "API Request Signing Guide" (devg-apisign). Written
without looking at the client of this project, so that one mistake is not made on both sides.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import Any, NoReturn
from urllib.parse import quote, unquote

from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.huaweicloud.call import iam_refusal, refusal
from reconciler.simulator.options import HuaweicloudAccount
from reconciler.simulator.wire import Answer, Refusal, WireRequest, json_answer, json_object, pairs

ALGORITHM = "SDK-HMAC-SHA256"
MAXIMUM_SKEW = timedelta(minutes=15)
_AUTHORIZATION = re.compile(rf"{ALGORITHM} Access=([^,\s]+), SignedHeaders=([^,\s]+), Signature=([0-9a-f]{{64}})")


@dataclass(frozen=True, slots=True)
class Claim:
    """What an Authorization header claims."""

    access_key_id: str
    signed_headers: tuple[str, ...]
    signature: str


def claim(request: WireRequest) -> Claim | None:
    """Read the Authorization header; None where it is absent or malformed."""
    match = _AUTHORIZATION.fullmatch(request.header("authorization"))
    return Claim(match[1], tuple(match[2].split(";")), match[3]) if match else None


def signed_at(request: WireRequest) -> datetime | None:
    """The moment in X-Sdk-Date, None where it is absent or malformed."""
    try:
        return datetime.strptime(request.header("x-sdk-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def fault_of(request: WireRequest, claimed: Claim, secret_access_key: str) -> str | None:
    """Why the signature does not hold, None where it does."""
    if list(claimed.signed_headers) != sorted(claimed.signed_headers):
        return "SignedHeaders must be sorted"
    for required in ("x-sdk-date", "host"):
        if required not in claimed.signed_headers:
            return f"{required} is not signed"
    for name in claimed.signed_headers:
        if name not in request.headers:
            return f"the signed header {name} is absent"
    # Not in the guide, but a token or a project that is sent unsigned could be swapped on the way.
    for name in ("x-security-token", "x-project-id"):
        if name in request.headers and name not in claimed.signed_headers:
            return f"{name} is sent but not signed"
    declared = request.header("x-sdk-content-sha256")
    if declared not in {"", "UNSIGNED-PAYLOAD", hashlib.sha256(request.body).hexdigest()}:
        return "X-Sdk-Content-Sha256 does not match the body"
    for query in _canonical_queries(request.raw_query):
        if hmac.compare_digest(_signature(request, claimed, query, secret_access_key), claimed.signature):
            return None
    return "verify ak sk signature fail"


def _canonical_queries(raw_query: str) -> tuple[str, ...]:
    """The canonical query in the order of the text, then in the order received.

    The vendor's Python SDK sorts integers as numbers, its Go SDK as text; the real gateway takes both.
    """
    received = [f"{quote(name, safe='~')}={quote(text, safe='~')}" for name, text in _pairs(raw_query)]
    ordered = [f"{quote(name, safe='~')}={quote(text, safe='~')}" for name, text in sorted(_pairs(raw_query))]
    return tuple(dict.fromkeys(("&".join(ordered), "&".join(received))))


def _pairs(raw_query: str) -> tuple[tuple[str, str], ...]:
    return pairs(raw_query, plus_is_space=False)


def _signature(request: WireRequest, claimed: Claim, query: str, secret_access_key: str) -> str:
    path = "/".join(quote(unquote(segment), safe="~") for segment in request.path.split("/"))
    headers = "".join(f"{name}:{request.header(name)}\n" for name in claimed.signed_headers)
    payload = request.header("x-sdk-content-sha256") if request.body else ""
    canonical = "\n".join(
        (
            request.method,
            path if path.endswith("/") else path + "/",
            query,
            headers,
            ";".join(claimed.signed_headers),
            payload or hashlib.sha256(request.body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{request.header('x-sdk-date')}\n{digest}"
    return hmac.new(secret_access_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


TOKEN_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Token:
    """An IAM token, good for one project until `expires_at` (real time plus what the clock was advanced)."""

    account: HuaweicloudAccount
    project: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """Who is calling. `project` is set where a token limits the call to one."""

    account: HuaweicloudAccount
    project: str = ""


class Authorization:
    """Checks requests against the accounts and the tokens issued."""

    def __init__(self, accounts: Iterable[HuaweicloudAccount], clock: VirtualClock) -> None:
        self._accounts = {account.access_key_id: account for account in accounts}
        self._clock = clock
        self._tokens: dict[str, Token] = {}

    def login(self, user: object, password: object, domain: object) -> HuaweicloudAccount | None:
        """The account of an IAM user, None for a wrong name or password."""
        for account in self._accounts.values():
            known = (account.iam_user, account.iam_password, account.iam_domain)
            if account.iam_user and known == (user, password, domain):
                return account
        return None

    def issue(self, account: HuaweicloudAccount, project: str) -> tuple[str, Token]:
        """A new token for one project."""
        token = Token(account, project, self._clock.wall() + TOKEN_LIFETIME)
        text = token_urlsafe(48)
        self._tokens[text] = token
        return text, token

    def expire_tokens(self) -> None:
        """Make every token issued so far invalid, as topping up an account in arrears does."""
        self._tokens.clear()

    def grant(self, request: WireRequest) -> Grant:
        """Who is calling; raises Refusal. A token wins over a signature, as at the real gateway."""
        text = request.header("x-auth-token")
        if text:
            token = self._tokens.get(text)
            if token is None or token.expires_at <= self._clock.wall():
                raise refusal("APIGW.0307")
            return Grant(token.account, token.project)
        return Grant(self._signer(request))

    def _signer(self, request: WireRequest) -> HuaweicloudAccount:
        claimed = claim(request)
        if claimed is None:
            _refuse("the Authorization header is absent or malformed")
        account = self._accounts.get(claimed.access_key_id)
        if account is None:
            _refuse("ak not exist")
        at = signed_at(request)
        if at is None:
            _refuse("X-Sdk-Date is absent or malformed")
        if abs(datetime.now(UTC) - at) > MAXIMUM_SKEW:
            raise refusal("APIGW.0303")
        if request.header("x-security-token") != account.security_token:
            _refuse("the security token is absent or wrong")
        reason = fault_of(request, claimed, account.secret_access_key)
        if reason is not None:
            _refuse(reason)
        return account


def _refuse(reason: str) -> NoReturn:
    raise refusal("APIGW.0301", reason)


# -- IAM ----------------------------------------------------------------------------------------------------

PROJECTS = "/v3/projects"
TOKENS = "/v3/auth/tokens"


def list_projects(request: WireRequest, authorization: Authorization) -> Answer:
    """GET /v3/projects, optionally by name, which is the region's."""
    try:
        account = authorization.grant(request).account
    except Refusal as refused:
        raise iam_refusal(401, "Unauthorized", refused.answer.body.decode()) from refused
    query = dict(pairs(request.raw_query, plus_is_space=False))
    found = [
        _project(region, project)
        for region, project in account.projects.items()
        if query.get("name") in {None, region} and query.get("enabled", "true") == "true"
    ]
    return json_answer(200, {"links": {"self": "https://iam.example.com/v3/projects"}, "projects": found})


def _project(region: str, project: str) -> dict[str, Any]:
    return {"id": project, "name": region, "domain_id": "simulator-domain-id", "enabled": True, "is_domain": False}


def create_token(request: WireRequest, authorization: Authorization) -> Answer:
    """POST /v3/auth/tokens by password, scoped to a project. The token is in a header, good for 24 hours."""
    asked = _Asked(json_object(request.body) or {})
    if asked.methods != ["password"] or not asked.region_or_project:
        raise iam_refusal(400, "Bad Request", "Only the method password with a project scope is supported.")
    account = authorization.login(asked.user, asked.password, asked.domain)
    if account is None:
        raise iam_refusal(401, "Unauthorized", "The username or password is wrong.")
    region, project = _scope(account, asked)
    text, token = authorization.issue(account, project)
    expires = token.expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = {"token": {"expires_at": expires, "methods": ["password"], "project": _project(region, project)}}
    return json_answer(201, body, {"X-Subject-Token": text})


class _Asked:
    """What the body of a token request asks for; every part is None where it is missing."""

    def __init__(self, body: dict[str, Any]) -> None:
        identity = _at(body, "auth", "identity")
        self.methods = _at(identity, "methods")
        self.user = _at(identity, "password", "user", "name")
        self.password = _at(identity, "password", "user", "password")
        self.domain = _at(identity, "password", "user", "domain", "name")
        scope = _at(body, "auth", "scope", "project")
        self.region_or_project = _at(scope, "name") or _at(scope, "id")


def _at(tree: object, *path: str) -> Any:  # noqa: ANN401 - any JSON
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _scope(account: HuaweicloudAccount, asked: _Asked) -> tuple[str, str]:
    for region, project in account.projects.items():
        if asked.region_or_project in {region, project}:
            return region, project
    raise iam_refusal(404, "Not Found", f"Could not find project: {asked.region_or_project}.")
