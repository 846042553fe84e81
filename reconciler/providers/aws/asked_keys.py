"""Temporary keys: of a role, for who holds a token of an identity provider, of a container, and of an instance; and the
account that a key belongs to.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html,
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html and .../feature-imds-credentials.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from reconciler.provider import (
    AccessKey,
    Ask,
    CredentialsError,
    canonical_query,
    credentials_url,
    header_text,
    parsed_object,
    secret_in_file,
    secret_text,
)
from reconciler.providers.aws.signing import sign

STS_VERSION = "2011-06-15"
STS_NAMES = {
    "id": ("AccessKeyId",),
    "secret": ("SecretAccessKey",),
    "token": ("SessionToken",),
    "expires": ("Expiration",),
}
MACHINE_NAMES = STS_NAMES | {"token": ("Token",)}
OK = 200

METADATA = "http://169.254.169.254"
CONTAINER = "http://169.254.170.2"
DISABLED = "AWS_EC2_METADATA_DISABLED"
TOKEN_PATH = "/latest/api/token"  # noqa: S105 - a path
ROLES_PATH = "/latest/meta-data/iam/security-credentials/"
TOKEN_LIFETIME = 6 * 60 * 60
SECONDS = 1.0
_ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)


def _iso(found: object) -> object:
    """STS tells the end of a key in JSON as epoch seconds; all others as text."""
    if isinstance(found, dict) and isinstance(found.get("Expiration"), int | float):
        try:
            moment = datetime.fromtimestamp(found["Expiration"], UTC)
        except (ValueError, OverflowError, OSError):
            return found
        return {**found, "Expiration": moment.isoformat()}
    return found


def _inner(answer: httpx.Response, operation: str, *keys: str) -> object:
    """What stands in an answer of STS, which frames it twice."""
    found: object = parsed_object(answer)
    for key in (f"{operation}Response", f"{operation}Result", *keys):
        found = found.get(key) if isinstance(found, dict) else None
    return found


@dataclass(frozen=True, slots=True)
class WebIdentityRole:
    """A role for who holds a token of an identity provider: a pod of EKS, a job of GitHub Actions.

    The file is read each time: whoever wrote it replaces the token before it expires.
    """

    arn: str
    token_file: str
    session: str
    sts: str

    @property
    def place(self) -> str:
        return f"role {self.arn} by web identity"

    async def key(self, ask: Ask) -> AccessKey:
        """A new key. The request is not signed; the token goes into the body, since URLs are logged on the way."""
        token = secret_in_file(self.token_file)
        ask.redactor.learn((token,))
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": STS_VERSION,
            "RoleArn": self.arn,
            "RoleSessionName": self.session,
            "WebIdentityToken": token,
        }
        answer = await ask.send(httpx.Request("POST", f"{self.sts}/", data=form))
        found = _inner(answer, "AssumeRoleWithWebIdentity", "Credentials")
        return ask.key(answer, _iso(found), STS_NAMES)


@dataclass(frozen=True, slots=True)
class Container:
    """The service that hands out keys to a container (ECS, EKS Pod Identity), which may want to see a token."""

    uri: str
    token_file: str = ""
    authorized: bool = False

    place = "container credentials"

    async def key(self, ask: Ask) -> AccessKey:
        """A new key."""
        environment = ask.surroundings.environment
        url = credentials_url(self.uri, environment, self.place)
        headers = {}
        if self.token_file:
            headers["Authorization"] = secret_in_file(self.token_file)
        elif self.authorized:
            variable = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
            headers["Authorization"] = secret_text(environment.get(variable, ""), variable, blanks=True)
        ask.redactor.learn(tuple(headers.values()))
        answer = await ask.send(httpx.Request("GET", url, headers=headers), direct=True)
        return ask.key(answer, parsed_object(answer), MACHINE_NAMES)


@dataclass(frozen=True, slots=True)
class InstanceRole:
    """The role of this instance, by version 2 of its metadata service; version 1 is never asked."""

    url: str = ""

    place = "role of this instance"

    async def key(self, ask: Ask) -> AccessKey:
        """A key, good for some hours."""
        base = ask.surroundings.metadata_url or self.url or METADATA
        credentials_url(base, ask.surroundings.environment, self.place)
        headers = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_LIFETIME)}
        answer = await self._send(ask, "PUT", f"{base}{TOKEN_PATH}", headers)
        token = header_text(answer.text)
        ask.redactor.learn((token,))
        headers = {"X-aws-ec2-metadata-token": token}
        named = (await self._send(ask, "GET", f"{base}{ROLES_PATH}", headers)).text.strip()
        name = named.partition("\n")[0].strip()
        if not _ROLE.fullmatch(name):
            raise CredentialsError("unexpected answer: no name of a role")
        answer = await self._send(ask, "GET", f"{base}{ROLES_PATH}{name}", headers)
        return ask.key(answer, parsed_object(answer), MACHINE_NAMES)

    async def _send(self, ask: Ask, method: str, url: str, headers: dict[str, str]) -> httpx.Response:
        answer = await ask.send(httpx.Request(method, url, headers=headers), seconds=SECONDS, direct=True)
        if answer.status_code != OK:
            raise ask.refusal(answer)
        return answer


async def account_of(key: AccessKey, sts: str, region: str, ask: Ask) -> str:
    """The id of the account that `key` belongs to, which needs no permission. Raises ProviderError.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """
    query = canonical_query([("Action", "GetCallerIdentity"), ("Version", STS_VERSION)])
    request = httpx.Request("GET", f"{sts}/?{query}")
    sign(request, key, ask.surroundings.now(), service="sts", region=region)
    answer = await ask.send(request)
    account = _inner(answer, "GetCallerIdentity", "Account")
    if answer.status_code != OK or not isinstance(account, str) or not account:
        raise ask.refusal(answer, "without an account")
    return account
