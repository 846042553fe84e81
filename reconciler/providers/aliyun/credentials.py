"""Where Alibaba Cloud credentials are found: where the vendor's SDK looks, or where the target says.

Order as in alibabacloud_credentials: environment, OIDC role, profile of the `aliyun` command, INI profile, RAM role of
the ECS, credentials URI. What stands somewhere is read when a client is made; whoever must be asked is asked when the
first request is sent.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.provider import (
    AccessKey,
    AskedKey,
    CredentialsError,
    FoundCredentials,
    LastResort,
    Secrets,
    Surroundings,
    Target,
    UnusableFile,
    check_sources,
    key_in,
)
from reconciler.providers.aliyun.asked_keys import DISABLED, AssumedRole, CredentialsUri, EcsRole, OidcRole, Role
from reconciler.providers.aliyun.endpoints import sts_endpoint
from reconciler.providers.aliyun.profiles import command_line_file, command_line_profile, ini_file, ini_profile
from reconciler.providers.aliyun.vendor_profile import VendorProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.providers.aliyun.profiles import Profile

__all__ = ["Credentials", "Found", "find_credentials"]

Asked = AssumedRole | OidcRole | EcsRole | VendorProfile | LastResort
Credentials = AccessKey | Asked

VENDOR = "Alibaba Cloud"
HINT = (
    "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or say in the target's `credentials` where "
    "to read them"
)


class Found(FoundCredentials[Credentials]):
    """Of Alibaba Cloud."""

    __slots__ = ()

    @property
    def issuers(self) -> frozenset[str]:
        found: set[str] = set()
        asked: object = self.credentials
        while isinstance(asked, AssumedRole | OidcRole):
            found.add(asked.role.sts)
            asked = asked.by if isinstance(asked, AssumedRole) else None
        return frozenset(found)

    @property
    def names_account(self) -> bool:
        """Whether `principal` is the account, as it is where a role says so."""
        return isinstance(self.credentials, AssumedRole | OidcRole)

    @property
    def principal(self) -> str:
        match self.credentials:
            case AccessKey(id=key_id, security_token=""):  # a temporary key is another one each time
                return key_id
            case AssumedRole(role=role) | OidcRole(role=role):
                return role.account
            case _:
                return ""


def find_credentials(target: Target, surroundings: Surroundings) -> Found:
    """The credentials of a target.

    Raises CredentialsError that names every place that was tried, and no value.
    """
    environment = surroundings.environment
    check_sources(target, environment)
    if target.credentials.secrets:

        def from_target() -> Credentials:
            return Secrets(target, environment).access_key()

        return Found(from_target(), f"targets.{target.name}.credentials", again=from_target)
    tried: list[str] = []
    named = target.credentials.profile
    if not named and (found := _from_environment(environment, tried) or _from_oidc(surroundings, tried)):
        return found
    profile = named or environment.get("ALIBABA_CLOUD_PROFILE", "")
    readers = (
        (command_line_file(surroundings), command_line_profile, profile),
        (ini_file(surroundings), ini_profile, profile or "default"),
    )
    for path, read, name in readers:
        try:
            chosen, credentials = read(name, surroundings)
        except UnusableFile as error:
            tried.append(f"file {path} ({error})")
            continue
        # The name stays the one that was chosen, so that a change of the current profile changes nobody's identity.
        again = partial(_reread, read, chosen, surroundings)
        temporary = isinstance(credentials, AccessKey) and credentials.security_token
        return Found(credentials, f"{path} [{chosen}]", tuple(tried), again if temporary else None)
    options = [] if named else _machine(environment, tried)
    return Found(LastResort(VENDOR, HINT, options, tried), LastResort.place, tuple(tried))


def _from_environment(environment: Mapping[str, str], tried: list[str]) -> Found | None:
    names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")
    key = key_in(environment, names, VENDOR, tried)
    return Found(key, "the environment") if key else None


def _from_oidc(surroundings: Surroundings, tried: list[str]) -> Found | None:
    environment = surroundings.environment
    names = ("ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE")
    if missing := [name for name in names if not environment.get(name)]:
        tried.append(f"OIDC role ({', '.join(missing)} not set)")
        return None
    arn, provider, file = (environment[name] for name in names)
    session = environment.get("ALIBABA_CLOUD_ROLE_SESSION_NAME", "") or "media-reconciler"
    asked = OidcRole(Role(arn, sts_endpoint(surroundings), session), provider, file)
    return Found(asked, asked.place, tuple(tried))


def _machine(environment: Mapping[str, str], tried: list[str]) -> list[AskedKey]:
    """Who on this machine may be asked."""
    options: list[AskedKey] = []
    if environment.get(DISABLED, "").lower() == "true":
        tried.append(f"RAM role of this ECS (switched off by {DISABLED})")
    else:
        strict = environment.get("ALIBABA_CLOUD_IMDSV1_DISABLED", "").lower() == "true"
        options.append(EcsRole(environment.get("ALIBABA_CLOUD_ECS_METADATA", ""), strict))
    if uri := environment.get("ALIBABA_CLOUD_CREDENTIALS_URI"):
        options.append(CredentialsUri(uri))
    elif not options:
        tried.append(f"{CredentialsUri.place} (not set)")
    return options


def _reread(read: Callable[[str, Surroundings], Profile], name: str, surroundings: Surroundings) -> Credentials:
    try:
        return read(name, surroundings)[1]
    except UnusableFile as error:
        raise CredentialsError(f"profile {name!r} ({error})") from None
