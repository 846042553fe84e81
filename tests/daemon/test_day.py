"""A day of cycles: tasks arrive and move on, requests fail, the configuration changes and breaks. At each cycle the
policies hold, what is counted is what the clouds hold, and nothing piles up."""

import asyncio
import gc
import random
from collections import Counter
from pathlib import Path

from reconciler.daemon.cycle import Cycle, Job
from reconciler.daemon.daemon import Daemon
from reconciler.daemon.page import Page
from reconciler.exceptions import ExitCode
from reconciler.reports.metrics import COMPLETE, OF_POLICIES, OLDEST, OUTCOMES, RUNS, TASKS
from tests.daemon.test_daemon import AtOnce
from tests.faults.kinds import SNAPSHOT, TRANSCODING, configured
from tests.terminal import Terminal

LEGACY = f"{{resource: {SNAPSHOT}, match: {{status: pending, input.object: {{glob: 'legacy/*'}}}}, ensure: absent}}"
QUOTA = "{at_most: 2, per: [input.bucket], keep: newest}"
TWO = f"{{resource: {TRANSCODING}, match: {{status: pending}}, ensure: {QUOTA}}}"
CALM, BROKEN = configured(LEGACY, TWO), "version: 1\npolicies: [oops"
CYCLES = 48
"""A day, each half an hour."""


class Day:
    """What happens between two cycles, and what must be true after each."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.cloud = terminal.simulator.huaweicloud
        self.chance = random.Random(20261130)  # noqa: S311 - no secret
        self.ids: list[tuple[str, int, str]] = []
        self.waiting: Counter[str] = Counter()
        self.cancels = 0
        self.objects: list[int] = []
        self.failed = False

    def pending(self, kind: str) -> list[tuple[int, str]]:
        return [(number, word) for each, number, word in self.ids if each == kind and self.is_pending(kind, number)]

    def is_pending(self, kind: str, number: int) -> bool:
        return self.cloud.status(kind, number) == "WAITING"

    def passes(self, cycle: int) -> None:
        """Half an hour."""
        self.terminal.simulator.clock.advance(1800)
        for _ in range(self.chance.randrange(5)):
            kind, number = self.chance.choice([SNAPSHOT, TRANSCODING]), len(self.ids) + 1
            word = self.chance.choice(["legacy", "new", "old"])
            place = {"bucket": word, "object": f"{word}/{number}"}
            self.cloud.add(kind, id=number, created=self.chance.choice(["1h", "3d"]), input=place)
            self.ids.append((kind, number, word))
        for kind, number, _ in self.chance.sample(self.ids, min(2, len(self.ids))):
            if self.is_pending(kind, number):
                self.cloud.set_status(kind, number, self.chance.choice(["running", "succeeded"]))
        self.failed = cycle % 16 == 7
        if self.failed:
            self.terminal.simulator.faults.add("status", status=403, method="GET", path="/thumbnails$", times=1)
        if cycle % 16 == 11:
            self.terminal.simulator.faults.add("lost_answer", method="DELETE", times=1)
        path = self.terminal.directory / "reconciler.yaml"
        path.write_text(BROKEN if cycle % 20 == 13 else CALM, encoding="utf-8")
        self.waiting = Counter({kind: len(self.pending(kind)) for kind in (SNAPSHOT, TRANSCODING)})

    def holds(self, cycle: Cycle, daemon: Daemon) -> None:
        """What a cycle left, held against the cloud itself."""
        assert cycle.plan is not None
        assert (cycle.exit_code == ExitCode.ERROR) == self.failed, cycle
        for kind in (SNAPSHOT, TRANSCODING):
            seen = not (self.failed and kind == SNAPSHOT)
            assert daemon.samples.get(COMPLETE, "huawei", kind) == seen
            if seen:
                assert (daemon.samples.get(TASKS, "huawei", kind, "pending") or 0) == self.waiting[kind]
                assert (daemon.samples.get(OLDEST, "huawei", kind) is not None) == (self.waiting[kind] > 0)
        if not self.failed:
            assert [word for _, word in self.pending(SNAPSHOT) if word == "legacy"] == []
        assert max(Counter(word for _, word in self.pending(TRANSCODING)).values(), default=0) <= 2
        canceled = sum(self.cloud.status(kind, number) == "CANCELED" for kind, number, _ in self.ids)
        told = [daemon.samples.get(OUTCOMES, name, "cancel", "done") or 0 for name in ("p1", "p2")]
        assert sum(told) == canceled
        planned = sum(daemon.samples.get(OF_POLICIES["changes"], name) or 0 for name in ("p1", "p2"))
        assert planned == canceled - self.cancels
        self.cancels = canceled


def test_a_day(terminal: Terminal) -> None:
    day, page = Day(terminal), Page()
    day.passes(0)

    def ended(cycle: Cycle) -> None:
        day.holds(cycle, daemon)
        assert bool(cycle.outdated) == ((cycle.number - 1) % 20 == 13)
        if cycle.number in {CYCLES // 3, CYCLES}:
            gc.collect()
            day.objects.append(len(gc.get_objects()))
        if cycle.number == CYCLES:
            daemon.interruption.ask(ExitCode.TERMINATED)
        else:
            day.passes(cycle.number)

    daemon = Daemon(Job((Path(),)), AtOnce(), on_cycle=ended, page=page)
    assert asyncio.run(daemon.run()) == ExitCode.TERMINATED
    runs = [daemon.samples.get(RUNS, "run", outcome) or 0 for outcome in ("ok", "error", "partial")]
    assert sum(runs) == CYCLES
    # The simulator itself holds each task and each request of the day.
    early, late = day.objects
    assert late - early < 40 * CYCLES
