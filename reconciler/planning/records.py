"""The parts of plans and reports as JSON records, and back: one pair of functions for each class.

The way back expects records that passed the schema. Text passes `presentable` again there: a file may have been
altered, and must not bring control characters to a terminal. Only `task_id` stays as it is, since calls are made
with it; renderers escape it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.planning.plan import Change, Guard, GuardVerdict, Note, PolicyVerdict, ScopeVerdict, Source, Spared
from reconciler.redaction import presentable
from reconciler.tasks.fault import Fault, Meaning
from reconciler.tasks.observation import Completeness
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.planning.plan import Observed
    from reconciler.planning.strict_json import Document

__all__ = [
    "change_of",
    "change_record",
    "fault_of",
    "fault_record",
    "guard_of",
    "guard_record",
    "note_of",
    "note_record",
    "policy_of",
    "policy_record",
    "rfc3339",
    "scope_of",
    "scope_record",
    "seconds_of",
    "shown",
    "spared_of",
    "spared_record",
]


def rfc3339(seconds: int) -> str:
    """`2026-01-02T03:04:05Z` for seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def seconds_of(text: str) -> int:
    """Seconds since the epoch for RFC 3339 with a zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return int(moment.timestamp())


def shown(text: str | None) -> str | None:
    return None if text is None else presentable(text)


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(presentable(value) for value in values)


def _observed_record(observed: Observed) -> Document:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in sorted(observed.items())}


def _observed_of(record: Document) -> Observed:
    return {presentable(name): _value_of(value) for name, value in record.items()}


def _value_of(value: str | int | list[str]) -> str | int | tuple[str, ...]:
    if isinstance(value, list):
        return _texts(value)
    return presentable(value) if isinstance(value, str) else value


def _task_record(item: Change | Spared) -> Document:
    return {
        "id": "/".join((item.target, item.resource, item.task_id)),
        "target": item.target,
        "resource": item.resource,
        "task_id": item.task_id,
    }


def _why_record(item: Change | Spared) -> Document:
    return {
        "policies": list(item.policies),
        "reason": item.reason,
        "observed": _observed_record(item.observed),
    }


def change_record(change: Change) -> Document:
    return {**_task_record(change), "steps": [step.value for step in change.steps], **_why_record(change)}


def change_of(record: Document) -> Change:
    return Change(
        target=record["target"],
        resource=record["resource"],
        task_id=record["task_id"],
        steps=tuple(Action(step) for step in record["steps"]),
        policies=tuple(record["policies"]),
        reason=presentable(record["reason"]),
        observed=_observed_of(record["observed"]),
    )


def spared_record(spared: Spared) -> Document:
    named = {"protections": list(spared.protections)} if spared.protections else {}
    return {**_task_record(spared), **named, **_why_record(spared)}


def spared_of(record: Document) -> Spared:
    return Spared(
        target=record["target"],
        resource=record["resource"],
        task_id=record["task_id"],
        policies=tuple(record["policies"]),
        reason=presentable(record["reason"]),
        observed=_observed_of(record["observed"]),
        protections=tuple(record.get("protections", ())),
    )


def scope_record(scope: ScopeVerdict) -> Document:
    return {
        "target": scope.target,
        "resource": scope.resource,
        "tasks": dict(sorted(scope.observed.items())),
        "requests": scope.requests,
        "complete": scope.whole,
        "completeness": scope.completeness.value,
        "error": fault_record(scope.error),
    }


def scope_of(record: Document) -> ScopeVerdict:
    return ScopeVerdict(
        target=record["target"],
        resource=record["resource"],
        observed={presentable(status): count for status, count in record["tasks"].items()},
        requests=record["requests"],
        completeness=Completeness(record["completeness"]),
        error=fault_of(record["error"]),
    )


def policy_record(policy: PolicyVerdict) -> Document:
    counts = ("matched", "surplus", "changes", "kept", "blocked", "protected", "unknown")
    return {
        "name": policy.name,
        "description": policy.description,
        "resource": policy.resource,
        "targets": list(policy.targets),
        **{count: getattr(policy, count) for count in counts},
        "guards": [guard_record(verdict) for verdict in policy.guards],
        "suspended": policy.suspended,
        "on_blocked": "fail" if policy.fails_on_blocked else "report",
        "source": {"file": policy.source.file, "line": policy.source.line} if policy.source else None,
    }


def policy_of(record: Document) -> PolicyVerdict:
    return PolicyVerdict(
        name=record["name"],
        resource=record["resource"],
        targets=tuple(record["targets"]),
        matched=record["matched"],
        surplus=record["surplus"],
        changes=record["changes"],
        kept=record["kept"],
        blocked=record["blocked"],
        protected=record["protected"],
        unknown=record["unknown"],
        guards=tuple(guard_of(guard) for guard in record["guards"]),
        description=presentable(record["description"]),
        suspended=record["suspended"],
        fails_on_blocked=record["on_blocked"] == "fail",
        source=_source_of(record["source"]),
    )


def _source_of(record: Document | None) -> Source | None:
    return Source(presentable(record["file"]), record["line"]) if record else None


def guard_record(verdict: GuardVerdict) -> Document:
    return {
        "guard": verdict.guard.value,
        "target": verdict.target,
        "resource": verdict.resource,
        "limit": verdict.limit,
        "changes": verdict.changes,
        "basis": verdict.basis,
        "needed": verdict.needed,
        "breached": verdict.breached,
        "overridden": verdict.overridden,
    }


def guard_of(record: Document) -> GuardVerdict:
    return GuardVerdict(
        guard=Guard(record["guard"]),
        limit=record["limit"],
        changes=record["changes"],
        basis=record["basis"],
        target=shown(record["target"]),
        resource=shown(record["resource"]),
        overridden=record["overridden"],
    )


def fault_record(fault: Fault | None) -> Document | None:
    if fault is None:
        return None
    return {
        "meaning": fault.meaning.value,
        "code": fault.code,
        "http_status": fault.http_status,
        "message": fault.message,
        "request_id": fault.request_id,
    }


def fault_of(record: Document | None) -> Fault | None:
    if record is None:
        return None
    return Fault(
        meaning=Meaning(record["meaning"]),
        message=presentable(record["message"]),
        code=shown(record["code"]),
        http_status=record["http_status"],
        request_id=shown(record["request_id"]),
    )


def note_record(note: Note) -> Document:
    return {
        "severity": note.severity,
        "message": note.message,
        "target": note.target,
        "resource": note.resource,
        "policy": note.policy,
    }


def note_of(record: Document) -> Note:
    return Note(
        severity=record["severity"],
        message=presentable(record["message"]),
        target=shown(record["target"]),
        resource=shown(record["resource"]),
        policy=shown(record["policy"]),
    )
