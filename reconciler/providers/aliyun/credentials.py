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
    CredentialSearch,
    CredentialsError,
    LastResort,
    ResolvedCredentials,
    Secrets,
    Surroundings,
    Target,
    UnusableFile,
)
from reconciler.providers.aliyun.asked_keys import DISABLED, AssumedRole, CredentialsUri, EcsRole, OidcRole, Role
from reconciler.providers.aliyun.endpoints import sts_endpoint
from reconciler.providers.aliyun.profiles import (
    VendorProfile,
    command_line_file,
    command_line_profile,
    ini_file,
    ini_profile,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.providers.aliyun.profiles import Profile

Asked = AssumedRole | OidcRole | EcsRole | VendorProfile | LastResort
Credentials = AccessKey | Asked

VENDOR = "Alibaba Cloud"
HINT = (
    "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or say in the target's `credentials` where "
    "to read them"
)


class AliyunCredentials(ResolvedCredentials[Credentials]):
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


def find_credentials(target: Target, surroundings: Surroundings) -> AliyunCredentials:
    """The credentials of a target.

    Raises CredentialsError that names every place that was tried, and no value.
    """
    search = CredentialSearch(target, surroundings, VENDOR, HINT)
    if target.credentials.secrets:

        def from_target() -> Credentials:
            return Secrets(target, surroundings.environment).access_key()

        return AliyunCredentials(from_target(), f"targets.{target.name}.credentials", again=from_target)
    named = target.credentials.profile
    if not named:
        key = search.key(
            "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"
        )
        if key:
            return AliyunCredentials(key, "the environment")
        if asked := _oidc_role(search):
            return AliyunCredentials(asked, asked.place, tuple(search.tried))
    profile = named or search.environment.get("ALIBABA_CLOUD_PROFILE", "")
    readers = (
        (command_line_file(surroundings), command_line_profile, profile),
        (ini_file(surroundings), ini_profile, profile or "default"),
    )
    for path, read, name in readers:
        found = search.in_file(path, partial(read, name, surroundings))
        if found is not None:
            chosen, credentials = found
            # The name stays the one that was chosen, so that a change of the current profile changes nobody's identity.
            again = partial(_reread, read, chosen, surroundings)
            temporary = isinstance(credentials, AccessKey) and credentials.security_token
            where = f"{path} [{chosen}]"
            return AliyunCredentials(credentials, where, tuple(search.tried), again if temporary else None)
    asked_last = search.last_resort([] if named else _machine(search))
    return AliyunCredentials(asked_last, LastResort.place, tuple(search.tried))


def _oidc_role(search: CredentialSearch) -> OidcRole | None:
    names = ("ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE")
    if not search.has("OIDC role", *names):
        return None
    arn, provider, file = (search.environment[name] for name in names)
    session = search.environment.get("ALIBABA_CLOUD_ROLE_SESSION_NAME", "") or "media-reconciler"
    return OidcRole(Role(arn, sts_endpoint(search.surroundings), session), provider, file)


def _machine(search: CredentialSearch) -> list[AskedKey]:
    """Who on this machine may be asked."""
    options: list[AskedKey] = []
    environment = search.environment
    if not search.is_off("RAM role of this ECS", DISABLED):
        strict = environment.get("ALIBABA_CLOUD_IMDSV1_DISABLED", "").lower() == "true"
        options.append(EcsRole(environment.get("ALIBABA_CLOUD_ECS_METADATA", ""), strict))
    if uri := environment.get("ALIBABA_CLOUD_CREDENTIALS_URI"):
        options.append(CredentialsUri(uri))
    elif not options:
        search.tried.append(f"{CredentialsUri.place} (not set)")
    return options


def _reread(read: Callable[[str, Surroundings], Profile], name: str, surroundings: Surroundings) -> Credentials:
    try:
        return read(name, surroundings)[1]
    except UnusableFile as error:
        raise CredentialsError(f"profile {name!r} ({error})") from None
