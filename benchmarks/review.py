"""What reviewing costs, as ratios in one run: `python benchmarks/review.py [changes] [tests]`.

Reading a saved plan against `json.loads` of the same text, and against the same check by `jsonschema` alone; each
rendering against writing the plan as JSON; policy tests against PyYAML's C loader on the same text. Prints milliseconds
of CPU time and the ratios.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import yaml

from reconciler.documents.files import PLAN_FILE
from reconciler.planning.change import Change
from reconciler.planning.plan import Plan, Sources
from reconciler.planning.policy_plan import PolicyPlan, ScopePlan
from reconciler.policy_tests.loader import load_tests
from reconciler.policy_tests.runner import Selection, run_tests
from reconciler.providers.registry import catalogue
from reconciler.reports.registry import PLAN_FORMATS, View, render
from reconciler.tasks.observation import Completeness
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    Made = TypeVar("Made")

NOW = 1_800_000_000
POLICY, TARGET, RESOURCE = "packaging-record-retention", "huawei-prod", "huaweicloud.mpc.packaging"


def plan_of(changes: int) -> Plan:
    """A plan that deletes as many records as that."""

    def change(number: int) -> Change:
        observed = {
            "status": "succeeded",
            "created_at": "2026-01-02T03:04:05Z",
            "finished_at": "2026-01-02T04:04:05Z",
            "input.bucket": "media",
            "input.object": f"talks/{number}.mp4",
        }
        reason = f"{POLICY}: no task may be there whose status is succeeded and finished_at older than 30d"
        return Change(TARGET, RESOURCE, str(300_000 + number), (POLICY,), reason, observed, (Action.DELETE,))

    return Plan(
        tool_version="0",
        created_at=Timestamp(NOW),
        expires_at=Timestamp(NOW + 86_400),
        configuration=Sources(f"sha256:{'0' * 64}", ("reconciler.yaml",)),
        scopes=(ScopePlan(TARGET, RESOURCE, {"succeeded": changes}, 1 + changes // 100, Completeness.COMPLETE),),
        policies=(PolicyPlan(POLICY, RESOURCE, (TARGET,), changes, changes, changes),),
        changes=tuple(map(change, range(changes))),
    )


CONFIGURATION = f"""
version: 1
targets: {{{TARGET}: {{provider: huaweicloud, region: cn-north-4}}}}
policies:
  {POLICY}:
    resource: {RESOURCE}
    match: {{status: [succeeded, failed, canceled], finished_at: {{older_than: 30d}}}}
    ensure: absent
"""
TEST = """
  test-{number}:
    tasks:
      - {{id: "1", status: succeeded, finished_at: 31d, input.bucket: media}}
      - {{id: "2", status: succeeded, finished_at: 29d, input.bucket: media}}
      - {{id: "3", status: pending, created_at: 90d, input.bucket: media}}
    expect:
      packaging-record-retention: {{change: [{{id: "1", steps: [delete]}}], keep: ["2", "3"]}}"""


def timed(call: Callable[[], Made]) -> tuple[Made, float]:
    """What a call gives, and the CPU time of the quickest of three, in milliseconds."""
    times = []
    for _ in range(3):
        began = time.process_time()
        made = call()
        times.append((time.process_time() - began) * 1000)
    return made, min(times)


def saved_plans(changes: int) -> None:
    plan = plan_of(changes)
    text, written = timed(lambda: PLAN_FILE.text(plan))
    _, parsed = timed(lambda: json.loads(text))
    again, read = timed(lambda: PLAN_FILE.read(text))
    assert again == plan
    print(f"{changes:,} changes, {len(text) / 2**20:.1f} MiB")
    print(f"json.loads                 {parsed:8.0f} ms   1.0")
    print(f"read and checked           {read:8.0f} ms  {read / parsed:4.1f}")
    print(f"written as json            {written:8.0f} ms   1.0")
    for name in sorted(set(PLAN_FORMATS) - {"json"}):
        rendered, spent = timed(lambda name=name: render(plan, name, View(now=NOW)))  # type: ignore[misc]  # bound at once
        assert rendered
        print(f"rendered as {name:14s} {spent:8.0f} ms  {spent / written:4.1f}   {len(rendered) / 2**20:.2f} MiB")


def policy_tests(number: int) -> None:
    text = "version: 1\nnow: 2026-11-01T00:00:00Z\ntests:" + "".join(TEST.format(number=each) for each in range(number))
    with tempfile.TemporaryDirectory() as directory:
        place, installed = Path(directory), catalogue()
        (place / "reconciler.yaml").write_text(CONFIGURATION, encoding="utf-8")
        (place / "retention.reconciler-test.yaml").write_text(text, encoding="utf-8")
        _, parsed = timed(lambda: yaml.load(text, yaml.CSafeLoader))
        loaded, read = timed(lambda: load_tests([place], installed, environment={}))
        results, ran = timed(lambda: run_tests(loaded, installed, Selection()))
    assert len(results.results) == number
    assert not any(result.failures for result in results.results)
    print(f"{number:,} policy tests of three tasks")
    print(f"CSafeLoader                {parsed:8.0f} ms   1.0")
    print(f"read and checked           {read:8.0f} ms  {read / parsed:4.1f}")
    print(f"run, with coverage         {ran:8.0f} ms  {ran / parsed:4.1f}")


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:]]
    saved_plans(numbers[0] if numbers else 10_000)
    policy_tests(numbers[1] if len(numbers) > 1 else 1_000)


if __name__ == "__main__":
    main()
