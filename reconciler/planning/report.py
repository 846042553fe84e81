"""The report: what a run did, as data. Every output format is a rendering of it, and its JSON has these names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import ClassVar, Self

from reconciler.exceptions import ExitCode
from reconciler.planning.plan import Change, Count, Digest, Name, Note
from reconciler.tasks.fault import Fault
from reconciler.tasks.timestamps import Timestamp

__all__ = ["Outcome", "Report", "Result"]


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
            **{field.name: getattr(change, field.name) for field in fields(Change)},
            outcome=outcome,
            detail=detail,
            now=now,
            error=error,
            calls=calls,
            started_ms=started_ms,
            finished_ms=finished_ms,
        )


_OUTCOME_OF_CODE = {
    ExitCode.OK: "ok",
    ExitCode.ERROR: "error",
    ExitCode.PARTIAL: "partial",
    ExitCode.LOCKED: "locked",
    ExitCode.REFUSED: "refused",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "interrupted",
}


@dataclass(frozen=True, slots=True)
class Report:
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
    errored: bool = False
    """Some scope could not be observed whole; its tasks were left alone."""
    refused: bool = False
    """A guard held all changes back."""
    locked: tuple[Name, ...] = ()
    """Targets whose account another apply held: they got no call."""
    blocked_fails: bool = False
    """A policy does not tolerate its blocked tasks."""
    fail_on: tuple[str, ...] = ()
    """Outcomes (or `blocked`) that the caller counts as failures besides the usual ones."""
    interrupted: ExitCode | None = None
    """Exit code of the signal that stopped the run, 130 or 143."""
    diagnostics: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        if self.interrupted not in {None, ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
            raise ValueError("interrupted is 130, 143 or null")

    @property
    def summary(self) -> dict[str, int]:
        """Count per outcome, all outcomes present; they add up to the changes planned."""
        counts = Counter(result.outcome for result in self.results)
        return {outcome.value: counts[outcome] for outcome in Outcome}

    @property
    def causes(self) -> tuple[str, ...]:
        """Everything that speaks against a plain `ok`, the one that decides the exit code first."""
        counts = self.summary
        found = []
        if self.interrupted is not None:
            found.append("interrupted")
        if self.errored:
            found.append("error")
        if self.locked:
            found.append("locked")
        if self.refused:
            found.append("refused")
        found += [name for name in ("failed", "unknown", "not_attempted") if counts[name]]
        if "missed" in self.fail_on and counts["missed"]:
            found.append("missed")
        if self.blocked and (self.blocked_fails or "blocked" in self.fail_on):
            found.append("blocked")
        return tuple(found)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of `apply`: 130/143, 1, 6, 4, 3, 0, the first that applies."""
        causes = self.causes
        if self.interrupted is not None:
            return self.interrupted
        if "error" in causes:
            return ExitCode.ERROR
        if "locked" in causes:
            return ExitCode.LOCKED
        if "refused" in causes:
            return ExitCode.REFUSED
        return ExitCode.PARTIAL if causes else ExitCode.OK

    @property
    def outcome(self) -> str:
        """One word: ok, partial, refused, locked, error or interrupted."""
        return _OUTCOME_OF_CODE[self.exit_code]
