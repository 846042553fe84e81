"""Profiles that are handed to the vendor's library, where it is installed."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from reconciler.config.model import Credentials
from reconciler.exceptions import CredentialsError
from reconciler.provider.loopback import Received, Reply, as_json, serving
from reconciler.providers.aliyun import PROVIDER
from reconciler.providers.aliyun.credentials import find_credentials
from reconciler.tasks.observation import Fault, Meaning
from tests.providers.aliyun.cloud import URL_UPLOAD, target
from tests.providers.loopback import around

KEY = {"access_key_id": "ext-ak", "access_key_secret": "hunter2", "sts_token": "hunter3", "mode": "StsToken"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Profiles whose keys a program hands out, one that works and one that does not."""
    (tmp_path / "key.json").write_text(json.dumps(KEY))
    (tmp_path / "broken.json").write_text('{"access_key_secret": "hunter4"}')
    profiles = [
        {"name": "external", "mode": "External", "process_command": f"cat {tmp_path / 'key.json'}"},
        {"name": "broken", "mode": "External", "process_command": f"cat {tmp_path / 'broken.json'}"},
        {"name": "sso", "mode": "CloudSSO"},
        {"name": "login", "mode": "OAuth"},
    ]
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "external", "profiles": profiles}))
    (tmp_path / ".alibabacloud").mkdir()
    (tmp_path / ".alibabacloud" / "credentials.ini").write_text("[rsa]\ntype = rsa_key_pair\n")
    return tmp_path


def answer(request: Received) -> Reply:
    if request.header("x-acs-security-token") != "hunter3":
        return as_json({"Code": "InvalidSecurityToken.Expired", "Message": "no", "RequestId": "1"}, 400)
    return as_json({"RequestId": "1", "URLUploadInfoList": [], "NonExists": ["j"]})


def observed(home: Path, profile: str) -> Fault | None:
    async def run() -> Fault | None:
        async with serving(answer) as server:
            row = target(server.url, inventory={"job_ids": ("j",)}, credentials=Credentials(profile=profile))
            async with PROVIDER.client(row, concurrency=4, surroundings=around({}, home=home)) as client:
                found = await asyncio.gather(*(client.observe(URL_UPLOAD, None) for _ in range(3)))
                return found[0].fault

    return asyncio.run(run())


@pytest.mark.usefixtures("vendor")
def test_a_program_hands_out_keys_by_way_of_the_library(home: Path) -> None:
    assert observed(home, "external") is None


@pytest.mark.usefixtures("vendor")
def test_what_the_library_says_is_not_repeated(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fault = observed(home, "broken")
    assert fault is not None
    assert fault.meaning is Meaning.CREDENTIALS
    assert "config.json [broken]: the vendor's library failed (CredentialException)" in fault.message
    printed = capfd.readouterr()
    assert "hunter" not in f"{fault}{printed.out}{printed.err}"


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("external", "is of mode External"),
        ("sso", "is of mode CloudSSO"),
        ("login", "is of mode OAuth"),
        ("rsa", "is of type rsa_key_pair"),
    ],
)
def test_without_the_library_the_message_names_the_extra(
    profile: str, words: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "alibabacloud_credentials", None)
    row = target("https://x", credentials=Credentials(profile=profile))
    with pytest.raises(CredentialsError) as caught:
        find_credentials(row, around({}, home=home))
    assert f"{words}: install media-reconciler[aliyun]" in caught.value.message


def test_the_library_is_not_imported_for_who_does_not_need_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alibabacloud_credentials", None)
    profiles = [{"name": "a", "mode": "AK", "access_key_id": "a", "access_key_secret": "b"}]
    (home / ".aliyun" / "config.json").write_text(json.dumps({"current": "a", "profiles": profiles}))
    assert find_credentials(target("https://x"), around({}, home=home)).principal == "a"
