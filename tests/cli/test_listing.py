"""What is listed, how cheaply, and that nothing is concluded from an answer that is none."""

import pytest

from tests.terminal import HEAD, Terminal

POLICIES = """
policies:
  no-waiting-transcodes: {resource: huaweicloud.mpc.transcoding, match: {status: pending}, ensure: absent}
  no-waiting-snapshots: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}
"""


@pytest.fixture(autouse=True)
def configured(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICIES)


def test_an_answer_that_is_no_list_is_an_error_and_never_no_tasks(terminal: Terminal) -> None:
    clouds = terminal.simulator
    clouds.huaweicloud.add("huaweicloud.mpc.transcoding", id=1, status="pending", created="1d")
    clouds.huaweicloud.add("huaweicloud.mpc.snapshot", id=2, status="pending", created="1d")
    clouds.faults.add("html", method="GET", path="/transcodings$", times=0)
    finished = terminal.run("apply", "--auto-approve", "--format", "json")
    assert finished.code == 1
    assert finished.json["outcome"] == "error"
    assert [(result["task_id"], result["outcome"]) for result in finished.json["results"]] == [("2", "done")]
    assert [path.rsplit("/", 1)[1] for _, path, _ in terminal.destructive()] == ["thumbnails"]


def test_a_failed_later_page_fails_the_scope(terminal: Terminal) -> None:
    for number in range(150):
        terminal.simulator.huaweicloud.add("huaweicloud.mpc.transcoding", id=number + 1, created="1d")
    terminal.simulator.faults.add("html", method="GET", path="/transcodings$", query="page=1", times=0)
    finished = terminal.run("plan", "--max-actions", "500", "--max-percent", "100", "--format", "json")
    assert finished.code == 1
    assert finished.json["changes"] == []


def test_150_waiting_of_5000_transcodes_cost_two_requests_for_many_policies(terminal: Terminal) -> None:
    extra = "".join(
        f"  p{number}: {{resource: huaweicloud.mpc.transcoding, match: {{status: pending, input.bucket: b{number}}}, "
        "ensure: {at_most: 1, per: [input.object]}}\n"
        for number in range(5)
    )
    terminal.write(HEAD + POLICIES.replace("  no-waiting-snapshots", extra + "  no-waiting-snapshots"))
    clouds = terminal.simulator
    for number in range(5000):
        status = "pending" if number % 100 < 3 else "succeeded"
        clouds.huaweicloud.add("huaweicloud.mpc.transcoding", id=number + 1, status=status, created="1d")
    finished = terminal.run(
        "plan", "--max-percent", "100", "--format", "json", "--policy", "*transcodes", "--policy", "p*"
    )
    assert finished.code == 0
    assert len(finished.json["changes"]) == 150
    assert [record.method for record in clouds.requests] == ["GET", "GET"]


@pytest.mark.parametrize("saved", [False, True], ids=["direct", "saved"])
@pytest.mark.parametrize(("count", "pages"), [(40, 1), (250, 3)])
def test_reading_back_what_is_read_one_by_one_costs_a_list(
    terminal: Terminal, count: int, pages: int, *, saved: bool
) -> None:
    terminal.write(
        HEAD + "\npolicies:\n  p: {resource: huaweicloud.vod.editing, match: {status: pending}, ensure: absent, "
        "limits: {max_percent: 100}}\n"
    )
    for number in range(count):
        terminal.simulator.huaweicloud.add("huaweicloud.vod.editing", id=number + 1, status="pending", created="1d")
    if saved:
        assert terminal.run("plan", "--out", "plan.json").code == 0
    words = ["--plan", "plan.json"] if saved else []
    assert terminal.run("apply", *words, "--auto-approve").code == 0
    methods = [record.method for record in terminal.simulator.requests]
    assert methods.count("DELETE") == count
    assert methods.count("GET") == pages * (3 if saved else 2)


def test_a_refused_credential_fails_its_target_and_nothing_is_called(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=2, status="pending", created="1d")
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "wrong-and-not-for-print")
    finished = terminal.run("apply", "--auto-approve")
    assert finished.code == 1
    assert "APIGW.0301" in finished.out
    assert "wrong-and-not-for-print" not in finished.out + finished.err
    assert terminal.destructive() == []


def test_missing_credentials_name_what_was_tried(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    monkeypatch.delenv("HUAWEICLOUD_SDK_SK")
    finished = terminal.run("plan")
    assert finished.code == 1
    assert "HUAWEICLOUD_SDK_AK" in finished.out
    assert ".huaweicloud/credentials" in finished.out
    assert terminal.simulator.requests == []


def test_no_network_is_an_error_with_a_reason(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URL", "http://127.0.0.1:9")
    finished = terminal.run("plan")
    assert finished.code == 1
    assert "connect" in finished.out.lower()
