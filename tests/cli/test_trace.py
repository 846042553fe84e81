"""`--trace`, `-vv` and `--log-format json`: what is told of requests, to whom, and that nothing else changes by it."""

import json
import re
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import ALIYUN, HEAD, Terminal, wait_until

POLICY = """
policies:
  p: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}
  q: {resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}
"""
PROJECT = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def configured(terminal: Terminal) -> None:
    terminal.write(HEAD + ALIYUN + POLICY)
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    terminal.simulator.aliyun.add("aliyun.vod.url_upload", id="a1", created="1d")


def _events(path: Path, event: str = "") -> list[dict[str, Any]]:
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if event in {"", line["event"]}]


def test_every_request_and_every_answer_is_a_line(terminal: Terminal) -> None:
    before = terminal.run("plan").out
    sent = len(terminal.simulator.requests)
    traced = terminal.run("plan", "--trace", "trace.jsonl")
    assert (traced.out, traced.err) == (before, "")
    asked = _events(terminal.directory / "trace.jsonl", "request")
    answered = _events(terminal.directory / "trace.jsonl", "answer")
    assert len(asked) == len(answered) == len(terminal.simulator.requests) - sent == 3
    assert sorted(line["number"] for line in asked) == sorted(line["number"] for line in answered)
    assert {line["url"] for line in asked} == {
        "${URL}/?JobIds",
        f"${{URL}}/v1/{PROJECT}/thumbnails?page&size&status",
    }
    aliyun = [line for line in answered if line["target"] == "aliyun"]
    assert {(line["call"], line["resource"]) for line in aliyun} == {("GetURLUploadInfos", "aliyun.vod.url_upload")}
    for line in answered:
        assert (line["status"], line["attempt"], line["wait"]) == (200, 1, pytest.approx(0, abs=5))
        assert line["size"] > 0
        assert "body" not in line
    mode = (terminal.directory / "trace.jsonl").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_plan_without_the_network_traces_no_request(terminal: Terminal) -> None:
    terminal.run("plan", "--save-snapshot", "snapshot.json")
    (terminal.directory / "trace.jsonl").write_text("of another run\n", encoding="utf-8")
    assert terminal.run("plan", "--snapshot", "snapshot.json", "--trace", "trace.jsonl").code == 0
    assert _events(terminal.directory / "trace.jsonl") == []


def test_a_call_names_its_run_its_change_and_its_policy(terminal: Terminal) -> None:
    finished = terminal.run("apply", "--auto-approve", "--trace", "trace.jsonl", "--format", "json")
    deleted = [line for line in _events(terminal.directory / "trace.jsonl") if line["method"] == "DELETE"]
    assert [line["event"] for line in deleted] == ["request", "answer"]
    for line in deleted:
        assert line["run"] == finished.json["run_id"]
        assert (line["change"], line["policy"]) == ("huawei/huaweicloud.mpc.snapshot/1", "p")
    assert deleted[1]["request_id"]


def test_a_request_that_comes_again_says_which_try_it_is_and_how_long_it_waited(terminal: Terminal) -> None:
    terminal.simulator.faults.add("throttle", vendor="huaweicloud", code="APIGW.0308", retry_after=1)
    finished = terminal.run("plan", "--trace", "trace.jsonl", "-vv")
    huawei = [line for line in _events(terminal.directory / "trace.jsonl") if line["target"] == "huawei"]
    assert [line["event"] for line in huawei] == ["request", "answer", "fault", "request", "answer"]
    refused, fault, again = huawei[1:4]
    assert (refused["status"], "APIGW.0308" in refused["body"]) == (429, True)
    assert (fault["meaning"], fault["code"], fault["number"]) == ("throttled", "APIGW.0308", refused["number"])
    assert (again["attempt"], again["wait"] >= 1) == (2, True)
    assert "; try 2; waited " in finished.err


@pytest.mark.parametrize("taken", ["--out", "--save-snapshot", "--report"])
def test_a_place_that_cannot_be_is_told_before_anything_happens(terminal: Terminal, taken: str) -> None:
    terminal.run("plan", "--out", "plan.json")
    sent = len(terminal.simulator.requests)
    before = (terminal.directory / "plan.json").read_bytes()
    same = "json=plan.json" if taken == "--report" else "plan.json"
    terminal.tells(64, "is named twice", "plan", taken, same, "--trace", "plan.json")
    terminal.tells(64, "--trace: cannot write no/t.jsonl", "plan", "--trace", "no/t.jsonl")
    terminal.tells(64, "--trace: stdout is for what the command writes", "plan", "--trace", "/dev/stdout")
    assert len(terminal.simulator.requests) == sent
    assert (terminal.directory / "plan.json").read_bytes() == before


def test_a_link_is_replaced_and_not_followed(terminal: Terminal) -> None:
    (terminal.directory / "theirs").write_text("kept")
    (terminal.directory / "trace.jsonl").symlink_to("theirs")
    terminal.run("plan", "--trace", "trace.jsonl")
    assert (terminal.directory / "theirs").read_text() == "kept"
    assert len(_events(terminal.directory / "trace.jsonl")) == 6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_trace_that_ends_early_ends_nothing_else(terminal: Terminal) -> None:
    finished = terminal.run("apply", "--auto-approve", "--trace", "/dev/full")
    assert finished.code == 0
    assert finished.err.count("Warning: --trace: cannot write /dev/full: No space left on device") == 1
    assert len(terminal.destructive()) == 2


def test_what_was_told_survives_a_kill(terminal: Terminal) -> None:
    terminal.simulator.faults.add("hang", vendor="huaweicloud", seconds=60)
    process = terminal.start("-m", "reconciler", "plan", "--trace", "trace.jsonl")
    try:
        wait_until(lambda: terminal.simulator.requests, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    huawei = [line for line in _events(terminal.directory / "trace.jsonl") if line["target"] == "huawei"]
    assert [line["event"] for line in huawei] == ["request"]


def test_a_request_without_an_answer_says_why(terminal: Terminal) -> None:
    terminal.simulator.faults.add("reset", vendor="huaweicloud", times=0)
    finished = terminal.run("plan", "--trace", "trace.jsonl", "-vv")
    lost = _events(terminal.directory / "trace.jsonl", "no answer")
    assert lost
    assert re.fullmatch(r"[A-Za-z]+Error: .+", lost[0]["error"])
    assert f"no answer ({lost[0]['error']}) in " in finished.err


def test_a_line_for_each_request_on_demand(terminal: Terminal) -> None:
    lines = [line for line in terminal.run("plan", "-vv").err.splitlines() if " debug: " in line]
    assert len(lines) == 3
    assert all("HTTP 200 in " in line for line in lines)
    assert " debug: " not in terminal.run("plan", "-v").err
    assert terminal.run("plan").err == ""


@pytest.mark.parametrize(("value", "lines"), [("2", 3), ("1", 0), ("true", 0), ("0", 0)])
def test_its_variable_is_a_number_or_true(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, value: str, lines: int
) -> None:
    monkeypatch.setenv("RECONCILER_VERBOSE", value)
    finished = terminal.run("plan", "--out", "plan.json")
    assert (finished.code, finished.err.count(" debug: "), "listed" in finished.err) == (0, lines, value != "0")
    assert terminal.run("show", "plan.json").code == 0


def test_the_log_as_json_has_fields(terminal: Terminal) -> None:
    finished = terminal.run("apply", "--auto-approve", "-vv", "--log-format", "json", "--format", "json")
    lines = [json.loads(line) for line in finished.err.splitlines()]
    settled = [line for line in lines if line.get("outcome")]
    assert {(line["run"], line["target"], line["policy"]) for line in settled} == {
        (finished.json["run_id"], "aliyun", "q"),
        (finished.json["run_id"], "huawei", "p"),
    }
    assert {line["change"] for line in settled} == {
        "aliyun/aliyun.vod.url_upload/a1",
        "huawei/huaweicloud.mpc.snapshot/1",
    }
    listed = [line for line in lines if line["message"].startswith("listed ")]
    assert {line["resource"] for line in listed} == {"aliyun.vod.url_upload", "huaweicloud.mpc.snapshot"}
    requests = [line for line in lines if line["logger"] == "reconciler.requests"]
    assert {line["request_id"] for line in requests if line["target"] == "huawei"}
