"""The artifact `reports:terraform` of GitLab CI, which shows its three counts in the merge request.

https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsterraform
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from reconciler.engine.report import Outcome
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from reconciler.engine.report import Report
    from reconciler.planning.plan import Plan

__all__ = ["render_plan_gitlab", "render_report_gitlab"]


def render_plan_gitlab(plan: Plan) -> str:
    """What the plan would do: a cancel counts as an update, a delete as a delete; nothing is ever created."""
    return _document(plan.summary.cancel, plan.summary.delete)


def render_report_gitlab(report: Report) -> str:
    """What the run did: the steps of the changes that are done."""
    done = Counter(step for result in report.results if result.outcome is Outcome.DONE for step in result.change.steps)
    return _document(done[Action.CANCEL], done[Action.DELETE])


def _document(cancel: int, delete: int) -> str:
    return json.dumps({"create": 0, "update": cancel, "delete": delete}) + "\n"
