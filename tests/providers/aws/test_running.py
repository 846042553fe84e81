"""The whole way on the simulator: an asynchronous cancel is read back; what runs is canceled where a policy says so."""

from tests.terminal import AWS, Terminal

KIND = "aws.mediaconvert.job"


def written(terminal: Terminal, match: str, rest: str = "") -> None:
    limits = "settings: {limits: {max_actions: 10, max_percent: 100}}\n"
    policy = f"policies: {{p: {{resource: {KIND}, match: {match}, ensure: absent{rest}}}}}\n"
    terminal.write(f"version: 1\ntargets:{AWS}{limits}{policy}")


def outcomes(terminal: Terminal) -> dict[str, str]:
    finished = terminal.run("apply", "--auto-approve", "--format", "json")
    return {result["task_id"]: result["outcome"] for result in finished.json["results"]}


def test_a_cancel_that_takes_effect_later_is_read_back_until_it_shows(terminal: Terminal) -> None:
    terminal.simulator.configure(cancel_reads=2)
    terminal.simulator.aws.add(KIND, id="j-1", created="3h")
    written(terminal, "{status: pending}")
    assert outcomes(terminal) == {"j-1": "done"}
    assert terminal.simulator.aws.status(KIND, "j-1") == "CANCELED"
    assert len(terminal.destructive()) == 1
    assert terminal.simulator.anomalies == []


def test_what_runs_is_canceled_only_where_the_policy_says_so(terminal: Terminal) -> None:
    for name, status in (("j-1", "pending"), ("j-2", "running")):
        terminal.simulator.aws.add(KIND, id=name, status=status, created="3h")
    written(terminal, "{status: [pending, running]}")
    assert outcomes(terminal) == {"j-1": "done"}
    assert terminal.simulator.aws.status(KIND, "j-2") == "PROGRESSING"
    written(terminal, "{status: [pending, running]}", ", cancel_running: true")
    planned = terminal.run("plan")
    assert "it runs, and cancel_running is set" in planned.out
    assert outcomes(terminal) == {"j-2": "done"}
    assert terminal.simulator.aws.status(KIND, "j-2") == "CANCELED"


def test_permissions_are_an_iam_policy(terminal: Terminal) -> None:
    written(terminal, "{status: pending}")
    [grant] = terminal.run("permissions", "--format", "json").json["grants"]
    [statement] = grant["document"]["Statement"]
    assert statement["Action"] == ["mediaconvert:CancelJob", "mediaconvert:GetJob", "mediaconvert:ListJobs"]
