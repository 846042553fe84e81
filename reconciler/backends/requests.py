"""What waits in the writer's queue, with the rows it stands for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from reconciler.backends.entries import ActionState, TaskOutcome
from reconciler.backends.fencing import NO_FENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.backends.entries import ActionResult, Author, Intent, Planned, RunEnd, RunStart
    from reconciler.backends.fencing import Fence
    from reconciler.tasks.observation import Fault

Row = dict[str, str | int | None]
Subject = tuple[str, ...]
"""What a request is about. Requests about different subjects may be written in any order."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The start of a run at `at` (ms since the epoch) by process `pid` on `host`."""

    run_id: str
    start: RunStart
    at: int
    host: str
    pid: int

    @property
    def row(self) -> Row:
        start = self.start
        here = {"run_id": self.run_id, "started_at": self.at, "host": storable(self.host), "pid": self.pid}
        return {**asdict(start), **here, "planned": _json(start.planned), "author": _json(start.author)}


@dataclass(frozen=True, slots=True)
class End:
    """The end of a run at `at` (ms since the epoch)."""

    run_id: str
    end: RunEnd
    at: int

    @property
    def row(self) -> Row:
        summary = json.dumps(dict(self.end.summary), separators=(",", ":"))
        return {
            "finished_at": self.at,
            "outcome": self.end.outcome,
            "exit_code": self.end.exit_code,
            "summary": summary,
            "requests": json.dumps(dict(self.end.requests), separators=(",", ":")) if self.end.requests else None,
        }


@dataclass(frozen=True, slots=True)
class Intents:
    """Intents that are written together or not at all, and only while `fence` holds. `groups` is by target."""

    run_id: str
    entries: tuple[Intent, ...]
    at: int
    fence: Fence
    groups: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def subjects(self) -> frozenset[Subject]:
        return frozenset(_operation(self.run_id, intent) for intent in self.entries)

    @property
    def rows(self) -> list[Row]:
        state = ActionState.INTENT.value
        return [
            {
                **_attempt(self.run_id, intent),
                "state": state,
                "intent_at": self.at,
                "rate_group": self.groups.get(intent.target),
                "policies": _listed(intent.policies),
            }
            for intent in self.entries
        ]


@dataclass(frozen=True, slots=True)
class Results:
    """Results of intents, each with the run that wrote the intent. `settled_by` is the run that found it open. Refused
    where others took the `fence`."""

    entries: tuple[tuple[str, ActionResult], ...]
    at: int
    settled_by: str | None = None
    fence: Fence = NO_FENCE

    @property
    def subjects(self) -> frozenset[Subject]:
        return frozenset(_operation(run_id, result.intent) for run_id, result in self.entries)

    @property
    def rows(self) -> list[Row]:
        """Values under the names of the columns, those of the row to be found under `of_` and the name."""
        return [self._row(run_id, result) for run_id, result in self.entries]

    def _row(self, run_id: str, result: ActionResult) -> Row:
        state = result.state.value
        return {
            **{f"of_{name}": value for name, value in _attempt(run_id, result.intent).items()},
            "of_state": state,
            "state": state,
            "result_at": self.at,
            "settled_by": self.settled_by,
            **(NO_FAULT if result.fault is None else _fault(result.fault)),
        }


_OF_OUTCOME = tuple(each.name for each in fields(TaskOutcome))

NO_FAULT: Row = dict.fromkeys(("fault_meaning", "fault_code", "fault_message", "http_status", "request_id"))
"""The columns of a fault, of a call that had none."""


def _fault(fault: Fault) -> Row:
    return {
        "fault_meaning": fault.meaning.value,
        "fault_code": storable(fault.code),
        "fault_message": storable(fault.message),
        "http_status": fault.http_status,
        "request_id": storable(fault.request_id),
    }


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes of changes; a later one of the same task replaces the earlier. Refused where others took the `fence`."""

    run_id: str
    entries: tuple[TaskOutcome, ...]
    fence: Fence = NO_FENCE

    @property
    def subjects(self) -> frozenset[Subject]:
        return frozenset((self.run_id, *entry.key) for entry in self.entries)

    @property
    def rows(self) -> list[Row]:
        return [
            {
                **{name: getattr(entry, name) for name in _OF_OUTCOME},
                "run_id": self.run_id,
                "detail": storable(entry.detail) or "",
                "policies": _listed(entry.policies),
            }
            for entry in self.entries
        ]


Request = Beginning | End | Intents | Results | Outcomes


def storable(text: str | None) -> str | None:
    """Free text as both databases take it: a lone surrogate or a NUL in a vendor's message must not lose the result.

    Not for ids: a task whose id cannot be stored exactly must not be acted on.
    """
    if text is None:
        return None
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _json(record: Author | Planned | None) -> str | None:
    return None if record is None else storable(msgspec.json.encode(record).decode())


def _listed(names: Sequence[str]) -> str | None:
    """Names in one column: none of them has a comma in it."""
    return ",".join(names) or None


def _attempt(run_id: str, intent: Intent) -> Row:
    """The columns that say of which attempt a row is."""
    return {
        "run_id": run_id,
        "target": intent.target,
        "resource": intent.resource,
        "task_id": intent.task_id,
        "action": intent.action.value,
        "attempt": intent.attempt,
    }


def _operation(run_id: str, intent: Intent) -> Subject:
    return (run_id, *intent.key, intent.action)
