"""What became of a step: the answer to our call, held against the task as it was read afterwards. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.planning.report import Outcome
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from reconciler.tasks.resource_type import Operation

__all__ = ["Next", "Settled", "judge", "out_of_time", "refusal"]


class Next(Enum):
    """What to do about a step whose fate is not settled."""

    READ_AGAIN = "read again"
    CALL_AGAIN = "call again"


@dataclass(frozen=True, slots=True)
class Settled:
    """A settled step: what became of it, and why in a sentence."""

    outcome: Outcome
    detail: str = ""


def refusal(answer: Fault) -> Settled | None:
    """What becomes of a step by an answer that settles it without reading the task; None where it must be read."""
    match answer.meaning:
        case Meaning.PERMISSION | Meaning.PERMANENT | Meaning.CREDENTIALS | Meaning.THROTTLED:
            return Settled(Outcome.FAILED, "the cloud refused the call")
        case Meaning.UNREACHABLE:
            return Settled(Outcome.NOT_ATTEMPTED, "the call could not be sent")
        case _:
            return None


def judge(
    operation: Operation,
    answer: Fault | None,
    now: Status,
    *,
    selected: bool,
    lost_answer: bool = False,
    shared: bool = False,
) -> Settled | Next:
    """Settle a step by what the cloud says now.

    `answer` is what our last call was told (None: accepted); `lost_answer` says that an earlier one lost its answer;
    `selected` whether a policy behind the change still selects the task as it is. An effect that is seen after a lost
    answer is ours. `shared`: the id stands for several pieces of work, so that a cancel has its effect once none of
    them waits, whatever the others do.
    """
    ours = answer is None or answer.meaning.effect_uncertain or lost_answer
    if now in {operation.ends, Status.GONE}:
        return Settled(Outcome.DONE) if ours else Settled(Outcome.SATISFIED, f"already {now.value} without this run")
    if now is Status.UNKNOWN:
        if answer is None and not selected:
            return Settled(Outcome.DONE, "accepted, and it is no longer in a status that a policy selects")
        return Next.READ_AGAIN if ours else Settled(Outcome.UNKNOWN, "its status is not documented")
    if now in operation.starts:
        return Next.CALL_AGAIN if answer is not None and answer.meaning.effect_uncertain else Next.READ_AGAIN
    if shared and ours and operation.action is Action.CANCEL:
        return Settled(Outcome.DONE, "none of it waits any more")
    return Settled(Outcome.MISSED, _moved_on(operation.action, now))


def out_of_time(answer: Fault | None, now: Status | None, *, lost_answer: bool = False) -> Settled:
    """What becomes of a step that reading back did not settle in time. `now` is None where no reading came through.

    Reads may lag behind, so a task that a refusal says has moved on gets the same time to show it.
    """
    if now is None:
        return Settled(Outcome.UNKNOWN, "the call was sent, but the task could not be read back")
    if answer is None:
        return Settled(Outcome.UNKNOWN, f"the call was accepted, but the task is still {now.value}")
    if answer.meaning.effect_uncertain or lost_answer:
        return Settled(Outcome.UNKNOWN, f"an answer was lost, and the task is still {now.value}")
    return Settled(Outcome.FAILED, f"the call was refused, although the task is {now.value}")


def _moved_on(action: Action, now: Status) -> str:
    if action is Action.CANCEL:
        how = "started" if now is Status.RUNNING else f"ended as {now.value}"
        return f"it {how} before it could be canceled"
    return f"it is {now.value} again, so its record cannot be deleted"
