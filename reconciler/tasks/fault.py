"""What a cloud, or the way to it, answered instead of the effect that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["AGES_UNKNOWN", "Fault", "Meaning", "clock_fault"]

AGES_UNKNOWN = "no task is judged by its age there"
"""What follows for a target where a clock is off."""


class Meaning(StrEnum):
    """What a refusal means to us, whatever the vendor calls it. Decided by vendor code, not by HTTP status."""

    GONE = "gone"
    """The task does not exist (any more)."""
    CHANGED = "changed"
    """The task is not in the state the operation needs: it moved on meanwhile. Read it again."""
    THROTTLED = "throttled"
    """Refused before any effect because of a quota; retryable."""
    UNAVAILABLE = "unavailable"
    """5xx and the like: retryable, but whether a write took effect is not known. Read it again."""
    LOST = "lost"
    """Sent, and no answer came. Whether it took effect is not known. Read it again."""
    UNREACHABLE = "unreachable"
    """Never sent: no connection."""
    PERMISSION = "permission"
    """The credentials are good but may not do this."""
    CREDENTIALS = "credentials"
    """The credentials are missing, wrong, expired or the clock is off: the whole target is out."""
    PERMANENT = "permanent"
    """Refused, and the same request would be refused again."""
    MALFORMED = "malformed"
    """An answer that is not of the documented form: redirect, HTML, empty, broken JSON, wrong envelope."""

    @property
    def effect_uncertain(self) -> bool:
        """Whether a write that ended so may have taken effect all the same."""
        return self in {Meaning.UNAVAILABLE, Meaning.LOST, Meaning.MALFORMED}


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal or failure, with the facts a reader needs. `message` is stripped of secrets and URL queries."""

    meaning: Meaning
    message: str
    code: str | None = None
    http_status: int | None = None
    request_id: str | None = None

    def __str__(self) -> str:
        facts = [f"HTTP {self.http_status}" if self.http_status else "", self.code or ""]
        prefix = " ".join(fact for fact in facts if fact)
        return f"{prefix}: {self.message}" if prefix else self.message


def clock_fault(skew: int) -> Fault:
    """That the cloud's clock is `skew` seconds ahead of this machine's: one of them is wrong, so no age is known."""
    how = "behind" if skew > 0 else "ahead of"
    return Fault(Meaning.CREDENTIALS, f"this machine's clock is {abs(skew)} s {how} the cloud's: set it right")
