"""What a target's `credentials` may name, and what is around a secret where it is kept."""

import os
from pathlib import Path

import pytest

from reconciler.config.model import Credentials, Secret, Target
from reconciler.exceptions import CredentialsError, UsageError
from reconciler.providers.aliyun import credentials as aliyun
from reconciler.providers.credentials import AccessKey
from reconciler.providers.huaweicloud import credentials as huaweicloud
from reconciler.providers.secret_sources import CREDENTIAL_SOURCES, Secrets, check_sources
from tests.providers.loopback import around

VENDORS = ("huaweicloud", "aliyun")


def found(row: Target, environment: dict[str, str]) -> object:
    """The credentials that the provider of the target finds."""
    if row.provider == "aliyun":
        return aliyun.find_credentials(row, around(environment)).credentials
    return huaweicloud.find_credentials(row, around(environment)).credentials


AROUND = ["{}\n", "{}\r\n", " \t{} ", "\u00a0{}\u2003", "\ufeff{}", "\ufeff {}\n", "\u3000{}\u2028"]
"""What editors, shells and forms leave around a secret."""
WITHIN = ["{}\u200b", "\uff41{}", "{}\u00e9", "a {}", "{}\nb", "{}\x00", "\u202e{}"]
"""What cannot be taken away: it stands in the secret."""


def target(provider: str = "huaweicloud", profile: str | None = None, **secrets: Secret) -> Target:
    return Target(name="t", provider=provider, region="cn-x", credentials=Credentials(profile=profile, secrets=secrets))


def keys(provider: str, ak: str, sk: str, token: str) -> dict[str, str]:
    if provider == "aliyun":
        names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")
    else:
        names = ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
    return dict(zip(names, (ak, sk, token), strict=True))


@pytest.mark.parametrize("provider", VENDORS)
@pytest.mark.parametrize("form", AROUND)
def test_white_space_around_is_no_part_of_a_secret(provider: str, form: str, tmp_path: Path) -> None:
    parts = tuple(form.format(part) for part in ("a1", "s1", "t1"))
    assert found(target(provider), keys(provider, *parts)) == AccessKey("a1", "s1", "t1")
    (tmp_path / "sk").write_text(parts[1], encoding="utf-8")
    row = target(
        provider,
        access_key_id=Secret(env="A"),
        secret_access_key=Secret(file=tmp_path / "sk"),
        security_token=Secret(env="T"),
    )
    key = found(row, {"A": parts[0], "T": parts[2]})
    assert key == AccessKey("a1", "s1", "t1")


@pytest.mark.parametrize("provider", VENDORS)
@pytest.mark.parametrize("form", WITHIN)
def test_what_stands_within_is_told_by_the_name_of_the_variable(provider: str, form: str) -> None:
    environment = keys(provider, "a1", form.format("hunter2"), "")
    with pytest.raises(CredentialsError, match=f"environment variable {list(environment)[1]} h") as caught:
        found(target(provider), environment)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("provider", VENDORS)
@pytest.mark.parametrize("empty", ["", " ", "\n", "\ufeff"])
def test_an_empty_security_token_is_none(provider: str, empty: str) -> None:
    assert found(target(provider), keys(provider, "a", "s", empty)) == AccessKey("a", "s")
    sources = {
        "access_key_id": Secret(env="A"),
        "secret_access_key": Secret(env="B"),
        "security_token": Secret(env="C"),
    }
    row = target(provider, None, **sources)
    assert found(row, {"A": "a", "B": "s", "C": empty}) == AccessKey("a", "s")


def test_the_project_of_the_environment_is_stripped() -> None:
    environment = {**keys("huaweicloud", "a", "s", ""), "HUAWEICLOUD_SDK_PROJECT_ID": "\ufeffp1\r\n"}
    assert huaweicloud.find_credentials(target(), around(environment)).project_id == "p1"


def test_files_are_read_whole_or_not_at_all(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * (1024 * 1024 + 1))
    for name in ("pipe", "large", "none", "."):
        with pytest.raises(CredentialsError, match=r"credentials\.token: file .* cannot be read"):
            Secrets(target(token=Secret(file=tmp_path / name)), {}).read("token")


@pytest.mark.parametrize(
    ("listed", "secret", "permitted"),
    [
        ("none", Secret(env="GITHUB_TOKEN"), False),
        ("none", Secret(env="none"), False),
        ("PROD_*", Secret(env="PROD_SK"), True),
        ("PROD_*", Secret(env="XPROD_SK"), False),
        ("PROD_SK, STAGE_SK", Secret(env="STAGE_SK"), True),
        ("PROD_SK", Secret(env="prod_sk"), False),
        ("*", Secret(env="ANY"), True),
    ],
)
def test_variables_that_may_be_named(listed: str, secret: Secret, permitted: bool) -> None:
    row, environment = target(token=secret), {CREDENTIAL_SOURCES: listed, secret.env or "": "value"}
    if permitted:
        assert Secrets(row, environment).read("token") == "value"
        return
    for refuse in (lambda: Secrets(row, environment), lambda: check_sources(row, environment)):
        with pytest.raises(
            CredentialsError, match=f"environment variable {secret.env} is not among {CREDENTIAL_SOURCES}"
        ):
            refuse()


@pytest.mark.parametrize(
    ("listed", "file", "permitted"),
    [
        ("{}/keys/*", "keys/sk", True),
        ("{}/keys/*", "keys/../keys/sk", True),
        ("{}/keys/sk", "keys/sk", True),
        ("{}/*/sk", "keys/sk", True),
        ("{}/keys/*", "other/sk", False),
        ("{}/keys/*", "keys/../other/sk", False),
        ("{}/keys/*", "keys/deep/sk", False),
        ("{}/keys/*", "keys/inside", True),
        ("{}/keys/*", "keys/outside", False),
        ("SK", "keys/sk", False),
        ("none", "keys/sk", False),
    ],
)
def test_files_that_may_be_named(listed: str, file: str, permitted: bool, tmp_path: Path) -> None:
    for name in ("keys/sk", "other/sk", "keys/deep/sk"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("value")
    (tmp_path / "keys/inside").symlink_to("deep/sk")  # as Kubernetes mounts secrets
    (tmp_path / "keys/outside").symlink_to("../other/sk")
    row, environment = target(token=Secret(file=tmp_path / file)), {CREDENTIAL_SOURCES: listed.format(tmp_path)}
    if permitted:
        assert Secrets(row, environment).read("token") == "value"
        return
    with pytest.raises(CredentialsError, match=f"is not among {CREDENTIAL_SOURCES}"):
        Secrets(row, environment)


@pytest.mark.parametrize("provider", VENDORS)
@pytest.mark.parametrize(("listed", "permitted"), [("profile:pro*", True), ("profile:x", False), ("prod", False)])
def test_profiles_that_may_be_named(provider: str, listed: str, permitted: bool) -> None:
    row = target(provider, profile="prod")
    with pytest.raises(CredentialsError) as caught:  # there is no such profile either
        found(row, {CREDENTIAL_SOURCES: listed})
    assert (f"the profile is not among {CREDENTIAL_SOURCES}" in caught.value.message) is not permitted


@pytest.mark.parametrize("provider", VENDORS)
def test_where_the_sdk_looks_by_itself_is_not_named(provider: str) -> None:
    environment = {**keys(provider, "a", "s", ""), CREDENTIAL_SOURCES: "none"}
    assert found(target(provider), environment) == AccessKey("a", "s")


@pytest.mark.parametrize("listed", ["", " , ", "keys/*", "./keys", "none,X", "A-B", "profile:", "$X", "\u00c4"])
def test_a_list_that_is_none_permits_nothing(listed: str) -> None:
    with pytest.raises(UsageError, match=CREDENTIAL_SOURCES):
        check_sources(target(), {CREDENTIAL_SOURCES: listed})
