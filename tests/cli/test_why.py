"""`reconciler why` against local clouds."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.terminal import ALIYUN, HEAD, Terminal

SNAPSHOT, PACKAGING, UPLOAD = "huaweicloud.mpc.snapshot", "huaweicloud.mpc.packaging", "aliyun.vod.url_upload"

POLICIES = """
protect:
  legal-hold: {resource: huaweicloud.mpc.packaging, match: {input.bucket: {glob: "legal-*"}}}
policies:
  no-old-snapshots:
    resource: huaweicloud.mpc.snapshot
    match: {status: pending, created_at: {older_than: 6h}}
    ensure: absent
    limits: {max_actions: 5, max_percent: 100}
  one-package-per-object:
    resource: huaweicloud.mpc.packaging
    match: {status: pending}
    ensure: {at_most: 1, per: [input.object], keep: oldest}
    limits: {max_actions: 5, max_percent: 100}
  someday:
    resource: huaweicloud.mpc.transcoding
    match: all
    ensure: absent
    suspend: true
"""


@pytest.fixture(autouse=True)
def configured(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICIES)


def verdicts(document: dict[str, object]) -> dict[str, str]:
    tasks = document["tasks"]
    assert isinstance(tasks, list)
    return {policy["name"]: policy["verdict"] for task in tasks for policy in task["policies"]}


def test_says_why_a_task_goes_and_why_another_stays(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="8h")
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=2, created="1h")
    goes, stays = terminal.run("why", "1"), terminal.run("why", "2")
    assert (goes.code, stays.code) == (0, 0)
    assert "A plan does this to it: cancel (policy no-old-snapshots)." in goes.out
    assert "no-old-snapshots: does not match" in stays.out
    assert "--> false      created_at older than 6h" in stays.out
    assert "(1h ago)" in stays.out
    assert terminal.destructive() == []


def test_agrees_with_the_plan_that_is_made_next(terminal: Terminal) -> None:
    for number, bucket in enumerate(("a", "legal-1", "a"), start=1):
        place = {"bucket": bucket, "object": "same.mp4"}
        terminal.simulator.huaweicloud.add(PACKAGING, id=number, created=f"{9 - number}h", input=place)
    plan = terminal.run("plan", "--format", "json").json
    changed = {change["task_id"] for change in plan["changes"]}
    skipped = {entry["task_id"] for entry in plan["protected"]}
    found = {name: verdicts(terminal.run("why", name, "--format", "json").json) for name in ("1", "2", "3")}
    assert {name for name, by in found.items() if by == {"one-package-per-object": "changed"}} == changed == {"3"}
    assert {name for name, by in found.items() if by == {"one-package-per-object": "protected"}} == skipped == {"2"}
    assert found["1"] == {"one-package-per-object": "kept"}


def test_a_running_task_is_seen_though_no_policy_lists_its_status(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, status="running", created="8h")
    assert terminal.run("plan", "--format", "json").json["scopes"][1]["tasks"] == {}
    finished = terminal.run("why", "1")
    assert finished.code == 0
    assert "status is pending" in finished.out
    assert "running (PROCESSING)" in finished.out


def test_a_suspended_policy_is_shown_with_its_conditions(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.transcoding", id=1, created="8h")
    finished = terminal.run("why", "1")
    assert finished.code == 0
    assert "someday: suspended, so not checked; its conditions hold" in finished.out


def test_equal_ids_are_all_shown_and_can_be_told_apart(terminal: Terminal) -> None:
    for kind in (SNAPSHOT, PACKAGING):
        terminal.simulator.huaweicloud.add(kind, id=1, created="8h")
    both = terminal.run("why", "1", "--format", "json").json
    assert [task["resource"] for task in both["tasks"]] == [PACKAGING, SNAPSHOT]
    for words in (("1", "--resource", SNAPSHOT), (f"huawei/{SNAPSHOT}/1",), ("1", "--policy", "no-old-*")):
        found = terminal.run("why", *words, "--format", "json").json
        assert [task["resource"] for task in found["tasks"]] == [SNAPSHOT]


def test_a_guard_that_refuses_the_plan_is_named(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICIES.replace("max_actions: 5", "max_actions: 0"))
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="8h")
    finished = terminal.run("why", "1")
    assert finished.code == 0
    assert "but a guard refuses so many changes" in finished.out
    assert "-old-snapshots=1" in finished.out


def test_an_id_that_is_nowhere(terminal: Terminal) -> None:
    terminal.write(HEAD + ALIYUN + POLICIES + UPLOADS)
    finished = terminal.run("why", "nowhere")
    assert (finished.code, finished.out) == (1, "")
    assert "there is no task nowhere among the 0 tasks of the 4 scopes that policies look at" in finished.err
    assert "it does not name this" in finished.err
    assert "the cloud shows no such job" in terminal.run("why", "a1").err


UPLOADS = """
  no-uploads: {resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}
"""


def test_an_id_that_was_not_seen_may_be_there(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="8h")
    terminal.simulator.faults.add("status", path="/thumbnails", status=500, times=0)
    finished = terminal.run("why", "1", "--format", "json")
    assert finished.code == 1
    assert (finished.json["found"], finished.json["complete"]) == (False, False)
    assert "it may be there all the same" in finished.err
    assert "huaweicloud.mpc.snapshot on huawei could not be listed" in finished.err


def test_a_found_task_beside_a_scope_that_failed_is_shown_and_the_exit_code_says_so(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(PACKAGING, id=1, created="8h")
    terminal.simulator.faults.add("status", path="/thumbnails", status=500, times=0)
    finished = terminal.run("why", "1")
    assert finished.code == 1
    assert "one-package-per-object" in finished.out
    assert "could not be listed" in finished.err


def test_the_document_is_what_the_published_schema_says(terminal: Terminal) -> None:
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "why.schema.json").read_text(encoding="utf-8"))
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="8h")
    for name in ("1", "2"):
        jsonschema.Draft7Validator(schema).validate(terminal.run("why", name, "--format", "json").json)


def test_hostile_ids_and_fields_reach_no_output_raw(terminal: Terminal) -> None:
    place = {"bucket": "a\x1b[31m\u202e", "object": "https://h/v.mp4?token=s3cret"}
    terminal.simulator.huaweicloud.add(PACKAGING, id=1, created="1d", input=place)
    for words in (("1",), ("1", "--format", "json"), ("1", "-v"), ("\x1b[31m\u202ex?token=s3cret\n",)):
        finished = terminal.run("why", *words)
        printed = finished.out + finished.err
        assert not any(character in printed for character in "\x1b\u202e")
    assert "s3cret" not in terminal.run("why", "1").out
    assert "s3cret" not in terminal.run("why", "1", "--format", "json").out


def test_ages_are_counted_from_the_time_that_is_given(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="2026-01-01T00:00:00Z")
    finished = terminal.run("why", "1", "--now", "2026-01-01T05:00:00Z")
    assert "2026-01-01T00:00:00Z (5h ago)" in finished.out


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("1", "--resource", "huaweicloud.mpc.snap"),
        ("1", "--resource", UPLOAD),
        ("1", "--policy", "no"),
        ("1", "--now", "x"),
    ],
)
def test_usage(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal.run("why", *words).code == 64


def test_a_snapshot_answers_without_any_cloud(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, place in enumerate(("a", "a"), start=1):
        terminal.simulator.huaweicloud.add(PACKAGING, id=number, created=f"{number}h", input={"object": place})
    live = terminal.run("plan", "--save-snapshot", "snapshot.json", "--format", "json").json
    before = len(terminal.simulator.requests)
    monkeypatch.delenv("URL")
    found = {name: terminal.run("why", name, "--snapshot", "snapshot.json", "--format", "json") for name in ("1", "2")}
    assert [finished.code for finished in found.values()] == [0, 0]
    changed = [name for name, finished in found.items() if finished.json["tasks"][0]["steps"]]
    assert changed == [change["task_id"] for change in live["changes"]]
    assert found["1"].json["snapshot_taken_at"] == found["1"].json["now"]
    assert len(terminal.simulator.requests) == before
    assert "From a snapshot of" in terminal.run("why", "1", "--snapshot", "snapshot.json").out


def test_a_snapshot_that_holds_some_statuses_only_says_so(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, status="running", created="8h")
    terminal.run("plan", "--save-snapshot", "snapshot.json")
    terminal.tells(
        1, f"the snapshot holds some statuses only of {SNAPSHOT} on huawei", "why", "1", "--snapshot", "snapshot.json"
    )


def test_nothing_heavy_is_loaded_for_its_help() -> None:
    program = (
        "import sys\nfrom reconciler.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'httpx', 'deepdiff', 'reconciler.planning.why'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
