"""The report: what a run did, as data. Every output format is a rendering of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.exceptions import ExitCode

if TYPE_CHECKING:
    from reconciler.planning.plan import Change, Note
    from reconciler.tasks.fault import Fault

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


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one change. `before` and `now` are normalised statuses (`now` None: not read).

    `detail` says why in a sentence; `started_ms` and `finished_ms` are milliseconds since the run began.
    `calls` counts the destructive requests sent for this task.
    """

    change: Change
    outcome: Outcome
    before: str
    now: str | None = None
    detail: str = ""
    error: Fault | None = None
    calls: int = 0
    started_ms: int | None = None
    finished_ms: int | None = None


_OUTCOME_OF_CODE = {
    ExitCode.OK: "ok",
    ExitCode.ERROR: "error",
    ExitCode.PARTIAL: "partial",
    ExitCode.REFUSED: "refused",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "interrupted",
}


@dataclass(frozen=True, slots=True)
class Report:
    """An executed run. Times are seconds since the epoch (UTC).

    `targets` are those of the plan, those without changes included, so that the two are known to belong together.
    `interrupted` is the exit code of the signal that stopped the run (130 or 143), or None. `errored` says that
    some scope could not be observed whole; its tasks were left alone. `refused` says that a guard held all changes
    back. `fail_on` names outcomes (or `blocked`) that the caller counts as failures besides the usual ones.
    """

    run_id: str
    tool_version: str
    plan_digest: str
    started_at: int
    finished_at: int
    results: tuple[Result, ...]
    targets: tuple[str, ...] = ()
    blocked: int = 0
    errored: bool = False
    refused: bool = False
    blocked_fails: bool = False
    fail_on: tuple[str, ...] = ()
    interrupted: ExitCode | None = None
    notes: tuple[Note, ...] = ()

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
        """Exit code of `apply`: 130/143, 1, 4, 3, 0, the first that applies."""
        causes = self.causes
        if self.interrupted is not None:
            return self.interrupted
        if "error" in causes:
            return ExitCode.ERROR
        if "refused" in causes:
            return ExitCode.REFUSED
        return ExitCode.PARTIAL if causes else ExitCode.OK

    @property
    def outcome(self) -> str:
        """One word: ok, partial, refused, error or interrupted."""
        return _OUTCOME_OF_CODE[self.exit_code]
