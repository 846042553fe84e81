"""Keys that somebody is asked for: an agency, an identity provider, a token service. The SDK asks the same way."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.config.model import Credentials, Secret
from reconciler.exceptions import CredentialsError
from reconciler.provider.loopback import ODD_ANSWERS, Received, Reply, Server, as_json, serving
from reconciler.providers.huaweicloud import PROVIDER
from reconciler.providers.huaweicloud.client import HuaweicloudClient
from reconciler.providers.huaweicloud.credentials import find_credentials
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action
from tests.providers.huaweicloud.cloud import KEYS, PACKAGING, TRANSCODING, one_fault, target
from tests.providers.loopback import NO_METADATA, Issuer, around

EMPTY = {"total": 0, "task_array": [], "tasks": []}
SECRETS = ("hunter", "tok3n-", "metadata-token", "id-token-content", "unscoped")
OIDC = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": "iam::1:oidc-provider:github",
    "HUAWEICLOUD_OIDC_AGENCY_URN": "iam::1:agency:ci",
    "HUAWEICLOUD_OIDC_ID_TOKEN": "id-token-content",
}


class Machine(Issuer):
    """A metadata service, IAM, STS and MPC."""

    lifetime = 24 * 3600.0
    token_header = "x-security-token"
    end = "%Y-%m-%dT%H:%M:%S.%fZ"

    def called(self, request: Received) -> tuple[str, Reply] | None:
        if not request.path.startswith("/v1/"):
            return None
        return request.method, Reply(204) if request.method == "DELETE" else as_json(EMPTY)

    def refuse(self, token: str) -> Reply:
        return as_json({"error_code": "APIGW.0301", "error_msg": f"bad token {token}"}, 401)

    def key(self) -> dict[str, str]:
        return self.issue("access", "secret", "securitytoken", "expires_at")

    def hand_out(self, request: Received) -> Reply:
        match request.path:
            case "/meta-data/latest/api/token":
                return self.replies.get("token") or Reply(200, b"metadata-token")
            case "/openstack/latest/securitykey":
                return self.replies.get("key") or as_json({"credential": self.key()})
            case "/v5/agencies/assume-with-oidc":
                spelt = self.issue("access_key_id", "secret_access_key", "security_token", "expiration")
                return as_json({"credentials": spelt})
            case "/v3.0/OS-AUTH/id-token/tokens":
                return as_json({"token": {}}, 201, X_Subject_Token="unscoped-token")
            case "/v3.0/OS-CREDENTIAL/securitytokens" | "/pod":
                return as_json({"credential": self.key()}, 201 if request.path != "/pod" else 200)
            case _:
                return Reply(404)


@asynccontextmanager
async def on(
    machine: Machine,
    environment: Mapping[str, str] | None = None,
    *,
    metadata: bool = True,
    **changes: Any,  # noqa: ANN401 - the attributes of Target
) -> AsyncIterator[tuple[HuaweicloudClient, Server]]:
    async with serving(machine) as server:
        named = {name: text.replace("URL", server.url) for name, text in (environment or {}).items()}
        surroundings = around(named, time=machine.time, now=machine.now, metadata=server.url if metadata else None)
        async with PROVIDER.client(target(server.url, **changes), concurrency=8, surroundings=surroundings) as client:
            yield client, server


def observed(machine: Machine, environment: Mapping[str, str] | None = None, **changes: Any) -> Fault | None:  # noqa: ANN401 - as `on`
    """List a scope; the fault, if any, which quotes nothing secret."""

    async def run() -> Fault | None:
        async with on(machine, environment, **changes) as (client, _):
            fault = (await client.observe(TRANSCODING, None)).fault
        assert not any(secret in str(fault) for secret in SECRETS)
        return fault

    return asyncio.run(run())


def test_the_agency_of_the_machine_is_asked_when_nothing_else_is_found() -> None:
    machine = Machine()
    assert observed(machine) is None
    token, key = machine.asked
    assert (token.method, token.path, token.header("x-metadata-token-ttl-seconds")) == (
        "PUT",
        "/meta-data/latest/api/token",
        "21600",
    )
    assert (key.method, key.path, key.header("x-metadata-token")) == (
        "GET",
        "/openstack/latest/securitykey",
        "metadata-token",
    )
    assert machine.calls == [("GET", "good")]


async def test_the_vendors_sdk_asks_the_same_way(sdk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    await asyncio.to_thread(observed, machine)
    ours, machine.asked = machine.asked, []
    async with serving(machine) as server:
        monkeypatch.setattr(sdk.MetadataAccessor, "_METADATA_ENDPOINT", server.url)
        credential = await asyncio.to_thread(sdk.MetadataAccessor().get_credential)
    assert (credential.access, credential.security_token) == ("AK2", "tok3n-2")
    assert shape(machine.asked, "x-metadata") == shape(ours, "x-metadata")


def shape(requests: list[Received], prefix: str) -> list[tuple[str, str, dict[str, list[str]]]]:
    return [
        (
            request.method,
            request.path,
            {name: text for name, text in request.headers.items() if name.startswith(prefix)},
        )
        for request in requests
    ]


@pytest.mark.parametrize("status", [404, 405, 503])
def test_a_service_without_tokens_is_asked_without(status: int) -> None:
    machine = Machine(token=Reply(status))
    assert observed(machine) is None
    assert machine.asked[1].header("x-metadata-token") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"token": Reply(403, b"no")},
        {"key": Reply(401, b"Please configure Cloud Service Agency first")},
        {"key": as_json({"credential": {"access": "A", "secret": "hunter"}})},
        {"key": as_json({"credential": ["hunter"]})},
        *(pytest.param({"key": ODD_ANSWERS[name]}, id=name) for name in sorted(ODD_ANSWERS)),
    ],
    ids=str,
)
def test_a_machine_that_gives_no_key_is_named_among_what_was_tried(changes: dict[str, Reply]) -> None:
    fault = observed(Machine(**changes))
    assert fault is not None
    assert fault.meaning is Meaning.CREDENTIALS
    for place in ("OIDC agency", "HUAWEICLOUD_SDK_AK", ".huaweicloud/credentials (does not exist)", "agency of this"):
        assert place in fault.message
    assert "hunter" not in fault.message


async def test_a_machine_without_the_service_is_said_to_be_without() -> None:
    surroundings = around(metadata="http://127.0.0.1:9")
    client = PROVIDER.client(target("http://127.0.0.1:9"), concurrency=1, surroundings=surroundings)
    async with client:
        fault = (await client.observe(TRANSCODING, None)).fault
    assert fault is not None
    assert fault.meaning is Meaning.CREDENTIALS
    assert "agency of this ECS (127.0.0.1: no connection" in fault.message


def test_the_service_can_be_switched_off() -> None:
    with pytest.raises(CredentialsError, match="switched off by HUAWEICLOUD_ECS_METADATA_DISABLED"):
        PROVIDER.client(target("https://x"), concurrency=1, surroundings=around(NO_METADATA))


def test_a_named_profile_is_not_replaced_by_the_machine(tmp_path: Path) -> None:
    row = target("https://x", credentials=Credentials(profile="basic"))
    with pytest.raises(CredentialsError, match="does not exist"):
        find_credentials(row, around(metadata="http://127.0.0.1:9", home=tmp_path))


async def test_a_long_run_outlives_its_keys() -> None:
    """Six days at an hour a step, with keys that are good for a day: renewed with 40 minutes left, never refused."""
    machine = Machine()
    async with on(machine) as (client, _):
        for _ in range(6 * 24):
            assert (await client.observe(TRANSCODING, None)).complete
            machine.time.now += 3600
    assert client.requests == 6 * 24 + 2 * machine.issued
    assert {verdict for _, verdict in machine.calls} == {"good"}
    assert machine.issued == 6


@pytest.mark.parametrize(("environment", "skews"), [({}, ()), (OIDC | {"HUAWEICLOUD_SDK_STS_ENDPOINT": "URL"}, (700,))])
async def test_who_hands_out_keys_tells_the_time_unless_it_is_the_machine(
    environment: Mapping[str, str], skews: tuple[int, ...]
) -> None:
    machine = Machine()
    machine.skew = 700
    async with on(machine, environment) as (client, _):
        assert (await client.observe(TRANSCODING, None)).complete
        assert set(client.skews) == set(skews)


def test_a_refusal_says_where_the_credentials_came_from() -> None:
    fault = observed(Machine(), KEYS)
    assert fault is not None
    assert fault.meaning is Meaning.CREDENTIALS
    assert "credentials from the environment; tried before: OIDC agency (" in fault.message


async def test_keys_in_a_file_that_were_replaced_are_read_again(tmp_path: Path) -> None:
    secret, token = tmp_path / "sk", tmp_path / "st"
    secret.write_text("hunter1")
    token.write_text("tok3n-1")
    sources = {
        "access_key_id": Secret(env="AK"),
        "secret_access_key": Secret(file=secret),
        "security_token": Secret(file=token),
    }
    machine = Machine()
    machine.valid = 1
    async with on(machine, {"AK": "AK1"}, credentials=Credentials(secrets=sources)) as (client, _):
        assert (await client.observe(TRANSCODING, None)).complete
        machine.valid = 2
        token.write_text("tok3n-2")
        assert (await client.observe(TRANSCODING, None)).complete
    assert [verdict for _, verdict in machine.calls] == ["good", "refused", "good"]


def test_an_oidc_token_comes_before_everything_else() -> None:
    machine = Machine()
    environment = {**OIDC, **KEYS, "HUAWEICLOUD_SDK_STS_ENDPOINT": "URL"}
    assert observed(machine, environment, metadata=False) is None
    [asked] = machine.asked
    assert asked.header("content-type") == "application/json"
    assert json.loads(asked.body) == {
        "provider_urn": "iam::1:oidc-provider:github",
        "agency_urn": "iam::1:agency:ci",
        "agency_session_name": "oidc-sts-session",
        "id_token": "id-token-content",
        "duration_seconds": 3600,
    }


async def test_the_vendors_sdk_assumes_an_agency_the_same_way(sdk: SimpleNamespace) -> None:
    machine = Machine()
    environment = {**OIDC, "HUAWEICLOUD_SDK_STS_ENDPOINT": "URL"}
    await asyncio.to_thread(observed, machine, environment, metadata=False)
    [ours], machine.asked = machine.asked, []
    async with serving(machine) as server:
        accessor = sdk.OidcStsAccessor(
            OIDC["HUAWEICLOUD_OIDC_PROVIDER_URN"],
            OIDC["HUAWEICLOUD_OIDC_AGENCY_URN"],
            OIDC["HUAWEICLOUD_OIDC_ID_TOKEN"],
            "oidc-sts-session",
        )
        http = sdk.HttpClient(sdk.HttpConfig.get_default_config(), None, None, logging.getLogger("huaweicloud"))
        credential = await asyncio.to_thread(accessor.get_credential, sts_endpoint=server.url, http_client=http)
    assert credential.access == "AK2"
    [theirs] = machine.asked
    assert (theirs.method, theirs.path, json.loads(theirs.body)) == (ours.method, ours.path, json.loads(ours.body))


def test_an_identity_token_is_turned_into_a_key(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("id-token-content\n")
    machine = Machine()
    environment = {"HUAWEICLOUD_SDK_IDP_ID": "github", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": str(file), **KEYS}
    assert observed(machine, environment, metadata=False) is None
    first, second = machine.asked
    assert first.header("x-idp-id") == "github"
    assert json.loads(first.body) == {"auth": {"id_token": {"id": "id-token-content"}}}
    assert json.loads(second.body)["auth"]["identity"] == {
        "methods": ["token"],
        "token": {"id": "unscoped-token", "duration_seconds": 21600},
    }


def test_a_pod_has_an_identity(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("id-token-content")
    environment = {"HC_CONTAINER_CREDENTIALS_FULL_URI": "URL/pod", "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file)}
    machine = Machine()
    assert observed(machine, environment, metadata=False) is None
    [asked] = machine.asked
    assert (asked.method, asked.path, asked.header("authorization")) == ("POST", "/pod", "id-token-content")
    exposed = {**environment, "HC_CONTAINER_CREDENTIALS_FULL_URI": "http://keys.example.com/pod"}
    fault = observed(machine, exposed, metadata=False)
    assert fault is not None
    assert "plain http is accepted for this machine only" in fault.message


@pytest.mark.parametrize("missing", sorted(OIDC))
def test_half_an_oidc_agency_is_named(missing: str) -> None:
    environment = {name: text for name, text in OIDC.items() if name != missing}
    with pytest.raises(CredentialsError, match=f"OIDC agency \\({missing}.* not set\\)") as caught:
        find_credentials(target("https://x"), around(environment))
    assert "id-token-content" not in caught.value.message


async def test_a_token_service_that_is_away_leaves_the_write_unsent() -> None:
    """What could not be signed was never sent: the change is not of uncertain effect."""
    environment = {**OIDC, "HUAWEICLOUD_SDK_STS_ENDPOINT": "http://127.0.0.1:9"}
    client = PROVIDER.client(target("http://127.0.0.1:9"), concurrency=1, surroundings=around(environment))
    async with client:
        delete = PACKAGING.operation(Action.DELETE)
        assert delete is not None
        fault = one_fault(await client.perform(PACKAGING, delete, ["1"]))
    assert fault is not None
    assert fault.meaning is Meaning.UNREACHABLE


async def test_a_token_of_iam_is_renewed_before_its_24_hours_end() -> None:
    machine = Machine()
    issued = 0

    def answer(request: Received) -> Reply:
        nonlocal issued
        if request.path == "/v3/auth/tokens":
            issued += 1
            end = (machine.now() + timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            return as_json({"token": {"expires_at": end}}, 201, X_Subject_Token=f"token-{issued}")
        good = request.header("x-auth-token") == f"token-{issued}"
        return as_json(EMPTY) if good else as_json({"error_code": "APIGW.0307", "error_msg": "outdated"}, 401)

    sources = {key: Secret(env=key) for key in ("iam_user", "iam_password", "iam_domain")}
    async with serving(answer) as server:
        row = target(server.url, credentials=Credentials(secrets=sources))
        named = {"iam_user": "robot", "iam_password": "hunter2", "iam_domain": "company"}
        surroundings = around(named, time=machine.time, now=machine.now)
        async with PROVIDER.client(row, concurrency=1, surroundings=surroundings) as client:
            for _ in range(3):
                assert (await client.observe(TRANSCODING, None)).complete
                machine.time.now += 23.5 * 3600
            assert client.requests == 3 + issued == 6


def test_secrets_are_not_shown() -> None:
    found = find_credentials(target("https://x"), around({**OIDC, "HUAWEICLOUD_SDK_SK": "hunter"}))
    assert "id-token-content" not in f"{found!r} {found.credentials!r}"
    assert "hunter" not in f"{found!r} {found.credentials!r}"
