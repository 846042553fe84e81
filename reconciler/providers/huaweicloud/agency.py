"""Temporary keys of the agency that an ECS has, from the metadata service of the machine.

https://support.huaweicloud.com/intl/en-us/usermanual-ecs/ecs_03_0166.html and huaweicloudsdkcore's MetadataAccessor.
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from reconciler.provider import AccessKey, Ask, ProviderError, header_text, parsed_object, said_in, temporary_key

__all__ = ["DISABLED", "KEY_NAMES", "METADATA", "Agency", "iam_reason"]

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
            ask.excerpts.learn(headers.values())
        elif granted.status_code not in WITHOUT_TOKENS:
            raise _refusal(ask, granted)
        answer = await ask.send(
            httpx.Request("GET", f"{base}{KEY_PATH}", headers=headers), seconds=SECONDS, direct=True
        )
        key = temporary_key((parsed_object(answer) or {}).get("credential"), KEY_NAMES)
        if answer.status_code != OK or key is None:
            raise _refusal(ask, answer)
        return key


def _refusal(ask: Ask, answer: httpx.Response) -> ProviderError:
    if answer.status_code == OK:  # what is in it may be half a key
        return ask.refusal(answer, "without a key")
    return ask.refusal(answer, iam_reason(answer) or answer.text)


def iam_reason(answer: httpx.Response) -> str:
    """Why IAM, STS or the metadata service refused, in its own words."""
    body = parsed_object(answer) or {}
    nested = body.get("error")
    rows = (nested if isinstance(nested, dict) else {}, body)
    names = ("message", "error_msg", "error_code")
    return next((text for row in rows for name in names if (text := said_in(row.get(name)))), "")
