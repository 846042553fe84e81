"""When cycles begin, and for how long a target that fails is left alone. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from reconciler.exceptions import UsageError
from reconciler.tasks.observation import Completeness, Fault, Meaning
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Target
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import ScopePlan

FIRST_PAUSE = 60
"""Seconds for which a target is left alone that failed twice in a row; it doubles with each further time."""

LONGEST_PAUSE = 3600


class Schedule(Protocol):
    """All times are seconds since the epoch, UTC."""

    def begin(self, moment: float) -> float:
        """The first time of all, where it is `moment` when the schedule comes into force."""
        ...

    def after(self, moment: float) -> float:
        """The first time to begin that is later than `moment`. What was missed is not made up for."""
        ...


@dataclass(slots=True)
class Every:
    """Each so many seconds, from the moment on when it comes into force. A clock that is set back changes no time of
    the grid: the next one lies at most so many seconds ahead."""

    seconds: int
    _first: float = 0.0

    def begin(self, moment: float) -> float:
        self._first = moment
        return moment

    def after(self, moment: float) -> float:
        passed = math.floor((moment - self._first) / self.seconds)
        return self._first + self.seconds * (passed + 1)


class Cron:
    """The times of a line of cron(5), in a time zone: those that a change to summer time skips come at its end, and
    those that it repeats come once, as in Debian's cron."""

    def __init__(self, expression: str, timezone: str = "UTC") -> None:
        """Raises UsageError for what is no such line, never comes, or no time zone."""
        self._expression = expression
        try:
            self._zone = ZoneInfo(timezone)
        except (KeyError, ValueError, OSError) as error:
            raise UsageError(
                f"--timezone {timezone}: there is no such time zone", "write it like Asia/Shanghai"
            ) from error
        try:
            if len(expression.split()) != 5:
                raise CronSimError("a schedule has five fields")
            next(CronSim(expression, datetime.now(UTC)))
        except (CronSimError, StopIteration) as error:
            why = str(error) or "no such day ever comes"
            raise UsageError(f"--schedule {expression!r}: {why}", 'write it like cron: "*/5 * * * *"') from error

    def begin(self, moment: float) -> float:
        return self.after(moment - 1)

    def after(self, moment: float) -> float:
        return next(CronSim(self._expression, datetime.fromtimestamp(moment, self._zone))).timestamp()


@dataclass(slots=True)
class _Failing:
    """A target of which nothing could be listed, `times` in a row, the last time because of `fault`."""

    target: Target
    times: int
    until: float
    fault: Fault | None


def _left_alone(found: _Failing) -> Fault:
    meaning = found.fault.meaning if found.fault else Meaning.UNREACHABLE
    why = f"it failed {found.times} times in a row, the last time with: {found.fault}"
    return Fault(meaning, f"left alone until {Timestamp(found.until)}, since {why}")


@dataclass(slots=True)
class BackOff:
    """The targets that fail, each left alone for longer and longer, until it answers or is written otherwise.

    A target fails where none of its scopes could be listed: a service that fails alone keeps no other one waiting.
    """

    _failing: dict[str, _Failing] = field(default_factory=dict)

    @property
    def failures(self) -> Mapping[str, int]:
        """How often in a row each of them failed."""
        return {name: found.times for name, found in sorted(self._failing.items())}

    def left_out(self, targets: Mapping[str, Target], now: float) -> dict[str, Fault]:
        """The targets that are not to be asked yet, and what is said of them instead."""
        for name in [name for name, found in self._failing.items() if targets.get(name) != found.target]:
            del self._failing[name]
        # Further ahead than any pause: the clock was set back since.
        alone = {name: found for name, found in self._failing.items() if 0 < found.until - now <= LONGEST_PAUSE}
        return {name: _left_alone(found) for name, found in alone.items()}

    def note(self, plan: Plan, targets: Mapping[str, Target], left_out: Mapping[str, Fault], now: float) -> None:
        """Note what became of the targets in a cycle that ended `now`."""
        by_target: dict[str, list[ScopePlan]] = defaultdict(list)
        for scope in plan.scopes:
            by_target[scope.target].append(scope)
        for name, scopes in by_target.items():
            if name in left_out or name not in targets:
                continue
            if any(scope.completeness is not Completeness.FAILED for scope in scopes):
                self._failing.pop(name, None)
                continue
            times = self._failing[name].times + 1 if name in self._failing else 1
            pause = 0 if times == 1 else min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(times - 2, 20))
            self._failing[name] = _Failing(targets[name], times, now + pause, scopes[0].error)
