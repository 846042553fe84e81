"""The plan as a JSON document: what `plan --out` saves and `apply --plan` reads.

A saved plan is untrusted input. It is checked against the schema and its checksum, its digest is computed anew, and
everything that follows from its parts is computed rather than believed.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from reconciler.exceptions import InvalidPlan
from reconciler.planning.digest import sha256
from reconciler.planning.plan import Overrides, Plan
from reconciler.planning.records import (
    change_of,
    change_record,
    guard_of,
    guard_record,
    note_of,
    note_record,
    policy_of,
    policy_record,
    rfc3339,
    scope_of,
    scope_record,
    seconds_of,
    spared_of,
    spared_record,
)
from reconciler.planning.schema import PLAN_SCHEMA, check
from reconciler.planning.strict_json import dump, load
from reconciler.redaction import presentable
from reconciler.tasks.observation import Completeness
from reconciler.tasks.task import ID_FORM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.planning.strict_json import Document

__all__ = ["check_derived", "checksum", "plan_document", "plan_from_document", "read_plan", "render_plan"]

_AGAIN = "make the plan again; a plan is never edited by hand"
_OLDEST_MINOR = 1
_DERIVED = ("digest", "summary", "outcome", "causes", "complete", "applyable", "errored")


def plan_document(plan: Plan) -> Document:
    """The keys and values of `plan.json`."""
    document = {
        "format": "reconciler.plan",
        "format_version": "1.1",
        "tool_version": plan.tool_version,
        "created_at": rfc3339(plan.created_at),
        "expires_at": rfc3339(plan.expires_at),
        "configuration": {"digest": plan.fingerprint, "files": list(plan.files)},
        "overrides": asdict(plan.overrides),
        "scopes": [scope_record(scope) for scope in plan.scopes],
        "policies": [policy_record(policy) for policy in plan.policies],
        "run_guards": [guard_record(verdict) for verdict in plan.run_guards],
        "changes": [change_record(change) for change in plan.changes],
        "blocked": [spared_record(spared) for spared in plan.blocked],
        "protected": [spared_record(spared) for spared in plan.protected],
        "summary": asdict(plan.summary),
        "outcome": plan.outcome,
        "causes": list(plan.causes),
        "diagnostics": [note_record(note) for note in plan.notes],
        "complete": plan.complete,
        "applyable": plan.applyable,
        "errored": plan.errored,
        "digest": plan.digest,
    }
    return {**document, "checksum": checksum(document)}


def checksum(document: Document) -> str:
    """The checksum of a plan's keys and values, whatever it says of its own."""
    return sha256({key: value for key, value in document.items() if key != "checksum"})


def render_plan(plan: Plan) -> str:
    """The text of `plan.json`."""
    return dump(plan_document(plan))


def read_plan(text: str, source: str = "plan") -> Plan:
    """The plan that `text` holds; `source` names it in messages. Raises InvalidPlan, and nothing else."""
    return plan_from_document(load(text, source), source)


def plan_from_document(document: Document, source: str = "plan") -> Plan:
    """The plan of a parsed document. Raises InvalidPlan."""
    check(document, PLAN_SCHEMA, source, oldest=_OLDEST_MINOR)
    try:
        if document["checksum"] != checksum(document):
            raise InvalidPlan(
                f"{source}: its checksum is another: the file was torn or altered after it was made", _AGAIN
            )
        plan = _plan_of(document)
    except RecursionError:  # under a key that only a later version knows
        raise InvalidPlan(f"{source}: nested too deeply", _AGAIN) from None
    except ValueError as error:  # a time such as month 13 passes the schema
        raise InvalidPlan(f"{source}: {error}", _AGAIN) from None
    check_derived(document, plan_document(plan), _DERIVED, source)
    for contradiction in _contradictions(plan):
        raise InvalidPlan(f"{source}: {contradiction}", _AGAIN)
    return plan


def _plan_of(document: Document) -> Plan:
    overrides = document["overrides"]
    return Plan(
        tool_version=presentable(document["tool_version"]),
        created_at=seconds_of(document["created_at"]),
        expires_at=seconds_of(document["expires_at"]),
        fingerprint=document["configuration"]["digest"],
        files=tuple(presentable(file) for file in document["configuration"]["files"]),
        scopes=tuple(scope_of(record) for record in document["scopes"]),
        policies=tuple(policy_of(record) for record in document["policies"]),
        changes=tuple(change_of(record) for record in document["changes"]),
        blocked=tuple(spared_of(record) for record in document["blocked"]),
        protected=tuple(spared_of(record) for record in document["protected"]),
        notes=tuple(note_of(record) for record in document["diagnostics"]),
        run_guards=tuple(guard_of(record) for record in document["run_guards"]),
        overrides=Overrides(overrides["max_actions"], overrides["max_percent"]),
        unknown=document["summary"]["unknown"],
    )


def check_derived(given: Document, computed: Document, keys: Iterable[str], source: str) -> None:
    """Raise InvalidPlan where a value that follows from the rest of the document is another than `computed`."""
    for path, expected, found in _derived(given, computed, keys):
        if found != expected:
            raise InvalidPlan(
                f"{source}: {path} is {presentable(repr(found))[:200]}, but its content gives "
                f"{presentable(repr(expected))[:200]}: the file was altered after it was made",
                _AGAIN,
            )


def _derived(given: Document, computed: Document, keys: Iterable[str]) -> Iterator[tuple[str, object, object]]:
    for key in keys:
        if isinstance(computed[key], dict):  # a later minor version may add keys
            yield from ((f"{key}.{name}", value, given[key][name]) for name, value in computed[key].items())
        else:
            yield key, computed[key], given[key]
    for group, name in (
        ("changes", "id"),
        ("results", "id"),
        ("blocked", "id"),
        ("protected", "id"),
        ("scopes", "complete"),
    ):
        records = computed.get(group)
        if isinstance(records, list):  # `blocked` of a report is a count
            for index, record in enumerate(records):
                yield f"{group}[{index}].{name}", record[name], given[group][index][name]
    yield from _derived_guards(given, computed, "")
    for index, policy in enumerate(computed.get("policies", ())):
        yield from _derived_guards(given["policies"][index], policy, f"policies[{index}].")


def _derived_guards(given: Document, computed: Document, place: str) -> Iterator[tuple[str, object, object]]:
    for group in ("guards", "run_guards"):
        for index, record in enumerate(computed.get(group, ())):
            for name in ("needed", "breached"):
                yield f"{place}{group}[{index}].{name}", record[name], given[group][index][name]


def _contradictions(plan: Plan) -> Iterator[str]:
    """What no planner writes: an altered plan with a digest to match is still refused for these."""
    seen = set()
    failed = {(scope.target, scope.resource) for scope in plan.scopes if scope.completeness is Completeness.FAILED}
    for change in plan.changes:
        if not ID_FORM.fullmatch(change.task_id):
            yield f"{presentable(repr(change.task_id))[:80]} can be no id of a task"
        if change.key in seen:
            yield f"the task {presentable(change.id)} is changed twice"
        if (change.target, change.resource) in failed:
            yield f"the task {presentable(change.id)} would be changed, although its scope could not be listed"
        seen.add(change.key)
    for spared in plan.protected:
        if (spared.target, spared.resource, spared.task_id) in seen:
            yield f"the task {presentable(spared.task_id)} would be changed, although it is protected"
