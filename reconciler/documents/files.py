"""The files that are read again: plans, which `plan --out` saves and `apply --plan` reads, and reports of `apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.documents.document import Format
from reconciler.documents.strict_json import load
from reconciler.exceptions import InvalidPlan
from reconciler.planning.plan import Plan
from reconciler.planning.report import Report
from reconciler.tasks.observation import Completeness
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def _contradictions(plan: Plan) -> Iterator[str]:
    """What no planner writes: an altered plan with a digest and a checksum to match is still refused for these."""
    failed = {scope.key for scope in plan.scopes if scope.completeness is Completeness.FAILED}
    seen, statuses = set(), {*Status}
    for change in plan.changes:
        scope, key = (change.target, change.resource), (change.target, change.resource, change.task_id)
        if key in seen:
            yield f"the task {change.id} is changed twice"
        if scope in failed:
            yield f"the task {change.id} would be changed, although its scope could not be listed"
        if change.observed.get("status") not in statuses:
            yield f"the task {change.id} would be changed, but not what status it was seen in"
        seen.add(key)
    for skipped in plan.protected:
        if skipped.key in seen:
            yield f"the task {skipped.id} would be changed, although it is protected"
    for reported in plan.reported:
        if reported.key in seen:
            yield f"the task {reported.id} would be changed, although it is only reported"
    for refused in plan.refused:
        if refused.key in seen:
            yield f"the task {refused.id} would be changed, although a guard refuses it"
        if refused.needed <= refused.limit:
            yield f"the task {refused.id} is refused by a limit that it is within"


PLAN_FILE = Format(
    "reconciler.plan",
    "2.0",
    Plan,
    "Saved plan of media-reconciler",
    "make the plan again, and have that reviewed; a plan is never edited by hand",
    sealed=True,
    contradictions=_contradictions,
)
REPORT_FILE = Format(
    "reconciler.report",
    "2.0",
    Report,
    "Report of a run of media-reconciler",
    "use the report as the run wrote it, and the version of reconciler that wrote it",
)


def whole(items: Sequence[Plan | Report]) -> Plan | Report:
    """The plan or report that was read, or that the parts which were read are of. Raises InvalidPlan."""
    plans = [item for item in items if isinstance(item, Plan)]
    reports = [item for item in items if isinstance(item, Report)]
    if plans and reports:
        raise InvalidPlan("plans and reports are different things", "give the files of one of them")
    if len(items) == 1 and not (plans and plans[0].part) and not (reports and reports[0].shard):
        return items[0]
    from reconciler.planning.joining import joined_plan, joined_report  # noqa: PLC0415 - of what several have made

    if reports:
        return joined_report(reports)
    plan = joined_plan(plans)
    for contradiction in _contradictions(plan):
        raise InvalidPlan(contradiction, f"a part was torn or altered; {PLAN_FILE.remedy}")
    return plan


def read_either(data: bytes, source: str) -> Plan | Report:
    """The plan or report that `data` holds, whichever it says it is. Raises InvalidPlan."""
    if PLAN_FILE.begins(data):
        return PLAN_FILE.read(data, source)
    if REPORT_FILE.begins(data):
        return REPORT_FILE.read(data, source)
    document = load(data, source)
    file = REPORT_FILE if document.get("format") == REPORT_FILE.name else PLAN_FILE
    return file.of(document, source)
