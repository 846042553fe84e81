"""Names of an account whose own name nobody told: by who draws on it, or by where its credentials come from."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.config.model import Target

__all__ = ["principal_name", "sources_of"]


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
