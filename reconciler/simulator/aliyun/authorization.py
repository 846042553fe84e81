"""Who is calling: the checks that the RPC gateway makes before an operation is reached.

ACS3-HMAC-SHA256 and the older RPC HMAC-SHA1 are seen from the server's side. Source: "V3 request body and signature
mechanism" (help.aliyun.com document 2593177, vector on the page of the common parameters) and "Signature method" of the
VOD API reference. Written without looking at the client of this project.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from reconciler.simulator.aliyun.answers import refusal
from reconciler.simulator.options import AliyunAccount
from reconciler.simulator.wire import WireRequest, pairs

ALGORITHM = "ACS3-HMAC-SHA256"
_AUTHORIZATION = re.compile(rf"{ALGORITHM} Credential=([^,\s]+),SignedHeaders=([^,\s]+),Signature=([0-9a-f]{{64}})")
_MANDATORY = ("host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version")


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed request in the form that both algorithms share. `at` is None where the date is malformed."""

    action: str
    version: str
    access_key_id: str
    security_token: str
    nonce: str
    at: datetime | None
    parameters: Mapping[str, str]
    signed_headers: tuple[str, ...]
    signature: str


class Incomplete(Exception):  # noqa: N818 - a verdict, and never seen outside of this package
    """The request lacks something that a signature needs; the text says what."""


def read(request: WireRequest) -> Signed:
    """Read either algorithm's claims. Raises Incomplete."""
    parameters = dict(pairs(request.raw_query, plus_is_space=True))
    return _read_rpc(parameters) if "Signature" in parameters else _read_acs3(request, parameters)


def holds(request: WireRequest, signed: Signed, secret_access_key: str) -> bool:
    """Whether the signature is the one that the secret makes."""
    expected = _acs3(request, signed, secret_access_key) if signed.signed_headers else _rpc(request, secret_access_key)
    return hmac.compare_digest(expected, signed.signature)


def _read_acs3(request: WireRequest, parameters: Mapping[str, str]) -> Signed:
    match = _AUTHORIZATION.fullmatch(request.header("authorization"))
    if match is None:
        raise Incomplete("the Authorization header is absent or malformed")
    names = tuple(match[2].split(";"))
    required = {*_MANDATORY, *(name for name in request.headers if name.startswith("x-acs-"))}
    if request.body and "content-type" in request.headers:
        required.add("content-type")
    for name in sorted(required):
        if name not in request.headers:
            raise Incomplete(f"the header {name} is absent")
        if name not in names:
            raise Incomplete(f"the header {name} is not signed")
    if list(names) != sorted(names) or not set(names) <= set(request.headers):
        raise Incomplete("SignedHeaders must be sorted and name headers of the request")
    if request.header("x-acs-content-sha256") != hashlib.sha256(request.body).hexdigest():
        raise Incomplete("x-acs-content-sha256 is not the hash of the body")
    return Signed(
        action=request.header("x-acs-action"),
        version=request.header("x-acs-version"),
        access_key_id=match[1],
        security_token=request.header("x-acs-security-token"),
        nonce=request.header("x-acs-signature-nonce"),
        at=_moment(request.header("x-acs-date")),
        parameters=parameters,
        signed_headers=names,
        signature=match[3],
    )


_RPC_NAMES = ("Action", "Version", "AccessKeyId", "SignatureNonce", "Timestamp", "Signature")
_RPC_SYSTEM = frozenset({*_RPC_NAMES, "SignatureMethod", "SignatureVersion", "SignatureType", "Format"})
_RPC_OPTIONAL = frozenset({"SecurityToken", "RegionId"})


def _read_rpc(parameters: Mapping[str, str]) -> Signed:
    for name in _RPC_NAMES:
        if not parameters.get(name):
            raise Incomplete(f"the parameter {name} is absent")
    if (parameters.get("SignatureMethod"), parameters.get("SignatureVersion")) != ("HMAC-SHA1", "1.0"):
        raise Incomplete("only HMAC-SHA1 in version 1.0 is supported")
    system = _RPC_SYSTEM | _RPC_OPTIONAL
    return Signed(
        action=parameters["Action"],
        version=parameters["Version"],
        access_key_id=parameters["AccessKeyId"],
        security_token=parameters.get("SecurityToken", ""),
        nonce=parameters["SignatureNonce"],
        at=_moment(parameters["Timestamp"]),
        parameters={name: text for name, text in parameters.items() if name not in system},
        signed_headers=(),
        signature=parameters["Signature"],
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _query(parameters: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='~')}={quote(text, safe='~')}" for name, text in sorted(parameters))


def _acs3(request: WireRequest, signed: Signed, secret_access_key: str) -> str:
    canonical = "\n".join(
        (
            request.method,
            request.path,
            _query(pairs(request.raw_query, plus_is_space=True)),
            "".join(f"{name}:{request.header(name)}\n" for name in signed.signed_headers),
            ";".join(signed.signed_headers),
            request.header("x-acs-content-sha256"),
        )
    )
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret_access_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def _rpc(request: WireRequest, secret_access_key: str) -> str:
    signed = [pair for pair in pairs(request.raw_query, plus_is_space=True) if pair[0] != "Signature"]
    to_sign = f"{request.method}&%2F&{quote(_query(signed), safe='~')}"
    digest = hmac.new(f"{secret_access_key}&".encode(), to_sign.encode(), hashlib.sha1).digest()
    return b64encode(digest).decode()


MAXIMUM_SKEW = timedelta(minutes=15)


class Authorization:
    """Checks requests against the accounts and remembers the nonces seen."""

    def __init__(self, accounts: Iterable[AliyunAccount]) -> None:
        self._accounts = {account.access_key_id: account for account in accounts}
        self.owners = {key: account.owner for key, account in self._accounts.items()}
        self._nonces: set[tuple[str, str]] = set()

    def grant(self, request: WireRequest) -> tuple[AliyunAccount, Signed]:
        """Who is calling and what the signed request says; raises Refusal."""
        try:
            signed = read(request)
        except Incomplete as missing:
            raise refusal("IncompleteSignature", str(missing)) from missing
        if signed.at is None:
            raise refusal("InvalidTimeStamp.Format")
        if abs(datetime.now(UTC) - signed.at) > MAXIMUM_SKEW:
            raise refusal("InvalidTimeStamp.Expired")
        account = self._accounts.get(signed.access_key_id)
        if account is None:
            raise refusal("InvalidAccessKeyId.NotFound")
        if account.security_token and not signed.security_token:
            raise refusal("MissingSecurityToken")
        if signed.security_token != account.security_token:
            raise refusal("InvalidSecurityToken.Malformed")
        if not holds(request, signed, account.secret_access_key):
            raise refusal("SignatureDoesNotMatch")
        nonce = (account.access_key_id, signed.nonce)
        if nonce in self._nonces:
            raise refusal("SignatureNonceUsed")
        self._nonces.add(nonce)
        return account, signed
