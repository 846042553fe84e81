"""What the journal is told, and what it answers: the values that pass between a run and its record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.exceptions import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.tasks.fault import Fault
    from reconciler.tasks.resource_type import Action
    from reconciler.tasks.task import TaskKey

__all__ = [
    "ActionResult",
    "ActionState",
    "AlreadyDone",
    "AlreadyIntended",
    "Intent",
    "IntentRefused",
    "NoOpenIntent",
    "OpenIntent",
    "RunEnd",
    "RunStart",
    "TaskOutcome",
]


class ActionState(StrEnum):
    """How far one attempt at one operation came."""

    INTENT = "intent"
    """Written down; the call may or may not have been sent."""
    DONE = "done"
    """The cloud accepted it, or reading the task back showed its effect."""
    REFUSED = "refused"
    """It had no effect; another attempt may follow."""
    UNCERTAIN = "uncertain"
    """Sent, and no verdict came. Once the task was read back, a second result may follow."""


@dataclass(frozen=True, slots=True)
class RunStart:
    """What is known of a run when it begins. `command` is the name of the command, never its arguments."""

    command: str
    tool_version: str
    plan_digest: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended. `summary` counts changes per outcome."""

    outcome: str
    exit_code: int
    summary: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Intent:
    """One call that is about to be sent for one task. `attempt` counts from 1 within a run."""

    key: TaskKey
    action: Action
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What became of an intent: any state but `intent`. `request_id` is the vendor's, where it gave one."""

    intent: Intent
    state: ActionState
    fault: Fault | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """The outcome of one change, as in the report. `before` and `now` are normalised statuses."""

    key: TaskKey
    outcome: str
    before: str
    now: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """An intent that a run left without a result, because it was killed. `intent_at`: ms since the epoch (UTC).

    `group` is the rate-limit group of its target then; None where an earlier version of the tool did not write it.
    """

    run_id: str
    intent: Intent
    intent_at: int
    group: str | None = None


class IntentRefused(ReconcilerError):  # noqa: N818 - reads as what it is: a verdict, not a failure of the journal
    """Nothing was written and no call may be sent for any intent of the request.

    `intents` are those at fault; the others may be asked for again.
    """

    reason = "refused"

    def __init__(self, run_id: str, intents: Sequence[Intent]) -> None:
        first = intents[0]
        more = f" and {len(intents) - 1} more" if len(intents) > 1 else ""
        where = f"{first.action} of {'/'.join(first.key)}, attempt {first.attempt}{more}"
        super().__init__(f"{where}: {self.reason} in run {run_id}")
        self.run_id = run_id
        self.intents = tuple(intents)


class AlreadyDone(IntentRefused):
    """The run has done this operation already, so that it must not be sent again."""

    reason = "already done"


class AlreadyIntended(IntentRefused):
    """The run has this operation in flight, or this attempt behind it.

    Read the task back and record what it shows; then a higher attempt is let through.
    """

    reason = "already in flight or attempted"


class NoOpenIntent(ReconcilerError):  # noqa: N818 - as above
    """A result for which there is no intent, or whose intent has another result already; nothing was written."""
