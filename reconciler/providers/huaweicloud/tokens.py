"""IAM tokens: a ready one, or one that a user and password get (KeystoneCreateUserTokenByPassword).

https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0001.html
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from reconciler.exceptions import ProviderError
from reconciler.providers.huaweicloud.errors import refusal
from reconciler.providers.transport.answers import Excerpts, parsed_object
from reconciler.tasks.fault import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from reconciler.providers.huaweicloud.credentials import Login, Token

__all__ = ["LoginAuth", "TokenAuth"]

UNAUTHORIZED = 401
CREATED = 201


class TokenAuth(httpx.Auth):
    """Sends a ready token."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["X-Auth-Token"] = self._token.text
        yield request


class LoginAuth(httpx.Auth):
    """Gets a token on first use, and once more when the gateway says that it is outdated.

    A request that was refused with 401 had no effect, so that sending it again with a new token is safe. A rejected
    password is not tried twice: IAM locks the user after a few attempts.
    """

    def __init__(self, login: Login, endpoint: str, region: str) -> None:
        self._login = login
        self._url = f"{endpoint}/v3/auth/tokens"
        self._region = region
        self._token = ""
        self._rejected: Fault | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        used = self._token
        if not used:
            async with self._lock:
                if not self._token:
                    self._token = self._read((yield self._request()))
                used = self._token
        request.headers["X-Auth-Token"] = used
        response = yield request
        if response.status_code == UNAUTHORIZED:
            async with self._lock:
                if self._token == used:
                    self._token = self._read((yield self._request()))
            request.headers["X-Auth-Token"] = self._token
            yield request

    def _request(self) -> httpx.Request:
        if self._rejected is not None:
            raise ProviderError(self._rejected)
        user = {"name": self._login.user, "password": self._login.password, "domain": {"name": self._login.domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": {"name": self._region}}}}
        return httpx.Request("POST", self._url, json=body, headers={"Accept": "application/json"})

    def _read(self, answer: httpx.Response) -> str:
        token: str = answer.headers.get("X-Subject-Token", "")
        if answer.status_code == CREATED and token:
            return token
        fault = refusal(answer, Excerpts((self._login.password,)))
        meaning = fault.meaning
        if answer.is_client_error and parsed_object(answer) is not None and meaning is not Meaning.THROTTLED:
            meaning = Meaning.CREDENTIALS
        fault = Fault(meaning, f"IAM login of {self._login.user!r}: {fault.message}", fault.code, answer.status_code)
        if meaning is Meaning.CREDENTIALS:
            self._rejected = fault
        raise ProviderError(fault)
