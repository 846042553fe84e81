"""Where credentials are looked for: what a target's `credentials` may name, and what is in it, else where SDKs look.

RECONCILER_CREDENTIAL_SOURCES lists what may be named. Who writes the configuration is not always who holds the
credentials: a file or variable that was meant for something else would be sent to a cloud as a key.
"""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from reconciler.exceptions import CredentialsError, UsageError
from reconciler.providers.asked_keys import LastResort
from reconciler.providers.credentials import AccessKey, UnusableFile, secret_in, secret_text, small_text
from reconciler.providers.transport.surroundings import allow_list
from reconciler.redaction import bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.config.model import Secret, Target
    from reconciler.providers.asked_keys import AskedKey
    from reconciler.providers.transport.surroundings import Surroundings

T = TypeVar("T")

CREDENTIAL_SOURCES: Final = "RECONCILER_CREDENTIAL_SOURCES"
"""Names of variables, absolute paths of files and `profile:NAME`, separated by commas or blanks; `*` stands for any run
of characters but `/`. Unset: anything. `none`: nothing, which leaves where the SDKs look by themselves."""

_LISTED = re.compile(r"(?P<env>[A-Za-z_*][A-Za-z0-9_*]*)|(?P<file>/.*)|profile:(?P<profile>.+)", re.ASCII)
_WAY_OUT: Final = "credentials may come from what is listed there only; have it added where the job is set up"


def check_sources(target: Target, environment: Mapping[str, str]) -> None:
    """Raises CredentialsError where the target names what it must not."""
    patterns, credentials = _listed(environment), target.credentials
    if patterns is not None and credentials.profile and not _any(patterns, "profile", credentials.profile):
        refused = f"credentials.profile: the profile is not among {CREDENTIAL_SOURCES}"
        raise CredentialsError(f"target {target.name!r}: {refused}", _WAY_OUT)
    secrets = {f"credentials.{key}": secret for key, secret in credentials.secrets.items()}
    check_secrets(f"target {target.name!r}", secrets, environment)


def check_secrets(whose: str, secrets: Mapping[str, Secret], environment: Mapping[str, str]) -> None:
    """Raises CredentialsError where some of `secrets`, which stand under these keys, must not be read from there."""
    patterns = _listed(environment)
    if patterns is None:
        return
    for key, secret in secrets.items():
        if not (_file_is_listed(patterns, secret.file) if secret.file else _any(patterns, "env", secret.env or "")):
            raise CredentialsError(f"{whose}: {key}: {_place(secret)} is not among {CREDENTIAL_SOURCES}", _WAY_OUT)


def _listed(environment: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """What may be named; None where anything may. Raises UsageError for a list that is none."""
    listed = allow_list(CREDENTIAL_SOURCES, environment)
    return None if listed is None else [_pattern(word) for word in listed]


def _pattern(word: str) -> tuple[str, str]:
    """The kind of an entry, and what it says."""
    found = _LISTED.fullmatch(word)
    if found is None or found.lastgroup is None:
        message = f"{CREDENTIAL_SOURCES}: {bounded(word, 80)!r} is no source"
        raise UsageError(message, "such as PROD_*, /run/secrets/*, profile:prod, or none")
    return found.lastgroup, found[found.lastgroup]


def _any(patterns: list[tuple[str, str]], kind: str, name: str) -> bool:
    return any(_fits(pattern, name) for of, pattern in patterns if of == kind)


def _fits(pattern: str, name: str) -> bool:
    return bool(re.fullmatch("[^/]*".join(map(re.escape, re.split(r"\*+", pattern))), name, re.DOTALL))


def _file_is_listed(patterns: list[tuple[str, str]], file: Path) -> bool:
    """Whether the path fits, and does not lead through links out of the directory that the pattern begins with."""
    path = os.path.abspath(file)  # noqa: PTH100 - `..` is taken out by the words, links are followed after that
    real = Path(os.path.realpath(path))
    for pattern in (of for kind, of in patterns if kind == "file"):
        beginning = pattern.partition("*")[0].rpartition("/")[0] or "/"
        if _fits(os.path.normpath(pattern), path) and real.is_relative_to(os.path.realpath(beginning)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one target, read on demand from environment variables and files."""

    target: Target
    environment: Mapping[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        check_sources(self.target, self.environment)

    def has(self, key: str) -> bool:
        """Whether the target says where to read `key`."""
        return key in self.target.credentials.secrets

    def read(self, key: str, *, optional: bool = False, blanks: bool = False) -> str:
        """The secret. Raises CredentialsError, naming the place and never the value.

        One that is `optional` may be empty, or not be named at all. A variable that is named is set, if to nothing.
        `blanks` may stand within what goes into a body.
        """
        secret = self.target.credentials.secrets.get(key)
        if secret is None:
            if optional:
                return ""
            raise self._error(key, "which the other keys need, is not given")
        try:
            return read_secret(secret, self.environment, optional=optional, blanks=blanks)
        except CredentialsError as error:
            raise self._error(key, error.message) from None

    def access_key(self) -> AccessKey:
        """The key that the target says where to read. Raises CredentialsError."""
        pair = (self.read("access_key_id"), self.read("secret_access_key"))
        return AccessKey(*pair, self.read("security_token", optional=True))

    def _error(self, key: str, reason: str) -> CredentialsError:
        return CredentialsError(f"target {self.target.name!r}: credentials.{key}: {reason}")


def read_secret(secret: Secret, environment: Mapping[str, str], *, optional: bool = False, blanks: bool = False) -> str:
    """The secret. Raises CredentialsError, naming the place and never the value; see `Secrets.read`."""
    place = _place(secret)
    try:
        file = secret.file
        # What was checked is what is read.
        held = small_text(Path(os.path.normpath(file))) if file is not None else environment.get(secret.env or "", "")
        text = secret_text(held, place, blanks=blanks)
    except UnusableFile as error:
        raise CredentialsError(f"{place} cannot be read ({error})") from None
    unset = secret.file is None and secret.env not in environment
    if unset or not (text or optional):
        raise CredentialsError(f"{place} is not set or empty")
    return text


def _place(secret: Secret) -> str:
    return secret.place or (f"file {secret.file}" if secret.file is not None else f"environment variable {secret.env}")


@dataclass(slots=True)
class CredentialSearch:
    """Looks where a vendor's SDK does, in the order in which it is asked to; `tried` are the places without success,
    each with its reason and no value.

    Raises CredentialsError where the target names sources that it must not.
    """

    target: Target
    surroundings: Surroundings
    vendor: str
    hint: str
    tried: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_sources(self.target, self.environment)

    @property
    def environment(self) -> Mapping[str, str]:
        return self.surroundings.environment

    def is_off(self, what: str, variable: str) -> bool:
        """Whether somebody switched a place off."""
        off = self.environment.get(variable, "").lower() == "true"
        if off:
            self.tried.append(f"{what} (switched off by {variable})")
        return off

    def has(self, what: str, *names: str) -> bool:
        """Whether all these variables are set; of `A or B`, one of the two."""
        missing = [name for name in names if not any(map(self.environment.get, name.split(" or ")))]
        if missing:
            self.tried.append(f"{what} ({', '.join(missing)} not set)")
        return not missing

    def key(self, *names: str) -> AccessKey | None:
        """The key whose id, secret and security token are in variables of these names.

        Raises CredentialsError for half a key: going on to a file might mean to act as somebody else than was meant.
        """
        key_id, secret = (secret_in(self.environment, name) for name in names[:2])
        if key_id and secret:
            return AccessKey(key_id, secret, secret_in(self.environment, names[2]))
        if key_id or secret:
            missing = names[1] if key_id else names[0]
            raise CredentialsError(
                f"half of the {self.vendor} credentials is in the environment: {missing} is not set",
                f"set both {names[0]} and {names[1]}, or none",
            )
        self.tried.append(f"environment variables {names[0]} and {names[1]} (not set)")
        return None

    def in_file(self, path: Path, read: Callable[[], T]) -> T | None:
        """What `read` finds in a file, unless it raises UnusableFile."""
        try:
            return read()
        except UnusableFile as error:
            self.tried.append(f"file {path} ({error})")
            return None

    def last_resort(self, options: Sequence[AskedKey]) -> LastResort:
        """Who is asked when all else failed. Raises CredentialsError where there is nobody."""
        return LastResort(self.vendor, self.hint, options, self.tried)
