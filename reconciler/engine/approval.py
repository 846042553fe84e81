"""How somebody agrees to a plan, with the rules of each way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.backends.entries import ApprovalKind
from reconciler.exceptions import RefusedError, StalePlanError
from reconciler.tasks.timestamps import Timestamp, format_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Approval:
    """How a plan is agreed to: beforehand, whatever it holds (`automatic`), by its digest, or when asked.

    `until` is in seconds since the epoch (UTC). `Approval.of_digest` is what a review of a saved plan gives: it lets
    nothing pass but that plan, and honours the limits that were lifted when it was made.
    """

    digest: str | None = None
    until: int | None = None
    ask: Callable[[Plan], bool] | None = None

    @property
    def kind(self) -> ApprovalKind:
        """Its name, as the history has it."""
        if self.digest is not None:
            return ApprovalKind.DIGEST
        return ApprovalKind.AUTOMATIC if self.ask is None else ApprovalKind.ASKED

    @classmethod
    def automatic(cls) -> Approval:
        """Go ahead with whatever the policies ask for and the guards let pass."""
        return cls()

    @classmethod
    def of_digest(cls, digest: str, until: int | None = None) -> Approval:
        """Go ahead with the plan of this digest only, and only before the time `until`."""
        return cls(digest, until)

    @classmethod
    def asked(cls, ask: Callable[[Plan], bool]) -> Approval:
        """Go ahead where `ask` says True once the plan is made. It is called within the event loop, which waits."""
        return cls(ask=ask)

    def check_time(self, now: int) -> None:
        """Raise StalePlanError where the approval is good no more."""
        if self.until is not None and now >= self.until:
            raise StalePlanError(
                f"the approval was good until {format_timestamp(self.until)}", "plan again, and have that reviewed"
            )

    def check_digest(self, plan: Plan) -> None:
        """Raise RefusedError where another plan was approved."""
        if self.digest is not None and plan.digest != self.digest:
            raise RefusedError(
                f"the approved digest is {self.digest}, but this plan's is {plan.digest}",
                "something changed since the approval: have the new plan reviewed",
            )

    def check_given(self, plan: Plan) -> None:
        """Ask, if that is the way. Raises RefusedError where the answer is anything but True: a coroutine is none."""
        if self.ask is not None and self.ask(plan) is not True:
            raise RefusedError("apply was not approved", "nothing was changed")

    def bounded(self, saved: Plan) -> Plan:
        """The plan with its approval's end, if that comes first: no digest covers what the file says of the time."""
        return saved if self.until is None else replace(saved, expires_at=Timestamp(min(saved.expires_at, self.until)))
