"""`user_metadata.<key>`, a field for each key that a submitter likes, wherever a field may be named."""

import json
from pathlib import Path

import pytest

from tests.terminal import AWS, HEAD, Terminal

KIND = "aws.mediaconvert.job"
LIMITS = "settings: {limits: {max_actions: 10, max_percent: 100}}\n"
JOBS: dict[str, dict[str, str]] = {
    "j-1": {"team": "video", "cost.center": "7", "keep": "no"},
    "j-2": {"team": "audio", "keep": "yes"},
    "j-3": {"team": "video", "__proto__": "x", "\u202eteam": "spoof", 'a"b\\': "odd", "=cmd()": "1"},
    "j-4": {},
}


@pytest.fixture(autouse=True)
def jobs(terminal: Terminal) -> None:
    for number, (name, metadata) in enumerate(JOBS.items()):
        inputs = {"inputs": [{"fileInput": "s3://drafts/a.mp4"}, {"fileInput": f"s3://in/{name}.mp4?X-Amz-Sig=s3cret"}]}
        terminal.simulator.aws.add(KIND, id=name, created=f"{9 - number}h", userMetadata=metadata, settings=inputs)


def written(terminal: Terminal, match: str, rest: str = "", ensure: str = "absent") -> None:
    policy = f"policies: {{p: {{resource: {KIND}, match: {match}, ensure: {ensure}}}}}\n"
    terminal.write(f"version: 1\ntargets:{AWS}{LIMITS}{policy}{rest}")


def planned(terminal: Terminal) -> dict[str, dict[str, object]]:
    plan = terminal.run("plan", "--format", "json").json
    return {change["task_id"]: change["observed"] for change in plan["changes"]}


@pytest.mark.parametrize(
    ("condition", "chosen"),
    [
        ("user_metadata.team: video", "1 3"),
        ("user_metadata.team: [audio, other]", "2"),
        ("user_metadata.team: {glob: 'v*'}", "1 3"),
        ("user_metadata.team: {regex: 'o$', ne: audio}", "1 3"),
        ("user_metadata.keep: {not_contains: yes}", "1"),
        ("user_metadata.keep: {not_contains: yes, missing: true}", "1 3 4"),
        ("user_metadata.keep: {exists: false}", "3 4"),
        ("not: {user_metadata.keep: yes}", "1"),
        ("user_metadata.cost.center: '7'", "1"),
        ("user_metadata.__proto__: {exists: true}", "3"),
        ("'user_metadata.a\"b\\': odd", "3"),
        ("any: [{user_metadata.team: audio}, {user_metadata.cost.center: {exists: true}}]", "1 2"),
        # Of several inputs, any may be meant.
        ("input.location: {contains: 's3://drafts/a.mp4'}", "1 2 3 4"),
        ("input.location: {glob: 's3://in/j-2.*'}", "2"),
        ("input.location: {not_glob: 's3://in/j-2.*'}", "1 3 4"),
        ("input.location.host: {contains: in}, input.location.path: {regex: '^/j-[34]'}", "3 4"),
    ],
)
def test_conditions_on_keys_and_inputs(terminal: Terminal, condition: str, chosen: str) -> None:
    written(terminal, f"{{status: pending, {condition}}}")
    assert list(planned(terminal)) == [f"j-{number}" for number in chosen.split()]
    written(terminal, "{status: pending}", f"protect: {{q: {{resource: {KIND}, match: {{{condition}}}}}}}\n")
    held = terminal.run("plan", "--format", "json").json["protected"]
    assert {entry["task_id"] for entry in held} >= {f"j-{number}" for number in chosen.split()}


def test_what_lacks_a_key_is_unknown_and_protected(terminal: Terminal) -> None:
    match = "{user_metadata.keep: yes}"
    written(terminal, "{status: pending}", f"protect: {{q: {{resource: {KIND}, match: {match}}}}}\n")
    assert list(planned(terminal)) == ["j-1"]
    written(terminal, f"{{status: pending, {match[1:]}")
    text = terminal.run("plan").out
    assert "2 tasks lack `user_metadata.keep`" in text
    assert "`user_metadata.keep: {eq: ..., missing: true}` includes them" in text


def test_a_protection_of_all_kinds_holds_tasks_of_those_that_know_no_keys(terminal: Terminal) -> None:
    kind = "huaweicloud.mpc.transcoding"
    for name in ("1", "2"):
        terminal.simulator.huaweicloud.add(kind, id=name)
    policy = f"policies: {{p: {{resource: [{KIND}, {kind}], match: {{status: pending}}, ensure: absent}}}}\n"
    for match in ("{user_metadata.keep: 'yes'}", "{any: [{status: running}, {user_metadata.keep: 'yes'}]}"):
        terminal.write(f"{HEAD}{AWS}{LIMITS}{policy}protect: {{q: {{resource: '*', match: {match}}}}}\n")
        plan = terminal.run("plan", "--format", "json").json
        assert plan["complete"]
        assert [entry["task_id"] for entry in plan["protected"]] == ["j-2", "j-3", "j-4", "1", "2"]


def test_a_quota_may_go_by_a_key_and_let_only_some_go(terminal: Terminal) -> None:
    only = "only: {user_metadata.keep: {exists: true}}"
    written(terminal, "{status: pending}", ensure=f"{{at_most: 0, per: [user_metadata.team], {only}}}")
    changes = planned(terminal)
    assert list(changes) == ["j-1", "j-2"]
    assert "number 2 for video, newest first" in " ".join(terminal.run("plan", "--view", "full").out.split())


def test_a_saved_plan_is_applied_as_long_as_the_key_is_the_same(terminal: Terminal) -> None:
    written(terminal, "{status: pending, user_metadata.team: video}")
    terminal.run("plan", "--out", "plan.json")
    terminal.simulator.aws.change(KIND, "j-3", userMetadata={"team": "audio"})
    report = terminal.run("apply", "--plan", "plan.json", "--auto-approve", "--format", "json").json
    assert {result["task_id"]: result["outcome"] for result in report["results"]} == {"j-1": "done", "j-3": "missed"}
    assert "user_metadata.team" in json.dumps(report)


def test_query_asks_shows_sorts_and_counts_by_keys(terminal: Terminal) -> None:
    written(terminal, "{status: pending}")
    found = terminal.run("query", KIND, "--where", "user_metadata.team=video", "--format", "json").json
    assert [task["id"] for task in found["tasks"]] == ["j-1", "j-3"]
    assert found["tasks"][0]["user_metadata.cost.center"] == "7"
    assert found["tasks"][1]["user_metadata.\\u202eteam"] == "spoof"
    assert found["tasks"][0]["input.location"][0] == "s3://drafts/a.mp4"
    words = ("--columns", "id,user_metadata.team,input.location.host", "--sort", "-user_metadata.team")
    rows = [line.split() for line in terminal.run("query", KIND, *words).out.splitlines()[1:-1]]
    assert [row[:2] for row in rows] == [["j-1", "video"], ["j-3", "video"], ["j-2", "audio"], ["j-4", "-"]]
    assert all("drafts, in" in line for line in terminal.run("query", KIND, *words).out.splitlines()[1:-1])
    counts = terminal.run("query", KIND, "--count-by", "user_metadata.team", "--format", "json").json["counts"]
    assert [(count["value"], count["tasks"]) for count in counts] == [("video", 2), ("audio", 1), (None, 1)]
    csv = terminal.run("query", KIND, "--format", "csv").out
    assert "user_metadata.=cmd()" in csv.splitlines()[0]
    assert "s3cret" not in csv + json.dumps(found)
    assert terminal.run("query", KIND, "--columns", "user_metadata").code == 64
    assert terminal.run("query", KIND, "--sort", "user_metadata.*").code == 64


def test_why_and_snapshots_know_keys(terminal: Terminal) -> None:
    written(terminal, "{status: pending, user_metadata.keep: yes}")
    why = terminal.run("why", "j-3").out
    assert "user_metadata.keep" in why
    assert "\u202e" not in why
    live = list(planned(terminal))
    terminal.run("plan", "--save-snapshot", "snapshot.json")
    assert "s3cret" not in Path("snapshot.json").read_text()
    again = terminal.run("plan", "--snapshot", "snapshot.json", "--format", "json")
    assert [change["task_id"] for change in again.json["changes"]] == live == ["j-2"]
    record = json.loads(Path("snapshot.json").read_text())
    record["scopes"][0]["tasks"][0]["values"]["user_metadata."] = "x"
    terminal.write(json.dumps(record), "snapshot.json")
    terminal.tells(65, "not a field of aws.mediaconvert.job", "plan", "--snapshot", "snapshot.json")


def test_policy_tests_write_keys_as_selectors_do(terminal: Terminal) -> None:
    written(terminal, "{status: pending, user_metadata.cost.center: '7'}")
    tasks = "[{id: a, status: pending, user_metadata.cost.center: '7'}, {id: b, status: pending, user_metadata.x: y}]"
    terminal.write(
        f"version: 1\nnow: 2026-11-01T12:00:00Z\ntests: {{it: {{tasks: {tasks}, expect: {{p: {{change: [a]}}}}}}}}\n",
        "p.reconciler-test.yaml",
    )
    assert terminal.run("test").code == 0


@pytest.mark.parametrize(
    ("match", "ensure", "said", "hint"),
    [
        ("{user_metadata: x}", "absent", "`user_metadata` is not a field of", "name a key: `user_metadata.KEY`"),
        ("{'user_metadata.*': x}", "absent", "is not a field of", "name a key: `user_metadata.KEY`"),
        ("{user_metadata: {team: x}}", "absent", "is not a field of", "did you mean `user_metadata.team`?"),
        ("{user_metadata: {exists: true}}", "absent", "is not a field of", "name a key: `user_metadata.KEY`"),
        ("{user_metadata.n: 7}", "absent", "`user_metadata.n` is text", "put it in quotes"),
        ("{user_metadata.n: {older_than: 6h}}", "absent", "does not apply to `user_metadata.n`, which is text", ""),
        ("{status: pending}", "{at_most: 1, per: [user_metadata]}", "user_metadata", ""),
        ("{status: pending}", "{at_most: 1, per: ['user_metadata.*']}", "user_metadata.*", ""),
        ("{input.location: 's3://b/a'}", "absent", "is a list of texts", "contains"),
        ("{'user_metadata.te\u200bam': x}", "absent", "U+200B", ""),
    ],
)
def test_what_is_written_wrong_is_told(terminal: Terminal, match: str, ensure: str, said: str, hint: str) -> None:
    written(terminal, match, ensure=ensure)
    finished = terminal.run("validate")
    assert finished.code == 65
    assert said in finished.out + finished.err
    assert hint in finished.out + finished.err
