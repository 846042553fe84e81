"""Profiles in the vendor's files: those of the `aliyun` command, and the INI file of the SDKs.

Some only the vendor's own library can use: CloudSSO, OAuth, External, a pair of RSA keys. The library is the extra
`aliyun`. It is imported when such a profile is used and not before: it reads the environment while it is imported, and
writes tokens that it renewed back into the profile, as the vendor's command does.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.provider import (
    AccessKey,
    Ask,
    CredentialsError,
    Surroundings,
    UnusableFile,
    ini_section,
    json_file,
    option,
    secret_text,
)
from reconciler.providers.aliyun.asked_keys import DISABLED, AssumedRole, EcsRole, OidcRole, Role
from reconciler.providers.aliyun.endpoints import sts_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTRA = "install media-reconciler[aliyun], which brings the vendor's library for it"


DELEGATED_MODES = ("CloudSSO", "OAuth", "External")
DELEGATED_TYPE = "rsa_key_pair"
LONGEST_CHAIN = 10


def installed() -> bool:
    """Whether the vendor's library is there."""
    try:
        import alibabacloud_credentials  # noqa: F401
    except ImportError:
        return False
    return True


@dataclass(slots=True, eq=False)
class VendorProfile:
    """A profile of `path`, the vendor's JSON or INI file, handed to the vendor's library."""

    path: Path
    name: str
    _provider: Any = None

    @property
    def place(self) -> str:
        return f"{self.path} [{self.name}]"

    async def key(self, ask: Ask) -> AccessKey:
        """The key that the library has, or gets, in a thread of its own: it waits without an event loop."""
        try:
            held = await asyncio.to_thread(self._held)
        except Exception as error:  # noqa: BLE001 - whatever the library raises, its words may quote answers with keys
            raise CredentialsError(f"{self.place}: the vendor's library failed ({type(error).__name__})") from None
        token = held.get_security_token() or ""
        ask.redactor.learn((held.get_access_key_secret(), token))
        return AccessKey(held.get_access_key_id(), held.get_access_key_secret(), token)

    def _held(self) -> Any:  # noqa: ANN401 - the library ships no types
        if self._provider is None:
            from alibabacloud_credentials.provider import CLIProfileCredentialsProvider, ProfileCredentialsProvider

            _quieten()
            made = CLIProfileCredentialsProvider if self.path.suffix == ".json" else ProfileCredentialsProvider
            self._provider = made(profile_name=self.name, profile_file=str(self.path))
        return self._provider.get_credentials()


def _quieten() -> None:
    """The library writes to stderr, tracebacks and all, what it raises as well."""
    logger = logging.getLogger("credentials")
    logger.handlers.clear()
    logger.setLevel(logging.CRITICAL)
    logger.propagate = False


Profile = tuple[str, AccessKey | EcsRole | AssumedRole | OidcRole | VendorProfile]
"""The name, and what the profile holds or leads to."""


def command_line_file(surroundings: Surroundings) -> Path:
    """The file of the `aliyun` command."""
    return surroundings.home / ".aliyun" / "config.json"


def ini_file(surroundings: Surroundings) -> Path:
    """The file of the SDKs."""
    named = surroundings.environment.get("ALIBABA_CLOUD_CREDENTIALS_FILE", "")
    return Path(named) if named else surroundings.home / ".alibabacloud" / "credentials.ini"


def command_line_profile(name: str, surroundings: Surroundings) -> Profile:
    """A profile of the `aliyun` command; the current one without a name. Raises UnusableFile."""
    if surroundings.environment.get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "").lower() == "true":
        raise UnusableFile("switched off by ALIBABA_CLOUD_CLI_PROFILE_DISABLED")
    path = command_line_file(surroundings)
    odd = "not in the form of the aliyun command"
    try:
        document = json_file(path)
    except UnusableFile as error:
        raise UnusableFile(odd if str(error) == "not JSON" else str(error)) from None
    try:
        name = name or str(document["current"])
        profiles = {str(row["name"]): dict(row) for row in document["profiles"]}
    except (KeyError, TypeError, ValueError):
        raise UnusableFile(odd) from None
    return name, _of_mode(name, profiles, path, surroundings, LONGEST_CHAIN)


def _of_mode(
    name: str, profiles: Mapping[str, Mapping[str, Any]], path: Path, surroundings: Surroundings, depth: int
) -> AccessKey | EcsRole | AssumedRole | OidcRole | VendorProfile:
    if name not in profiles:
        raise UnusableFile(f"no profile {name!r}")
    if depth == 0:
        raise UnusableFile(f"profile {name!r} is at the end of too long a chain of source_profile")
    row = profiles[name]
    shown = f"profile {name!r}"
    text = partial(_text, row)
    environment = surroundings.environment

    def role() -> Role:
        private = row.get("enable_vpc")
        return Role(
            _needed(shown, row, "ram_role_arn"),
            sts_endpoint(surroundings, text("sts_region"), private=private if isinstance(private, bool) else None),
            text("ram_session_name") or text("role_session_name") or _session(environment),
            _seconds(shown, row),
            text("policy"),
            text("external_id"),
        )

    match row.get("mode"):
        case "AK":
            return _key(shown, row)
        case "StsToken":
            key = _key(shown, row)
            return AccessKey(key.id, key.secret, secret_text(_needed(shown, row, "sts_token"), f"{shown}: sts_token"))
        case "RamRoleArn":
            return AssumedRole(role(), _key(shown, row))
        case "ChainableRamRoleArn":
            source = _of_mode(text("source_profile"), profiles, path, surroundings, depth - 1)
            return AssumedRole(role(), source)
        case "OIDC":
            provider, file = (_needed(shown, row, part) for part in ("oidc_provider_arn", "oidc_token_file"))
            return OidcRole(role(), provider, file)
        case "EcsRamRole":
            return _ecs_role(shown, text("ram_role_name"), environment)
        case mode if mode in DELEGATED_MODES:
            return _delegated(f"{shown} is of mode {mode}", path, name)
        case mode:
            raise UnusableFile(f"{shown} is of mode {mode!r}, which is not known")


def ini_profile(name: str, surroundings: Surroundings) -> Profile:
    """A section of the SDKs' file. Raises UnusableFile."""
    path = ini_file(surroundings)
    parser = ini_section(path, name, interpolation=False)
    row = {key: option(parser, name, key) for key in parser.options(name)}
    shown = f"section [{name}]"
    environment = surroundings.environment

    def role() -> Role:
        session = row.get("role_session_name") or _session(environment)
        return Role(_needed(shown, row, "role_arn"), sts_endpoint(surroundings), session, policy=row.get("policy", ""))

    match row.get("type"):
        case "access_key":
            return name, _key(shown, row)
        case "ram_role_arn":
            return name, AssumedRole(role(), _key(shown, row))
        case "oidc_role_arn":
            provider, file = (_needed(shown, row, part) for part in ("oidc_provider_arn", "oidc_token_file_path"))
            return name, OidcRole(role(), provider, file)
        case "ecs_ram_role":
            return name, _ecs_role(shown, row.get("role_name", ""), environment)
        case kind if kind == DELEGATED_TYPE:
            return name, _delegated(f"{shown} is of type {kind}", path, name)
        case kind:
            raise UnusableFile(f"{shown} is of type {kind!r}, which is not known")


def _key(shown: str, row: Mapping[str, Any]) -> AccessKey:
    names = ("access_key_id", "access_key_secret")
    if missing := [name for name in names if not _text(row, name)]:
        raise UnusableFile(f"{shown} lacks {' and '.join(missing)}")
    key_id, secret = (secret_text(_text(row, name), f"{shown}: {name}") for name in names)
    return AccessKey(key_id, secret)


def _ecs_role(shown: str, name: str, environment: Mapping[str, str]) -> EcsRole:
    if environment.get(DISABLED, "").lower() == "true":
        raise UnusableFile(f"{shown} asks the metadata service, which {DISABLED} switches off")
    return EcsRole(name, environment.get("ALIBABA_CLOUD_IMDSV1_DISABLED", "").lower() == "true")


def _delegated(shown: str, path: Path, name: str) -> VendorProfile:
    if not installed():
        raise UnusableFile(f"{shown}: {EXTRA}")
    return VendorProfile(path, name)


def _needed(shown: str, row: Mapping[str, Any], name: str) -> str:
    if text := _text(row, name):
        return text
    raise UnusableFile(f"{shown} lacks {name}")


def _text(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    return found.strip() if isinstance(found, str) else ""


def _seconds(shown: str, row: Mapping[str, Any]) -> int:
    found = row.get("expired_seconds") or 3600
    if not isinstance(found, int) or not 900 <= found <= 43_200:
        raise UnusableFile(f"{shown} has an expired_seconds that is not between 900 and 43200")
    return found


def _session(environment: Mapping[str, str]) -> str:
    return environment.get("ALIBABA_CLOUD_ROLE_SESSION_NAME", "") or "media-reconciler"
