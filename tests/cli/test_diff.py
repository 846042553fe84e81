"""`reconciler diff` of plans that `plan --out` saved."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from reconciler.documents.files import PLAN_FILE, REPORT_FILE
from tests.reports.examples import EVIL, REPORTS
from tests.terminal import HEAD, Terminal

SNAPSHOT = "huaweicloud.mpc.snapshot"
POLICY = """
policies:
  no-old-snapshots:
    resource: huaweicloud.mpc.snapshot
    match: {status: [pending, running], created_at: {older_than: 6h}}
    ensure: absent
    limits: {max_actions: 5, max_percent: 100}
"""


@pytest.fixture(autouse=True)
def configured(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)


def saved(terminal: Terminal, name: str) -> Path:
    assert terminal.run("plan", "--out", name).code == 0
    return terminal.directory / name


@pytest.fixture
def pair(terminal: Terminal) -> Terminal:
    """old.json, and new.json after one task began to run, one came and one was canceled by somebody."""
    for number in (1, 2):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number, created="8h", starts_at=f"{number}h")
    saved(terminal, "old.json")
    terminal.simulator.clock.advance("1h")
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=3, created="9h")
    saved(terminal, "new.json")
    return terminal


def test_says_what_changed(pair: Terminal) -> None:
    finished = pair.run("diff", "old.json", "new.json")
    assert finished.code == 0
    assert "1 added, 1 changed" in finished.out
    assert "~ 1: cancel -> blocked" in finished.out
    assert "pending -> running" in finished.out
    assert "+ 3: cancel (pending, for no-old-snapshots)" in finished.out
    assert "an approval of the old plan does not hold for the new one" in finished.out


def test_the_same_work_planned_again_is_no_difference(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="8h")
    for name, now in (("old.json", "2030-01-01T00:00:00Z"), ("new.json", "2030-01-01T01:00:00Z")):
        terminal.run("plan", "--out", name, "--now", now)
    finished = terminal.run("diff", "old.json", "new.json", "--detailed-exitcode")
    assert finished.code == 0
    assert "no differences" in finished.out
    assert "an approval of one holds for the other" in finished.out


def test_the_exit_code_tells_when_it_is_asked_to(pair: Terminal) -> None:
    assert pair.run("diff", "old.json", "new.json").code == 0
    assert pair.run("diff", "old.json", "new.json", "--detailed-exitcode").code == 2


def test_the_document_is_what_the_published_schema_says(pair: Terminal) -> None:
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "diff.schema.json").read_text(encoding="utf-8"))
    document = pair.run("diff", "old.json", "new.json", "--format", "json").json
    jsonschema.Draft7Validator(schema).validate(document)
    assert document["summary"] == {"added": 1, "removed": 0, "changed": 1}
    assert [task["task_id"] for task in document["tasks"]] == ["1", "3"]


def test_other_policies_are_a_difference(terminal: Terminal) -> None:
    saved(terminal, "old.json")
    terminal.write(HEAD + POLICY.replace("6h", "7h"))
    saved(terminal, "new.json")
    finished = terminal.run("diff", "old.json", "new.json")
    assert "configuration  sha256:" in finished.out
    assert "no task differs" in finished.out


def test_a_report_is_no_plan(pair: Terminal) -> None:
    (pair.directory / "report.json").write_text(REPORT_FILE.text(next(iter(REPORTS.values()))), encoding="utf-8")
    pair.tells(
        65, "report.json: format is 'reconciler.report', not 'reconciler.plan'", "diff", "old.json", "report.json"
    )


def test_a_plan_that_was_altered_is_refused(pair: Terminal) -> None:
    path = pair.directory / "new.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"task_id": "3"', '"task_id": "4"'), encoding="utf-8")
    finished = pair.run("diff", "old.json", "new.json", "--format", "json")
    assert finished.code == 65
    assert finished.json["format"] == "reconciler.error"


def test_a_file_that_is_not_there(pair: Terminal) -> None:
    assert pair.run("diff", "old.json", "gone.json").code == 64
    assert pair.run("diff", "old.json").code == 64


def test_a_hostile_plan_reaches_no_output_raw(pair: Terminal) -> None:
    path = pair.directory / "new.json"
    plan = PLAN_FILE.read(path.read_text(encoding="utf-8"))
    evil = replace(plan.changes[0], task_id="\x1b[31mid", observed={**plan.changes[0].observed, EVIL: EVIL})
    path.write_text(PLAN_FILE.text(replace(plan, changes=(evil,))), encoding="utf-8")
    for form in ("text", "json", "markdown"):
        printed = pair.run("diff", "old.json", "new.json", "--format", form).out
        assert not any(character in printed for character in "\x1b\u202e\u200b")
        assert "s3cret" not in printed
