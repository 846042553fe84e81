"""The ages of tasks as a figure: a drawing for each policy, a legend, and the same numbers as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.planning.report import Outcome
from reconciler.reports.cells import counted
from reconciler.reports.html.elements import LINE, Markup, element, joined
from reconciler.reports.html.histograms import AGES, Aged, Fill, drawing, fills, histograms, swatch
from reconciler.reports.html.tables import Column, Sort, created, section, table
from reconciler.tasks.task import Status
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.planning.change import Change, Observed, Skipped
    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report
    from reconciler.reports.html.histograms import Histogram

_STATUS_FILLS = {
    Status.PENDING.value: Fill.PLAIN,
    Status.RUNNING.value: Fill.STRIPES,
    Status.SUCCEEDED.value: Fill.DOTS,
    Status.FAILED.value: Fill.CHECKS,
    Status.CANCELED.value: Fill.LINES,
    Status.UNKNOWN.value: Fill.BARS,
}
_OUTCOME_FILLS = {
    Outcome.FAILED.value: Fill.CHECKS,
    Outcome.UNKNOWN.value: Fill.BARS,
    Outcome.NOT_ATTEMPTED.value: Fill.LINES,
    Outcome.MISSED.value: Fill.STRIPES,
    Outcome.DONE.value: Fill.DOTS,
    Outcome.SATISFIED.value: Fill.PLAIN,
}
_OTHERS = "other policies"


def plan_ages(plan: Plan, now: int) -> Markup:
    """Ages of all tasks that the plan lists, changed or not, by status and policy; empty where it lists none."""
    listed: list[Change | Skipped] = [*plan.changes, *plan.blocked, *plan.protected]
    tasks = [Aged(item.policies, _status(item.observed), _age(item.observed, now)) for item in listed]
    caption = "Tasks that are to be changed, blocked or protected, by age and status"
    return _figure(tasks, _STATUS_FILLS, caption, now)


def report_ages(report: Report, now: int) -> Markup:
    """Ages of the tasks that a run was about, by outcome and policy; empty where there was none."""
    tasks = [Aged(result.policies, result.outcome.value, _age(result.observed, now)) for result in report.results]
    return _figure(tasks, _OUTCOME_FILLS, "Tasks by age and outcome", now)


def _status(observed: Observed) -> str:
    status = observed.get("status")
    return status if isinstance(status, str) and status in _STATUS_FILLS else Status.UNKNOWN.value


def _age(observed: Observed, now: int) -> int | None:
    first = created(observed)
    return None if first is None else now - first


def _figure(tasks: Sequence[Aged], fill_of: Mapping[str, Fill], caption: str, now: int) -> Markup:
    found = histograms(tasks, fill_of)
    if not found:
        return Markup()
    panels = (_panel(histogram, fill_of) for histogram in found)
    kinds = [kind for kind in fill_of if any(kind in histogram.counts for histogram in found)]
    note = f"{caption}, as of {format_timestamp(now)}. Each policy has a scale of its own."
    content = [
        element("figcaption", note),
        fills(),
        element("ul", *(_entry(kind, fill_of[kind]) for kind in kinds), class_="legend"),
        element("div", joined(panels, LINE), class_="panels"),
        element("details", element("summary", "The same as a table"), _table(found)),
    ]
    return section("ages", "Ages", element("figure", joined(content, LINE)))


def _entry(kind: str, fill: Fill) -> Markup:
    return element("li", swatch(fill), " ", _words(kind))


def _panel(histogram: Histogram, fill_of: Mapping[str, Fill]) -> Markup:
    name, tasks = histogram.policy or _OTHERS, counted(histogram.total, "task")
    heading = element("h3", element("code", name), " ", element("small", tasks))
    picture = drawing(histogram, f"Ages of {tasks}: {name}", _described(histogram), fill_of)
    return element("div", heading, LINE, picture, class_="panel")


def _described(histogram: Histogram) -> str:
    """`pending: 3 <1h, 2 older; running: 1 <6h`."""
    return "; ".join(f"{_words(kind)}: {_numbers(row)}" for kind, row in histogram.counts.items())


def _numbers(row: Sequence[int]) -> str:
    return ", ".join(f"{number} {age}" for number, age in zip(row, AGES, strict=True) if number)


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _table(found: Sequence[Histogram]) -> Markup:
    columns = [Column("policy"), Column("tasks"), *(Column(age, Sort.NUMBER) for age in (*AGES, "all"))]
    return table("ages", "Tasks by policy, kind and age", columns, _rows(found))


def _rows(found: Sequence[Histogram]) -> Iterator[list[str]]:
    for histogram in found:
        for kind, row in histogram.counts.items():
            yield [histogram.policy or _OTHERS, _words(kind), *map(str, row), str(sum(row))]
