"""Ten thousand changes against clouds in which everything goes wrong at once, and every promise is kept."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.work import Patience
from reconciler.simulator import Fault, FaultKind, Simulator
from reconciler.simulator.clouds import Arrival
from reconciler.simulator.faults import FaultQueue
from reconciler.simulator.wire import Outcome, WireRequest
from tests.faults.conftest import Pauses
from tests.faults.kinds import PACKAGING, SNAPSHOT, TRANSCODING, Applied, applied, named
from tests.terminal import HEAD, Terminal

EDITING, GIF, UPLOAD = "huaweicloud.vod.editing", "huaweicloud.mpc.animated_gif", "aliyun.vod.url_upload"
SEED = 20

POLICIES = f"""
settings: {{concurrency: 32, limits: {{max_actions: 100000, max_percent: 100}}}}
protect:
  hold: {{resource: {TRANSCODING}, match: {{input.bucket: hold}}}}
policies:
  snapshots: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}
  transcodes: {{resource: {TRANSCODING}, match: {{status: pending, input.bucket: [old, hold]}}, ensure: absent}}
  records: {{resource: {PACKAGING}, match: {{status: succeeded, input.bucket: old}}, ensure: absent}}
  packaging: {{resource: {PACKAGING}, match: {{input.bucket: both}}, ensure: absent}}
  edits: {{resource: {EDITING}, match: {{status: pending}}, ensure: absent}}
  gifs: {{resource: {GIF}, match: {{status: pending}}, ensure: absent}}
  uploads: {{resource: {UPLOAD}, match: {{status: pending}}, ensure: absent}}
"""
ALIYUN = """
  aliyun:
    provider: aliyun
    region: cn-shanghai
    endpoints: {vod: "${URL}"}
    rate_limits: {vod: 10000/s}
    inventory: {job_ids: {file: jobs.txt}}
"""

PLANNED = [
    (SNAPSHOT, 2600, "pending", "old"),
    (TRANSCODING, 1500, "pending", "old"),
    (PACKAGING, 1000, "succeeded", "old"),
    (PACKAGING, 400, "pending", "both"),
    (EDITING, 200, "pending", ""),
    (GIF, 300, "pending", "old"),
    (UPLOAD, 4000, "pending", ""),
]
BYSTANDERS = [
    (SNAPSHOT, 30, "running", "old"),
    (TRANSCODING, 30, "pending", "hold"),
    (TRANSCODING, 30, "pending", "new"),
    (PACKAGING, 30, "failed", "old"),
    (EDITING, 30, "succeeded", ""),
    (UPLOAD, 30, "running", ""),
]

TO_CALLS = {
    FaultKind.THROTTLE: 0.005, FaultKind.LOST_ANSWER: 0.02, FaultKind.RESET: 0.02, FaultKind.STATUS: 0.02,
    FaultKind.TRUNCATED: 0.01, FaultKind.HTML: 0.005, FaultKind.EMPTY: 0.005, FaultKind.REDIRECT: 0.005,
    FaultKind.START_TASK: 0.02, FaultKind.FINISH_TASK: 0.01, FaultKind.CANCEL_TASK: 0.01, FaultKind.DISAPPEAR: 0.005,
}  # fmt: skip
TO_READS = {
    FaultKind.THROTTLE: 0.005, FaultKind.STATUS: 0.02, FaultKind.RESET: 0.01, FaultKind.LOST_ANSWER: 0.01,
    FaultKind.START_TASK: 0.01, FaultKind.CANCEL_TASK: 0.005,
}  # fmt: skip
"""Chances per request. Tasks begin to move with the first call, so that the plan holds them all."""

BREAKING = (FaultKind.HTML, FaultKind.EMPTY, FaultKind.TRUNCATED)
"""Besides those above: what readings by id may be answered with, and listings not, since that fails their scope."""


class Chaos(FaultQueue):
    """Draws the faults that each request meets. The seed makes the draws the same; what meets them is up to timing."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator._lock)
        self._draw = random.Random(SEED)  # noqa: S311 - no secret
        self._begun = False
        self.met: Counter[tuple[str, FaultKind]] = Counter()

    def take(self, vendor: str, action: str, request: WireRequest) -> list[Fault]:
        taken = super().take(vendor, action, request)
        named = "task_id=" in request.raw_query or "JobIds=" in request.raw_query
        calls = request.method == "DELETE" or action == "CancelUrlUploadJobs"
        self._begun |= calls
        for kind, chance in (TO_CALLS if calls else TO_READS).items():
            if self._draw.random() < chance and (self._begun or Fault(kind).decides):
                taken.append(Fault(kind, retry_after=0.0, status=self._draw.choice([500, 502, 503])))
        if not calls and named and self._begun and self._draw.random() < 0.01:
            taken.append(Fault(self._draw.choice(BREAKING)))
        self.met.update(("call" if calls else "read", fault.kind) for fault in taken)
        decisive = [fault for fault in taken if fault.decides][:1]
        return [*(fault for fault in taken if not fault.decides), *decisive]


class Witness(Simulator):
    """Clouds that note what each reading showed, and whether a call came although its effect had been shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[tuple[str, str], str] = {}
        self.too_late: list[tuple[str, str, str]] = []

    def arrive(self, request: WireRequest) -> Arrival:
        arrival = super().arrive(request)
        if arrival.destructive:
            ends = {"gone"} if arrival.operation.endswith(".delete") else {"gone", "canceled"}
            late = [task_id for task_id in arrival.named if self.shown.get((arrival.kind, task_id)) in ends]
            self.too_late += [(arrival.operation, task_id, "seen before") for task_id in late]
        return arrival

    def perform(self, arrival: Arrival) -> Outcome:
        outcome = super().perform(arrival)
        if not arrival.destructive and arrival.named and not any(fault.decides for fault in arrival.faults):
            body = json.loads(outcome.answer.body)
            rows = next((rows for rows in body.values() if isinstance(rows, list) and rows), [])
            found = {
                str(row.get("task_id") or row.get("JobId")): row["Status" if "Status" in row else "status"]
                for row in rows
                if isinstance(row, dict)
            }
            for task_id in arrival.named:
                word = found.get(task_id, "NO_TASK")
                state = "gone" if word == "NO_TASK" else "canceled" if word.startswith("CANCEL") else "there"
                self.shown[arrival.kind, task_id] = state
        return outcome


@pytest.fixture
def simulator() -> Iterator[Witness]:
    with Witness().running() as running:
        yield running


@pytest.fixture(autouse=True)
def patient(brisk: Pauses, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick retries as elsewhere, and time enough for them on a machine that has other things to do."""
    patience = Patience(deadline=30.0, first_pause=0.1, longest_pause=1.0)
    options = partial(ApplyOptions, patience=patience, monotonic=brisk.monotonic)
    monkeypatch.setattr("reconciler.cli.apply_flags.ApplyOptions", options)


def sow(simulator: Simulator, rows: list[tuple[str, int, str, str]], prefix: str) -> dict[tuple[str, str], str]:
    """Add tasks; returns the vendor's status of each by (kind, id)."""
    sown: dict[tuple[str, str], str] = {}
    for kind, count, status, bucket in rows:
        for number in range(count):
            task_id = f"{prefix}{len(sown):05d}"
            fields: dict[str, Any] = {"input": {"bucket": bucket, "object": f"{number}.mp4"}} if bucket else {}
            if kind == UPLOAD:
                fields = {"UploadURL": f"https://h/{number}.mp4"}
            task = simulator.store(kind).add(kind, id=task_id, status=status, created="1d", **fields)
            sown[kind, task.id] = task.status
    return sown


def test_ten_thousand_changes_in_bad_weather(terminal: Terminal, simulator: Witness) -> None:
    planned, bystanders = sow(simulator, PLANNED, "7"), sow(simulator, BYSTANDERS, "8")
    assert len(planned) == 10_000
    terminal.write(HEAD + ALIYUN + POLICIES)
    jobs = [task_id for kind, task_id in (*planned, *bystanders) if kind == UPLOAD]
    (terminal.directory / "jobs.txt").write_text("\n".join(jobs))
    chaos = simulator.faults = Chaos(simulator)

    run = applied(terminal)
    assert run.code in {0, 3}
    assert run.finished.json["errored"] is False
    assert {(result["resource"], task_id) for task_id, result in run.results.items()} == set(planned)
    _check_truth(run, simulator)
    _check_requests(run, simulator, set(planned))
    assert all(chaos.met["call", kind] for kind in TO_CALLS), "the weather was as bad as promised"
    assert all(chaos.met["read", kind] for kind in TO_READS)
    assert len(run.ids("done")) > 8_500

    simulator.faults = FaultQueue(simulator._lock)
    again = applied(terminal)
    assert again.code == 0
    assert again.kinds <= {"done"}
    _check_truth(again, simulator)
    for (kind, task_id), status in planned.items():
        store = simulator.store(kind)
        left = store.status(kind, task_id)
        assert left is None or left != status, f"{kind} {task_id} is still {left}"
    assert {key: simulator.store(key[0]).status(*key) for key in bystanders} == bystanders
    assert not {key[1] for key in bystanders} & _named(simulator)
    assert simulator.too_late == []


def _check_truth(run: Applied, simulator: Simulator) -> None:
    """What is reported of each task is what the cloud itself says."""
    for task_id, result in run.results.items():
        store = simulator.store(result["resource"])
        status = store.status(result["resource"], task_id)
        gone = status is None
        canceled = status is not None and status.startswith("CANCEL")
        match result["outcome"]:
            case "done" | "satisfied" if "delete" in result["steps"]:
                assert gone, f"{task_id} is {status}"
            case "done" | "satisfied":
                assert gone or canceled, f"{task_id} is {status}"
            case "missed":
                assert not gone
                assert not canceled or "delete" in result["steps"]


def _check_requests(run: Applied, simulator: Witness, planned: set[tuple[str, str]]) -> None:
    """No call outside of the plan, none without need, and no effect twice."""
    assert simulator.too_late == []
    assert _named(simulator) <= {task_id for _, task_id in planned}
    assert not run.ids("not_attempted") & _named(simulator)
    effects: Counter[tuple[str, str]] = Counter(
        (record.operation, task_id) for record in simulator.destructive_requests for task_id in record.changed
    )
    assert set(effects.values()) == {1}


def _named(simulator: Simulator) -> set[str]:
    """The tasks that destructive requests named."""
    return {task_id for record in simulator.destructive_requests for task_id in named(record)}
