"""Who is calling: Signature Version 4 from the server's side.

Source: "Create a signed AWS API request" of the IAM user guide, and the common errors of its API reference. Written
without looking at the client of this project.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import reduce
from urllib.parse import quote

from reconciler.simulator.aws.answers import refusal
from reconciler.simulator.options import AwsAccount
from reconciler.simulator.wire import WireRequest

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "mediaconvert"
MAXIMUM_SKEW = timedelta(minutes=5)
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=([^,/\s]+)/(\d{{8}})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


def key_in(request: WireRequest) -> str:
    """The access key id that a request claims; empty where it claims none."""
    match = _AUTHORIZATION.fullmatch(request.header("authorization"))
    return match[1] if match else ""


def signature(request: WireRequest, secret: str) -> str:
    """The signature that the secret makes of a request, by what it says was signed."""
    match = _AUTHORIZATION.fullmatch(request.header("authorization"))
    if match is None:
        return ""
    _, day, region, service, names, _ = match.groups()
    query = "&".join(sorted(request.raw_query.split("&"))) if request.raw_query else ""
    canonical = "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),
            query,
            "".join(f"{name}:{' '.join(request.header(name).split())}\n" for name in names.split(";")),
            names,
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join((ALGORITHM, request.header("x-amz-date"), scope, hashed))
    steps = (day, region, service, "aws4_request")
    key = reduce(lambda made, part: hmac.digest(made, part.encode(), "sha256"), steps, f"AWS4{secret}".encode())
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


class Authorization:
    """Checks requests against the accounts."""

    def __init__(self, accounts: Iterable[AwsAccount]) -> None:
        self.accounts = tuple(accounts)
        self._keys = {account.access_key_id: account for account in self.accounts}
        self._ends: dict[str, datetime] = {}

    def issue(self, key: AwsAccount, ends: datetime) -> None:
        """Take a temporary key for good, until it ends."""
        self._keys[key.access_key_id] = key
        self._ends[key.access_key_id] = ends

    def owner_of(self, request: WireRequest) -> str | None:
        """Whose key a request claims to be signed by; None where nobody has it."""
        account = self._keys.get(key_in(request))
        return account.owner if account else None

    def grant(self, request: WireRequest, service: str = SERVICE) -> AwsAccount:
        """Who is calling; raises Refusal."""
        if not request.header("authorization"):
            raise refusal("MissingAuthenticationTokenException")
        match = _AUTHORIZATION.fullmatch(request.header("authorization"))
        if match is None:
            raise refusal("IncompleteSignatureException", "the Authorization header is malformed")
        key, day, _, scope, names, given = match.groups()
        signed = names.split(";")
        required = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
        if signed != sorted(signed) or not required <= set(signed) or not set(signed) <= set(request.headers):
            raise refusal("IncompleteSignatureException", "SignedHeaders lacks a header, or names one that is absent")
        try:
            at = datetime.strptime(request.header("x-amz-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise refusal("IncompleteSignatureException", "x-amz-date is absent or malformed") from None
        if scope != service or not request.header("x-amz-date").startswith(day):
            raise refusal("InvalidSignatureException", "the credential is scoped to another service or day")
        account = self._keys.get(key)
        if account is None or request.header("x-amz-security-token") != account.security_token:
            raise refusal("UnrecognizedClientException")
        if not hmac.compare_digest(signature(request, account.secret_access_key), given):
            raise refusal("InvalidSignatureException")
        if abs(datetime.now(UTC) - at) > MAXIMUM_SKEW:
            raise refusal("InvalidSignatureException", f"Signature expired: {request.header('x-amz-date')}")
        if self._ends.get(key, at) < datetime.now(UTC) and key in self._ends:
            raise refusal("ExpiredTokenException")
        return account
