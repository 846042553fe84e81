"""The token service of AWS, as boto3 sees it, and as the clients here do."""

import json
import stat
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.simulator import Simulator
from tests.terminal import Terminal

ROLE = "arn:aws:iam::111122223333:role/media/cleaner"
ASSUMED = "arn:aws:sts::111122223333:assumed-role/cleaner/nightly"
TOKEN = "simulator-web-identity-token"
TARGET = """
version: 1
targets:
  aws:
    provider: aws
    region: eu-west-1
    endpoints: {mediaconvert: "${URL}", sts: "${URL}"}
policies: {p: {resource: aws.mediaconvert.job, match: {status: pending}, ensure: absent}}
"""

Service = Callable[..., Any]


@pytest.fixture
def service(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """boto3's clients of a service, with the key of the account or another."""
    boto3 = pytest.importorskip("boto3", reason="no development dependency everywhere yet")
    config = pytest.importorskip("botocore.config").Config(retries={"max_attempts": 0})
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    made = []

    def client(name: str = "sts", **key: str) -> Any:  # noqa: ANN401 - made as it is asked for
        account = simulator.accounts.aws[0]
        usual = {"aws_access_key_id": account.access_key_id, "aws_secret_access_key": account.secret_access_key}
        made.append(
            boto3.client(name, region_name="eu-west-1", endpoint_url=simulator.url, config=config, **{**usual, **key})
        )
        return made[-1]

    yield client
    for one in made:
        one.close()


def keys_in(answer: dict[str, Any]) -> dict[str, str]:
    held = answer["Credentials"]
    names = {"access_key_id": "AccessKeyId", "secret_access_key": "SecretAccessKey", "session_token": "SessionToken"}
    return {f"aws_{name}": held[spelt] for name, spelt in names.items()}


def test_boto3_is_told_whose_its_key_is(service: Service) -> None:
    found = service().get_caller_identity()
    assert (found["Account"], found["Arn"]) == ("111122223333", "arn:aws:iam::111122223333:user/simulator")


@pytest.mark.parametrize("how", ["by a token", "by a key"])
def test_boto3_assumes_a_role_and_acts_as_it(simulator: Simulator, service: Service, how: str) -> None:
    simulator.aws.add("aws.mediaconvert.job", id="j-1")
    named = {"RoleArn": ROLE, "RoleSessionName": "nightly"}
    if how == "by a token":
        answer = service().assume_role_with_web_identity(**named, WebIdentityToken=TOKEN)
    else:
        answer = service().assume_role(**named, DurationSeconds=900)
    keys = keys_in(answer)
    assert service(**keys).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"] == ASSUMED
    assert [job["Id"] for job in service("mediaconvert", **keys).list_jobs()["Jobs"]] == ["j-1"]
    assert simulator.anomalies == []
    kept = repr(simulator.requests)
    assert TOKEN not in kept
    assert keys["aws_session_token"] not in kept


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ({"aws_secret_access_key": "another"}, "SignatureDoesNotMatch"),
        ({"aws_access_key_id": "AKNOBODY"}, "InvalidClientTokenId"),
        ({"aws_session_token": "none"}, "InvalidClientTokenId"),
    ],
)
def test_boto3_reads_what_is_refused(service: Service, key: dict[str, str], code: str) -> None:
    sts = service(**key)
    with pytest.raises(sts.exceptions.ClientError) as refused:
        sts.get_caller_identity()
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"WebIdentityToken": "forged"}, "InvalidIdentityToken"),
        ({"RoleArn": ROLE.replace("1111", "9999")}, "AccessDenied"),
        ({"RoleArn": "arn:aws:iam::111122223333:user/a"}, "ValidationError"),
    ],
)
def test_boto3_gets_no_key_by_what_is_wrong(service: Service, changed: dict[str, str], code: str) -> None:
    sts = service()
    named = {"RoleArn": ROLE, "RoleSessionName": "nightly", "WebIdentityToken": TOKEN} | changed
    with pytest.raises(sts.exceptions.ClientError) as refused:
        sts.assume_role_with_web_identity(**named)
    assert refused.value.response["Error"]["Code"] == code


@pytest.fixture
def configured(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A target whose token service is here, and no key in the environment."""
    terminal.write(TARGET)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    terminal.simulator.aws.add("aws.mediaconvert.job", id="j-1", created="1h")
    return terminal


def test_doctor_says_whose_credentials_they_are(terminal: Terminal) -> None:
    terminal.write(TARGET)
    assert "account 111122223333" in terminal.run("doctor").out


def test_a_job_of_an_identity_provider_acts_as_its_role(configured: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    (configured.directory / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(configured.directory / "token"))
    assert "account 111122223333" in configured.run("doctor").out
    assert configured.run("apply", "--auto-approve").code == 0
    assert configured.simulator.aws.status("aws.mediaconvert.job", "j-1") == "CANCELED"
    assert configured.simulator.counters["aws", "sts.AssumeRoleWithWebIdentity"] >= 1
    (configured.directory / "token").write_text("forged\n")
    found = configured.run("doctor")
    assert found.code == 1
    assert "InvalidIdentityToken" in found.out
    assert "forged" not in found.out + found.err


@pytest.mark.parametrize("how", ["process", "role"])
def test_a_profile_of_the_vendors_library_gets_a_key(
    configured: Terminal, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    pytest.importorskip("botocore", reason="an extra")
    account = configured.simulator.accounts.aws[0]
    key = {"AccessKeyId": account.access_key_id, "SecretAccessKey": account.secret_access_key}
    script = configured.directory / "keys"
    script.write_text(f"#!/bin/sh\necho '{json.dumps({'Version': 1, **key})}'\n")
    script.chmod(stat.S_IRWXU)
    process = f"[profile base]\ncredential_process = {script}\n"
    role = (
        f"[profile long]\nrole_arn = {ROLE}\nsource_profile = base\nrole_session_name = nightly\nregion = eu-west-1\n"
    )
    (configured.directory / ".aws").mkdir()
    (configured.directory / ".aws" / "config").write_text(process + role)
    monkeypatch.setenv("AWS_PROFILE", {"process": "base", "role": "long"}[how])
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", configured.simulator.url)
    finished = configured.run("apply", "--auto-approve")
    assert finished.code == 0, finished
    assert configured.simulator.aws.status("aws.mediaconvert.job", "j-1") == "CANCELED"
    assert ("aws", "sts.AssumeRole") in configured.simulator.counters or how == "process"
    assert account.secret_access_key not in finished.out + finished.err
