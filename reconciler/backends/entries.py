"""What the journal is told, and what it answers: the values that pass between a run and its record."""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from msgspec import Meta

from reconciler.exceptions import BackendError, ReconcilerError
from reconciler.redaction import Shown
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.tasks.observation import Fault

_Count = Annotated[int, Meta(ge=0)]

_NAMED = 3
"""Targets that a message names."""


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


class ApprovalKind(StrEnum):
    """How somebody agreed to what a run did."""

    DIGEST = "digest"
    """A review of that very plan."""
    AUTOMATIC = "automatic"
    """Beforehand, whatever the plan would hold."""
    ASKED = "asked"
    """Somebody was shown the plan, and said yes."""


@dataclass(frozen=True, slots=True)
class Author(Shown):
    """Who made a run. `actor` and `job` are of the CI job that it was part of; null: of none."""

    user: str
    """The account of the operating system: its name, or `uid 1000` where it has none."""
    actor: str | None = None
    """Whom the CI platform names as the one who set the job off."""
    job: str | None = None
    """The page of the job."""

    @classmethod
    def here(cls) -> Self:
        """The user of this process. Not from variables, which say what anybody likes."""
        try:
            return cls(pwd.getpwuid(os.geteuid()).pw_name)
        except KeyError:  # as in a container with a user of its own
            return cls(f"uid {os.geteuid()}")


@dataclass(frozen=True, slots=True)
class PlannedOfPolicy(Shown):
    """What the plan of a run says of one policy, in tasks."""

    changes: _Count = 0
    refused: _Count = 0
    deferred: _Count = 0
    reported: _Count = 0
    source: str = ""
    """Where it was written then, `file:line:column`; empty: that was not written down."""


@dataclass(frozen=True, slots=True)
class Planned(Shown):
    """What a run set out to do, and what its plan held back, in tasks."""

    changes: _Count = 0
    refused: _Count = 0
    """Held back by a guard."""
    deferred: _Count = 0
    """Left to later runs, within the limits of policies that defer."""
    reported: _Count = 0
    """Asked for only by policies that report."""
    excluded: _Count = 0
    """Left out by `--task`, `--target` or `--policy`."""
    policies: Mapping[str, PlannedOfPolicy] = field(default_factory=dict)
    """The policies of which there is something to say, by name. One task may be of several."""


@dataclass(frozen=True, slots=True)
class RunStart(Shown):
    """What is known of a run when it begins. `command` is the name of the command, never its arguments."""

    command: str
    tool_version: str
    plan_digest: str
    """Empty for a run that only settled what an earlier one had left open."""
    fingerprint: str
    planned: Planned | None = None
    """What its plan says; null: it had none, or an earlier version of the tool did not write it down."""
    author: Author | None = None
    """Who made it; null: an earlier version of the tool did not write it down."""
    commit: str | None = None
    """The commit that the configuration was of; null: not known."""
    approval: ApprovalKind | None = None
    """How its changes were agreed to; null: it made no change, or an earlier version did not say."""


@dataclass(frozen=True, slots=True)
class RunPart:
    """One unit of the work of a run that many processes record. Plain data, which may travel to them.

    Whoever executes the unit again goes on where the journal stands.
    """

    run_id: str
    unit: str

    @property
    def holder(self) -> str:
        """Who holds the locks of the unit, whichever process that is: it takes them from an earlier one at once."""
        return hashlib.sha256(f"{self.run_id}/{self.unit}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended. `summary` counts changes per outcome."""

    outcome: str
    exit_code: int
    summary: Mapping[str, int]
    requests: Mapping[str, int] = field(default_factory=dict)
    """How many were made, by target: for plan and calls alike, as far as they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(RunStart):
    """One run. What is null is not known: it is still going on, or was killed."""

    WRITTEN: ClassVar = (
        *("run_id", "command", "tool_version", "plan_digest", "configuration_digest", "started_at", "finished_at"),
        *("took_ms", "outcome", "exit_code", "summary", "planned", "host", "pid", "author", "commit", "approval"),
    )

    run_id: str
    started_ms: int
    """Milliseconds since the epoch (UTC), as `finished_ms`."""
    finished_ms: int | None
    outcome: str | None
    exit_code: int | None
    summary: Mapping[str, int] | None
    """Changes by outcome."""
    host: str
    pid: int

    @property
    def configuration_digest(self) -> str:
        return self.fingerprint

    @property
    def started_at(self) -> Timestamp:
        return Timestamp(self.started_ms // 1000)

    @property
    def finished_at(self) -> Timestamp | None:
        """null, as outcome and the like: still running, or killed."""
        return None if self.finished_ms is None else Timestamp(self.finished_ms // 1000)

    @property
    def took_ms(self) -> int | None:
        return _took(self.started_ms, self.finished_ms)


@dataclass(frozen=True, slots=True)
class _OfTask:
    DERIVED: ClassVar[tuple[str, ...]] = ("id",)

    target: str
    resource: str
    task_id: str

    @property
    def key(self) -> TaskKey:
        return TaskKey(self.target, self.resource, self.task_id)

    @property
    def id(self) -> str:
        """`<target>/<resource>/<task_id>`"""
        return "/".join(self.key)


@dataclass(frozen=True, slots=True)
class Intent(_OfTask):
    """One call that is about to be sent for one task. `attempt` counts from 1 within a run."""

    action: Action
    attempt: int = 1
    policies: tuple[str, ...] = field(default=(), compare=False, kw_only=True)
    """The policies that ask for it."""

    def __str__(self) -> str:
        return f"{self.action} of {self.id}, attempt {self.attempt}"


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What became of an intent: any state but `intent`."""

    intent: Intent
    state: ActionState
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class RecordedFault(Shown):
    """What the cloud, or the way to it, answered; the meaning in the words of the version that wrote it down."""

    meaning: str
    message: str
    code: str | None
    http_status: int | None
    request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRecord(Intent, Shown):
    """One attempt at one call, written down before it was sent."""

    WRITTEN: ClassVar = (
        *("id", "target", "resource", "task_id", "action", "attempt", "state", "intended_at", "took_ms", "error"),
        *("request_id", "settled_by", "policies"),
    )

    run_id: str
    sequence: int
    """Counts all intents of the database."""
    state: ActionState
    intent_at: int
    """Milliseconds since the epoch (UTC), as `result_at`."""
    result_at: int | None
    fault_meaning: str | None
    fault_code: str | None
    fault_message: str | None
    http_status: int | None
    request_id: str | None
    rate_group: str | None
    """The rate-limit group of its target then; None where an earlier version of the tool did not write it."""
    settled_by: str | None
    """The run that read the task to find out what became of it: a later one, or a later execution of the same."""

    @property
    def intended_at(self) -> Timestamp:
        return Timestamp(self.intent_at // 1000)

    @property
    def took_ms(self) -> int | None:
        return _took(self.intent_at, self.result_at)

    @property
    def error(self) -> RecordedFault | None:
        if self.fault_meaning is None:
            return None
        told = (self.fault_code, self.http_status, self.request_id)
        return RecordedFault(self.fault_meaning, self.fault_message or "", *told)


@dataclass(frozen=True, slots=True)
class TaskOutcome(_OfTask, Shown):
    """What became of one task, as in the report. `before` and `now` are normalised statuses."""

    outcome: str
    before: str
    now: str | None = None
    detail: str = ""
    policies: tuple[str, ...] = ()
    """The policies that asked for it; none: an earlier version of the tool did not write them down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord(_OfTask, Shown):
    """One change of a past run, with all that is known of it. What is null is not known."""

    run_id: str
    command: str
    started_at: Timestamp
    """When its run began."""
    host: str
    author: Author | None
    commit: str | None
    approval: ApprovalKind | None
    plan_digest: str
    policies: Mapping[str, str]
    """The policies that asked for it, and where each was written then, `file:line:column`; empty: not known."""
    outcome: str | None
    """What became of it; null: the run was cut off before it knew, and `calls` are all there is."""
    before: str | None
    now: str | None
    detail: str
    calls: tuple[ActionRecord, ...]
    """The attempts at its steps, in the order of their intents."""


def _took(begin: int, end: int | None) -> int | None:
    """Milliseconds; two hosts may have written the two, so that a clock set back does not count."""
    return None if end is None else max(0, end - begin)


@dataclass(frozen=True, slots=True)
class Holding(Shown):
    """A lock, and who holds it."""

    WRITTEN: ClassVar = ("group", "targets", "host", "pid", "since")

    group: str
    targets: tuple[str, ...]
    """What its holder calls the targets of that account."""
    host: str
    pid: int
    token: int
    since: int
    """Milliseconds since the epoch, UTC, by the database's clock; as `expires_at`."""
    expires_at: int
    in_force: bool
    """Whether an apply has to wait for it. A lease that has expired is free; one that begins in the future, or ends
    later than one expiry from now, was written by a clock that was ahead, and says nothing of the time that is."""

    @property
    def label(self) -> str:
        """The group, and the first of its targets."""
        named = ", ".join(self.targets[:_NAMED]) + (", ..." if len(self.targets) > _NAMED else "")
        return f"{self.group} ({named})" if named else self.group

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {_moment(self.since)}"


def _moment(milliseconds: int) -> str:
    """The time, or the bare number where no calendar reaches it."""
    try:
        return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms after 1970"


class RunOver(BackendError):  # noqa: N818 - as below
    """A part of a run cannot begin: the run is not there, has ended, or was told to stop."""


class IntentRefused(ReconcilerError):  # noqa: N818 - reads as what it is: a verdict, not a failure of the journal
    """Nothing was written and no call may be sent for any intent of the request.

    `intents` are those at fault; the others may be asked for again.
    """

    reason = "refused"

    def __init__(self, run_id: str, intents: Sequence[Intent]) -> None:
        more = f" and {len(intents) - 1} more" if len(intents) > 1 else ""
        super().__init__(f"{intents[0]}{more}: {self.reason} in run {run_id}")
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
