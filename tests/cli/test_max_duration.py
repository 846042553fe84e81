"""Estimates, and runs that end in time."""

import pytest

from tests.terminal import HEAD, Terminal

SNAPSHOT = "huaweicloud.mpc.snapshot"
POLICY = f"""
policies:
  p: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    for number in range(1, 61):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number, created="1d")
    terminal.write(HEAD.replace("mpc: 10000/s", "mpc: 60/min") + POLICY)


def test_a_plan_says_in_every_format_how_long_it_takes(terminal: Terminal) -> None:
    words = "66 requests, about 54 s at 60/min"
    assert f"To apply it takes {words}." in terminal.run("plan", "--out", "plan.json").out
    assert words in terminal.run("show", "plan.json", "--format", "markdown").out
    assert words in terminal.run("show", "plan.json", "--format", "html").out
    assert words in terminal.run("show", "plan.json", "--format", "github").out
    document = terminal.run("show", "plan.json", "--format", "json").json
    assert document["estimate"] == {"requests": {"huaweicloud.mpc": 66}, "seconds": 54, "per_minute": 60}
    assert "requests=66\nseconds=54\n" in terminal.run("show", "plan.json", "--format", "outputs").out


def test_an_apply_stops_sending_in_time_and_says_what_is_left(terminal: Terminal) -> None:
    applied = terminal.run("apply", "--auto-approve", "--max-duration", "6s", "--format", "json")
    assert applied.code == 3
    summary = applied.json["summary"]
    assert summary["not_attempted"] > 0
    assert summary["done"] + summary["not_attempted"] == 60, summary
    left = {result["detail"] for result in applied.json["results"] if result["outcome"] == "not_attempted"}
    assert left <= {"the time of --max-duration was over first", "the call could not be sent"}
    assert len(terminal.destructive()) == summary["done"]


@pytest.mark.parametrize("text", ["0", "0s", "soon", ""])
def test_what_is_no_duration(terminal: Terminal, text: str) -> None:
    terminal.tells(64, "--max-duration", "apply", "--auto-approve", "--max-duration", text)
    assert terminal.destructive() == []
