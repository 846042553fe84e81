"""The token service: temporary keys of a RAM role (AssumeRole for who has a key, AssumeRoleWithOIDC for who has a
token), and the account that a key belongs to.

https://help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-assumerole and ...-assumerolewithoidc
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import httpx

from reconciler.provider import (
    AccessKey,
    Ask,
    AskedKey,
    CredentialsError,
    UnusableFile,
    parsed_object,
    said_in,
    secret_text,
    small_text,
    temporary_key,
)
from reconciler.providers.aliyun.signing import DATE_FORMAT, canonical_query, sign

__all__ = ["KEY_NAMES", "AssumedRole", "OidcRole", "Role", "account_of", "reason"]

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
        ask.excerpts.learn(by.secrets)
        parameters = self.role.parameters()
        if self.role.external_id:
            parameters["ExternalId"] = self.role.external_id
        headers = {"x-acs-action": "AssumeRole", "x-acs-version": VERSION}
        request = httpx.Request("POST", f"{self.role.sts}/?{canonical_query(parameters)}", headers=headers)
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
        try:
            token = secret_text(small_text(Path(self.token_file)), f"file {self.token_file}")
        except UnusableFile as error:
            raise CredentialsError(f"file {self.token_file} ({error})") from None
        ask.excerpts.learn((token,))
        query = {
            "Action": "AssumeRoleWithOIDC",
            "Format": "JSON",
            "Version": VERSION,
            "Timestamp": ask.surroundings.now().strftime(DATE_FORMAT),
            "SignatureNonce": ask.surroundings.nonce(),
        }
        form = {**self.role.parameters(), "OIDCProviderArn": self.provider_arn, "OIDCToken": token}
        url = f"{self.role.sts}/?{canonical_query(query)}"
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
        raise ask.refusal(answer, "without an account" if answer.status_code == OK else reason(answer))
    return account


def _key(ask: Ask, answer: httpx.Response) -> AccessKey:
    key = temporary_key((parsed_object(answer) or {}).get("Credentials"), KEY_NAMES)
    if answer.status_code != OK or key is None:
        raise ask.refusal(answer, "without a key" if answer.status_code == OK else reason(answer))
    return key


def reason(answer: httpx.Response) -> str:
    """Code and message of a refusal."""
    body = parsed_object(answer) or {}
    return ": ".join(text for name in ("Code", "Message") if (text := said_in(body.get(name))))
