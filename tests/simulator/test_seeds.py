"""Seeds: what they say and how they fail."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator import DEFAULT_ACCOUNTS, SeedError, Simulator

PACKAGING = "huaweicloud.mpc.packaging"
SEED = """
now: 2026-01-31T12:00:00Z
accounts:
  huaweicloud:
    - {access_key_id: AK, secret_access_key: SK, projects: {cn-north-4: p1, cn-east-2: p2}}
  aliyun:
    - {access_key_id: A1, secret_access_key: S1, account_id: main}
    - {access_key_id: A2, secret_access_key: S2, account_id: main}
options: {numeric_ids: true, response_shape: wrapped, quotas: documented}
tasks:
  huaweicloud.mpc.packaging:
    - {id: 100211, status: pending, created: 7d, user_data: "17"}
    - {id: 100211, owner: p2, created: 2026-01-30T12:00:00Z, status: SUCCEED, extra: {unheard_of: 1}}
    - count: 6
      id: "9{n:03d}"
      status: [succeeded, failed]
      created: 30d
      every: 1m
      input: {bucket: "b{n%2}", object: "in/{n}.mp4"}
  huaweicloud.vod.editing: []
  aliyun.vod.url_upload:
    - {upload_url: "http://example.com/a.mp4", created: 6h}
"""


def test_a_seed_in_text_in_a_file_and_as_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "seed.yaml"
    path.write_text(SEED, encoding="utf-8")
    for source in (SEED, path, str(path)):
        simulator = Simulator(source)
        assert simulator.clock.now == datetime(2026, 1, 31, 12, tzinfo=UTC)
        assert simulator.accounts.huaweicloud[0].owners() == ("p1", "p2")
        assert (simulator.options.numeric_ids, simulator.options.quotas["mpc"]) == (True, (100, 60.0))
        assert len(simulator.huaweicloud.tasks(PACKAGING)) == 7
        (job,) = simulator.aliyun.tasks("aliyun.vod.url_upload")
        assert (job.owner, job.fields["UploadURL"]) == ("main", "http://example.com/a.mp4")
    assert Simulator({"tasks": {PACKAGING: [{"id": 1}]}}).huaweicloud.status(PACKAGING, 1) == "WAITING"


def test_owners_keep_equal_ids_apart() -> None:
    simulator = Simulator(SEED)
    assert simulator.huaweicloud.status(PACKAGING, 100211) == "WAITING"
    other = simulator.huaweicloud.get(PACKAGING, 100211, "p2")
    assert other is not None
    assert (other.status, other.fields) == ("SUCCEED", {"unheard_of": 1})
    assert other.created_at == simulator.clock.now - timedelta(days=1)


def test_the_generator_numbers_ages_and_alternates() -> None:
    simulator = Simulator(SEED)
    made = [task for task in simulator.huaweicloud.tasks(PACKAGING) if task.id.startswith("9")]
    assert [task.id for task in made] == [f"900{n}" for n in range(1, 7)], "newest first"
    assert [task.status for task in made] == ["SUCCEED", "FAILED"] * 3
    assert made[2].fields["input"] == {"bucket": "b1", "object": "in/3.mp4"}
    oldest = simulator.clock.now - timedelta(days=30, minutes=5)
    assert made[-1].created_at == oldest


def test_without_a_seed_there_are_accounts_and_no_tasks() -> None:
    simulator = Simulator()
    assert simulator.accounts is DEFAULT_ACCOUNTS
    assert [*simulator.huaweicloud, *simulator.aliyun] == []


def test_numbers_as_in_the_examples(
    start: Callable[..., Simulator], send: Callable[..., Any], signed: Callable[..., dict[str, str]]
) -> None:
    simulator = start(SEED)
    reply = send(simulator, "GET", "/v1/p1/remux", signed(simulator, "GET", "/v1/p1/remux"))
    first = json.loads(reply.body)["tasks"][0]
    assert (first["task_id"], first["create_time"], first["user_data"]) == (100211, 20260124120000, 17)


def test_hostile_values_pass_through(
    start: Callable[..., Simulator], send: Callable[..., Any], signed: Callable[..., dict[str, str]]
) -> None:
    hostile = "\x1b[31m\u202e\x00\ud800</script>\n::set-output"
    row = {"id": "1\n2", "status": "⏳", "user_data": hostile, "input": None, "extra": {"create_time": "never"}}
    simulator = start({"tasks": {PACKAGING: [row]}})
    target = f"/v1/{simulator.accounts.huaweicloud[0].owners()[0]}/remux"
    (shown,) = json.loads(send(simulator, "GET", target, signed(simulator, "GET", target)).body)["tasks"]
    assert shown == {"task_id": "1\n2", "status": "⏳", "create_time": "never", "user_data": hostile, "input": None}


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ("task: {}", r"seed: unknown key 'task'; did you mean 'tasks'\?"),
        ("- 1\n", "seed: must be a mapping"),
        ("a: [\n", "seed: while parsing"),
        ("nowhere.yaml", r"nowhere.yaml: No such file"),
        ("now: 2026-01-31\n", "now:"),
        ("tasks: {huaweicloud.mpc.remux: []}", "tasks: unknown key 'huaweicloud.mpc.remux'"),
        ("tasks: {huaweicloud.mpc.packaging: {id: 1}}", "must be a list"),
        ("tasks: {huaweicloud.mpc.packaging: [1]}", r"packaging\[0\]: must be a mapping"),
        ("tasks: {huaweicloud.mpc.packaging: [{created: soon}]}", r"packaging\[0\]\.created: .*soon"),
        ("tasks: {huaweicloud.mpc.packaging: [{}, {inptu: {}}]}", r"packaging\[1\]: .*did you mean 'input'\?"),
        ("tasks: {huaweicloud.mpc.packaging: [{count: many}]}", r"\.count: must be a whole number"),
        ("tasks: {huaweicloud.mpc.packaging: [{id: 1}, {id: 1}]}", "already has a task '1'"),
        ("tasks: {huaweicloud.mpc.packaging: [], huaweicloud.mpc.packaging: []}", "is given twice"),
        ("options: {response_shape: round}", r"options\.response_shape: 'round'"),
        ("options: {numeric_ids: 1}", r"options\.numeric_ids: must be true or false"),
        ("options: {quotas: {mpc: fast}}", r"options\.quotas\.mpc"),
        ("options: {quotas: {iam: 1/1m}}", "unknown key 'iam'"),
        ("accounts: {azure: []}", "accounts: unknown key 'azure'"),
        ("accounts: {aliyun: [{access_key_id: a}]}", r"aliyun\[0\]: secret_access_key is missing"),
    ],
)
def test_seeds_that_are_wrong_say_where(seed: str, message: str) -> None:
    with pytest.raises(SeedError, match=message):
        Simulator(seed)
