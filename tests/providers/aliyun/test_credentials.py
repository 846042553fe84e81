"""Credentials are found where the vendor's SDK looks, or where the target says, and never shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.config.model import Credentials, Secret
from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.providers.access_key import AccessKey
from reconciler.providers.aliyun import PROVIDER
from reconciler.providers.aliyun.credentials import find_credentials
from reconciler.providers.aliyun.endpoints import endpoint
from tests.providers.aliyun.cloud import AK, KEYS, target
from tests.providers.loopback import around

if TYPE_CHECKING:
    from pathlib import Path

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


def test_secrets_are_not_shown(home: Path) -> None:
    surroundings = around({}, home=home)
    found = find_credentials(ROW, surroundings)
    assert "hunter" not in f"{found!r} {vars(PROVIDER.client(ROW, concurrency=1, surroundings=surroundings))!r}"


def test_endpoints() -> None:
    assert endpoint(target("", endpoints={})) == "https://vod.cn-shanghai.aliyuncs.com"
    with pytest.raises(ProviderError, match="loopback"):
        endpoint(target("http://vod.example.com"))


def test_groups() -> None:
    plain = target("", endpoints={})
    group = PROVIDER.rate_limit_group(plain, surroundings=around(KEYS))
    assert group.startswith("aliyun/principal-")
    assert group.endswith("/cn-shanghai")
    assert AK not in group
    assert PROVIDER.rate_limit_group(plain, surroundings=around()) == "aliyun/default/cn-shanghai"
