"""SDK-HMAC-SHA256, seen from the server's side.

Source: Huawei Cloud "API Request Signing Guide" (devg-apisign). Written without looking at the client of this
project, so that one mistake is not made on both sides.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from reconciler.simulator.wire import WireRequest, pairs

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


def fault(request: WireRequest, claimed: Claim, secret_access_key: str) -> str | None:
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
