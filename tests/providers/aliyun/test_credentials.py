"""Credentials are found where the vendor's SDK looks, or where the target says, and never shown."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.config.model import Credentials, Secret
from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.provider.loopback import Received, Reply, as_json, serving
from reconciler.providers.aliyun import PROVIDER
from reconciler.providers.aliyun.asked_keys import OidcRole, Role
from reconciler.providers.aliyun.credentials import find_credentials
from reconciler.providers.aliyun.endpoints import endpoint
from reconciler.providers.credentials import AccessKey
from reconciler.providers.transport.surroundings import Surroundings
from reconciler.tasks.observation import Fault
from tests.providers.aliyun.cloud import AK, KEYS, target
from tests.providers.loopback import around

PROFILES = {
    "current": "work",
    "profiles": [
        {"name": "work", "mode": "AK", "access_key_id": "cli-ak", "access_key_secret": "hunter2"},
        {
            "name": "temporary",
            "mode": "StsToken",
            "access_key_id": "sts-ak",
            "access_key_secret": "hunter2",
            "sts_token": "hunter3",
        },
        {"name": "role", "mode": "RamRoleArn", "access_key_id": "x", "access_key_secret": "hunter2"},
        {"name": "empty", "mode": "AK"},
    ],
}
INI = (
    "[default]\ntype = access_key\naccess_key_id = ini-ak\naccess_key_secret = hunter2%\n[role]\ntype = ram_role_arn\n"
)
ROW = target("https://vod.example.com")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps(PROFILES))
    (tmp_path / ".alibabacloud").mkdir()
    (tmp_path / ".alibabacloud" / "credentials.ini").write_text(INI)
    return tmp_path


def test_the_environment_comes_first(home: Path) -> None:
    found = find_credentials(ROW, around({**KEYS, "ALIBABA_CLOUD_SECURITY_TOKEN": "t"}, home=home))
    assert found.credentials == AccessKey(AK, KEYS["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], "t")


def test_then_the_current_profile_of_the_command(home: Path) -> None:
    assert find_credentials(ROW, around({}, home=home)).credentials == AccessKey("cli-ak", "hunter2")


def test_or_the_profile_that_is_named(home: Path) -> None:
    expected = AccessKey("sts-ak", "hunter2", "hunter3")
    assert find_credentials(ROW, around({"ALIBABA_CLOUD_PROFILE": "temporary"}, home=home)).credentials == expected
    named = target("https://x", credentials=Credentials(profile="temporary"))
    assert find_credentials(named, around(KEYS, home=home)).credentials == expected


def test_then_the_ini_file(home: Path, tmp_path: Path) -> None:
    off = {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true"}
    assert find_credentials(ROW, around(off, home=home)).credentials == AccessKey("ini-ak", "hunter2%")
    path = tmp_path / "elsewhere.ini"
    path.write_text(INI.replace("ini-ak", "else-ak"))
    moved = around({"ALIBABA_CLOUD_CREDENTIALS_FILE": str(path)})
    assert find_credentials(ROW, moved).principal == "else-ak"


def test_sources_of_the_target(home: Path) -> None:
    sources = {
        "access_key_id": Secret(env="A"),
        "secret_access_key": Secret(env="B"),
        "security_token": Secret(env="C"),
    }
    row = target("https://x", credentials=Credentials(secrets=sources))
    found = find_credentials(row, around({**KEYS, "A": "a", "B": "b", "C": "c"}, home=home))
    assert found.credentials == AccessKey("a", "b", "c")
    with pytest.raises(CredentialsError, match="environment variable C"):
        find_credentials(row, around({**KEYS, "A": "a", "B": "b"}, home=home))


def test_nothing_found_names_everything_tried() -> None:
    with pytest.raises(CredentialsError) as caught:
        PROVIDER.client(ROW, concurrency=1, surroundings=around())
    for place in ("ALIBABA_CLOUD_ACCESS_KEY_ID", ".aliyun/config.json", ".alibabacloud/credentials.ini"):
        assert place in caught.value.message


@pytest.mark.parametrize(
    ("profile", "reason"), [("role", "lacks ram_role_arn"), ("empty", "lacks"), ("none", "no profile 'none'")]
)
def test_a_profile_that_does_not_help_says_why(profile: str, reason: str, home: Path) -> None:
    with pytest.raises(CredentialsError, match=reason) as caught:
        find_credentials(target("https://x", credentials=Credentials(profile=profile)), around({}, home=home))
    assert "hunter" not in caught.value.message


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"current": "x"}', '{"current": "x", "profiles": ["hunter2"]}', "{hunter2"]
)
def test_a_broken_file_is_said_to_be_broken(text: str, home: Path) -> None:
    (home / ".aliyun" / "config.json").write_text(text)
    (home / ".alibabacloud" / "credentials.ini").write_text("hunter2 = 1")
    with pytest.raises(CredentialsError, match="not in the form") as caught:
        find_credentials(ROW, around({}, home=home))
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("name", sorted(KEYS))
def test_half_of_the_keys_is_a_mistake(name: str, home: Path) -> None:
    with pytest.raises(CredentialsError, match="is not set"):
        find_credentials(ROW, around({name: "x"}, home=home))


def test_line_ends_of_a_file_of_variables_belong_to_nothing_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of no key, and of no role, file, region or address either."""
    token = tmp_path / "token"
    token.write_text("t")
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        monkeypatch.delenv(name, raising=False)
    variables = {
        "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/r",
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "provider",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token),
        "ALIBABA_CLOUD_STS_REGION": "cn-hangzhou",
    }
    for name, text in variables.items():
        monkeypatch.setenv(name, f"\ufeff{text}\u00a0\r\n")
    found = find_credentials(target("https://h"), Surroundings())
    role = Role("acs:ram::1:role/r", "https://sts.cn-hangzhou.aliyuncs.com")
    assert found.credentials == OidcRole(role, "provider", str(token))


def test_secrets_are_not_shown(home: Path) -> None:
    surroundings = around({}, home=home)
    found = find_credentials(ROW, surroundings)
    assert "hunter" not in f"{found!r} {vars(PROVIDER.client(ROW, concurrency=1, surroundings=surroundings))!r}"


def test_endpoints() -> None:
    assert endpoint(target("", endpoints={}), "vod", {}) == "https://vod.cn-shanghai.aliyuncs.com"
    with pytest.raises(ProviderError, match="loopback"):
        endpoint(target("http://vod.example.com"), "vod", {})


def account(answer: Reply | None, environment: dict[str, str], **changes: Any) -> tuple[str | Fault, list[Received]]:  # noqa: ANN401 - the attributes of Target
    """Who a target says it belongs to, and what STS was asked for it; None: there is no STS."""

    async def run() -> tuple[str | Fault, list[Received]]:
        async with serving(lambda _: answer or Reply(500)) as server:
            surroundings = around(environment, sts=server.url if answer else None)
            row = target(server.url, **changes)
            async with PROVIDER.client(row, concurrency=1, surroundings=surroundings) as client:
                return await client.account(), server.requests

    return asyncio.run(run())


OTHER = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "other", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "hunter3"}
IDENTITY = as_json({"AccountId": "1234567890", "IdentityType": "RAMUser", "RequestId": "1"})


def test_two_keys_of_one_account_are_one_account() -> None:
    found, [request] = account(IDENTITY, KEYS)
    assert request.header("x-acs-action") == "GetCallerIdentity"
    assert found == account(IDENTITY, OTHER)[0] == account(IDENTITY, {**OTHER, "ALIBABA_CLOUD_SECURITY_TOKEN": "t"})[0]
    assert found != account(as_json({"AccountId": "99"}), KEYS)[0]
    assert "1234567890" not in str(found)


@pytest.mark.parametrize("answer", [None, as_json({"Code": "NoPermission"}, 403), as_json({}), Reply(502)])
def test_where_sts_does_not_tell_the_key_stands_for_the_account(answer: Reply | None) -> None:
    found, _ = account(answer, KEYS)
    assert isinstance(found, str)
    assert found == account(answer, KEYS, name="other")[0] != account(answer, OTHER)[0]
    assert AK not in found


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://vod.cn-shanghai.aliyuncs.com", "cn-shanghai"),
        ("https://VOD.cn-shanghai.aliyuncs.com:443/", "cn-shanghai"),
        ("https://vod-vpc.cn-beijing.aliyuncs.com", "cn-beijing"),
        ("https://proxy.example.com", "cn-shanghai"),
    ],
)
def test_the_region_is_the_one_that_is_served(url: str, region: str) -> None:
    found, _ = account(None, KEYS, endpoints={"vod": url})
    assert str(found).endswith(f"/{region}")
