"""Names of rate-limit groups: which targets draw on one quota and must not be applied to at the same time."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from reconciler.config.model import Target

__all__ = ["group_name", "principal_name", "sources_of"]


def group_name(target: Target, account: str) -> str:
    """`<provider>/<account>/<region>`, with the hosts behind it where they are not the vendor's own."""
    hosts = ",".join(sorted({urlsplit(url).netloc.rpartition("@")[2] for url in target.endpoints.values()}))
    return "/".join(part for part in (target.provider, account, target.region, hosts) if part)


def principal_name(principal: str) -> str:
    """A stable name of an account's principal that shows neither a key id nor a user."""
    return f"principal-{sha256(principal.encode()).hexdigest()[:12]}"


def sources_of(target: Target) -> str:
    """A name made of where the credentials come from, for machines that cannot read them."""
    credentials = target.credentials
    if credentials.profile:
        return f"profile-{credentials.profile}"
    places = ";".join(f"{key}={secret.env or secret.file}" for key, secret in sorted(credentials.secrets.items()))
    return f"credentials-{sha256(places.encode()).hexdigest()[:12]}" if places else "default"
