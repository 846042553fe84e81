"""The flags that say how changes are carried out, which `apply` and `run` share, and what they tell of past runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.logs import say
from reconciler.cli.options import duration, flag
from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.work import Patience
from reconciler.exceptions import UsageError
from reconciler.planning.report import FailOn
from reconciler.redaction import presentable
from reconciler.reports.cells import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.engine.hold import Held


def apply_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Add the flags; a command takes them out of its `**shared`, by `ApplyFlags.of`."""
    command = flag(
        "--max-duration",
        metavar="DURATION",
        help="Stop sending in time to end within this, such as 50m; what is left is not attempted, and ends with 3.",
    )(command)
    command = flag(
        "--lock-timeout",
        metavar="DURATION",
        default="0s",
        show_default=True,
        help="How long to wait while another apply holds the account, or the database server does not answer.",
    )(command)
    command = flag(
        "--fail-on",
        metavar="LIST",
        default="",
        help="Also exit with 3 for these: missed, blocked, excluded (comma-separated).",
    )(command)
    return flag(
        "--on-error",
        type=click.Choice(["continue", "stop"]),
        default="continue",
        show_default=True,
        help="What to do with the remaining changes once one has failed.",
    )(command)


@dataclass(frozen=True, slots=True)
class ApplyFlags:
    """What the flags say. `max_duration` and `lock_timeout` are in seconds."""

    stop_on_error: bool
    fail_on: tuple[FailOn, ...]
    lock_timeout: int
    max_duration: int | None

    @classmethod
    def of(cls, given: dict[str, Any]) -> ApplyFlags:
        """Take them out of what click read. Raises UsageError."""
        longest = given.pop("max_duration")
        seconds = None if longest is None else duration("--max-duration", longest)
        if seconds == 0:
            raise UsageError("--max-duration 0s leaves no time for anything", "leave it out to go on to the end")
        fail_on = _named_outcomes(given.pop("fail_on"))
        lock_timeout = duration("--lock-timeout", given.pop("lock_timeout"))
        return cls(given.pop("on_error") == "stop", fail_on, lock_timeout, seconds)

    def options(self) -> ApplyOptions:
        """For a run that begins now. In the last part of its time nothing is sent, but what was sent is read back."""
        stop_at = None
        if self.max_duration is not None:
            stop_at = time.monotonic() + self.max_duration - min(Patience().deadline, self.max_duration / 4)
        return ApplyOptions(self.stop_on_error, self.fail_on, stop_at=stop_at)


def _named_outcomes(text: str) -> tuple[FailOn, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in {*FailOn}:
            raise UsageError(f"--fail-on {name}: expected {' or '.join(FailOn)}")
    return tuple(map(FailOn, names))


def tell(held: Held) -> None:
    """Say on stderr what `held_lines` says."""
    for line in held_lines(held):
        say(line)


def held_lines(held: Held) -> Iterator[str]:
    """What became of what an earlier run left open, and who else is at work."""
    recovery = held.recovery
    if recovery.total:
        yield (
            f"An earlier run was cut off with {counted(recovery.total, 'call')} under way: "
            f"{recovery.took_effect} took effect, {recovery.had_none} did not, {recovery.open} could not be told yet."
        )
    for target, count in recovery.strays.items():
        yield (
            f"{counted(count, 'call')} of target {presentable(target)}, which is not in the configuration any more, "
            f"{'stays' if count == 1 else 'stay'} open: a target of the same account would settle them."
        )
    for target, error in held.locked.items():
        yield f"{target}: {error.message}; its changes are not attempted."
