"""Credentials are found where the vendor's SDK looks, or where the target says, and never shown."""

from pathlib import Path

import pytest

from reconciler.config.model import Credentials, Secret, Target
from reconciler.exceptions import CredentialsError
from reconciler.providers.credentials import AccessKey
from reconciler.providers.huaweicloud import PROVIDER
from reconciler.providers.huaweicloud.credentials import find_credentials
from reconciler.providers.huaweicloud.signing import Login, Token
from tests.providers.huaweicloud.cloud import KEYS, target
from tests.providers.loopback import around

PROFILE = (
    "[basic]\nak = file-ak\nsk = file-sk%with%percent\nproject_id = file-project\n[other]\nak = other-ak\nsk = s\n"
)


def with_sources(**sources: Secret) -> Target:
    return target("https://x.example.com", credentials=Credentials(secrets=sources))


def home_with(tmp_path: Path, text: str = PROFILE) -> Path:
    folder = tmp_path / ".huaweicloud"
    folder.mkdir()
    (folder / "credentials").write_text(text)
    return tmp_path


def test_the_environment_comes_first(tmp_path: Path) -> None:
    environment = {**KEYS, "HUAWEICLOUD_SDK_SECURITY_TOKEN": "token", "HUAWEICLOUD_SDK_PROJECT_ID": "env-project"}
    found = find_credentials(target("https://x"), around(environment, home=home_with(tmp_path)))
    assert found.credentials == AccessKey(KEYS["HUAWEICLOUD_SDK_AK"], KEYS["HUAWEICLOUD_SDK_SK"], "token")
    assert found.project_id == "env-project"


def test_then_the_file(tmp_path: Path) -> None:
    found = find_credentials(target("https://x"), around({}, home=home_with(tmp_path)))
    assert found.credentials == AccessKey("file-ak", "file-sk%with%percent")
    assert found.project_id == "file-project"


def test_doubled_percent_signs_are_read_as_the_sdk_does(tmp_path: Path) -> None:
    home = home_with(tmp_path, "[basic]\nak = a\nsk = 50%%off\n")
    assert find_credentials(target("https://x"), around({}, home=home)).credentials == AccessKey("a", "50%off")


def test_the_file_may_be_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "keys.ini"
    path.write_text(PROFILE)
    found = find_credentials(target("https://x"), around({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(path)}))
    assert found.principal == "file-ak"


def test_a_profile_passes_the_environment_by(tmp_path: Path) -> None:
    row = target("https://x", credentials=Credentials(profile="basic"))
    found = find_credentials(row, around(KEYS, home=home_with(tmp_path)))
    assert found.credentials == AccessKey("file-ak", "file-sk%with%percent")


def test_there_are_no_named_profiles(tmp_path: Path) -> None:
    row = target("https://x", credentials=Credentials(profile="other"))
    with pytest.raises(CredentialsError, match=r"have no named profiles, their file has the one section \[basic\]"):
        find_credentials(row, around(KEYS, home=home_with(tmp_path)))


def test_sources_of_the_target(tmp_path: Path) -> None:
    secret = tmp_path / "sk"
    secret.write_text("from-file\n")
    row = with_sources(access_key_id=Secret(env="MY_AK"), secret_access_key=Secret(file=secret))
    found = find_credentials(row, around({"MY_AK": "mine", **KEYS}))
    assert found.credentials == AccessKey("mine", "from-file")
    assert found.project_id == ""


def test_a_token_and_a_login() -> None:
    environment = {"T": "ready-token", "U": "user", "P": "password", "D": "domain"}
    found = find_credentials(with_sources(token=Secret(env="T")), around(environment))
    assert found.credentials == Token("ready-token")
    login = with_sources(iam_user=Secret(env="U"), iam_password=Secret(env="P"), iam_domain=Secret(env="D"))
    assert find_credentials(login, around(environment)).credentials == Login("user", "password", "domain")


def test_nothing_found_names_everything_tried() -> None:
    with pytest.raises(CredentialsError) as caught:
        PROVIDER.client(target("https://x.example.com"), concurrency=1, surroundings=around())
    for place in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "/nonexistent-home/.huaweicloud/credentials"):
        assert place in caught.value.message


@pytest.mark.parametrize("name", sorted(KEYS))
def test_half_of_the_keys_is_a_mistake(name: str, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="is not set") as caught:
        find_credentials(target("https://x"), around({name: "hunter2"}, home=home_with(tmp_path)))
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ak = hunter2", "not an INI file"),
        ("[basic]\nak = hunter2", "lacks sk"),
        ("[basic]\nsk = hunter2", "lacks ak"),
        ("[global]\nak = hunter2\nsk = hunter2", r"no section \[basic\]"),
        ("[basic]\nak = hunter2\nak = hunter2", "not an INI file"),
    ],
)
def test_a_file_that_does_not_help_says_why(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match=reason) as caught:
        find_credentials(target("https://x"), around({}, home=home_with(tmp_path, text)))
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("sources", "environment", "reason"),
    [
        (
            {"access_key_id": Secret(env="A"), "secret_access_key": Secret(env="B")},
            {"A": "x"},
            "environment variable B",
        ),
        ({"access_key_id": Secret(env="A")}, {"A": "x"}, "credentials.secret_access_key"),
        ({"token": Secret(file=Path("/nonexistent-home/t"))}, {}, "cannot be read"),
        ({"iam_user": Secret(env="A")}, {"A": "x"}, "credentials.iam_password"),
        ({"token": Secret(env="A")}, {"A": "hunter2\r\nX-Evil: 1"}, "no header may carry"),
        ({"token": Secret(env="A")}, {"A": "  "}, "not set or empty"),
    ],
)
def test_a_source_that_does_not_help_says_why(
    sources: dict[str, Secret], environment: dict[str, str], reason: str
) -> None:
    with pytest.raises(CredentialsError) as caught:
        find_credentials(with_sources(**sources), around(environment))
    assert reason in caught.value.message
    assert "hunter2" not in caught.value.message


def test_secrets_are_not_shown() -> None:
    environment = {
        "HUAWEICLOUD_SDK_AK": "AK",
        "HUAWEICLOUD_SDK_SK": "hunter2",
        "HUAWEICLOUD_SDK_SECURITY_TOKEN": "hunter3",
    }
    surroundings = around(environment)
    found = find_credentials(target("https://x"), surroundings)
    client = PROVIDER.client(target("https://x.example.com"), concurrency=1, surroundings=surroundings)
    shown = (
        f"{found!r} {surroundings!r} {client!r} {vars(client)!r} {Token('hunter2')!r} {Login('u', 'hunter2', 'd')!r}"
    )
    assert "hunter" not in shown
    assert found.secrets == ("hunter2", "hunter3")
