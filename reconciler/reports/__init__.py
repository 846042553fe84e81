"""Renderings of plans and reports: pure functions of the data, without a clock, a file or a terminal.

The names of the formats stand here, apart from the renderers, which help texts need not load.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.planning.plan import Plan
    from reconciler.providers.transport.caller import Tally

SCREEN_FORMATS = ("text", "json", "markdown", "html")
"""Those that people read, and the data itself: what `plan` and `apply` write to stdout."""

METRICS = "metrics"
"""The one format that counts on in the file that it replaces, and that others than its owner read."""

FORMATS = (*SCREEN_FORMATS, "junit", "github", "gitlab", "outputs", METRICS)
"""All of them: what `show` writes, and `--report`."""


class TaskView(StrEnum):
    """How much text says of each task."""

    AUTO = "auto"
    """As `full`, `list` or `summary`, by the number of tasks."""
    SUMMARY = "summary"
    """In groups: how many, the oldest and the newest, three of them by id."""
    LIST = "list"
    """A line each."""
    FULL = "full"
    """All that is known of it, and nothing cut."""

    def of(self, tasks: int) -> TaskView:
        """What `auto` means for so many."""
        if self is not TaskView.AUTO:
            return self
        return TaskView.FULL if tasks <= 20 else TaskView.LIST if tasks <= 200 else TaskView.SUMMARY


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a run besides what its plan and its report say.

    `stages`: seconds by stage. `traffic`: requests by target and service. `plan`: what a report is of, where that was
    made in the same run. `outcome`: how it ended, where it did not end as its plan or its report says.
    """

    command: str
    stages: Mapping[str, float] = field(default_factory=dict)
    traffic: Mapping[tuple[str, str], Tally] = field(default_factory=dict)
    plan: Plan | None = None
    outcome: str = ""
