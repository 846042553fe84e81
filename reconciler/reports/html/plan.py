"""The plan as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.reports.commands import apply_saved
from reconciler.reports.html.ages import plan_ages
from reconciler.reports.html.document import document
from reconciler.reports.html.page_parts import footer, masthead, page
from reconciler.reports.html.plan_parts import alerts, how_to_apply, plan_facts
from reconciler.reports.html.policies import policies, scopes
from reconciler.reports.html.tasks import tasks
from reconciler.reports.wording import plan_counts, plan_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.planning.plan import Plan

__all__ = ["render_plan_html"]


def render_plan_html(plan: Plan, *, now: int, saved_to: str | None = None, paths: Sequence[str] | None = None) -> str:
    """The plan as one HTML file. `now` (seconds since the epoch) is what ages are reckoned from.

    `saved_to` is the path that the plan was saved under, `paths` are those it was made from (None: not known).
    """
    counts = plan_counts(plan)
    parts = [
        masthead("reconciler plan", plan.outcome, counts, plan_sentence(plan) or ""),
        *alerts(plan),
        plan_facts(plan, now),
        how_to_apply(plan, now, apply_saved(plan, saved_to, paths)),
        policies(plan, now),
        plan_ages(plan, now),
        tasks(plan, now),
        scopes(plan),
        footer(plan.tool_version, now),
    ]
    return document(f"reconciler plan: {counts}", page(parts))
