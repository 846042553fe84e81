"""Keys that somebody is asked for: a role, an OIDC provider, the machine, an address. The SDK asks the same way."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from reconciler.config.model import Credentials
from reconciler.exceptions import CredentialsError
from reconciler.provider.loopback import ODD_ANSWERS, Received, Reply, Server, as_json, serving
from reconciler.providers.aliyun import PROVIDER
from reconciler.providers.aliyun.client import AliyunClient
from reconciler.providers.aliyun.credentials import find_credentials
from reconciler.providers.aliyun.endpoints import sts_endpoint
from reconciler.simulator.aliyun import authorization
from reconciler.simulator.wire import WireRequest
from reconciler.tasks.observation import Fault, Meaning
from tests.providers.aliyun.cloud import KEYS, URL_UPLOAD, target
from tests.providers.loopback import NO_METADATA, Issuer, around

ARN = "acs:ram::123456:role/reconciler"
OIDC = {"ALIBABA_CLOUD_ROLE_ARN": ARN, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::123456:oidc-provider/github"}
SECRETS = ("hunter", "tok3n-", "metadata-token", "id-token-content")
ROLES = "/latest/meta-data/ram/security-credentials/"


class Machine(Issuer):
    """STS, a metadata service and VOD."""

    token_header = "x-acs-security-token"

    def called(self, request: Received) -> tuple[str, Reply] | None:
        said = {"CancelUrlUploadJobs": {"CanceledJobs": ["j"]}, "GetURLUploadInfos": {"NonExists": ["j"]}}
        action = request.header("x-acs-action") or ""
        return (action, as_json({"RequestId": "1", **said[action]})) if action in said else None

    def refuse(self, token: str) -> Reply:
        message = f"The specified SecurityToken {token} is expired."
        return as_json({"Code": "InvalidSecurityToken.Expired", "Message": message, "RequestId": "1"}, 400)

    def key(self) -> dict[str, str]:
        return self.issue("AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration")

    def hand_out(self, request: Received) -> Reply:
        if (request.header("x-acs-action") or request.value("Action")) in {"AssumeRole", "AssumeRoleWithOIDC"}:
            return self.replies.get("sts") or as_json({"RequestId": "1", "Credentials": self.key()})
        match request.path:
            case "/latest/api/token":
                return self.replies.get("token") or Reply(200, b"metadata-token")
            case path if path == ROLES:
                return self.replies.get("roles") or Reply(200, b"my-role\n")
            case path if path.startswith(ROLES) or path == "/keys":
                return self.replies.get("key") or as_json({"Code": "Success", **self.key()})
            case _:
                return Reply(404)


@asynccontextmanager
async def on(
    machine: Machine,
    environment: Mapping[str, str] | None = None,
    *,
    metadata: bool = False,
    home: Path | None = None,
    profile: str | None = None,
) -> AsyncIterator[tuple[AliyunClient, Server]]:
    async with serving(machine) as server:
        named = {name: text.replace("URL", server.url) for name, text in (environment or {}).items()}
        surroundings = around(
            named,
            time=machine.time,
            now=machine.now,
            sts=server.url,
            metadata=server.url if metadata else None,
            **({"home": home} if home else {}),
        )
        row = target(server.url, inventory={"job_ids": ("j",)}, credentials=Credentials(profile=profile))
        async with PROVIDER.client(row, concurrency=8, surroundings=surroundings) as client:
            yield client, server


def observed(machine: Machine, environment: Mapping[str, str] | None = None, **changes: Any) -> Fault | None:  # noqa: ANN401 - as `on`
    """List a scope; the fault, if any, which quotes nothing secret."""

    async def run() -> Fault | None:
        async with on(machine, environment, **changes) as (client, _):
            fault = (await client.observe(URL_UPLOAD, None)).fault
        assert not any(secret in str(fault) for secret in SECRETS), fault
        return fault

    return asyncio.run(run())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a profile of each mode, and a section of each type."""
    key = {"access_key_id": "base-ak", "access_key_secret": "hunter0"}
    role = {"ram_role_arn": ARN, "ram_session_name": "cli", "expired_seconds": 1800, "sts_region": "cn-shanghai"}
    oidc = {"oidc_provider_arn": OIDC["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"], "oidc_token_file": str(tmp_path / "token")}
    profiles = [
        {"name": "role", "mode": "RamRoleArn", **key, **role, "policy": '{"a": "b c"}', "external_id": "x/y"},
        {"name": "chain", "mode": "ChainableRamRoleArn", "source_profile": "role", **role},
        {"name": "ring", "mode": "ChainableRamRoleArn", "source_profile": "ring", **role},
        {"name": "ecs", "mode": "EcsRamRole", "ram_role_name": "given-role"},
        {"name": "oidc", "mode": "OIDC", **oidc, **role},
        {"name": "short", "mode": "RamRoleArn", **key, **role, "expired_seconds": 5},
        {"name": "sso", "mode": "CloudSSO"},
        {"name": "new", "mode": "Telepathy"},
    ]
    (tmp_path / "token").write_text("id-token-content")
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "role", "profiles": profiles}))
    (tmp_path / ".alibabacloud").mkdir()
    (tmp_path / ".alibabacloud" / "credentials.ini").write_text(
        f"[ini]\ntype = ram_role_arn\naccess_key_id = base-ak\naccess_key_secret = hunter0\nrole_arn = {ARN}\n"
        f"role_session_name = ini\n[ini-oidc]\ntype = oidc_role_arn\nrole_arn = {ARN}\n"
        f"oidc_provider_arn = p\noidc_token_file_path = {tmp_path / 'token'}\n"
        "[ini-ecs]\ntype = ecs_ram_role\nrole_name = given-role\n[ini-rsa]\ntype = rsa_key_pair\n"
    )
    return tmp_path


def today() -> Machine:
    """A machine by the clock that the vendor's library goes by."""
    machine = Machine()
    machine.start = datetime.now(UTC)
    return machine


def received_as_wire(request: Received) -> WireRequest:
    headers = {name: ",".join(values) for name, values in request.headers.items()}
    return WireRequest.of(request.method, request.target, headers, request.body)


def test_a_role_is_assumed_with_a_signed_request(home: Path) -> None:
    machine = Machine()
    assert observed(machine, home=home) is None
    [asked] = machine.asked
    wire = received_as_wire(asked)
    signed = authorization.read(wire)
    assert authorization.holds(wire, signed, "hunter0")
    assert (signed.action, signed.version, signed.access_key_id) == ("AssumeRole", "2015-04-01", "base-ak")
    assert dict(signed.parameters) == {
        "RoleArn": ARN,
        "RoleSessionName": "cli",
        "DurationSeconds": "1800",
        "Policy": '{"a": "b c"}',
        "ExternalId": "x/y",
    }
    assert machine.calls == [("GetURLUploadInfos", "good")]


def test_the_vendors_sdk_asks_for_the_same_role(home: Path, vendor: SimpleNamespace) -> None:
    machine = today()
    observed(machine, home=home)
    [ours], machine.asked = machine.asked, []
    provider = vendor.RamRoleArn(
        access_key_id="base-ak",
        access_key_secret="hunter0",
        role_arn=ARN,
        role_session_name="cli",
        duration_seconds=1800,
        policy='{"a": "b c"}',
        external_id="x/y",
        sts_endpoint="URL",
    )
    key = vendor.ask(machine, provider)
    assert key.get_security_token() == "tok3n-2"
    [theirs] = machine.asked
    # Its signature is not looked at: it signs a blank as "+", and would be refused for this policy.
    signed = authorization.read(received_as_wire(theirs))
    assert signed.parameters == authorization.read(received_as_wire(ours)).parameters
    assert (signed.action, signed.version) == ("AssumeRole", "2015-04-01")


@pytest.mark.parametrize("by_role", [True, False])
async def test_the_token_service_tells_the_time_and_the_machine_does_not(by_role: bool, home: Path) -> None:
    machine = Machine()
    machine.skew = 700
    async with on(machine, metadata=not by_role, home=home if by_role else None) as (client, _):
        observation = await client.observe(URL_UPLOAD, None)
        assert observation.fault is None
        assert client.skews == ((700, 700) if by_role else ())


def test_a_chain_of_roles(home: Path) -> None:
    machine = Machine()
    assert observed(machine, home=home, profile="chain") is None
    first, second = (authorization.read(received_as_wire(asked)) for asked in machine.asked)
    assert (first.access_key_id, first.security_token) == ("base-ak", "")
    assert (second.access_key_id, second.security_token) == ("AK1", "tok3n-1")
    assert authorization.holds(received_as_wire(machine.asked[1]), second, "hunter1")


def form(request: Received) -> dict[str, str]:
    return {**dict(request.query), **dict(parse_qsl(request.body.decode()))}


@pytest.mark.parametrize("profile", ["oidc", "ini-oidc", None])
def test_a_token_of_a_provider_gets_a_role(profile: str | None, home: Path) -> None:
    machine = Machine()
    environment = {} if profile else {**OIDC, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(home / "token")}
    assert observed(machine, environment, home=home, profile=profile) is None
    [asked] = machine.asked
    sent = form(asked)
    assert sent["OIDCToken"] == "id-token-content"
    assert sent["RoleArn"] == ARN
    assert (sent["Action"], sent["Version"], sent["Format"]) == ("AssumeRoleWithOIDC", "2015-04-01", "JSON")
    assert "id-token-content" not in asked.target
    assert asked.header("authorization") is None
    assert asked.header("content-type") == "application/x-www-form-urlencoded"


def test_the_vendors_sdk_shows_the_same_token(home: Path, vendor: SimpleNamespace) -> None:
    machine = today()
    environment = {**OIDC, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(home / "token")}
    observed(machine, {**environment, "ALIBABA_CLOUD_ROLE_SESSION_NAME": "s"}, home=home)
    [ours], machine.asked = machine.asked, []
    provider = vendor.Oidc(
        role_arn=ARN,
        oidc_provider_arn=OIDC["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"],
        oidc_token_file_path=str(home / "token"),
        role_session_name="s",
        sts_endpoint="URL",
    )
    vendor.ask(machine, provider)
    [theirs] = machine.asked
    said = {name: text for name, text in form(ours).items() if name not in {"Timestamp", "SignatureNonce"}}
    assert said == {name: text for name, text in form(theirs).items() if name != "Timestamp"}


def test_the_environment_comes_before_a_token_and_a_token_before_profiles(home: Path) -> None:
    environment = {**OIDC, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(home / "token")}
    found = find_credentials(target("https://x"), around({**environment, **KEYS}, home=home))
    assert found.source == "the environment"
    found = find_credentials(target("https://x"), around(environment, home=home))
    assert found.source == f"OIDC role {ARN}"
    assert found.principal == "123456"


async def test_a_token_is_read_again_since_it_is_replaced(home: Path) -> None:
    machine = Machine()
    environment = {**OIDC, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(home / "token")}
    async with on(machine, environment, home=home) as (client, _):
        for number in range(4):
            (home / "token").write_text(f"id-token-content-{number}")
            assert (await client.observe(URL_UPLOAD, None)).complete
            machine.time.now += Machine.lifetime - 10
    assert [form(asked)["OIDCToken"] for asked in machine.asked] == [f"id-token-content-{n}" for n in range(4)]
    assert {verdict for _, verdict in machine.calls} == {"good"}


@pytest.mark.parametrize("role", ["", "given-role"])
def test_the_role_of_the_machine_is_asked_when_nothing_else_is_found(role: str) -> None:
    machine = Machine()
    assert observed(machine, {"ALIBABA_CLOUD_ECS_METADATA": role}, metadata=True) is None
    token = machine.asked[0]
    assert (token.method, token.header("x-aliyun-ecs-metadata-token-ttl-seconds")) == ("PUT", "21600")
    paths = [asked.path for asked in machine.asked[1:]]
    assert paths == ([f"{ROLES}given-role"] if role else [ROLES, f"{ROLES}my-role"])
    assert {asked.header("x-aliyun-ecs-metadata-token") for asked in machine.asked[1:]} == {"metadata-token"}


def test_the_vendors_sdk_asks_the_machine_the_same_way(vendor: SimpleNamespace) -> None:
    machine = today()
    observed(machine, {"ALIBABA_CLOUD_ECS_METADATA": "given-role"}, metadata=True)
    ours, machine.asked = machine.asked, []
    vendor.ask(machine, vendor.Ecs(role_name="given-role", async_update_enabled=False))
    assert shape(machine.asked) == shape(ours)


def shape(requests: list[Received]) -> list[tuple[str, str, dict[str, list[str]]]]:
    return [
        (asked.method, asked.path, {name: text for name, text in asked.headers.items() if name.startswith("x-aliyun")})
        for asked in requests
    ]


@pytest.mark.parametrize("status", [403, 404, 500])
def test_version_1_of_the_service_will_do(status: int) -> None:
    machine = Machine(token=Reply(status))
    assert observed(machine, metadata=True) is None
    assert machine.asked[-1].header("x-aliyun-ecs-metadata-token") is None


def test_version_1_can_be_switched_off() -> None:
    fault = observed(Machine(token=Reply(404)), {"ALIBABA_CLOUD_IMDSV1_DISABLED": "true"}, metadata=True)
    assert fault is not None
    assert "RAM role (any) of this ECS (HTTP 404" in fault.message


@pytest.mark.parametrize(
    "replies",
    [
        {"roles": Reply(404)},
        {"roles": Reply(200, b"../../etc")},
        {"roles": Reply(200, b"<html>")},
        {"key": as_json({"Code": "Failed"})},
        {"key": as_json({"Code": "Success", "AccessKeyId": "x", "AccessKeySecret": "hunter"})},
        *(pytest.param({"key": ODD_ANSWERS[name]}, id=name) for name in sorted(ODD_ANSWERS)),
    ],
    ids=str,
)
def test_a_machine_that_gives_no_key_is_named_among_what_was_tried(replies: dict[str, Reply]) -> None:
    fault = observed(Machine(**replies), metadata=True)
    assert fault is not None
    assert fault.meaning is Meaning.CREDENTIALS
    named = (
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "OIDC role (",
        "config.json (does not",
        "credentials.ini (does not",
        "of this",
    )
    positions = [fault.message.index(place) for place in named]
    assert positions == sorted(positions), "in the order in which they were tried"


def test_an_address_that_hands_out_keys() -> None:
    machine = Machine()
    assert observed(machine, {"ALIBABA_CLOUD_CREDENTIALS_URI": "URL/keys?a=b"}) is None
    assert [asked.target for asked in machine.asked] == ["/keys?a=b"]
    exposed = observed(machine, {"ALIBABA_CLOUD_CREDENTIALS_URI": "http://keys.example.com/?secret=hunter"})
    assert exposed is not None
    assert "plain http is accepted for this machine only" in exposed.message


def test_the_vendors_sdk_asks_the_address_the_same_way(vendor: SimpleNamespace) -> None:
    machine = today()
    observed(machine, {"ALIBABA_CLOUD_CREDENTIALS_URI": "URL/keys?a=b"})
    [ours], machine.asked = machine.asked, []
    vendor.ask(machine, lambda url: vendor.Uri(uri=f"{url}/keys?a=b"))
    [theirs] = machine.asked
    assert (theirs.method, theirs.target) == (ours.method, ours.target)


async def test_the_machine_comes_before_the_address_and_stays_the_one() -> None:
    machine = Machine()
    environment = {"ALIBABA_CLOUD_CREDENTIALS_URI": "URL/keys"}
    async with on(machine, environment, metadata=True) as (client, _):
        assert (await client.observe(URL_UPLOAD, None)).complete
        machine.replies["key"] = Reply(500)
        machine.time.now += Machine.lifetime + 1
        fault = (await client.observe(URL_UPLOAD, None)).fault
    assert fault is not None
    assert fault.meaning is Meaning.UNREACHABLE
    assert all(asked.path != "/keys" for asked in machine.asked)


async def test_a_profile_that_was_renewed_is_read_again_and_stays_the_one(tmp_path: Path) -> None:
    """The vendor's command renews the tokens in its file; what it takes for current meanwhile is no matter."""
    machine = Machine()
    machine.valid = 1
    (tmp_path / ".aliyun").mkdir()

    def write(token: str, current: str) -> None:
        rows = [
            {"name": name, "mode": "StsToken", "access_key_id": "a", "access_key_secret": "hunter", "sts_token": text}
            for name, text in (("mine", token), ("other", "tok3n-other"))
        ]
        (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": current, "profiles": rows}))

    write("tok3n-1", "mine")
    async with on(machine, home=tmp_path) as (client, _):
        assert (await client.observe(URL_UPLOAD, None)).complete
        machine.valid = 2
        write("tok3n-2", "other")
        assert (await client.observe(URL_UPLOAD, None)).complete
    assert [verdict for _, verdict in machine.calls] == ["good", "refused", "good"]


async def test_the_machine_is_asked_past_every_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    seen: list[Received] = []

    def proxy(request: Received) -> Reply:
        seen.append(request)
        return Reply(502)

    monkeypatch.setattr("reconciler.providers.transport.route.is_loopback", lambda _: False)
    async with serving(proxy) as server, on(machine, {"http_proxy": server.url}, metadata=True) as (client, _):
        await client.observe(URL_UPLOAD, None)
    assert [asked.path for asked in machine.asked] == ["/latest/api/token", ROLES, f"{ROLES}my-role"]
    assert seen, "the call itself does go by the proxy"


@pytest.mark.parametrize(
    ("reply", "meaning", "words"),
    [
        (as_json({"Code": "NoPermission", "Message": "hunter0 may not"}, 403), Meaning.CREDENTIALS, "NoPermission"),
        (as_json({"Code": "Throttling.User", "Message": "slowly"}, 400), Meaning.UNREACHABLE, "slowly"),
        (Reply(503), Meaning.UNREACHABLE, "HTTP 503"),
        (as_json({"Credentials": {"AccessKeySecret": "hunter9"}}), Meaning.CREDENTIALS, "without a key"),
    ],
)
def test_a_token_service_that_refuses(reply: Reply, meaning: Meaning, words: str, home: Path) -> None:
    fault = observed(Machine(sts=reply), home=home)
    assert fault is not None
    assert fault.meaning is meaning
    assert words in fault.message


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        ("ring", "too long a chain"),
        ("short", "expired_seconds that is not between 900 and 43200"),
        ("new", "mode 'Telepathy', which is not known"),
        ("ecs", "which ALIBABA_CLOUD_ECS_METADATA_DISABLED switches off"),
        ("ini-ecs", "which ALIBABA_CLOUD_ECS_METADATA_DISABLED switches off"),
    ],
)
def test_a_profile_that_does_not_help_says_why(profile: str, reason: str, home: Path) -> None:
    row = target("https://x", credentials=Credentials(profile=profile))
    with pytest.raises(CredentialsError, match=reason) as caught:
        find_credentials(row, around(NO_METADATA, home=home))
    assert "hunter" not in caught.value.message


@pytest.mark.parametrize("profile", ["ecs", "ini-ecs"])
def test_a_profile_may_ask_the_machine(profile: str, home: Path) -> None:
    machine = Machine()
    assert observed(machine, home=home, profile=profile, metadata=True) is None
    assert machine.asked[-1].path == f"{ROLES}given-role"


@pytest.mark.parametrize(
    ("environment", "region", "private", "host"),
    [
        ({}, "", None, "sts.aliyuncs.com"),
        ({}, "cn-beijing", None, "sts.cn-beijing.aliyuncs.com"),
        ({"ALIBABA_CLOUD_STS_REGION": "cn-hongkong"}, "", None, "sts.cn-hongkong.aliyuncs.com"),
        ({"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true"}, "cn-beijing", None, "sts-vpc.cn-beijing.aliyuncs.com"),
        ({"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true"}, "cn-beijing", False, "sts.cn-beijing.aliyuncs.com"),
    ],
)
def test_the_host_of_the_token_service(
    environment: dict[str, str], region: str, private: bool | None, host: str
) -> None:
    assert sts_endpoint(around(environment), region, private=private) == f"https://{host}"


def test_a_torn_file_is_read_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / ".aliyun" / "config.json"
    whole = path.read_text()
    path.write_text(whole[:-20])
    reads = 0

    def mended(_path: Path) -> str:
        nonlocal reads
        reads += 1
        return whole if reads == 2 else whole[:-20]

    monkeypatch.setattr("reconciler.providers.credentials.small_text", mended)
    assert find_credentials(target("https://x"), around({}, home=home)).source.endswith("[role]")


def test_files_that_are_no_files_are_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".aliyun" / "config.json").mkdir(parents=True)
    (tmp_path / ".alibabacloud").mkdir()
    (tmp_path / ".alibabacloud" / "credentials.ini").write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(CredentialsError) as caught:
        find_credentials(target("https://x"), around({}, home=tmp_path))
    assert "config.json (not a file)" in caught.value.message
    assert "credentials.ini (more than 1048576 bytes)" in caught.value.message


def test_secrets_are_not_shown(home: Path) -> None:
    for profile in ("role", "chain", "oidc", "ini"):
        row = target("https://x", credentials=Credentials(profile=profile))
        surroundings = around({}, home=home)
        found = find_credentials(row, surroundings)
        client = PROVIDER.client(row, concurrency=1, surroundings=surroundings)
        shown = f"{found!r} {found.credentials!r} {client!r} {vars(client)!r}"
        assert "hunter" not in shown
        assert "id-token-content" not in shown
