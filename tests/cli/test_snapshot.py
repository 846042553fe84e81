"""`plan --save-snapshot` and `plan --snapshot`: the same plan without the clouds."""

import json
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.terminal import ALIYUN, HEAD, Finished, Terminal

TRANSCODING, SNAPSHOT, PACKAGING = (f"huaweicloud.mpc.{kind}" for kind in ("transcoding", "snapshot", "packaging"))
POLICIES = """
protect:
  legal: {resource: "huaweicloud.mpc.*", match: {input.bucket: {glob: "legal*"}}}
policies:
  no-old-snapshots:
    resource: huaweicloud.mpc.snapshot
    match: {status: pending, created_at: {older_than: 1d}}
    ensure: absent
  one-at-most:
    resource: huaweicloud.mpc.transcoding
    match: {status: pending}
    ensure: {at_most: 1, per: [input.bucket], keep: oldest}
  no-records: {resource: huaweicloud.mpc.packaging, match: {input.bucket: {glob: "b*"}}, ensure: absent}
"""
LIMITS = ("--max-actions", "100", "--max-percent", "100")
STATUSES = st.sampled_from(["pending", "running", "succeeded", "failed", "canceled"])
TASKS = st.lists(
    st.tuples(
        st.sampled_from([TRANSCODING, SNAPSHOT, PACKAGING]),
        STATUSES,
        st.sampled_from(["1h", "2d", "40d"]),
        st.sampled_from(["bucket", "b2", "legal-1", "other"]),
    ),
    max_size=12,
)


def cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "ALIBABA_CLOUD_ACCESS_KEY_ID"):
        monkeypatch.delenv(name)
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")


def saved(terminal: Terminal) -> dict[str, Any]:
    return json.loads((terminal.directory / "s.json").read_text("utf-8"))  # type: ignore[no-any-return]  # an object


def same(live: Finished, replayed: Finished) -> None:
    """Two plans that differ in nothing but where they come from."""
    first, second = live.json, replayed.json
    assert second["digest"] == first["digest"]
    for key in ("changes", "blocked", "protected", "policies", "summary", "created_at", "expires_at", "complete"):
        assert second[key] == first[key]
    assert [scope["requests"] for scope in second["scopes"]] == [0] * len(second["scopes"])
    note, *others = second["diagnostics"]
    assert "made from a snapshot of" in note["message"]
    assert others == first["diagnostics"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tasks=TASKS)
def test_the_plan_is_that_of_the_clouds(
    terminal: Terminal, tasks: list[tuple[str, str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever there is: the same changes, the same verdicts, the same digest."""
    clouds = terminal.simulator
    for kind in (TRANSCODING, SNAPSHOT, PACKAGING):
        for task in clouds.store(kind).tasks(kind):
            clouds.store(kind).remove(kind, task.id)
    terminal.write(HEAD + POLICIES)
    for number, (kind, status, age, bucket) in enumerate(tasks, start=1):
        clouds.huaweicloud.add(kind, id=number, status=status, created=age, input={"bucket": bucket, "object": "o"})
    live = terminal.run("plan", *LIMITS, "--save-snapshot", "s.json", "--format", "json")
    with monkeypatch.context() as patch:
        cut_off(patch)
        replayed = terminal.run("plan", *LIMITS, "--snapshot", "s.json", "--format", "json")
    assert replayed.code == live.code == 0
    same(live, replayed)


def test_queries_of_urls_stay_behind(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest does not look at them; a selector that does cannot be replayed, and the plan says so."""
    terminal.write(
        HEAD
        + ALIYUN
        + """
policies:
  p: {resource: aliyun.vod.url_upload, match: {status: pending, upload_url: {glob: "https://h/*"}}, ensure: absent}
  q: {resource: aliyun.vod.url_upload, match: {status: pending, upload_url: {contains: "s3cret"}}, ensure: absent}
"""
    )
    terminal.simulator.aliyun.add("aliyun.vod.url_upload", id="a1", UploadURL="https://h/v?token=s3cret", created="1d")
    live = terminal.run("plan", "--policy", "p", "--save-snapshot", "s.json", "--format", "json")
    assert "s3cret" not in (terminal.directory / "s.json").read_text("utf-8")
    cut_off(monkeypatch)
    same(live, terminal.run("plan", "--policy", "p", "--snapshot", "s.json", "--format", "json"))
    replayed = terminal.run("plan", "--policy", "q", "--snapshot", "s.json", "--format", "json").json
    assert replayed["changes"] == []
    assert [(note["policy"], note["message"]) for note in replayed["diagnostics"][1:2]] == [
        ("q", "the verdict on 1 task hangs on a part of a URL that the snapshot does not hold: a1")
    ]


@pytest.fixture
def two_waiting(terminal: Terminal) -> Path:
    terminal.write(HEAD + POLICIES)
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="3d", input={"bucket": "b", "object": "o"})
    terminal.simulator.huaweicloud.add(TRANSCODING, id=2, created="1h", input={"bucket": "b", "object": "o"})
    return terminal.directory / "s.json"


def test_it_is_readable_by_its_owner_only_and_says_what_it_holds(terminal: Terminal, two_waiting: Path) -> None:
    finished = terminal.run("plan", "--save-snapshot", "s.json", "--format", "json")
    assert stat.S_IMODE(two_waiting.stat().st_mode) == 0o600
    assert finished.err == "Snapshot saved to s.json: 2 tasks in 3 scopes.\n"
    assert finished.json["format"] == "reconciler.plan"


def test_only_the_statuses_that_were_listed_stand_in_it(terminal: Terminal, two_waiting: Path) -> None:
    terminal.run("plan", "--save-snapshot", "s.json")
    statuses = {scope["resource"]: scope["statuses"] for scope in saved(terminal)["scopes"]}
    assert statuses == {SNAPSHOT: ["WAITING"], TRANSCODING: ["WAITING"], PACKAGING: None}


def test_an_errored_plan_is_saved_and_replayed_as_such(
    terminal: Terminal, two_waiting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.simulator.faults.add("html", method="GET", path="/thumbnails$", times=0)
    live = terminal.run("plan", "--save-snapshot", "s.json", "--format", "json")
    assert live.code == 1
    cut_off(monkeypatch)
    replayed = terminal.run("plan", "--snapshot", "s.json", "--format", "json")
    assert replayed.code == 1
    assert [scope["error"] for scope in replayed.json["scopes"]] == [scope["error"] for scope in live.json["scopes"]]
    same(live, replayed)


def test_a_target_without_credentials_stands_in_it_as_failed(
    terminal: Terminal, two_waiting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK")
    assert terminal.run("plan", "--save-snapshot", "s.json").code == 1
    assert {scope["completeness"] for scope in saved(terminal)["scopes"]} == {"failed"}


def test_variables_that_are_not_set_stay_placeholders(
    terminal: Terminal, two_waiting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = terminal.run("plan", "--save-snapshot", "s.json", "--format", "json").json
    monkeypatch.delenv("URL")
    assert terminal.run("plan").code == 65
    replayed = terminal.run("plan", "--snapshot", "s.json", "--format", "json")
    assert replayed.code == 0
    assert replayed.json["changes"] == live["changes"]
    assert replayed.json["digest"] != live["digest"]  # which covers the targets as they are expanded


def test_ages_are_counted_from_when_it_was_taken_or_from_now(terminal: Terminal, two_waiting: Path) -> None:
    terminal.run("plan", "--save-snapshot", "s.json")
    taken_at = saved(terminal)["taken_at"]
    assert terminal.run("plan", "--snapshot", "s.json", "--format", "json").json["created_at"] == taken_at
    early = terminal.run("plan", "--snapshot", "s.json", "--now", "2020-01-01T00:00:00Z", "--format", "json").json
    assert early["created_at"] == "2020-01-01T00:00:00Z"
    assert [change["resource"] for change in early["changes"]] == []


def test_a_clock_of_its_own_is_not_the_time_of_the_listing(terminal: Terminal, two_waiting: Path) -> None:
    terminal.run("plan", "--save-snapshot", "s.json", "--now", "2020-01-01T00:00:00Z")
    assert not saved(terminal)["taken_at"].startswith("2020")


def test_what_the_snapshot_lacks_is_an_error_and_never_nothing(terminal: Terminal, two_waiting: Path) -> None:
    terminal.run("plan", "--policy", "no-old-snapshots", "--save-snapshot", "s.json")
    finished = terminal.run("plan", "--snapshot", "s.json")
    assert finished.code == 1
    assert f"scope {TRANSCODING} on huawei could not be listed: not in the snapshot" in finished.out
    assert terminal.run("plan", "--snapshot", "s.json", "--policy", "no-old-snapshots").code == 0


def test_a_policy_that_needs_more_statuses_makes_the_scope_incomplete(terminal: Terminal, two_waiting: Path) -> None:
    terminal.run("plan", "--save-snapshot", "s.json")
    wider = POLICIES.replace("{status: pending}", "{status: [pending, running]}")
    terminal.write(HEAD + wider)
    finished = terminal.run("plan", "--snapshot", "s.json")
    assert finished.code == 1
    assert "was not seen whole: the snapshot holds some statuses only: WAITING" in finished.out


def test_it_narrows_to_a_target(terminal: Terminal, two_waiting: Path) -> None:
    terminal.run("plan", "--save-snapshot", "s.json")
    assert terminal.run("plan", "--snapshot", "s.json", "--target", "huawei").code == 0
    assert terminal.run("plan", "--snapshot", "s.json", "--target", "nowhere").code == 64


def test_a_plan_made_from_it_can_be_saved_and_is_applied_to_what_is_there(
    terminal: Terminal, two_waiting: Path
) -> None:
    terminal.run("plan", "--save-snapshot", "s.json")
    terminal.run("plan", "--snapshot", "s.json", "--out", "plan.json")
    terminal.simulator.store(SNAPSHOT).set_status(SNAPSHOT, 1, "PROCESSING")
    finished = terminal.run("apply", "--plan", "plan.json", "--auto-approve", "--format", "json")
    assert [result["outcome"] for result in finished.json["results"]] == ["missed"], finished.out + finished.err
    assert terminal.destructive() == []


def test_a_plan_at_the_end_of_time_expires_with_it(terminal: Terminal, two_waiting: Path) -> None:
    terminal.run("plan", "--save-snapshot", "s.json")
    text = two_waiting.read_text("utf-8").replace(saved(terminal)["taken_at"], "9999-12-31T23:59:00Z")
    two_waiting.write_text(text, "utf-8")
    planned = terminal.run("plan", "--snapshot", "s.json", "--format", "json")
    assert (planned.code, planned.json["expires_at"]) == (0, "9999-12-31T23:59:59Z")


def test_an_old_snapshot_makes_a_stale_plan(terminal: Terminal, two_waiting: Path) -> None:
    terminal.run("plan", "--save-snapshot", "s.json")
    text = two_waiting.read_text("utf-8").replace(saved(terminal)["taken_at"], "2025-01-01T00:00:00Z")
    two_waiting.write_text(text, "utf-8")
    terminal.run("plan", "--snapshot", "s.json", "--out", "plan.json")
    assert terminal.run("apply", "--plan", "plan.json", "--auto-approve").code == 5


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--snapshot", "a", "--save-snapshot", "b"], 64, "--snapshot and --save-snapshot exclude each other"),
        (["--snapshot", "nowhere.json"], 64, "there is no file nowhere.json"),
        (["--snapshot", "reconciler.yaml"], 65, "reconciler.yaml:2:1: not JSON"),
        (["--save-snapshot", "no/such/folder.json"], 64, "cannot write no/such/folder.json"),
    ],
)
def test_a_bad_flag_says_so(terminal: Terminal, two_waiting: Path, words: list[str], code: int, message: str) -> None:
    finished = terminal.run("plan", *words, "--format", "json")
    assert finished.code == code
    assert message in finished.err
    assert finished.json["exit_code"] == code


def test_a_snapshot_that_could_not_be_read_back_is_not_written(
    terminal: Terminal, two_waiting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.cli.plan.MAX_BYTES", 1_000)
    terminal.tells(1, "the snapshot would be larger than", "plan", "--save-snapshot", "s.json")
    assert not two_waiting.exists()


def test_both_flags_can_be_set_by_the_environment(
    terminal: Terminal, two_waiting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_SAVE_SNAPSHOT", "s.json")
    assert terminal.run("plan").code == 0
    monkeypatch.delenv("RECONCILER_SAVE_SNAPSHOT")
    monkeypatch.setenv("RECONCILER_SNAPSHOT", "s.json")
    assert "made from a snapshot" in terminal.run("plan").out
