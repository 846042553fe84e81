"""Questions about tasks, as people put them."""

import json
from pathlib import Path

import pytest

from tests.terminal import HEAD, Terminal

KIND = "huaweicloud.mpc.packaging"


@pytest.fixture(autouse=True)
def tasks(terminal: Terminal) -> None:
    terminal.write(HEAD)
    add = terminal.simulator.huaweicloud.add
    add(KIND, id=1, status="pending", created="1d", input={"bucket": "drafts", "object": "a.mp4"})
    add(KIND, id=2, status="pending", created="1h", input={"bucket": "legal", "object": "=cmd()"})
    add(KIND, id=10, status="succeeded", created="3d", input={"bucket": "drafts", "object": "b.mp4"})
    add(KIND, id=9, status="failed", created="2d")


def ids(terminal: Terminal, *flags: str) -> list[str]:
    finished = terminal.run("query", KIND, "--format", "json", *flags)
    assert finished.code == 0, finished.err
    return [task["id"] for task in finished.json["tasks"]]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (["status=pending"], ["1", "2"]),
        (["status = pending", "created_at older_than 6h"], ["1"]),
        (["status in pending, failed"], ["9", "1", "2"]),
        (["status != pending"], ["10", "9"]),
        (["input.bucket glob d*"], ["10", "1"]),
        (["input.bucket not_contains draft"], ["2"]),
        (["input.bucket exists false"], ["9"]),
        (["input.bucket exists"], ["10", "1", "2"]),
        (["progress >= 100"], ["10"]),
        (["input.object = =cmd()"], ["2"]),
        (["input.bucket glob [dr*, leg*]"], ["10", "1", "2"]),
        (["input.bucket not_contains [raft, no such]"], ["2"]),
        (['input.object glob ["x,y", "b.*"]'], ["10"]),
        (["status = [pending, failed]"], ["9", "1", "2"]),
        (["status in [pending, failed]"], ["9", "1", "2"]),
        (["status != [pending, failed]"], ["10"]),
        (["status in [failed]"], ["9"]),
        (["input.object glob [a\r, b]"], []),
        (["progress in [100, 101]"], ["10"]),
        (["input.object regex [a-z]"], ["10", "1", "2"]),
        (["input.object glob [ab].[mn]p[0-9]"], ["10", "1"]),
    ],
)
def test_where(terminal: Terminal, conditions: list[str], found: list[str]) -> None:
    assert ids(terminal, *(part for one in conditions for part in ("--where", one))) == found


def test_a_whole_selector_with_a_list_from_a_file(terminal: Terminal) -> None:
    Path("ids.txt").write_text("# mine\n2\n9\n77\n", encoding="utf-8")
    assert ids(terminal, "--match", "{id: {in: {file: ids.txt}}}") == ["9", "2"]
    assert ids(terminal, "--match", "any: [{id: '1'}, {status: failed}]", "--where", "created_at newer_than 30h") == [
        "1"
    ]
    assert len(ids(terminal, "--match", "all")) == 4


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--where", "created_at"], "expected FIELD OPERATOR VALUE, or FIELD=VALUE"),
        (["--where", "created_at older 6h"], "`older` is not an operator of `created_at`"),
        (["--where", "created_at < 6h"], "`<` is not an operator of `created_at`"),
        (["--where", "bucket = x"], "`bucket` is not a field of huaweicloud.mpc.packaging"),
        (["--match", "{status: "], "not valid YAML"),
        (["--match", "{id: {in: {file: ../ids.txt}}}"], "it lies outside of the directory given"),
        (["--where", "xyz = 1"], "allowed: created_at, description,"),
        (["--where", "object = x"], "did you mean `input.object` or `output.object`?"),
        (["--where", "status like x"], "allowed: eq, ne, in"),
        (["--columns", "id,idd"], "--columns idd: huaweicloud.mpc.packaging has no such field"),
        (["--sort", "-age"], "did you mean `created_at`?"),
        (["--sort", "start"], "did you mean `started_at`?"),
        (["--count-by", "xyz"], "allowed: target, id, status"),
        (["--count-by", "status", "--columns", "id"], "--count-by counts tasks, and shows none"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_what_cannot_be_asked(terminal: Terminal, flags: list[str], message: str) -> None:
    terminal.tells(64, message, "query", KIND, *flags)


def test_a_kind_is_found_by_the_last_part_of_its_name(terminal: Terminal) -> None:
    for command in ("query", "explain"):
        terminal.tells(64, "did you mean `huaweicloud.mpc.packaging`?", command, "packaging")
        terminal.tells(64, "there are: aliyun.vod.url_upload", command, "something")


def test_order_and_bounds(terminal: Terminal) -> None:
    assert ids(terminal, "--sort", "id") == ["1", "2", "9", "10"]
    assert ids(terminal, "--sort", "-created_at", "--limit", "2") == ["2", "1"]
    assert ids(terminal, "--sort", "input.bucket") == ["10", "1", "2", "9"], "without it comes last"
    assert ids(terminal, "--sort", "-input.bucket")[-1] == "9"
    finished = terminal.run("query", KIND, "--limit", "1", "--columns", "id, input.object")
    assert finished.out == "ID  INPUT.OBJECT\n10  b.mp4\n1 of 4 tasks.\n"


def test_counts(terminal: Terminal) -> None:
    assert terminal.run("query", KIND, "--count-by", "status").out == (
        "TASKS  STATUS\n2      pending\n1      failed\n1      succeeded\n4 tasks.\n"
    )
    assert terminal.run("query", KIND, "--count-by", "input.bucket", "--format", "csv").out == (
        "input.bucket,tasks\ndrafts,2\nlegal,1\n,1\n"
    )
    document = terminal.run("query", KIND, "--count-by", "target", "--format", "json").json
    assert document["tasks"] == []
    assert [(one["tasks"]) for one in document["counts"]] == [4]
    assert document["total"] == 4


def test_lines_and_cells(terminal: Terminal) -> None:
    lines = terminal.run("query", KIND, "--sort", "id", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["1", "2", "9", "10"]
    columns = ("--columns", "id,input.object", "--sort", "id")
    cells = terminal.run("query", KIND, *columns, "--format", "csv").out
    assert cells == "id,input.object\n1,a.mp4\n2,'=cmd()\n9,\n10,b.mp4\n"


def test_no_more_tasks_are_held_than_are_shown(terminal: Terminal) -> None:
    for number in range(5_000):
        terminal.simulator.huaweicloud.add(KIND, id=1000 + number, status="succeeded", created="4d")
    assert ids(terminal, "--sort", "-id", "--limit", "3") == ["5999", "5998", "5997"]
    document = terminal.run("query", KIND, "--count-by", "id", "--limit", "1", "--format", "json").json
    assert (document["total"], len(document["counts"])) == (5_004, 1)
