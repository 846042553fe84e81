"""Plans and reports as the few numbers that a CI system passes on or shows.

`key=value` lines are for GITHUB_OUTPUT, and for dotenv reports of GitLab: no value holds a line break, as no text of a
plan or report does, so that none can begin a line of its own. The artifact `reports:terraform` of GitLab has its three
counts shown in the merge request: https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsterraform.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from reconciler.planning.report import Outcome
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report


def render_plan_outputs(plan: Plan) -> str:
    summary = plan.summary
    return _lines(
        {
            "outcome": plan.outcome,
            "digest": plan.digest,
            "changes": summary.changes,
            "cancel": summary.cancel,
            "delete": summary.delete,
            "cancel_then_delete": summary.cancel_then_delete,
            "blocked": summary.blocked,
            "protected": summary.protected,
            "refused": summary.refused,
            "deferred": summary.deferred,
            "reported": summary.reported,
            "requests": plan.estimate.total,
            "seconds": plan.estimate.seconds,
            "applyable": "true" if plan.applyable else "false",
        }
    )


def render_report_outputs(report: Report) -> str:
    """Outcome, digest of the plan, exit code, and the number of changes by outcome."""
    return _lines(
        {
            "outcome": report.outcome,
            "digest": report.plan_digest,
            "exit_code": report.exit_code.value,
            "changes": len(report.results),
            **report.summary,
        }
    )


def _lines(values: Mapping[str, str | int]) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())


def render_plan_gitlab(plan: Plan) -> str:
    """What the plan would do: a change that ends with a delete counts as one, any other as an update."""
    return _document(change.steps for change in plan.changes)


def render_report_gitlab(report: Report) -> str:
    """What the run did: the changes that are done."""
    return _document(result.steps for result in report.results if result.outcome is Outcome.DONE)


def _document(changes: Iterable[tuple[Action, ...]]) -> str:
    last = Counter(steps[-1] for steps in changes)
    return json.dumps({"create": 0, "update": last[Action.CANCEL], "delete": last[Action.DELETE]}) + "\n"
