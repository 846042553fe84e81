"""What goes along with a request: SDK-HMAC-SHA256, the signature of Huawei Cloud's API gateway; or an IAM token, ready
or got by a user and password (KeystoneCreateUserTokenByPassword).

https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-algorithm.html,
https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0001.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import httpx

from reconciler.provider import (
    AccessKey,
    Ask,
    CredentialSource,
    Fault,
    Meaning,
    ProviderError,
    RenewingAuth,
    destination,
    header_text,
    instant,
    parsed_object,
    signature,
    signed_headers,
    stamp,
)
from reconciler.providers.huaweicloud.errors import CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

ALGORITHM = "SDK-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
UNAUTHORIZED = 401
CREATED = 201
SIGNED = ("content-type", "host", "x-project-id", "x-sdk-date", "x-security-token")
"""The headers that are signed where present. The gateway demands the date only; proxies may change the others."""


def authorization(key: AccessKey, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> str:
    """The Authorization header of a request.

    `target` is the path and query as sent, the query canonical; `headers` are those to be signed, names in lower
    case, among them `x-sdk-date`.
    """
    path, _, query = target.partition("?")
    heading, body_hash = f"{ALGORITHM}\n{headers['x-sdk-date']}", hashlib.sha256(body).hexdigest()
    signed = signature(key.secret, heading, method, _canonical_path(path), query, headers, body_hash)
    return f"{ALGORITHM} Access={key.id}, SignedHeaders={';'.join(sorted(headers))}, Signature={signed}"


@lru_cache
def _canonical_path(path: str) -> str:
    """Each segment encoded alike, with a slash at the end. Most calls of a run have one path."""
    segments = "/".join(quote(unquote(segment), safe="~") for segment in path.split("/"))
    return segments if segments.endswith("/") else f"{segments}/"


class SignatureAuth(RenewingAuth["AccessKey"]):
    """Signs each request at the moment it is sent, with a key or with temporary credentials."""

    def __init__(self, source: CredentialSource[AccessKey], now: Callable[[], datetime]) -> None:
        super().__init__(source)
        self._now = now

    def mark(self, request: httpx.Request, credential: AccessKey) -> None:
        request.headers["X-Sdk-Date"] = stamp(self._now(), DATE_FORMAT)
        if credential.security_token:
            request.headers["X-Security-Token"] = credential.security_token
        signed = signed_headers(request, SIGNED.__contains__)
        target = destination(request).target
        request.headers["Authorization"] = authorization(credential, request.method, target, signed, request.content)

    def refused(self, response: httpx.Response) -> bool:
        return response.status_code == UNAUTHORIZED


@dataclass(frozen=True, slots=True)
class Token:
    """An IAM token, scoped to a project of the target's region. `expires_at` is None where nobody said."""

    text: str = field(repr=False)
    expires_at: datetime | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked wherever a server echoes it."""
        return (self.text,)


@dataclass(frozen=True, slots=True)
class Login:
    """An IAM user who gets a token when it is needed."""

    user: str
    password: str = field(repr=False)
    domain: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked wherever a server echoes it."""
        return (self.password,)


class TokenAuth(RenewingAuth[Token]):
    """Sends a token. One that is outdated, as after topping up an account, is answered with 401."""

    def mark(self, request: httpx.Request, credential: Token) -> None:
        request.headers["X-Auth-Token"] = credential.text

    def refused(self, response: httpx.Response) -> bool:
        return response.status_code == UNAUTHORIZED


class TokenIssuer:
    """Gets tokens. A rejected password is never tried twice: IAM locks the user after a few attempts."""

    def __init__(self, login: Login, endpoint: str, region: str) -> None:
        self._login = login
        self._url = f"{endpoint}/v3/auth/tokens"
        self._region = region
        self._rejected: Fault | None = None

    async def token(self, ask: Ask) -> Token:
        """A new token, good for 24 hours. Raises ProviderError."""
        if self._rejected is not None:
            raise ProviderError(self._rejected)
        user = {"name": self._login.user, "password": self._login.password, "domain": {"name": self._login.domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": {"name": self._region}}}}
        return self._read(await ask.send(httpx.Request("POST", self._url, json=body)), ask)

    def _read(self, answer: httpx.Response, ask: Ask) -> Token:
        text = header_text(answer.headers.get("X-Subject-Token"))
        if answer.status_code == CREATED and text:
            return Token(text, _end(answer))
        fault = CODES.refusal(answer, ask.redactor, now=ask.surroundings.now)
        meaning = fault.meaning
        if meaning in {Meaning.THROTTLED, Meaning.UNAVAILABLE}:
            # What was to be sent with the token was certainly not sent.
            meaning = Meaning.UNREACHABLE
        elif answer.is_client_error and parsed_object(answer) is not None:
            meaning = Meaning.CREDENTIALS
        fault = Fault(meaning, f"IAM login of {self._login.user!r}: {fault.message}", fault.code, answer.status_code)
        if meaning is Meaning.CREDENTIALS:
            self._rejected = fault
        raise ProviderError(fault)


def _end(answer: httpx.Response) -> datetime | None:
    """When the token expires; without the documented body it is used until it is refused."""
    token = (parsed_object(answer) or {}).get("token")
    expires = token.get("expires_at") if isinstance(token, dict) else None
    return instant(expires) if isinstance(expires, str) else None
