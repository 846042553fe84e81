"""What can go wrong on the way to a comment.

ReconcilerError
`-- ReviewError     exit 1  the platform, or the way to it, did not do what was asked
    `-- Unsettled           it may go better a moment later; a write may even have had its effect
"""

from __future__ import annotations

from reconciler.exceptions import ReconcilerError

__all__ = ["ReviewError", "Unsettled"]


class ReviewError(ReconcilerError):
    """`status`: the HTTP status, where there was an answer."""

    def __init__(self, message: str, hint: str = "", status: int | None = None) -> None:
        super().__init__(message, hint)
        self.status = status


class Unsettled(ReviewError):  # noqa: N818 - not the end of the matter
    """Throttled, out of order or out of reach.

    `delay`: seconds to wait as the platform asks for, None where it does not. `sent`: whether the request may have
    arrived, so that a write may have had its effect.
    """

    def __init__(
        self, message: str, hint: str = "", status: int | None = None, *, delay: float | None = None, sent: bool = True
    ) -> None:
        super().__init__(message, hint, status)
        self.delay = delay
        self.sent = sent
