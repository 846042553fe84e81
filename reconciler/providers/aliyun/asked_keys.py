"""Temporary keys: of a RAM role, from the token service (AssumeRole for who has a key, AssumeRoleWithOIDC for who has a
token), of the role of an ECS, and from a service at a given address; and the account that a key belongs to.

https://help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-assumerole and ...-assumerolewithoidc,
https://help.aliyun.com/zh/ecs/user-guide/view-instance-metadata and alibabacloud_credentials' EcsRamRole and URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx

from reconciler.provider import (
    AccessKey,
    Ask,
    AskedKey,
    CredentialsError,
    ProviderError,
    canonical_query,
    credentials_url,
    header_text,
    parsed_object,
    secret_in_file,
)
from reconciler.providers.aliyun.signing import DATE_FORMAT, sign

VERSION = "2015-04-01"
KEY_NAMES = {
    "id": ("AccessKeyId",),
    "secret": ("AccessKeySecret",),
    "token": ("SecurityToken",),
    "expires": ("Expiration",),
}
OK = 200


@dataclass(frozen=True, slots=True)
class Role:
    """A role as it is asked for. `sts` is the base URL of the service; `seconds` is how long the keys are good."""

    arn: str
    sts: str
    session: str = "media-reconciler"
    seconds: int = 3600
    policy: str = ""
    external_id: str = ""

    @property
    def account(self) -> str:
        """The account in `acs:ram::<account>:role/<name>`; the whole where it has another form."""
        parts = self.arn.split(":")
        return parts[3] if len(parts) > 4 and parts[3] else self.arn

    def parameters(self) -> dict[str, str]:
        given = {
            "RoleArn": self.arn,
            "RoleSessionName": self.session,
            "DurationSeconds": str(self.seconds),
            "Policy": self.policy,
        }
        return {name: text for name, text in given.items() if text}


@dataclass(frozen=True, slots=True)
class AssumedRole:
    """A role that a key, or another role, may assume."""

    role: Role
    by: AccessKey | AskedKey

    @property
    def place(self) -> str:
        return f"role {self.role.arn}"

    async def key(self, ask: Ask) -> AccessKey:
        """A new key. The request is signed by who assumes the role."""
        by = self.by if isinstance(self.by, AccessKey) else await self.by.key(ask)
        ask.redactor.learn(by.secrets)
        parameters = self.role.parameters()
        if self.role.external_id:
            parameters["ExternalId"] = self.role.external_id
        headers = {"x-acs-action": "AssumeRole", "x-acs-version": VERSION}
        request = httpx.Request("POST", f"{self.role.sts}/?{canonical_query(parameters.items())}", headers=headers)
        sign(request, by, ask.surroundings.now(), ask.surroundings.nonce())
        return _key(ask, await ask.send(request))


@dataclass(frozen=True, slots=True)
class OidcRole:
    """A role for who holds a token of an identity provider: a pod with RRSA, a job of GitHub Actions.

    The file is read each time: whoever wrote it replaces the token before it expires.
    """

    role: Role
    provider_arn: str
    token_file: str = field(repr=True)

    @property
    def place(self) -> str:
        return f"OIDC role {self.role.arn}"

    async def key(self, ask: Ask) -> AccessKey:
        """A new key. The request is not signed; the token goes into the body, since URLs are logged on the way."""
        token = secret_in_file(self.token_file)
        ask.redactor.learn((token,))
        query = {
            "Action": "AssumeRoleWithOIDC",
            "Format": "JSON",
            "Version": VERSION,
            "Timestamp": ask.surroundings.now().strftime(DATE_FORMAT),
            "SignatureNonce": ask.surroundings.nonce(),
        }
        form = {**self.role.parameters(), "OIDCProviderArn": self.provider_arn, "OIDCToken": token}
        url = f"{self.role.sts}/?{canonical_query(query.items())}"
        return _key(ask, await ask.send(httpx.Request("POST", url, data=form)))


async def account_of(key: AccessKey, sts: str, ask: Ask) -> str:
    """The id of the account that `key` belongs to, which needs no permission. Raises ProviderError.

    https://help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-getcalleridentity
    """
    headers = {"x-acs-action": "GetCallerIdentity", "x-acs-version": VERSION}
    request = httpx.Request("POST", f"{sts}/", headers=headers)
    sign(request, key, ask.surroundings.now(), ask.surroundings.nonce())
    answer = await ask.send(request)
    account = (parsed_object(answer) or {}).get("AccountId")
    if answer.status_code != OK or not isinstance(account, str) or not account:
        raise ask.refusal(answer, "without an account")
    return account


METADATA = "http://100.100.100.200"
DISABLED = "ALIBABA_CLOUD_ECS_METADATA_DISABLED"

TOKEN_PATH = "/latest/api/token"  # noqa: S105 - a path
ROLES_PATH = "/latest/meta-data/ram/security-credentials/"
TOKEN_LIFETIME = 6 * 60 * 60
SECONDS = 1.0
_ROLE = re.compile(r"[\w.@-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EcsRole:
    """The RAM role of this ECS. Where `name` is empty the machine says which; `strict` goes without version 1."""

    name: str = ""
    strict: bool = False

    @property
    def place(self) -> str:
        return f"RAM role {self.name or '(any)'} of this ECS"

    async def key(self, ask: Ask) -> AccessKey:
        """A key, good for some hours. The service hands out the same one until shortly before it expires."""
        token = await self._token(ask)
        name = self.name or (await self._get(ask, ROLES_PATH, token)).text.strip()
        if not _ROLE.fullmatch(name):
            raise CredentialsError("unexpected answer: no name of a role")
        answer = await self._get(ask, f"{ROLES_PATH}{name}", token)
        return _key(ask, answer, bare=True)

    async def _token(self, ask: Ask) -> str:
        """The token of version 2 of the service; empty where there is none, and version 1 will do."""
        url = f"{ask.surroundings.metadata_url or METADATA}{TOKEN_PATH}"
        headers = {"X-aliyun-ecs-metadata-token-ttl-seconds": str(TOKEN_LIFETIME)}
        try:
            answer = await ask.send(httpx.Request("PUT", url, headers=headers), seconds=SECONDS, direct=True)
            if answer.status_code != OK:
                raise ask.refusal(answer)
        except ProviderError:
            # In a container the answer may not come back over a second hop; version 1 has no such limit.
            if self.strict:
                raise
            return ""
        token = header_text(answer.text)
        ask.redactor.learn((token,))
        return token

    async def _get(self, ask: Ask, path: str, token: str) -> httpx.Response:
        url = f"{ask.surroundings.metadata_url or METADATA}{path}"
        versions = [{"X-aliyun-ecs-metadata-token": token}] if token else []
        if not (token and self.strict):
            versions.append({})
        for headers in versions:
            answer = await ask.send(httpx.Request("GET", url, headers=headers), seconds=SECONDS, direct=True)
            if answer.status_code == OK:
                break
        if answer.status_code != OK:
            raise ask.refusal(answer)
        return answer


@dataclass(frozen=True, slots=True)
class CredentialsUri:
    """A service that hands out keys, at ALIBABA_CLOUD_CREDENTIALS_URI."""

    uri: str

    place = "ALIBABA_CLOUD_CREDENTIALS_URI"

    async def key(self, ask: Ask) -> AccessKey:
        """A new key."""
        url = credentials_url(self.uri, ask.surroundings.environment, self.place)
        return _key(ask, await ask.send(httpx.Request("GET", url), direct=True), bare=True)


def _key(ask: Ask, answer: httpx.Response, *, bare: bool = False) -> AccessKey:
    """The key in an answer of the token service; `bare`: in one that is nothing but a key, and says whether it is."""
    body = parsed_object(answer) or {}
    found = body.get("Credentials") if not bare else body if body.get("Code") == "Success" else None
    return ask.key(answer, found, KEY_NAMES)
