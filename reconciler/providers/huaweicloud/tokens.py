"""IAM tokens: a ready one, or one that a user and password get (KeystoneCreateUserTokenByPassword).

https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0001.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from reconciler.provider import Ask, Fault, Meaning, ProviderError, RenewingAuth, header_text, instant, parsed_object
from reconciler.providers.huaweicloud.errors import CODES

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Login", "Token", "TokenAuth", "TokenIssuer"]

UNAUTHORIZED = 401
CREATED = 201


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
