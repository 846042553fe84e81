"""Temporary keys from services of the machine: the metadata service of an ECS, and a service at a given address.

https://help.aliyun.com/zh/ecs/user-guide/view-instance-metadata and alibabacloud_credentials' EcsRamRole and URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx

from reconciler.provider import (
    AccessKey,
    Ask,
    CredentialsError,
    ProviderError,
    credentials_url,
    header_text,
    parsed_object,
    temporary_key,
)
from reconciler.providers.aliyun.sts import KEY_NAMES, reason

__all__ = ["DISABLED", "METADATA", "CredentialsUri", "EcsRole"]

METADATA = "http://100.100.100.200"
DISABLED = "ALIBABA_CLOUD_ECS_METADATA_DISABLED"

TOKEN_PATH = "/latest/api/token"  # noqa: S105 - a path
ROLES_PATH = "/latest/meta-data/ram/security-credentials/"
TOKEN_LIFETIME = 6 * 60 * 60
SECONDS = 1.0
OK = 200
_ROLE = re.compile(r"[\w.@-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EcsRole:
    """The RAM role of this ECS. Where `name` is empty the machine says which; `strict` goes without version 1."""

    name: str = ""
    strict: bool = False

    @property
    def place(self) -> str:
        return f"RAM role {self.name or '(any)'} of this ECS"

    async def key(self, ask: Ask) -> AccessKey:
        """A key, good for some hours. The service hands out the same one until shortly before it expires."""
        token = await self._token(ask)
        name = self.name or (await self._get(ask, ROLES_PATH, token)).text.strip()
        if not _ROLE.fullmatch(name):
            raise CredentialsError("unexpected answer: no name of a role")
        answer = await self._get(ask, f"{ROLES_PATH}{name}", token)
        return _key(ask, answer)

    async def _token(self, ask: Ask) -> str:
        """The token of version 2 of the service; empty where there is none, and version 1 will do."""
        url = f"{ask.surroundings.metadata_url or METADATA}{TOKEN_PATH}"
        headers = {"X-aliyun-ecs-metadata-token-ttl-seconds": str(TOKEN_LIFETIME)}
        try:
            answer = await ask.send(httpx.Request("PUT", url, headers=headers), seconds=SECONDS, direct=True)
            if answer.status_code != OK:
                raise ask.refusal(answer, reason(answer))
        except ProviderError:
            # In a container the answer may not come back over a second hop; version 1 has no such limit.
            if self.strict:
                raise
            return ""
        token = header_text(answer.text)
        ask.excerpts.learn((token,))
        return token

    async def _get(self, ask: Ask, path: str, token: str) -> httpx.Response:
        url = f"{ask.surroundings.metadata_url or METADATA}{path}"
        versions = [{"X-aliyun-ecs-metadata-token": token}] if token else []
        if not (token and self.strict):
            versions.append({})
        for headers in versions:
            answer = await ask.send(httpx.Request("GET", url, headers=headers), seconds=SECONDS, direct=True)
            if answer.status_code == OK:
                break
        if answer.status_code != OK:
            raise ask.refusal(answer, reason(answer))
        return answer


@dataclass(frozen=True, slots=True)
class CredentialsUri:
    """A service that hands out keys, at ALIBABA_CLOUD_CREDENTIALS_URI."""

    uri: str

    place = "ALIBABA_CLOUD_CREDENTIALS_URI"

    async def key(self, ask: Ask) -> AccessKey:
        """A new key."""
        url = credentials_url(self.uri, ask.surroundings.environment, self.place)
        return _key(ask, await ask.send(httpx.Request("GET", url), direct=True))


def _key(ask: Ask, answer: httpx.Response) -> AccessKey:
    body = parsed_object(answer) or {}
    key = temporary_key(body, KEY_NAMES) if answer.status_code == OK and body.get("Code") == "Success" else None
    if key is None:
        raise ask.refusal(answer, reason(answer) or "without a key")
    return key
