"""Where AWS credentials are found, in the order of the vendor's SDK."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reconciler.config.model import Credentials, Secret, Target
from reconciler.exceptions import CredentialsError
from reconciler.provider.loopback import Received, Reply, Server, Time, as_json, serving
from reconciler.providers.aws import PROVIDER
from reconciler.providers.aws import credentials as module
from reconciler.providers.aws.credentials import AwsCredentials, VendorProfile, find_credentials
from reconciler.providers.base import Examining
from reconciler.providers.credentials import AccessKey
from reconciler.tasks.observation import Fault, Observation
from tests.providers.loopback import around

JOB = PROVIDER.resource_types["aws.mediaconvert.job"]
ENV = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "env-secret"}
WEB = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}
EMPTY = as_json({"jobs": []})
END = "2099-01-01T00:00:00Z"


def found(environment: Mapping[str, str], home: Path, credentials: Credentials | None = None) -> AwsCredentials:
    credentials = credentials or Credentials()
    return find_credentials(Target("t", "aws", "eu-west-1", credentials=credentials), around(environment, home=home))


def written(home: Path, name: str, text: str) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    (home / ".aws" / name).write_text(text)


def key_of(resolved: AwsCredentials) -> tuple[str, str, str]:
    held = resolved.credentials
    assert isinstance(held, AccessKey)
    return held.id, held.secret, held.security_token


def test_the_environment_comes_first(tmp_path: Path) -> None:
    written(tmp_path, "credentials", "[default]\naws_access_key_id=AKFILE\naws_secret_access_key=file-secret\n")
    assert key_of(found(ENV, tmp_path)) == ("AKENV", "env-secret", "")
    assert key_of(found(ENV | {"AWS_SESSION_TOKEN": "tok"}, tmp_path)) == ("AKENV", "env-secret", "tok")
    assert key_of(found({}, tmp_path)) == ("AKFILE", "file-secret", "")


def test_half_a_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="AWS_SECRET_ACCESS_KEY is not set"):
        found({"AWS_ACCESS_KEY_ID": "AKENV"}, tmp_path)
    written(tmp_path, "credentials", "[default]\naws_access_key_id=AKFILE\n")
    with pytest.raises(CredentialsError, match="half a key"):
        found({}, tmp_path)


def test_profiles_stand_in_either_file(tmp_path: Path) -> None:
    written(tmp_path, "credentials", "[a]\naws_access_key_id=AKA\naws_secret_access_key=sa\naws_session_token=ta\n")
    written(tmp_path, "config", "[profile b]\naws_access_key_id=AKB\naws_secret_access_key=sb\n[profile a]\nregion=x\n")
    assert key_of(found({"AWS_PROFILE": "a"}, tmp_path)) == ("AKA", "sa", "ta")
    assert key_of(found(ENV, tmp_path, Credentials(profile="b"))) == ("AKB", "sb", "")
    with pytest.raises(CredentialsError, match="no profile 'c'"):
        found(ENV, tmp_path, Credentials(profile="c"))


def test_files_may_be_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("[default]\naws_access_key_id=AKK\naws_secret_access_key=sk\n")
    assert key_of(found({"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "keys")}, tmp_path))[0] == "AKK"
    assert key_of(found({"AWS_CONFIG_FILE": "~/keys"}, tmp_path))[0] == "AKK"


@pytest.mark.parametrize("key", module.DELEGATED)
def test_what_only_the_vendors_library_can_use_is_handed_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    written(tmp_path, "config", f"[profile long]\n{key} = something\n")
    monkeypatch.setattr(module, "installed", lambda: True)
    assert isinstance(found({"AWS_PROFILE": "long"}, tmp_path).credentials, VendorProfile)
    monkeypatch.setattr(module, "installed", lambda: False)
    with pytest.raises(CredentialsError, match="needs botocore") as raised:
        found({"AWS_PROFILE": "long"}, tmp_path)
    assert "media-reconciler[aws]" in str(raised.value.hint)


def test_a_target_names_its_own(tmp_path: Path) -> None:
    secrets = {"access_key_id": Secret(env="A"), "secret_access_key": Secret(env="B")}
    resolved = found({"A": "AKOWN", "B": "own-secret", **ENV}, tmp_path, Credentials(secrets=secrets))
    assert key_of(resolved) == ("AKOWN", "own-secret", "")


def test_what_was_tried_is_named_and_no_value(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as raised:
        found({"AWS_EC2_METADATA_DISABLED": "true"}, tmp_path)
    places = ("AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "credentials", "config", "container", "AWS_EC2_METADATA_DISABLED")
    for place in places:
        assert place in raised.value.message


def listing(
    answer: Callable[[Received], Reply], environment: Callable[[str], Mapping[str, str]], **around_: str
) -> tuple[Observation, Server]:
    """List with credentials that somebody on loopback hands out: at `/` is everybody."""

    async def run() -> tuple[Observation, Server]:
        async with serving(answer) as server:
            target = Target("t", "aws", "eu-west-1", endpoints={"mediaconvert": server.url})
            places = dict.fromkeys(around_, server.url)
            surroundings = around(environment(server.url), time=Time(), **places)  # type: ignore[arg-type] # URLs
            async with PROVIDER.client(target, concurrency=2, surroundings=surroundings) as client:
                return await client.observe(JOB, None), server

    return asyncio.run(run())


def signed_by(server: Server) -> tuple[str, str | None]:
    last = server.requests[-1]
    assert last.path == "/2017-08-29/jobs"
    return (last.header("authorization") or "").partition("Credential=")[2].partition("/")[0], last.header(
        "x-amz-security-token"
    )


@pytest.mark.parametrize("end", [END, 4070908800, 4070908800.0])
def test_web_identity(tmp_path: Path, end: object) -> None:
    (tmp_path / "token").write_text("web-token\n")

    def answer(request: Received) -> Reply:
        if request.method == "GET":
            return EMPTY
        assert b"WebIdentityToken=web-token" in request.body
        assert request.raw_query == ""
        keys = {"AccessKeyId": "AKWEB", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": end}
        frame = {"AssumeRoleWithWebIdentityResult": {"Credentials": keys}}
        return as_json({"AssumeRoleWithWebIdentityResponse": frame})

    environment = WEB | {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")}
    seen, server = listing(answer, lambda _: environment, sts="")
    assert seen.complete, seen.fault
    assert signed_by(server) == ("AKWEB", "t")


@pytest.mark.parametrize("given", ["variable", "file"])
def test_a_container_is_asked_with_its_token(tmp_path: Path, given: str) -> None:
    (tmp_path / "token").write_text("Bearer-x\n")

    def answer(request: Received) -> Reply:
        if request.path != "/keys":
            return EMPTY
        assert request.header("authorization") == "Bearer-x"
        keys = {"AccessKeyId": "AKCON", "SecretAccessKey": "s", "Token": "t", "Expiration": END}
        return as_json(keys)

    def environment(url: str) -> Mapping[str, str]:
        variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
        token = {variable: "Bearer-x"} if given == "variable" else {f"{variable}_FILE": str(tmp_path / "token")}
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/keys"} | token

    seen, server = listing(answer, environment)
    assert seen.complete, seen.fault
    assert signed_by(server) == ("AKCON", "t")


def test_an_instance_is_asked_by_version_two_alone() -> None:
    asked: list[tuple[str, str, str | None]] = []

    def answer(request: Received) -> Reply:
        if request.path.startswith("/2017"):
            return EMPTY
        asked.append((request.method, request.path, request.header("x-aws-ec2-metadata-token")))
        if request.method == "PUT":
            return Reply(200, b"imds-token")
        if request.path.endswith("/security-credentials/"):
            return Reply(200, b"media-role\n")
        keys = {"Code": "Success", "AccessKeyId": "AKINS", "SecretAccessKey": "s", "Token": "t", "Expiration": END}
        return Reply(200, json.dumps(keys).encode())

    seen, server = listing(answer, lambda _: {}, metadata="")
    assert seen.complete, seen.fault
    assert signed_by(server) == ("AKINS", "t")
    assert [token for _, _, token in asked] == [None, "imds-token", "imds-token"]


def test_an_instance_without_version_two_hands_out_nothing() -> None:
    seen, server = listing(lambda _: Reply(404), lambda _: {}, metadata="")
    assert not seen.complete
    assert [request.method for request in server.requests] == ["PUT"]


def test_the_account_is_asked_for_and_told_to_who_asks_whose_credentials_they_are() -> None:
    def answer(request: Received) -> Reply:
        assert request.value("Action") == "GetCallerIdentity"
        assert "/eu-west-1/sts/aws4_request" in (request.header("authorization") or "")
        inner = {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/u", "UserId": "U"}
        return as_json({"GetCallerIdentityResponse": {"GetCallerIdentityResult": inner}})

    async def run() -> list[object]:
        async with serving(answer) as server:
            named: list[object] = []
            for key in ("AKONE", "AKTWO"):
                keys = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "s"}
                target = Target("t", "aws", "eu-west-1")
                async with PROVIDER.client(
                    target, concurrency=1, surroundings=around(keys, time=Time(), sts=server.url)
                ) as client:
                    assert isinstance(client, Examining)
                    named += [await client.account(), await client.owner()]
            return named

    first, owner, second, _ = asyncio.run(run())
    assert first == second
    assert owner == "account 111122223333"
    assert "111122223333" not in str(first)
    assert str(first).endswith("/eu-west-1")


def test_sts_that_refuses_is_a_fault_of_the_question_whose_they_are() -> None:
    async def run() -> tuple[object, object]:
        refusal = as_json({"Error": {"Code": "AccessDenied", "Message": "no"}}, 403)
        async with serving(lambda _: refusal) as server:
            surroundings = around(ENV, time=Time(), sts=server.url)
            async with PROVIDER.client(Target("t", "aws", "eu-west-1"), concurrency=1, surroundings=surroundings) as it:
                assert isinstance(it, Examining)
                return await it.owner(), await it.account()

    owner, account = asyncio.run(run())
    assert isinstance(owner, Fault)
    assert isinstance(account, str)
