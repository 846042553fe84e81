"""Temporary keys: of the agency that an ECS has, or for a workload that shows who it is, with an OIDC token or with
what its container was given.

https://support.huaweicloud.com/intl/en-us/usermanual-ecs/ecs_03_0166.html and huaweicloudsdkcore (auth/provider.py,
auth/internal.py), whose variables these are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.provider import (
    AccessKey,
    Ask,
    CredentialsError,
    credentials_url,
    header_text,
    parsed_object,
    secret_in,
    secret_in_file,
)
from reconciler.providers.huaweicloud.endpoints import sts_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA = "http://169.254.169.254"
DISABLED = "HUAWEICLOUD_ECS_METADATA_DISABLED"
"""Variable that keeps the metadata service from being asked. The vendor's SDK has none."""

TOKEN_PATH = "/meta-data/latest/api/token"  # noqa: S105 - a path
KEY_PATH = "/openstack/latest/securitykey"
SECONDS = 3.0
TOKEN_LIFETIME = 6 * 60 * 60
WITHOUT_TOKENS = frozenset({404, 405, 503})
"""Machines whose metadata service knows no tokens yet answer so."""
OK = 200

KEY_NAMES = {
    "id": ("access", "accessKeyId", "access_key_id"),
    "secret": ("secret", "secretAccessKey", "secret_access_key"),
    "token": ("securitytoken", "securityToken", "security_token"),
    "expires": ("expires_at", "expiration"),
}
"""The spellings that the vendor's SDK takes, of every service that hands out keys."""


@dataclass(frozen=True, slots=True)
class Agency:
    """The agency of this machine."""

    place = "agency of this ECS"

    async def key(self, ask: Ask) -> AccessKey:
        """A key, good for some hours. The service hands out the same one until shortly before it expires."""
        base = ask.surroundings.metadata_url or METADATA
        ttl = {"X-Metadata-Token-Ttl-Seconds": str(TOKEN_LIFETIME)}
        granted = await ask.send(httpx.Request("PUT", f"{base}{TOKEN_PATH}", headers=ttl), seconds=SECONDS, direct=True)
        headers: dict[str, str] = {}
        if granted.status_code == OK:
            headers["X-Metadata-Token"] = header_text(granted.text)
            ask.redactor.learn(headers.values())
        elif granted.status_code not in WITHOUT_TOKENS:
            raise ask.refusal(granted, granted.text)
        answer = await ask.send(
            httpx.Request("GET", f"{base}{KEY_PATH}", headers=headers), seconds=SECONDS, direct=True
        )
        found = (parsed_object(answer) or {}).get("credential")
        return ask.key(answer, found, KEY_NAMES, "" if answer.is_success else answer.text)  # half a key is not quoted


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
        token = secret_in(named, "HUAWEICLOUD_OIDC_ID_TOKEN") or secret_in_file(
            named.get("HUAWEICLOUD_OIDC_TOKEN_FILE", "")
        )
        ask.redactor.learn((token,))
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
        identity = secret_in_file(self.file)
        ask.redactor.learn((identity,))
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
            raise ask.refusal(answer)
        ask.redactor.learn((token,))
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
        token = secret_in_file(self.file)
        ask.redactor.learn((token,))
        request = httpx.Request("POST", url, json={}, headers={"Authorization": token})
        answer = await ask.send(request, direct=True)
        return _key(ask, answer, "credential", "credentials", "")


def _key(ask: Ask, answer: httpx.Response, *envelopes: str) -> AccessKey:
    body = parsed_object(answer) or {}
    found = next((body[name] for name in envelopes if name in body), body if "" in envelopes else None)
    return ask.key(answer, found, KEY_NAMES)
