"""The tasks of a plan, row by row: those that would be changed, and those that are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.reports.cells import counted
from reconciler.reports.html.elements import Markup, element, joined
from reconciler.reports.html.page_parts import filtered
from reconciler.reports.html.tables import Column, Sort, codes, created, moment, section, table
from reconciler.reports.text.tasks import fields
from reconciler.reports.wording import BLOCKED, MEANINGS, PROTECTED, REFUSED, REPORTED, steps_words, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.planning.change import Change, Observed, Skipped
    from reconciler.planning.plan import Plan
    from reconciler.reports.tally import Tally
    from reconciler.tasks.resource_type import Action

_TASK = (
    *(Column("task"), Column("target", choice="target"), Column("resource")),
    *(Column("status", choice="status"), Column("age", Sort.AGE), Column("fields")),
    *(Column("policies", choice="policy"), Column("reason")),
)
_CHANGE = (Column("do", choice="do"), *_TASK)
_WOULD = (Column("would do", choice="do"), *_TASK)
_PROTECTED = (*_TASK, Column("protections"))

_TOLD = frozenset({"status", "created_at"})
"""Fields that have a column of their own."""


def tasks(plan: Plan, tally: Tally) -> Markup:
    """The filter, and a section for each group of tasks that there is."""
    return filtered(("policy", "target", "do", "status"), _groups(plan, tally))


def _groups(plan: Plan, tally: Tally) -> Iterator[Markup]:
    if plan.changes:
        yield section("changes", "Changes", _legend(plan.changes), _changes(plan.changes, tally))
    if plan.refused:
        rows = ([steps_cell(change.steps), *_cells(change)] for change in plan.refused)
        content = table("refused", counted(len(plan.refused), "refused task"), _WOULD, rows, header=1, tasks=True)
        yield section("refused", "Refused", element("p", f"{REFUSED.capitalize()}."), content)
    if plan.reported:
        rows = ([steps_cell(change.steps), *_cells(change)] for change in plan.reported)
        content = table("reported", counted(len(plan.reported), "reported task"), _WOULD, rows, header=1, tasks=True)
        yield section("reported", "Reported", element("p", f"{REPORTED.capitalize()}."), content)
    if plan.blocked:
        rows = (_cells(skipped) for skipped in plan.blocked)
        content = table("blocked", counted(len(plan.blocked), "blocked task"), _TASK, rows, tasks=True)
        yield section("blocked", "Blocked", element("p", f"{BLOCKED.capitalize()}."), content)
    if plan.protected:
        rows = ([*_cells(skipped), codes(skipped.protections)] for skipped in plan.protected)
        content = table("protected", counted(len(plan.protected), "protected task"), _PROTECTED, rows, tasks=True)
        yield section("protected", "Protected", element("p", f"{PROTECTED.capitalize()}."), content)


def _changes(changes: Sequence[Change], tally: Tally) -> Markup:
    """A reason stands in a row where it is not that of the policy, which the table of policies has."""
    reasons = ["" if tally.says(change) else change.reason for change in changes]
    told = any(reasons)
    rows = (
        [steps_cell(change.steps), *_cells(change)[:-1], *([reason] if told else [])]
        for change, reason in zip(changes, reasons, strict=True)
    )
    columns, kind = (_CHANGE, "") if told else (_CHANGE[:-1], "shared")
    return table("changes", counted(len(changes), "change"), columns, rows, header=1, tasks=True, kind=kind)


def _legend(changes: Sequence[Change]) -> Markup:
    """What the words in the first column mean, those that this plan uses."""
    used = {change.steps for change in changes}
    meanings = [(steps_cell(steps), meaning) for steps, meaning in MEANINGS.items() if steps in used]
    return element("dl", *(element("div", element("dt", what), element("dd", means)) for what, means in meanings))


def steps_cell(steps: tuple[Action, ...]) -> Markup:
    """What is done; set off by the last step, since a deletion cannot be undone."""
    return element("code", steps_words(steps), class_=steps[-1].value)


def _cells(item: Change | Skipped) -> list[str]:
    return [
        item.task_id,
        item.target,
        item.resource,
        _status(item.observed),
        moment(created(item.observed)),
        _fields(item.observed),
        codes(item.policies),
        item.reason,
    ]


def _status(observed: Observed) -> Markup:
    """Our status, which the filter offers, and the vendor's where it is another word."""
    status = value_text(observed.get("status", "unknown"))
    vendor = value_text(observed.get("provider_status", ""))
    return joined([element("code", status), f" ({vendor})" if vendor and vendor.lower() != status else ""])


def _fields(observed: Observed) -> Markup:
    told = ((name, value) for name, value in fields(observed) if name not in _TOLD)
    return joined((joined([element("i", name), " ", _value(name, value)]) for name, value in told), Markup("<br>"))


def _value(name: str, value: str) -> str:
    """A time that can be read as one is told as such."""
    seconds = created({"created_at": value}) if name.endswith("_at") else None
    return value if seconds is None else moment(seconds)
