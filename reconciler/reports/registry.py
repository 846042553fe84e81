"""The formats of plans and reports: a row of `RENDERERS`, and a name in `FORMATS`.

What a format takes to write is imported when it is written: most runs write one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.documents.files import PLAN_FILE, REPORT_FILE
from reconciler.planning.plan import Plan
from reconciler.reports import TaskView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.planning.report import Report
    from reconciler.reports import Measured


@dataclass(frozen=True, slots=True)
class View:
    """What a rendering depends on besides the data. Each format takes what it has a use for.

    `now`: seconds since the epoch (UTC), for ages. `saved_to`: the paths that a plan, or its parts, were saved under,
    `paths`: those that it was made from (None: not known). `tasks`: how much text says of each task, `columns`: cells
    of a line (None: as many as it takes). `asking`: whether to apply a plan is asked next. `job`: address and name
    of the job of a CI system that makes the rendering. `measured`: what was measured of the run, where it was this
    process that made it; `before`: what the file holds that is written.
    """

    now: int
    color: bool = False
    saved_to: tuple[str, ...] = ()
    paths: tuple[str, ...] | None = None
    tasks: TaskView = TaskView.AUTO
    columns: int | None = None
    asking: bool = False
    job: tuple[str, str] | None = None
    measured: Measured | None = None
    before: str = ""


def _text(item: Plan | Report, view: View) -> str:
    if not isinstance(item, Plan):
        from reconciler.reports.text.report import render_report_text

        return render_report_text(item, color=view.color, view=view.tasks, columns=view.columns)
    from reconciler.reports.text.plan import render_plan_text

    return render_plan_text(
        item,
        now=view.now,
        color=view.color,
        saved_to=view.saved_to,
        paths=view.paths,
        view=view.tasks,
        columns=view.columns,
        asking=view.asking,
    )


def _json(item: Plan | Report, _: View) -> str:
    return PLAN_FILE.text(item) if isinstance(item, Plan) else REPORT_FILE.text(item)


def _markdown(item: Plan | Report, view: View) -> str:
    if not isinstance(item, Plan):
        from reconciler.reports.markdown.report import render_report_markdown

        return render_report_markdown(item)
    from reconciler.reports.markdown.plan import render_plan_markdown

    return render_plan_markdown(item, now=view.now, saved_to=view.saved_to, paths=view.paths)


def _html(item: Plan | Report, view: View) -> str:
    from reconciler.reports.html import render_plan_html, render_report_html

    if not isinstance(item, Plan):
        return render_report_html(item, now=view.now, job=view.job)
    return render_plan_html(item, now=view.now, saved_to=view.saved_to, paths=view.paths, job=view.job)


def _junit(item: Plan | Report, _: View) -> str:
    from reconciler.reports.ci.junit import render_plan_junit, render_report_junit

    return render_plan_junit(item) if isinstance(item, Plan) else render_report_junit(item)


def _github(item: Plan | Report, view: View) -> str:
    from reconciler.reports.ci.github import render_plan_github, render_report_github

    return render_plan_github(item, view.saved_to) if isinstance(item, Plan) else render_report_github(item)


def _gitlab(item: Plan | Report, _: View) -> str:
    from reconciler.reports.ci.outputs import render_plan_gitlab, render_report_gitlab

    return render_plan_gitlab(item) if isinstance(item, Plan) else render_report_gitlab(item)


def _outputs(item: Plan | Report, _: View) -> str:
    from reconciler.reports.ci.outputs import render_plan_outputs, render_report_outputs

    return render_plan_outputs(item) if isinstance(item, Plan) else render_report_outputs(item)


def _metrics(item: Plan | Report, view: View) -> str:
    from reconciler.reports.metrics import render_metrics

    return render_metrics(item, view.measured, view.before)


RENDERERS: Mapping[str, Callable[[Plan | Report, View], str]] = MappingProxyType(
    {
        "text": _text,
        "json": _json,
        "markdown": _markdown,
        "html": _html,
        "junit": _junit,
        "github": _github,
        "gitlab": _gitlab,
        "outputs": _outputs,
        "metrics": _metrics,
    }
)


def pieces(item: Plan | Report) -> Callable[[], Iterator[bytes]]:
    """The JSON of `item` in UTF-8, piece by piece, as often as it is asked for."""
    return partial(PLAN_FILE.pieces, item) if isinstance(item, Plan) else partial(REPORT_FILE.pieces, item)


def render(item: Plan | Report, name: str, view: View) -> str:
    """`item` in the format `name`. Raises KeyError for a format that there is not."""
    return RENDERERS[name](item, view)
