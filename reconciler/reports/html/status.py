"""How a daemon stands, as a page: what it saw and did last, what it did before, and how the queues went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.planning.report import Outcome
from reconciler.redaction import presentable
from reconciler.reports.ages import duration
from reconciler.reports.cells import counted
from reconciler.reports.html.elements import LINE, Markup, element, joined
from reconciler.reports.html.page_parts import callout, document, facts, footer, masthead, page
from reconciler.reports.html.plan import SCOPE_COLUMNS, alerts, scope_row
from reconciler.reports.html.tables import Column, Sort, codes, moment, section, table
from reconciler.reports.run_history import UNFINISHED, run_counts
from reconciler.reports.wording import policy_counts, report_advice, report_counts, result_reason
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.backends.backlog import Backlog
    from reconciler.backends.entries import RunRecord
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import PolicyPlan, ScopePlan
    from reconciler.planning.report import Report, Result

MOST = 20
"""Changes that went wrong, of which each is told."""

_BAD = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED)


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands after a cycle. Times are seconds since the epoch (UTC), `series` has milliseconds.

    `said` is one line about the cycle. `seen` is what the last plan showed, by `seen_in`: this cycle's, or, where it
    came to none, an earlier one's. `failures`: how often in a row a target failed.
    """

    number: int
    outcome: str
    said: str
    began: int
    ended: int
    next_at: int | None = None
    error: str = ""
    outdated: str = ""
    seen: Markup = field(default_factory=Markup)
    done: Markup = field(default_factory=Markup)
    runs: Sequence[RunRecord] = ()
    series: Mapping[str, Sequence[Backlog]] = field(default_factory=dict)


def render_status_html(status: Standing) -> str:
    """The page as one HTML file, which is complete without its script."""
    kept = f"the last good configuration is used: {status.outdated}" if status.outdated else ""
    wrong = [presentable(text) for text in (status.error, kept) if text]
    parts = [
        masthead("reconciler run", status.outcome, status.said),
        callout("danger", "Errors", wrong) if wrong else "",
        _facts(status),
        status.done,
        status.seen,
        _queues(status.series),
        _runs(status.runs),
        footer(__version__),
    ]
    return document(f"reconciler run: {status.outcome}", page(parts))


def _facts(status: Standing) -> Markup:
    return facts(
        [
            ("cycle", str(status.number)),
            ("began", moment(status.began)),
            ("took", duration(max(0, status.ended - status.began))),
            ("next", "" if status.next_at is None else moment(status.next_at)),
        ]
    )


def seen(plan: Plan, failures: Mapping[str, int]) -> Markup:
    """What a plan showed: what speaks against it, its policies, its targets."""
    columns = (Column("policy"), Column("state"), Column("of its tasks"))
    policies = table("policies", "What each found", columns, map(_policy_row, plan.policies))
    scopes = table(
        "targets",
        f"{counted(len(plan.scopes), 'scope')}, as of {format_timestamp(plan.created_at)}",
        (*SCOPE_COLUMNS, Column("oldest pending", Sort.AGE), Column("failed in a row", Sort.NUMBER)),
        (_scope_row(scope, failures) for scope in plan.scopes),
    )
    parts = [*alerts(plan), section("policies", "Policies", policies), section("targets", "Targets", scopes)]
    return joined(parts, LINE)


def _policy_row(policy: PolicyPlan) -> list[str]:
    state = "suspended" if policy.suspended else policy.restraint or "enforced"
    shown = element("em", "refused by a guard", class_="bad") if policy.breaches else state
    name = element("code", policy.name)
    about = joined([name, element("p", policy.description)]) if policy.description else name
    return [about, shown, policy_counts(policy)]


def _scope_row(scope: ScopePlan, failures: Mapping[str, int]) -> list[str]:
    oldest = "" if scope.oldest_pending is None else moment(scope.oldest_pending)
    return [*scope_row(scope), oldest, str(failures.get(scope.target, 0))]


def done(report: Report) -> Markup:
    """What a report says: its counts, what to do about it, and what went wrong."""
    bad = [result for result in report.results if result.outcome in _BAD]
    parts = [element("p", report_counts(report))]
    if advice := report_advice(report):
        parts.append(callout("danger" if bad else "calm", "What to do next", advice))
    if bad:
        columns = tuple(map(Column, ("outcome", "task", "target", "resource", "policies", "why")))
        first = f"The first {MOST} of " if len(bad) > MOST else ""
        caption = f"{first}{counted(len(bad), 'change')} that did not go well"
        parts.append(table("done", caption, columns, map(_wrong_row, bad[:MOST]), header=1))
    return section("done", "Done", *parts)


def _wrong_row(result: Result) -> list[str]:
    outcome = element("code", result.outcome.replace("_", " "), class_=result.outcome)
    place = (result.task_id, result.target, result.resource)
    return [outcome, *place, codes(result.policies), result_reason(result)]


def _runs(runs: Sequence[RunRecord]) -> Markup:
    """The last runs that changed something, or tried to."""
    if not runs:
        return Markup()
    columns = (Column("run"), Column("began", Sort.AGE), Column("command"), Column("outcome"), Column("changes"))
    rows = (
        [
            *(element("code", run.run_id), moment(run.started_at), run.command, run.outcome or UNFINISHED),
            run_counts(run.summary) or "none",
        ]
        for run in runs
    )
    return section("runs", "Runs", table("runs", "The last runs of the history, the latest first", columns, rows))


# -- how the queues went -------------------------------------------------------------------------------------------

_WIDTH, _HEIGHT, _TOP = 352, 72, 14


def _queues(series: Mapping[str, Sequence[Backlog]]) -> Markup:
    """For each kind of task how many waited, and how old the oldest was; where not all were seen, nothing is known."""
    known = {presentable(name): [one for one in points if one.complete] for name, points in series.items()}
    panels = [
        panel
        for resource, points in known.items()
        for panel in (
            _panel(f"{resource}: pending", [(one.taken_at, one.pending) for one in points], str),
            _panel(
                f"{resource}: oldest pending",
                [(one.taken_at, max(0, one.taken_at - one.oldest) // 1000 if one.oldest else 0) for one in points],
                duration,
            ),
        )
        if len(points) > 1
    ]
    if not panels:
        return Markup()
    note = "All targets together. Each drawing has a scale of its own."
    figure = element("figure", element("figcaption", note), element("div", joined(panels, LINE), class_="panels"))
    return section("queues", "Queues", figure)


def _panel(title: str, points: Sequence[tuple[int, int]], told: Callable[[int], str]) -> Markup:
    (first, _), (last, now) = points[0], points[-1]
    most = max(value for _, value in points)
    span = f"from {format_timestamp(first // 1000)} to {format_timestamp(last // 1000)}"
    words = f"{told(now)} at the end, {told(most)} at most, {span}"
    line = "L".join(
        f"{_WIDTH * (time - first) // max(1, last - first)},{_TOP + _HEIGHT - _HEIGHT * value // max(1, most)}"
        for time, value in points
    )
    floor = _TOP + _HEIGHT
    drawing = [
        element("title", title),
        element("desc", words),
        element("path", d=f"M0 {floor}h{_WIDTH}", class_="axis"),
        element("path", d=f"M{line}", class_="series"),
        element("text", told(most), x=0, y=_TOP - 3, class_="age"),
        element("text", told(now), x=_WIDTH, y=_TOP - 3, text_anchor="end", class_="count"),
    ]
    image = element("svg", joined(drawing, LINE), viewBox=f"-4 0 {_WIDTH + 8} {floor + 4}", role="img")
    return element("div", element("h3", title), image, element("p", words, class_="aside"), class_="panel")
