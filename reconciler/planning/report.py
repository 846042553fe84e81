"""The report: what a run did, as data. Every output format is a rendering of it, and its JSON has these names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import ClassVar, Self

from reconciler.exceptions import ExitCode
from reconciler.planning.change import Change, Count, Digest, Name
from reconciler.planning.part import Shard
from reconciler.planning.plan import Cause, RunOutcome
from reconciler.planning.policy_plan import Note
from reconciler.redaction import Shown
from reconciler.tasks.observation import Fault
from reconciler.tasks.timestamps import Timestamp


class Outcome(StrEnum):
    """What became of one change. A closed set: the counts add up to the changes planned."""

    DONE = "done"
    """Our call took effect, and reading the task back showed it."""
    SATISFIED = "satisfied"
    """Already canceled or gone, without us."""
    MISSED = "missed"
    """It started or ended by itself first, or no policy asks for it any more."""
    FAILED = "failed"
    """Refused for good."""
    UNKNOWN = "unknown"
    """Sent, and no verdict could be had."""
    NOT_ATTEMPTED = "not_attempted"
    """No call was sent."""


_OF_CHANGE = tuple(field.name for field in fields(Change))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Change):
    """A change, and what became of it."""

    DERIVED: ClassVar[tuple[str, ...]] = ("id", "before")

    outcome: Outcome
    now: str | None = None
    """The normalised status read afterwards; null: not read."""
    detail: str = ""
    """Why, in a sentence."""
    error: Fault | None = None
    calls: Count = 0
    """Destructive requests sent for this task."""
    started_ms: int | None = None
    """Milliseconds since the run began."""
    finished_ms: int | None = None

    @property
    def before(self) -> str:
        """The normalised status before the run touched it."""
        return self.status

    @classmethod
    def of(
        cls,
        change: Change,
        outcome: Outcome,
        detail: str = "",
        *,
        now: str | None = None,
        error: Fault | None = None,
        calls: int = 0,
        started_ms: int | None = None,
        finished_ms: int | None = None,
    ) -> Self:
        """What became of `change`."""
        return cls(
            **{name: getattr(change, name) for name in _OF_CHANGE},
            outcome=outcome,
            detail=detail,
            now=now,
            error=error,
            calls=calls,
            started_ms=started_ms,
            finished_ms=finished_ms,
        )


class FailOn(StrEnum):
    """What a caller may count as a failure though it is none by itself."""

    MISSED = "missed"
    BLOCKED = "blocked"
    EXCLUDED = "excluded"


_OUTCOME_OF_CODE = {
    ExitCode.OK: RunOutcome.OK,
    ExitCode.ERROR: RunOutcome.ERROR,
    ExitCode.PARTIAL: RunOutcome.PARTIAL,
    ExitCode.LOCKED: RunOutcome.LOCKED,
    ExitCode.REFUSED: RunOutcome.REFUSED,
    ExitCode.INTERRUPTED: RunOutcome.INTERRUPTED,
    ExitCode.TERMINATED: RunOutcome.INTERRUPTED,
}


@dataclass(frozen=True, slots=True)
class Report(Shown):
    """An executed run."""

    DERIVED: ClassVar = ("outcome", "causes", "exit_code", "summary")

    run_id: str
    tool_version: str
    plan_digest: Digest
    started_at: Timestamp
    finished_at: Timestamp
    results: tuple[Result, ...]
    """In the order of the plan."""
    targets: tuple[Name, ...] = ()
    """The targets of the plan, those without changes included, so that the two are known to belong together."""
    blocked: Count = 0
    """Tasks that the plan left alone as blocked."""
    excluded: Count = 0
    """Changes that `--task`, `--target` or `--policy` left out. They are no results."""
    errored: bool = False
    """Some scope could not be observed whole; its tasks were left alone."""
    refused: bool = False
    """A guard held changes back, of the plan or before they were in it."""
    locked: tuple[Name, ...] = ()
    """Targets whose account another apply held: they got no call."""
    blocked_fails: bool = False
    """A policy does not tolerate its blocked tasks."""
    fail_on: tuple[FailOn, ...] = ()
    """What the caller counts as failures besides the usual ones."""
    interrupted: ExitCode | None = None
    """Exit code of the signal that stopped the run, 130 or 143."""
    diagnostics: tuple[Note, ...] = ()
    shard: Shard | None = None
    """Which part of the accounts it is about, where others were left to other processes."""

    def __post_init__(self) -> None:
        Shown.__post_init__(self)
        if self.interrupted not in {None, ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
            raise ValueError("interrupted is 130, 143 or null")

    @property
    def summary(self) -> dict[str, int]:
        """Count per outcome, all outcomes present; they add up to the changes planned."""
        counts = Counter(result.outcome for result in self.results)
        return {outcome.value: counts[outcome] for outcome in Outcome}

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Everything that speaks against a plain `ok`, the one that decides the exit code first."""
        counts = Counter(result.outcome for result in self.results)
        holds = {
            Cause.INTERRUPTED: self.interrupted is not None,
            Cause.ERROR: self.errored,
            Cause.LOCKED: bool(self.locked),
            Cause.REFUSED: self.refused,
            Cause.FAILED: counts[Outcome.FAILED] > 0,
            Cause.UNKNOWN: counts[Outcome.UNKNOWN] > 0,
            Cause.NOT_ATTEMPTED: counts[Outcome.NOT_ATTEMPTED] > 0,
            Cause.MISSED: FailOn.MISSED in self.fail_on and counts[Outcome.MISSED] > 0,
            Cause.EXCLUDED: FailOn.EXCLUDED in self.fail_on and self.excluded > 0,
            Cause.BLOCKED: self.blocked > 0 and (self.blocked_fails or FailOn.BLOCKED in self.fail_on),
        }
        return tuple(cause for cause in Cause if holds.get(cause))

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of `apply`: 130/143, 1, 6, 4, 3, 0, the first that applies."""
        causes = self.causes
        if self.interrupted is not None:
            return self.interrupted
        if Cause.ERROR in causes:
            return ExitCode.ERROR
        if Cause.LOCKED in causes:
            return ExitCode.LOCKED
        if Cause.REFUSED in causes:
            return ExitCode.REFUSED
        return ExitCode.PARTIAL if causes else ExitCode.OK

    @property
    def outcome(self) -> RunOutcome:
        """One word."""
        return _OUTCOME_OF_CODE[self.exit_code]
