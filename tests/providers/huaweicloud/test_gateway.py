"""Endpoints, the look-up of the project, and tokens."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.config.model import Credentials, Secret, group_of
from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.provider.loopback import ODD_ANSWERS, Received, Reply, Time, as_json, serving
from reconciler.providers.huaweicloud import PROVIDER, Huaweicloud
from reconciler.providers.huaweicloud.endpoints import endpoint
from reconciler.tasks.observation import Meaning
from reconciler.tasks.resource_type import Action
from tests.providers.huaweicloud.cloud import (
    AK,
    KEYS,
    PACKAGING,
    PROJECT,
    SNAPSHOT,
    TRANSCODING,
    VOD_EDITING,
    connected,
    target,
)
from tests.providers.loopback import FROZEN, around, dated

PROJECTS = {"projects": [{"id": PROJECT, "name": "cn-north-4"}]}
EMPTY = {"total": 0, "task_array": [], "tasks": []}
LOGIN = Credentials(secrets={key: Secret(env=key) for key in ("iam_user", "iam_password", "iam_domain")})
LOGIN_ENVIRONMENT = {"iam_user": "robot", "iam_password": "hunter2", "iam_domain": "company"}


@pytest.mark.parametrize(
    ("service", "region", "host"),
    [
        ("mpc", "cn-north-4", "https://mpc.cn-north-4.myhuaweicloud.com"),
        ("mpc", "cn-north-1", "https://mts.cn-north-1.myhuaweicloud.com"),
        ("vod", "cn-north-1", "https://vod.cn-north-1.myhuaweicloud.com"),
        ("iam", "ap-southeast-3", "https://iam.ap-southeast-3.myhuaweicloud.com"),
    ],
)
def test_hosts_by_region(service: str, region: str, host: str) -> None:
    assert endpoint(target("", endpoints={}, region=region), service, {}) == host


def test_endpoints_can_be_set() -> None:
    environment = {
        "HUAWEICLOUD_SDK_REGION_MPC_CN_NORTH_4": "https://a.example.com,https://b.example.com",
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": "https://iam.example.com",
    }
    plain = target("", endpoints={})
    assert endpoint(plain, "mpc", environment) == "https://a.example.com"
    assert endpoint(plain, "iam", environment) == "https://iam.example.com"
    assert endpoint(target("https://own.example.com"), "mpc", environment) == "https://own.example.com"
    with pytest.raises(ProviderError, match="loopback"):
        endpoint(target("http://own.example.com"), "mpc", {})


def routed(projects: Callable[[Received], Reply]) -> Callable[[Received], Reply]:
    return lambda request: projects(request) if request.path == "/v3/projects" else as_json(EMPTY)


async def test_the_project_is_looked_up_once_for_all() -> None:
    async with connected(routed(lambda _: as_json(PROJECTS)), options={}) as (client, server):
        found = await asyncio.gather(*(client.observe(row, None) for row in (TRANSCODING, SNAPSHOT, PACKAGING) * 3))
        assert all(observation.complete and observation.requests == 1 for observation in found)
        assert client.requests == 10
    received = server.requests
    look_ups = [request for request in received if request.path == "/v3/projects"]
    assert [request.raw_query for request in look_ups] == ["name=cn-north-4"]
    assert look_ups[0].header("x-project-id") is None
    assert all(f"/v1/{PROJECT}/" in request.path for request in received if request not in look_ups)


async def test_one_account_that_has_to_wait_delays_no_other() -> None:
    """Both ask the same IAM for their project; the first is to come back in two minutes."""
    time = Time()

    def projects(request: Received) -> Reply:
        slow = AK in (request.header("authorization") or "")
        return as_json({"error_code": "APIGW.0308"}, 429, Retry_After="120") if slow else as_json(PROJECTS)

    async with serving(routed(projects)) as server:
        for key, complete in ((AK, False), ("ANOTHER", True)):
            surroundings = around(KEYS | {"HUAWEICLOUD_SDK_AK": key}, time=time)
            place = target(server.url, options={})
            async with PROVIDER.client(place, concurrency=8, surroundings=surroundings) as client:
                assert (await client.observe(TRANSCODING, None)).complete is complete
    assert time.slept == []


@pytest.mark.parametrize(
    "spelling",
    [
        {},
        {"options": {}},
        {"region": "cn-north-1"},
        {"endpoints": {"mpc": "https://mpc.cn-north-4.myhuaweicloud.com"}},
        {"endpoints": {"mpc": "https://MPC.cn-north-4.myhuaweicloud.com:443/"}},
        {"options": {"project_id": PROJECT.upper()}},
    ],
)
def test_the_account_is_the_project_however_a_target_spells_it(spelling: dict[str, Any]) -> None:
    async def run() -> str:
        async with connected(routed(lambda _: as_json(PROJECTS)), **spelling) as (client, server):
            account = await client.account()
            assert len(server.requests) == (0 if spelling.get("options") != {} else 1)
        assert isinstance(account, str)
        return group_of("huaweicloud", account)

    assert asyncio.run(run()) == group_of("huaweicloud", PROJECT)


@pytest.mark.parametrize(
    ("reply", "meaning", "words"),
    [
        (as_json({"projects": []}), Meaning.PERMANENT, "no project is named cn-north-4"),
        (as_json({"projects": [{"id": "x", "name": "cn-north-1"}]}), Meaning.PERMANENT, "no project is named"),
        (as_json({"projects": PROJECTS["projects"] * 2}), Meaning.PERMANENT, "2 projects are named cn-north-4"),
        (as_json({"projects": ["x"]}), Meaning.MALFORMED, "no list 'projects'"),
        (as_json({"error": {"code": 401, "message": "bad", "title": "Unauthorized"}}, 401), Meaning.CREDENTIALS, "bad"),
        (
            as_json({"error": {"code": 403, "message": "no", "title": "Forbidden"}}, 403),
            Meaning.PERMANENT,
            "project_id",
        ),
        *((ODD_ANSWERS[name], Meaning.MALFORMED, "unexpected") for name in ("HTML", "an empty body", "a redirect")),
    ],
)
def test_a_look_up_that_fails_fails_everything_and_is_not_repeated(reply: Reply, meaning: Meaning, words: str) -> None:
    async def run() -> list[Received]:
        async with connected(routed(lambda _: reply), options={}) as (client, server):
            for _ in range(2):
                observation = await client.observe(TRANSCODING, None)
                assert not observation.complete
                assert observation.fault is not None
                assert observation.fault.meaning is meaning
                assert words in observation.fault.message
            readings = await client.read(TRANSCODING, ["1"])
            assert readings.faults["1"].meaning is meaning
            cancel = TRANSCODING.operation(Action.CANCEL)
            assert cancel is not None
            assert (await client.perform(TRANSCODING, cancel, ["1"]))["1"] is not None
            assert await client.account() == observation.fault
        return server.requests

    assert [request.path for request in asyncio.run(run())] == ["/v3/projects"]


def test_a_ready_token_is_sent_instead_of_a_signature() -> None:
    async def run() -> list[Received]:
        credentials = Credentials(secrets={"token": Secret(env="TOKEN")})
        async with connected([as_json(EMPTY)], {"TOKEN": "ready"}, credentials=credentials) as (client, server):
            await client.observe(TRANSCODING, None)
        return server.requests

    [received] = asyncio.run(run())
    assert received.header("x-auth-token") == "ready"
    assert received.header("authorization") is None
    assert received.header("x-project-id") == PROJECT


class Iam:
    """Hands out numbered tokens; the calls accept the latest only."""

    def __init__(self, refuse: Reply | None = None) -> None:
        self.issued = 0
        self.valid = 0
        self.any_token = False
        self.refuse = refuse
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: Received) -> Reply:
        if request.path == "/v3/auth/tokens":
            self.bodies.append(json.loads(request.body))
            if self.refuse:
                return self.refuse
            self.issued = self.valid = self.issued + 1
            return as_json({"token": {}}, 201, X_Subject_Token=f"token-{self.issued}")
        good = range(1 if self.any_token else self.valid, self.valid + 1)
        if request.header("x-auth-token") not in {f"token-{number}" for number in good}:
            return as_json({"error_code": "APIGW.0307", "error_msg": "The token must be updated."}, 401)
        return Reply(204) if request.method == "DELETE" else as_json(EMPTY)


async def test_a_login_gets_one_token_for_all_and_another_when_it_is_outdated() -> None:
    iam = Iam()
    async with connected(iam, LOGIN_ENVIRONMENT, credentials=LOGIN) as (client, _):
        found = await asyncio.gather(*(client.observe(row, None) for row in (TRANSCODING, SNAPSHOT) * 4))
        assert all(observation.complete for observation in found)
        assert iam.issued == 1
        iam.valid = 0  # as topping up an account does
        delete = PACKAGING.operation(Action.DELETE)
        assert delete is not None
        verdicts = await asyncio.gather(*(client.perform(PACKAGING, delete, [str(n)]) for n in range(5)))
        assert all(verdict is None for each in verdicts for verdict in each.values())
        assert iam.issued == 2
    assert iam.bodies[0] == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": "robot", "password": "hunter2", "domain": {"name": "company"}}},
            },
            "scope": {"project": {"name": "cn-north-4"}},
        }
    }


OTHERS = LOGIN_ENVIRONMENT | {"other_user": "robot-2", "other_password": "hunter3"}


def login(**places: str) -> Credentials:
    return Credentials(secrets={**LOGIN.secrets, **{key: Secret(env=name) for key, name in places.items()}})


@pytest.mark.parametrize(
    ("second", "logins"),
    [
        ({}, 1),
        ({"name": "other", "options": {"project_id": "0" * 32}}, 1),
        ({"region": "ap-southeast-3"}, 2),
        ({"credentials": login(iam_user="other_user")}, 2),
        ({"credentials": login(iam_password="other_password")}, 2),
        ({"iam": "/gateway"}, 2),
    ],
    ids=["same", "another project", "another region", "another user", "another password", "another endpoint"],
)
async def test_targets_of_one_run_share_a_login_of_the_same_user_at_the_same_place(
    second: dict[str, Any], logins: int
) -> None:
    iam = Iam()
    provider = Huaweicloud(around(OTHERS))
    async with serving(lambda request: iam(replace(request, target=request.target.removeprefix("/gateway")))) as server:
        first = target(server.url, credentials=LOGIN)
        changes = dict(second)
        changes["endpoints"] = {**first.endpoints, "iam": server.url + changes.pop("iam", "")}
        async with (
            provider.client(first, concurrency=4) as one,
            provider.client(replace(first, **changes), concurrency=4) as other,
        ):
            iam.any_token = True
            found = await asyncio.gather(*(client.observe(TRANSCODING, None) for client in (one, other) * 3))
    assert all(observation.complete for observation in found)
    assert iam.issued == logins


def test_the_clock_of_every_service_counts_and_that_of_a_login_for_all_whom_it_serves() -> None:
    """MPC is right, VOD is late, and IAM is ahead: each is of another host, and IAM is asked by one client alone."""

    async def run() -> list[tuple[int, ...]]:
        async with (
            serving(lambda _: as_json(EMPTY, Date=dated(1))) as mpc,
            serving(lambda _: as_json({"total": 0, "tasks": []}, Date=dated(-400))) as vod,
            serving(lambda _: as_json({"token": {}}, 201, X_Subject_Token="t", Date=dated(500))) as iam,
        ):
            endpoints = {"mpc": mpc.url, "vod": vod.url, "iam": iam.url}
            surroundings = around(LOGIN_ENVIRONMENT, now=lambda: FROZEN)
            found = []
            for row in (TRANSCODING, VOD_EDITING):
                place = target("", endpoints=endpoints, credentials=LOGIN)
                async with PROVIDER.client(place, concurrency=8, surroundings=surroundings) as client:
                    found.append(client.skews)
                    assert (await client.observe(row, None)).complete
                    found.append(client.skews)
            assert len(iam.requests) == 1
            return found

    assert asyncio.run(run()) == [(), (1, 500), (1, 500), (-400, 500)]


@pytest.mark.parametrize("project", [{"project_id": PROJECT}, {}], ids=["given", "looked up"])
def test_a_login_that_was_refused_tells_the_time_as_well(project: dict[str, str]) -> None:
    async def run() -> tuple[int, ...]:
        async with serving(lambda _: as_json({"error": {"message": "no"}}, 401, Date=dated(-900))) as server:
            surroundings = around(LOGIN_ENVIRONMENT, now=lambda: FROZEN)
            place = target(server.url, credentials=LOGIN, options=project)
            async with PROVIDER.client(place, concurrency=8, surroundings=surroundings) as client:
                fault = (await client.observe(TRANSCODING, None)).fault
                assert "this clock is 900 s ahead of the server's" in str(fault)
                assert str(fault).count("credentials from ") == 1
                return client.skews

    assert asyncio.run(run()) == (-900, -900)


async def test_runs_share_no_login() -> None:
    iam = Iam()
    async with serving(iam) as server:
        for _ in range(2):
            with pytest.MonkeyPatch.context() as patch:
                for name, text in LOGIN_ENVIRONMENT.items():
                    patch.setenv(name, text)
                provider = PROVIDER.for_run()
            async with provider.client(target(server.url, credentials=LOGIN), concurrency=4) as client:
                assert (await client.observe(TRANSCODING, None)).complete
    assert iam.issued == 2


@pytest.mark.parametrize(
    "refuse",
    [
        as_json({"error": {"code": 401, "message": "wrong password hunter2", "title": "Unauthorized"}}, 401),
        as_json({"error": {"code": 403, "message": "locked", "title": "Forbidden"}}, 403),
    ],
)
async def test_a_rejected_login_is_not_tried_twice(refuse: Reply) -> None:
    iam = Iam(refuse)
    async with connected(iam, LOGIN_ENVIRONMENT, credentials=LOGIN) as (client, _):
        found = await asyncio.gather(*(client.observe(row, None) for row in (TRANSCODING, SNAPSHOT) * 4))
    for observation in found:
        assert observation.fault is not None
        assert observation.fault.meaning is Meaning.CREDENTIALS
        assert "IAM login of 'robot'" in observation.fault.message
        assert "hunter2" not in observation.fault.message
    assert len(iam.bodies) == 1


@pytest.mark.parametrize("name", ["HTML", "an empty body", "a redirect", "no content"])
async def test_an_odd_login_is_no_login(name: str) -> None:
    async with connected(Iam(ODD_ANSWERS[name]), LOGIN_ENVIRONMENT, credentials=LOGIN) as (client, _):
        observation = await client.observe(TRANSCODING, None)
    assert observation.fault is not None
    assert observation.fault.meaning is Meaning.MALFORMED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUAWEICLOUD_SDK_AK", "\u043a\u043b\u044e\u0447"),
        ("HUAWEICLOUD_SDK_AK", f"{AK[:9]}\n{AK[9:]}"),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "half\r\nX-Other: half"),
        ("HUAWEICLOUD_SDK_PROJECT_ID", "p\u00a0q"),
    ],
)
def test_what_no_header_may_carry_is_an_error_of_the_credentials_and_sent_nowhere(name: str, value: str) -> None:
    with pytest.raises(CredentialsError, match=f"environment variable {name} ") as caught:
        PROVIDER.client(target("https://x.example.com"), concurrency=1, surroundings=around(KEYS | {name: value}))
    assert value not in caught.value.message
