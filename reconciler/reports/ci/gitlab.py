"""The artifact `reports:terraform` of GitLab CI, which shows its three counts in the merge request.

https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsterraform
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from reconciler.planning.report import Outcome
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report

__all__ = ["render_plan_gitlab", "render_report_gitlab"]


def render_plan_gitlab(plan: Plan) -> str:
    """What the plan would do: a change that ends with a delete counts as one, any other as an update."""
    return _document(change.steps for change in plan.changes)


def render_report_gitlab(report: Report) -> str:
    """What the run did: the changes that are done."""
    return _document(result.steps for result in report.results if result.outcome is Outcome.DONE)


def _document(changes: Iterable[tuple[Action, ...]]) -> str:
    last = Counter(steps[-1] for steps in changes)
    return json.dumps({"create": 0, "update": last[Action.CANCEL], "delete": last[Action.DELETE]}) + "\n"
