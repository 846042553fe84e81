"""What the comment should say: a plan or report as Markdown, within the limit, and where it comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.exceptions import InvalidPlan
from reconciler.planning.plan import Plan
from reconciler.reports.markdown.marker import Marker, parse
from reconciler.reports.markdown.parts import BUDGET, code
from reconciler.reports.markdown.plan import render_plan_markdown
from reconciler.reports.markdown.report import render_report_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.planning.report import Report


@dataclass(frozen=True, slots=True)
class Draft:
    """`newsworthy`: worth a comment of its own. What is not is only said where a comment is already there."""

    body: str
    marker: Marker
    newsworthy: bool

    @classmethod
    def of(
        cls, item: Plan | Report, origin: Origin, saved_to: Sequence[str] = (), *, merging_applies: bool = False
    ) -> Draft:
        """The same file and origin make the same text, whenever that is: ages are reckoned from when it was made.

        `saved_to` is what the files are called. `merging_applies`: that is what the workflows of this repository do
        with a plan.

        Raises InvalidPlan for a file that no run writes.
        """
        line, run = origin.line(), origin.run_link()
        budget = BUDGET - len(line) - 2
        if isinstance(item, Plan):
            now = item.created_at
            text = render_plan_markdown(
                item, now=now, budget=budget, saved_to=saved_to, run=run, merging_applies=merging_applies
            )
        else:
            text = render_report_markdown(item, budget=budget, run=run)
        marker = parse(text.split("\n", 1)[0])
        if marker is None:
            raise InvalidPlan("the file says things of itself that no run writes", "make the plan again")
        body = f"{text.rstrip()}\n\n{line}\n" if line else text
        return cls(body, marker, _newsworthy(item))


def _newsworthy(item: Plan | Report) -> bool:
    """Whether a reviewer has something to decide or to mend. Tasks that are protected or unknown are neither."""
    if isinstance(item, Plan):
        errors = any(note.severity is Severity.ERROR for note in item.diagnostics)
        return bool(item.changes or item.blocked or errors) or item.outcome != "ok"
    return bool(item.results) or item.outcome != "ok"


_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)+", re.ASCII)
_LONGEST_LINK = 400
_RUN = re.compile(r"[0-9]{1,20}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """Taken from the environment, and believed only where it has the form that it should have."""

    link: str = ""
    run: str = ""
    commit: str = ""

    def line(self) -> str:
        """The last line of the comment, or the empty string where nothing is known."""
        made = [self.run_link(), f"commit {code(self.commit[:12])}" if _COMMIT.fullmatch(self.commit) else ""]
        return f"Made by {' of '.join(filter(None, made))}." if any(made) else ""

    @property
    def job(self) -> tuple[str, str] | None:
        """Address and name of the job. Nothing in an address of this form can end it, so that it needs no escaping."""
        if len(self.link) > _LONGEST_LINK or not _LINK.fullmatch(self.link) or not _RUN.fullmatch(self.run):
            return None
        return self.link, f"run {self.run}"

    def run_link(self) -> str:
        """Markdown, or the empty string."""
        return "[{1}]({0})".format(*self.job) if self.job else ""
