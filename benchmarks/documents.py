"""Documents: reading, writing and rendering a large plan, and policy tests, each against the parser alone."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import yaml

from benchmarks.table import RECONCILER, Table, in_turns, run, times, within
from reconciler.documents.files import PLAN_FILE
from reconciler.planning.change import Change
from reconciler.planning.plan import Plan, Sources
from reconciler.planning.policy_plan import PolicyPlan, ScopePlan
from reconciler.policy_tests.loader import load_tests
from reconciler.policy_tests.runner import Selection, run_tests
from reconciler.providers.registry import catalogue
from reconciler.redaction import seen_as_a_whole
from reconciler.reports.registry import RENDERERS, View, render
from reconciler.tasks.observation import Completeness
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import Timestamp

NOW = 1_800_000_000
SMALL = {"changes": 300, "tests": 20, "large": 3_000}
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

    with seen_as_a_whole():  # all of it is plain, and there is much
        made = tuple(map(change, range(changes)))
    return Plan(
        tool_version="0",
        created_at=Timestamp(NOW),
        expires_at=Timestamp(NOW + 86_400),
        configuration=Sources(f"sha256:{'0' * 64}", ("reconciler.yaml",)),
        scopes=(ScopePlan(TARGET, RESOURCE, {"succeeded": changes}, 1 + changes // 100, Completeness.COMPLETE),),
        policies=(PolicyPlan(POLICY, (RESOURCE,), (TARGET,), changes, changes, changes),),
        changes=made,
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


def saved_plans(rounds: int, changes: int) -> Table:
    plan = plan_of(changes)
    text = PLAN_FILE.text(plan)
    parsed, read, written = in_turns(
        rounds,
        lambda: within(lambda: json.loads(text)),
        lambda: within(lambda: PLAN_FILE.read(text)),
        lambda: within(lambda: PLAN_FILE.text(plan)),
    )
    assert PLAN_FILE.read(text) == plan
    names = sorted(set(RENDERERS) - {"json"})
    rendered = in_turns(
        1,
        *(lambda name=name: within(lambda: render(plan, name, View(now=NOW))) for name in names),
    )
    figures = {"`json.loads`": parsed, "read and checked": read, "written": written}
    figures |= {f"rendered as {name}": cost for name, cost in zip(names, rendered, strict=True)}
    return Table(
        f"A plan of {changes:,} changes",
        f"{len(text) / 2**20:.0f} MiB of JSON. CPU seconds, against the parser alone.",
        ("what", "CPU s", "of `json.loads`"),
        tuple((what, f"{cost.cpu:.2f}", times(cost.cpu, parsed.cpu)) for what, cost in figures.items()),
    )


def large_plan(changes: int) -> Table:
    """What a command costs that reads a large file, checks it and says in a screen what it holds."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "plan.json")
        with path.open("wb") as file:
            file.writelines(PLAN_FILE.pieces(plan_of(changes)))
        shown = run([RECONCILER, "show", "--view", "summary", str(path)])
        size = path.stat().st_size
    assert f"{changes} changes" in shown.output, shown.output[-400:]
    return Table(
        f"A plan of {changes:,} changes, shown",
        f"{size / 2**20:.0f} MiB of JSON read, checked and shown as a summary by `reconciler show`, the whole process.",
        ("changes", "CPU s", "MiB"),
        ((f"{changes:,}", f"{shown.cpu:.1f}", f"{shown.memory:.0f}"),),
    )


def policy_tests(rounds: int, number: int) -> Table:
    text = "version: 1\nnow: 2026-11-01T00:00:00Z\ntests:" + "".join(TEST.format(number=each) for each in range(number))
    with tempfile.TemporaryDirectory() as directory:
        place, installed = Path(directory), catalogue()
        (place / "reconciler.yaml").write_text(CONFIGURATION, encoding="utf-8")
        (place / "retention.reconciler-test.yaml").write_text(text, encoding="utf-8")
        loaded = load_tests([place], installed, environment={})
        parsed, read, ran = in_turns(
            rounds,
            lambda: within(lambda: yaml.load(text, yaml.CSafeLoader)),
            lambda: within(lambda: load_tests([place], installed, environment={})),
            lambda: within(lambda: run_tests(loaded, installed, Selection())),
        )
        results = run_tests(loaded, installed, Selection())
    assert len(results.results) == number
    assert not any(result.failures for result in results.results)
    figures = {"PyYAML's C loader": parsed, "read and checked, with positions": read, "run, with coverage": ran}
    return Table(
        f"{number:,} policy tests of three tasks",
        "CPU seconds, against the parser alone.",
        ("what", "CPU s", "of the C loader"),
        tuple((what, f"{cost.cpu:.2f}", times(cost.cpu, parsed.cpu)) for what, cost in figures.items()),
    )


def tables(rounds: int, changes: int = 48_000, tests: int = 1_000, large: int = 1_000_000) -> list[Table]:
    return [saved_plans(rounds, changes), large_plan(large), policy_tests(rounds, tests)]
