"""Steering over HTTP, for users whose test is another process.

`GET /_simulator/state` and `/requests`, `POST /_simulator/advance` `{"duration": "6h"}`, `POST /_simulator/faults`
with the attributes of a fault, `DELETE /_simulator/faults` and `/requests`. Behind `?owner=ID`, state and requests are
those of one project or account.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from reconciler.simulator.clouds import LocalClouds
from reconciler.simulator.wire import Answer, WireRequest, json_answer, json_object, pairs

PREFIX = "/_simulator/"


def handle(simulator: LocalClouds, request: WireRequest) -> Answer:
    """Answer a steering request."""
    serve = _OPERATIONS.get((request.method, request.path.removeprefix(PREFIX)))
    if serve is None:
        known = sorted(f"{method} {PREFIX}{name}" for method, name in _OPERATIONS)
        return json_answer(404, {"error": f"unknown; there are {', '.join(known)}"})
    body = json_object(request.body) if request.body else {}
    if body is None:
        return json_answer(400, {"error": "the body is no JSON object"})
    asked = dict(pairs(request.raw_query, plus_is_space=True)) if request.method == "GET" else body
    if request.method == "GET" and asked.keys() - {"owner"}:
        return json_answer(400, {"error": "a query can say owner=ID, and nothing else"})
    try:
        return json_answer(200, serve(simulator, asked))
    except (ValueError, TypeError, KeyError, OverflowError) as broken:
        return json_answer(400, {"error": str(broken)})


def _state(simulator: LocalClouds, asked: Mapping[str, Any]) -> dict[str, Any]:
    owner = asked.get("owner")
    tasks: dict[str, Counter[str]] = {}
    for store in simulator.stores.values():
        for task in store:
            if owner in {None, task.owner}:
                tasks.setdefault(task.kind, Counter())[task.status] += 1
    return {
        "now": simulator.clock.now.isoformat(),
        "tasks": tasks,
        "counters": {" ".join(key): count for key, count in sorted(simulator.log.counters(owner).items())},
        "faults": [fault.describe() for fault in simulator.faults.pending],
        "anomalies": [asdict(anomaly) for anomaly in simulator.anomalies if owner in {None, anomaly.owner}],
    }


def _requests(simulator: LocalClouds, asked: Mapping[str, Any]) -> dict[str, Any]:
    owner = asked.get("owner")
    return {"requests": [asdict(record) for record in simulator.requests if owner in {None, record.owner}]}


def _advance(simulator: LocalClouds, body: Mapping[str, Any]) -> dict[str, Any]:
    step = body.get("duration", body.get("seconds"))
    if step is None:
        raise ValueError('give {"duration": "6h"} or {"seconds": 90}')
    return {"now": simulator.clock.advance(step).isoformat()}


def _add_fault(simulator: LocalClouds, body: Mapping[str, Any]) -> dict[str, Any]:
    return simulator.faults.add(**body).describe()


def _clear_faults(simulator: LocalClouds, _: Mapping[str, Any]) -> dict[str, Any]:
    simulator.faults.clear()
    return {}


def _clear_requests(simulator: LocalClouds, _: Mapping[str, Any]) -> dict[str, Any]:
    simulator.log.clear()
    return {}


_OPERATIONS: Mapping[tuple[str, str], Callable[[LocalClouds, Mapping[str, Any]], dict[str, Any]]] = {
    ("GET", "state"): _state,
    ("GET", "requests"): _requests,
    ("POST", "advance"): _advance,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("DELETE", "requests"): _clear_requests,
}
