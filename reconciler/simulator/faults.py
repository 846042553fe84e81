"""Faults on request: what goes wrong, for which requests, and how often."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from threading import RLock
from typing import Any

from reconciler.simulator.wire import WireRequest


class FaultKind(StrEnum):
    """Every fault that can be asked for."""

    # Something happens to the tasks just before the request is handled.
    START_TASK = "start_task"  # the task moves on to running: it won the race
    FINISH_TASK = "finish_task"  # the task ends, with the status in `final`
    CANCEL_TASK = "cancel_task"  # somebody else cancelled it
    DISAPPEAR = "disappear"  # somebody else deleted it
    SHIFT_PAGE = "shift_page"  # `drop` rows leave the head of the list, `insert` new ones appear there
    # The request waits, then goes on.
    LATENCY = "latency"  # `seconds` of real time
    # The answer is not what the cloud says; nothing is carried out.
    THROTTLE = "throttle"  # the vendor's form of it, `code` and `retry_after` (seconds) if wanted
    STATUS = "status"  # `status` with `body` and `headers`; by default the vendor's form of an error
    REDIRECT = "redirect"  # 302 to `location`
    HTML = "html"  # 200 with a page: a captive portal, a proxy
    EMPTY = "empty"  # 200 without a body
    BROKEN_JSON = "broken_json"  # 200 with half a document
    WRONG_ENVELOPE = "wrong_envelope"  # 200 with JSON that has none of the expected keys
    # The connection.
    RESET = "reset"  # closed before the effect
    LOST_ANSWER = "lost_answer"  # the effect takes place, then the connection is closed without an answer
    TRUNCATED = "truncated"  # the effect takes place, half of the body arrives (nothing, where there is none)
    HANG = "hang"  # no answer, for `seconds` or until the client gives up


TASK_FAULTS = frozenset(
    {
        FaultKind.START_TASK,
        FaultKind.FINISH_TASK,
        FaultKind.CANCEL_TASK,
        FaultKind.DISAPPEAR,
        FaultKind.SHIFT_PAGE,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule. It applies to the `nth` request that matches and the ones behind it, `times` in all (0: always).

    `method` is exact, `path` a regular expression searched in the path (Aliyun and AWS: in the action), `query` one
    searched in the raw query. `task` names the task of a race; empty: the tasks that the request names.
    """

    kind: FaultKind
    vendor: str = ""
    method: str = ""
    path: str = ""
    query: str = ""
    nth: int = 1
    times: int = 1
    seconds: float = 0.0
    code: str = ""
    retry_after: float | None = None
    status: int = 503
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    location: str = "https://login.example.com/"
    task: str = ""
    final: str = "succeeded"
    drop: int = 1
    insert: int = 0

    def matches(self, vendor: str, action: str, request: WireRequest) -> bool:
        """Whether the rule is about such a request."""
        return (
            self.vendor in {"", vendor}
            and self.method.upper() in {"", request.method}
            and re.search(self.path, action or request.path) is not None
            and re.search(self.query, request.raw_query) is not None
        )

    @property
    def decides(self) -> bool:
        """Whether the fault takes the place of the answer."""
        return self.kind not in TASK_FAULTS and self.kind is not FaultKind.LATENCY

    def describe(self) -> dict[str, Any]:
        """The rule as JSON, without what is left at its default."""
        defaults = {entry.name: entry.default for entry in fields(self)}
        return {name: content for name, content in asdict(self).items() if content != defaults[name] and content != {}}


class FaultQueue:
    """The rules in force, oldest first. Safe to use from any thread."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._rules: list[tuple[Fault, list[int]]] = []

    def add(self, kind: FaultKind | str, **rule: Any) -> Fault:  # noqa: ANN401 - the attributes of Fault
        """Add a rule. Raises ValueError for an unknown kind or regular expression, TypeError for unknown keys."""
        fault = Fault(kind=FaultKind(kind), **rule)
        for expression in (fault.path, fault.query):
            try:
                re.compile(expression)
            except re.error as broken:
                raise ValueError(f"{expression!r} is no regular expression: {broken}") from broken
        with self._lock:
            self._rules.append((fault, [0]))
        return fault

    def clear(self) -> None:
        """Drop every rule."""
        with self._lock:
            self._rules.clear()

    @property
    def pending(self) -> list[Fault]:
        """The rules that can still apply."""
        with self._lock:
            return [fault for fault, seen in self._rules if not _spent(fault, seen[0])]

    def take(self, vendor: str, action: str, request: WireRequest) -> list[Fault]:
        """The rules that apply to this request, counted as used. Of those that decide the answer only the first."""
        taken: list[Fault] = []
        with self._lock:
            for fault, seen in self._rules:
                if _spent(fault, seen[0]) or not fault.matches(vendor, action, request):
                    continue
                if fault.decides and any(other.decides for other in taken):
                    continue
                seen[0] += 1
                if seen[0] >= fault.nth:
                    taken.append(fault)
            self._rules = [rule for rule in self._rules if not _spent(rule[0], rule[1][0])]
        return taken


def _spent(fault: Fault, seen: int) -> bool:
    return fault.times > 0 and seen >= fault.nth + fault.times - 1
