"""The formats of plans and reports.

A format is a row in each table and a name in `FORMATS`. Renderers that few commands ask for are imported when they
are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.documents.files import PLAN_FILE, REPORT_FILE
from reconciler.planning.plan import Plan
from reconciler.reports import TaskView
from reconciler.reports.ci.github import render_plan_github, render_report_github
from reconciler.reports.ci.junit import render_plan_junit, render_report_junit
from reconciler.reports.ci.outputs import (
    render_plan_gitlab,
    render_plan_outputs,
    render_report_gitlab,
    render_report_outputs,
)
from reconciler.reports.markdown.plan import render_plan_markdown
from reconciler.reports.markdown.report import render_report_markdown
from reconciler.reports.text.plan import render_plan_text
from reconciler.reports.text.report import render_report_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.planning.report import Report
    from reconciler.reports import Measured


@dataclass(frozen=True, slots=True)
class View:
    """What a rendering depends on besides the data. Each format takes what it has a use for.

    `now`: seconds since the epoch (UTC), for ages. `saved_to`: the path that a plan was saved under,
    `paths`: those that it was made from (None: not known). `tasks`: how much text says of each task, `columns`: cells
    of a line (None: as many as it takes). `asking`: whether to apply a plan is asked next. `job`: address and name
    of the job of a CI system that makes the rendering. `measured`: what was measured of the run, where it was this
    process that made it; `before`: what the file holds that is written.
    """

    now: int
    color: bool = False
    saved_to: str | None = None
    paths: tuple[str, ...] | None = None
    tasks: TaskView = TaskView.AUTO
    columns: int | None = None
    asking: bool = False
    job: tuple[str, str] | None = None
    measured: Measured | None = None
    before: str = ""


def _plan_html(plan: Plan, view: View) -> str:
    from reconciler.reports.html import render_plan_html  # noqa: PLC0415 - a dozen modules that only HTML needs

    return render_plan_html(plan, now=view.now, saved_to=view.saved_to, paths=view.paths, job=view.job)


def _report_html(report: Report, view: View) -> str:
    from reconciler.reports.html import render_report_html  # noqa: PLC0415 - as above

    return render_report_html(report, now=view.now, job=view.job)


def _metrics(item: Plan | Report, view: View) -> str:
    from reconciler.reports.metrics import render_metrics  # noqa: PLC0415 - prometheus-client, for metrics only

    return render_metrics(item, view.measured, view.before)


PLAN_FORMATS: Mapping[str, Callable[[Plan, View], str]] = MappingProxyType(
    {
        "text": lambda plan, view: render_plan_text(
            plan,
            now=view.now,
            color=view.color,
            saved_to=view.saved_to,
            paths=view.paths,
            view=view.tasks,
            columns=view.columns,
            asking=view.asking,
        ),
        "json": lambda plan, _: PLAN_FILE.text(plan),
        "markdown": lambda plan, view: render_plan_markdown(
            plan, now=view.now, saved_to=view.saved_to, paths=view.paths
        ),
        "html": _plan_html,
        "junit": lambda plan, _: render_plan_junit(plan),
        "github": lambda plan, view: render_plan_github(plan, view.saved_to),
        "gitlab": lambda plan, _: render_plan_gitlab(plan),
        "outputs": lambda plan, _: render_plan_outputs(plan),
        "metrics": _metrics,
    }
)

REPORT_FORMATS: Mapping[str, Callable[[Report, View], str]] = MappingProxyType(
    {
        "text": lambda report, view: render_report_text(
            report, color=view.color, view=view.tasks, columns=view.columns
        ),
        "json": lambda report, _: REPORT_FILE.text(report),
        "markdown": lambda report, _: render_report_markdown(report),
        "html": _report_html,
        "junit": lambda report, _: render_report_junit(report),
        "github": lambda report, _: render_report_github(report),
        "gitlab": lambda report, _: render_report_gitlab(report),
        "outputs": lambda report, _: render_report_outputs(report),
        "metrics": _metrics,
    }
)


def pieces(item: Plan | Report) -> Callable[[], Iterator[bytes]]:
    """The JSON of `item` in UTF-8, piece by piece, as often as it is asked for."""
    return partial(PLAN_FILE.pieces, item) if isinstance(item, Plan) else partial(REPORT_FILE.pieces, item)


def render(item: Plan | Report, name: str, view: View) -> str:
    """`item` in the format `name`. Raises KeyError for a format that there is not."""
    if isinstance(item, Plan):
        return PLAN_FORMATS[name](item, view)
    return REPORT_FORMATS[name](item, view)
