"""A key pair, as both vendors have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["AccessKey"]


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key and its secret; temporary where there is a security token. Shows neither.

    `expires_at` is UTC; None where it does not expire, or nobody said when.
    """

    id: str
    secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    expires_at: datetime | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked wherever a server echoes it."""
        return tuple(text for text in (self.secret, self.security_token) if text)
