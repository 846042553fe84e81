"""Renderings of plans and reports: pure functions of the data, without a clock, a file or a terminal.

The names of the formats stand here, apart from the renderers, which help texts need not load.
"""

from __future__ import annotations

from enum import StrEnum

SCREEN_FORMATS = ("text", "json", "markdown", "html")
"""Those that people read, and the data itself: what `plan` and `apply` write to stdout."""

FORMATS = (*SCREEN_FORMATS, "junit", "github", "gitlab", "outputs")
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
