"""Many accounts: tasks, quotas and counters of each, found by what the requests say."""

# ruff: noqa: ANN401 - the vendors' SDKs and the decoded answers have no types

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.simulator import DEFAULT_ACCOUNTS, SeedError, Simulator

PACKAGING, UPLOAD, JOB = "huaweicloud.mpc.packaging", "aliyun.vod.url_upload", "aws.mediaconvert.job"
TASKS = {
    PACKAGING: [{"count": 2}],
    UPLOAD: [{"id": "a" * 32, "upload_url": "http://example.com/a.mp4"}],
    JOB: [{}],
}


def test_as_many_accounts_as_are_asked_for_each_with_all_that_the_seed_has() -> None:
    simulator = Simulator({"accounts": 3, "tasks": TASKS})
    accounts = simulator.accounts
    assert accounts.owners("huaweicloud") == (
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789000002",
        "0123456789abcdef0123456789000003",
    )
    assert accounts.owners("aliyun") == ("SIMULATORALIYUN", "SIMULATORALIYUN2", "SIMULATORALIYUN3")
    assert accounts.owners("aws") == ("SIMULATORAWS", "111122223334", "111122223335")
    assert accounts.huaweicloud[0] == DEFAULT_ACCOUNTS.huaweicloud[0]
    assert Simulator({"tasks": TASKS}, accounts=3).accounts == accounts
    for kind, rows in ((PACKAGING, 2), (UPLOAD, 1), (JOB, 1)):
        owners = accounts.owners(kind.partition(".")[0])
        assert [len(simulator.store(kind).tasks(kind, owner)) for owner in owners] == [rows] * 3


def test_one_account_is_the_default_one() -> None:
    assert Simulator(accounts=1).accounts == DEFAULT_ACCOUNTS


def test_a_seed_counts_accounts_and_says_whose_a_row_is() -> None:
    projects = {"cn-north-4": "a{n}", "cn-east-3": "b{n}"}
    simulator = Simulator(
        {
            "accounts": {
                "huaweicloud": [
                    {"count": 2, "access_key_id": "AK{n}", "secret_access_key": "SK", "projects": projects},
                ]
            },
            "tasks": {
                PACKAGING: [
                    {"id": 1},
                    {"id": 2, "owner": "each"},
                    {"count": 2, "owner": "b{n}", "id": "1{n}"},
                ]
            },
        }
    )
    assert [account.access_key_id for account in simulator.accounts.huaweicloud] == ["AK1", "AK2"]
    found = {owner: {task.id for task in simulator.huaweicloud.tasks(PACKAGING, owner)} for owner in ("a1", "b1", "b2")}
    assert found == {"a1": {"1", "2"}, "b1": {"2", "11"}, "b2": {"2", "12"}}


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ({"accounts": -1}, "accounts: must be a whole number"),
        ({"accounts": True}, "accounts: must be a whole number"),
        (
            {"accounts": {"aws": [{"access_key_id": "a", "secret_access_key": "b", "count": "many"}]}},
            r"aws\[0\]\.count",
        ),
    ],
)
def test_numbers_that_are_none(seed: dict[str, Any], message: str) -> None:
    with pytest.raises(SeedError, match=message):
        Simulator(seed)


def test_a_number_beside_accounts_is_a_contradiction() -> None:
    with pytest.raises(SeedError, match="accounts: the seed says which there are"):
        Simulator({"accounts": {"aws": []}}, accounts=2)


def test_requests_find_their_project(start: Callable[..., Simulator], mpc_client: Any, sdk: Any) -> None:
    """What is done in one project is seen in it alone, and a key opens its own."""
    simulator = start({"accounts": 2, "options": {"quotas": {"mpc": "3/1m"}}, "tasks": TASKS})
    second = simulator.accounts.huaweicloud[1]
    first_client = mpc_client(simulator)
    second_client = mpc_client(simulator, access_key_id=second.access_key_id, project_id=second.owners()[0])
    second_client.cancel_remux_task(sdk.mpc.CancelRemuxTaskRequest(task_id="10001"))
    statuses = [
        {task.status for task in client.list_remux_task(sdk.mpc.ListRemuxTaskRequest(task_id=[10001])).tasks}
        for client in (first_client, second_client)
    ]
    assert statuses == [{"WAITING"}, {"CANCELED"}]
    second_client.list_remux_task(sdk.mpc.ListRemuxTaskRequest())
    with pytest.raises(sdk.HuaweicloudError, match="429"):
        second_client.list_remux_task(sdk.mpc.ListRemuxTaskRequest())
    first_client.list_remux_task(sdk.mpc.ListRemuxTaskRequest())
    with pytest.raises(sdk.HuaweicloudError, match=r"MPC\.10208"):
        mpc_client(simulator, project_id=second.owners()[0]).list_remux_task(sdk.mpc.ListRemuxTaskRequest())


def test_state_and_requests_of_one_owner(start: Callable[..., Simulator], send: Callable[..., Any]) -> None:
    simulator = start({"accounts": 2, "tasks": TASKS})
    first, second = simulator.accounts.owners("huaweicloud")
    for project in (first, second, second):
        send(simulator, "GET", f"/v1/{project}/remux")

    def told(name: str) -> Any:
        return json.loads(send(simulator, "GET", f"/_simulator/{name}").body)

    assert [record["owner"] for record in told("requests")["requests"]] == [first, second, second]
    assert len(told(f"requests?owner={second}")["requests"]) == 2
    assert told("state")["tasks"][PACKAGING] == {"WAITING": 4}
    assert told(f"state?owner={second}")["tasks"] == {PACKAGING: {"WAITING": 2}}
    assert told(f"state?owner={second}")["counters"] == {f"huaweicloud {PACKAGING}.list": 2}
    assert told("state?ownr=x")["error"]
