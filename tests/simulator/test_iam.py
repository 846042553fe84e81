"""Looking up the project and logging in with a password."""

# ruff: noqa: ANN401 - the vendors' SDKs and the decoded answers have no types

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.simulator import HuaweicloudAccount, Simulator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK's signer

Send = Callable[..., Any]


def body(account: HuaweicloudAccount, **changed: Any) -> bytes:
    user = {
        "name": account.iam_user,
        "password": changed.get("password", account.iam_password),
        "domain": {"name": account.iam_domain},
    }
    identity = {"methods": changed.get("methods", ["password"]), "password": {"user": user}}
    scope = {"project": {"name": changed.get("region", "cn-north-4")}}
    return json.dumps({"auth": {"identity": identity, "scope": scope}}).encode()


def login(simulator: Simulator, send: Send, content: bytes) -> Any:
    return send(simulator, "POST", "/v3/auth/tokens", {"Content-Type": "application/json"}, content)


def test_a_token_opens_its_project(simulator: Simulator, account: HuaweicloudAccount, send: Send) -> None:
    reply = login(simulator, send, body(account))
    assert reply.status == 201
    token = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
    assert json.loads(reply.body)["token"]["project"]["id"] == account.owners()[0]
    target = f"/v1/{account.owners()[0]}/remux"
    assert send(simulator, "GET", target, token).status == 200
    refused = send(simulator, "GET", "/v1/another/remux", token)
    assert (refused.status, json.loads(refused.body)["error_code"]) == (401, "APIGW.0307")
    assert account.iam_password not in repr(simulator.requests)
    assert token["X-Auth-Token"] not in repr(simulator.requests)


@pytest.mark.parametrize("end", ["advance", "expire"])
def test_tokens_end(simulator: Simulator, account: HuaweicloudAccount, send: Send, end: str) -> None:
    token = {"X-Auth-Token": login(simulator, send, body(account)).headers["X-Subject-Token"]}
    if end == "advance":
        simulator.clock.advance("24h")
    else:
        simulator.expire_tokens()
    reply = send(simulator, "GET", f"/v1/{account.owners()[0]}/remux", token)
    assert (reply.status, json.loads(reply.body)["error_code"]) == (401, "APIGW.0307")


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"password": "wrong"}, 401), ({"methods": ["totp"]}, 400), ({"region": "mars"}, 404), ({"region": None}, 400)],
)
def test_logins_that_are_refused(
    simulator: Simulator, account: HuaweicloudAccount, send: Send, changed: dict[str, Any], status: int
) -> None:
    reply = login(simulator, send, body(account, **changed))
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (status, status)


def test_a_body_that_is_no_json(simulator: Simulator, send: Send) -> None:
    assert login(simulator, send, b"{").status == 400


def test_projects_by_name(simulator: Simulator, account: HuaweicloudAccount, send: Send, signed: Send) -> None:
    for name, found in (("cn-north-4", list(account.owners())), ("mars", [])):
        target = f"/v3/projects?name={name}"
        reply = send(simulator, "GET", target, signed(simulator, "GET", target))
        assert [project["id"] for project in json.loads(reply.body)["projects"]] == found
    assert send(simulator, "GET", "/v3/projects").status == 401


def test_the_sdk_finds_its_project(simulator: Simulator, account: HuaweicloudAccount, sdk: SimpleNamespace) -> None:
    """With a region and no project id, the SDK asks IAM first."""
    credentials = sdk.BasicCredentials(account.access_key_id, account.secret_access_key)
    credentials = credentials.with_iam_endpoint(simulator.url)
    region = sdk.Region("cn-north-4", simulator.url)
    client = sdk.mpc.MpcClient.new_builder().with_credentials(credentials).with_region(region).build()
    simulator.huaweicloud.add("huaweicloud.mpc.packaging")
    assert client.list_remux_task(sdk.mpc.ListRemuxTaskRequest()).total == 1
    assert [record.operation for record in simulator.requests] == ["iam.projects", "huaweicloud.mpc.packaging.list"]
