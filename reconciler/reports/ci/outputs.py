"""Facts as `key=value` lines, for GITHUB_OUTPUT and for dotenv reports of GitLab.

No value holds a line break, as no text of a plan or report does, so that none can begin a line of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report

__all__ = ["render_plan_outputs", "render_report_outputs"]


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
