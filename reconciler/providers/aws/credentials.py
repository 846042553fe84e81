"""Where AWS credentials are found: where the vendor's SDK looks, or where the target says.

Order as in botocore: environment, then what a profile asks for (a role, single sign-on, a process: by botocore itself,
from the extra `aws`), web identity, the shared files, container, instance. Keys that stand somewhere are read when a
client is made; whoever must be asked is asked when the first request is sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.provider import (
    AccessKey,
    CredentialSearch,
    CredentialsError,
    LastResort,
    ResolvedCredentials,
    Secrets,
    UnusableFile,
    ini_section,
    option,
    secret_text,
)
from reconciler.providers.aws.asked_keys import CONTAINER, DISABLED, Container, InstanceRole, WebIdentityRole
from reconciler.providers.aws.endpoints import endpoint

if TYPE_CHECKING:
    from configparser import ConfigParser

    from reconciler.provider import Ask, AskedKey, Surroundings, Target

VENDOR = "AWS"
HINT = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or say in the target's `credentials` where to read them; "
    "profiles that assume a role, sign on or run a process need the extra `aws`"
)
DELEGATED = ("role_arn", "sso_session", "sso_start_url", "credential_process", "login_session")
"""Keys of a profile that the vendor's own library goes by."""


def installed() -> bool:
    """Whether the vendor's library is there."""
    try:
        import botocore  # noqa: F401, PLC0415 - an extra
    except ImportError:
        return False
    return True


@dataclass(slots=True, eq=False)
class VendorProfile:
    """A profile that the vendor's library goes by: a role, single sign-on, a process."""

    name: str
    _session: Any = field(default=None, repr=False)

    @property
    def place(self) -> str:
        return f"profile {self.name!r}, by botocore"

    async def key(self, ask: Ask) -> AccessKey:
        """The key that the library has, or gets, in a thread of its own: it waits without an event loop."""
        try:
            held = await asyncio.to_thread(self._held)
        except Exception as error:  # noqa: BLE001 - whatever the library raises, its words may quote answers with keys
            raise CredentialsError(f"{self.place}: it failed ({type(error).__name__})") from None
        if held is None:
            raise CredentialsError(f"{self.place}: it has no key")
        token = held.token or ""
        ask.redactor.learn(tuple(text for text in (held.secret_key, token) if text))
        return AccessKey(held.access_key, held.secret_key, token)

    def _held(self) -> Any:  # noqa: ANN401 - the library ships no types
        if self._session is None:
            import botocore.session  # noqa: PLC0415 - an extra

            self._session = botocore.session.Session(profile=self.name)
        credentials = self._session.get_credentials()
        return None if credentials is None else credentials.get_frozen_credentials()


Credentials = AccessKey | WebIdentityRole | VendorProfile | LastResort


class AwsCredentials(ResolvedCredentials[Credentials]):
    """Of AWS."""

    __slots__ = ()

    @property
    def issuers(self) -> frozenset[str]:
        return frozenset({self.credentials.sts}) if isinstance(self.credentials, WebIdentityRole) else frozenset()

    @property
    def principal(self) -> str:
        match self.credentials:
            case AccessKey(id=key_id, security_token=""):  # a temporary key is another one each time
                return key_id
            case WebIdentityRole(arn=arn):
                return arn
            case _:
                return ""


def find_credentials(target: Target, surroundings: Surroundings) -> AwsCredentials:
    """The credentials of a target.

    Raises CredentialsError that names every place that was tried, and no value.
    """
    search = CredentialSearch(target, surroundings, VENDOR, HINT)
    if target.credentials.secrets:

        def from_target() -> Credentials:
            return Secrets(target, surroundings.environment).access_key()

        return AwsCredentials(from_target(), f"targets.{target.name}.credentials", again=from_target)
    named = target.credentials.profile
    if not named:
        key = search.key("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        if key:
            return AwsCredentials(key, "the environment")
    profile = named or search.environment.get("AWS_PROFILE", "") or "default"
    shared, config = _files(surroundings)
    delegated = search.in_file(config, partial(_delegated, config, f"profile {profile}", profile))
    delegated = delegated or search.in_file(shared, partial(_delegated, shared, profile, profile))
    if delegated is not None:
        return AwsCredentials(delegated, delegated.place, tuple(search.tried))
    if not named and (role := _web_identity(search, target)):
        return AwsCredentials(role, role.place, tuple(search.tried))
    for path, section in ((shared, profile), (config, f"profile {profile}")):
        read = partial(_standing, path, section, profile)
        found = search.in_file(path, read)
        if found is not None:

            def again(path: Path = path, section: str = section) -> Credentials:
                return _reread(path, section, profile)

            return AwsCredentials(
                found, f"{path} [{profile}]", tuple(search.tried), again if found.security_token else None
            )
    asked_last = search.last_resort([] if named else _machine(search))
    return AwsCredentials(asked_last, LastResort.place, tuple(search.tried))


def _files(surroundings: Surroundings) -> tuple[Path, Path]:
    """The credentials file, and the configuration."""
    named = (surroundings.environment.get(f"AWS_{name}_FILE", "") for name in ("SHARED_CREDENTIALS", "CONFIG"))
    usual = (surroundings.home / ".aws" / name for name in ("credentials", "config"))
    shared, config = (_expanded(given, surroundings) if given else own for given, own in zip(named, usual, strict=True))
    return shared, config


def _expanded(given: str, surroundings: Surroundings) -> Path:
    return surroundings.home / given[2:] if given.startswith("~/") else Path(given)


def _section(path: Path, section: str, profile: str) -> tuple[ConfigParser, str]:
    """The file, and what its section is called: in the configuration the default one may go without `profile`."""
    if section == "profile default":
        try:
            return ini_section(path, "default", interpolation=False), "default"
        except UnusableFile:
            pass
    try:
        return ini_section(path, section, interpolation=False), section
    except UnusableFile as error:
        raise UnusableFile(f"no profile {profile!r}" if "section" in str(error) else str(error)) from None


def _delegated(path: Path, section: str, profile: str) -> VendorProfile | None:
    """The profile, where only the vendor's library can use it. Raises UnusableFile."""
    parser, section = _section(path, section, profile)
    asked = [name for name in DELEGATED if option(parser, section, name)]
    if not asked:
        return None
    if not installed():
        raise CredentialsError(
            f"profile {profile!r} of {path} has {asked[0]}, which needs botocore",
            "install media-reconciler[aws], or use credentials of another kind",
        )
    return VendorProfile(profile)


def _standing(path: Path, section: str, profile: str) -> AccessKey:
    """The key of a profile. Raises UnusableFile, and CredentialsError for half a key."""
    parser, section = _section(path, section, profile)
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    place = f"profile {profile!r} of {path}"
    key_id, secret, token = (secret_text(option(parser, section, name), f"{place}: {name}") for name in names)
    if not key_id and not secret:
        raise UnusableFile(f"no key in profile {profile!r}")
    if not (key_id and secret):
        raise CredentialsError(f"{place} has half a key: {names[1] if key_id else names[0]} is missing")
    return AccessKey(key_id, secret, token)


def _reread(path: Path, section: str, profile: str) -> Credentials:
    try:
        return _standing(path, section, profile)
    except UnusableFile as error:
        raise CredentialsError(f"profile {profile!r} ({error})") from None


def _web_identity(search: CredentialSearch, target: Target) -> WebIdentityRole | None:
    if not search.has("web identity", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        return None
    environment = search.environment
    session = environment.get("AWS_ROLE_SESSION_NAME", "") or "media-reconciler"
    sts = endpoint(target, "sts", search.surroundings)
    return WebIdentityRole(environment["AWS_ROLE_ARN"], environment["AWS_WEB_IDENTITY_TOKEN_FILE"], session, sts)


def _machine(search: CredentialSearch) -> list[AskedKey]:
    """Who on this machine may be asked: a container's service alone, where there is one."""
    environment = search.environment
    relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "")
    full = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
    if relative or full:
        uri = f"{CONTAINER}{relative}" if relative else full
        token_file = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "")
        authorized = bool(environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
        return [Container(uri, token_file, authorized)]
    search.tried.append(f"{Container.place} (not set)")
    if search.is_off(InstanceRole.place, DISABLED):
        return []
    return [InstanceRole(environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "").rstrip("/"))]
