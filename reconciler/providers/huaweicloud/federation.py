"""Temporary keys for a workload that shows who it is: with an OIDC token, or with what its container was given.

As huaweicloudsdkcore does it (auth/provider.py, auth/internal.py), whose variables these are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.provider import (
    AccessKey,
    Ask,
    CredentialsError,
    UnusableFile,
    credentials_url,
    header_text,
    parsed_object,
    secret_in,
    secret_text,
    small_text,
    temporary_key,
)
from reconciler.providers.huaweicloud.agency import KEY_NAMES, iam_reason
from reconciler.providers.huaweicloud.endpoints import sts_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["Container", "IdentityToken", "OidcAgency"]

SIX_HOURS = 6 * 60 * 60


@dataclass(frozen=True, slots=True)
class OidcAgency:
    """AssumeAgencyWithOIDC of STS, as the variables HUAWEICLOUD_OIDC_* describe it."""

    environment: Mapping[str, str] = field(hash=False)

    REQUIRED = ("HUAWEICLOUD_OIDC_PROVIDER_URN", "HUAWEICLOUD_OIDC_AGENCY_URN")

    @property
    def place(self) -> str:
        return f"OIDC agency {self.environment[self.REQUIRED[1]]}"

    def __repr__(self) -> str:
        return f"OidcAgency({self.environment[self.REQUIRED[1]]!r})"

    async def key(self, ask: Ask) -> AccessKey:
        """A key, good for an hour unless the environment says otherwise."""
        named = self.environment
        token = secret_in(named, "HUAWEICLOUD_OIDC_ID_TOKEN") or _content(named.get("HUAWEICLOUD_OIDC_TOKEN_FILE", ""))
        ask.excerpts.learn((token,))
        seconds = named.get("HUAWEICLOUD_OIDC_DURATION_SECONDS", "3600")
        if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 10):
            raise CredentialsError("HUAWEICLOUD_OIDC_DURATION_SECONDS is not a number")
        body: dict[str, Any] = {
            "provider_urn": named[self.REQUIRED[0]],
            "agency_urn": named[self.REQUIRED[1]],
            "agency_session_name": named.get("HUAWEICLOUD_OIDC_SESSION_NAME", "oidc-sts-session"),
            "id_token": token,
            "duration_seconds": int(seconds),
        }
        if policy := named.get("HUAWEICLOUD_OIDC_POLICY"):
            body["policy"] = policy
        if ids := [part.strip() for part in named.get("HUAWEICLOUD_OIDC_POLICY_IDS", "").split(",") if part.strip()]:
            body["policy_ids"] = ids
        url = sts_endpoint(named)
        answer = await ask.send(httpx.Request("POST", f"{url}/v5/agencies/assume-with-oidc", json=body))
        return _key(ask, answer, "credentials", "credential")


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """An identity provider's token, turned by IAM into a token of its own and that into a key."""

    provider: str
    file: str
    iam: str

    @property
    def place(self) -> str:
        return f"identity provider {self.provider}"

    async def key(self, ask: Ask) -> AccessKey:
        """A key, good for six hours."""
        identity = _content(self.file)
        ask.excerpts.learn((identity,))
        answer = await ask.send(
            httpx.Request(
                "POST",
                f"{self.iam}/v3.0/OS-AUTH/id-token/tokens",
                json={"auth": {"id_token": {"id": identity}}},
                headers={"X-Idp-Id": self.provider},
            )
        )
        token = header_text(answer.headers.get("X-Subject-Token"))
        if not answer.is_success or not token:
            raise ask.refusal(answer, iam_reason(answer))
        ask.excerpts.learn((token,))
        wanted = {"methods": ["token"], "token": {"id": token, "duration_seconds": SIX_HOURS}}
        answer = await ask.send(
            httpx.Request("POST", f"{self.iam}/v3.0/OS-CREDENTIAL/securitytokens", json={"auth": {"identity": wanted}})
        )
        return _key(ask, answer, "credential")


@dataclass(frozen=True, slots=True)
class Container:
    """The identity of a pod: a service of the node hands out its keys."""

    url: str
    file: str

    place = "pod identity"

    async def key(self, ask: Ask) -> AccessKey:
        """A key, good for some hours."""
        url = credentials_url(self.url, ask.surroundings.environment, "HC_CONTAINER_CREDENTIALS_FULL_URI")
        token = _content(self.file)
        ask.excerpts.learn((token,))
        request = httpx.Request("POST", url, json={}, headers={"Authorization": token})
        answer = await ask.send(request, direct=True)
        return _key(ask, answer, "credential", "credentials", "")


def _content(file: str) -> str:
    try:
        text = secret_text(small_text(Path(file)), f"file {file}")
    except UnusableFile as error:
        raise CredentialsError(f"file {file} ({error})") from None
    if not text:
        raise CredentialsError(f"file {file} (holds no token)")
    return text


def _key(ask: Ask, answer: httpx.Response, *envelopes: str) -> AccessKey:
    body = parsed_object(answer) or {}
    found = next((body[name] for name in envelopes if name in body), body if "" in envelopes else None)
    key = temporary_key(found, KEY_NAMES) if answer.is_success else None
    if key is None:
        raise ask.refusal(answer, "without a key" if answer.is_success else iam_reason(answer))
    return key
