"""Where Alibaba Cloud credentials are found: where the vendor's SDK looks, or where the target says.

Order as in alibabacloud_credentials, as far as keys can be read without asking anybody: environment, profile of the
`aliyun` command (AK, StsToken), INI profile (access_key). Everything is read when a client is made and never shown.
"""

from __future__ import annotations

import json
from configparser import ConfigParser
from configparser import Error as ParserError
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.exceptions import CredentialsError
from reconciler.providers.access_key import AccessKey
from reconciler.providers.secret_sources import Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Target
    from reconciler.providers.transport.surroundings import Surroundings

__all__ = ["KEYS", "Found", "find_credentials"]

KEYS = ("access_key_id", "secret_access_key", "security_token")

_MODES = ("AK", "StsToken")


@dataclass(frozen=True, slots=True)
class Found:
    """A key and where it was found."""

    key: AccessKey
    source: str


def find_credentials(target: Target, surroundings: Surroundings) -> Found:
    """The credentials of a target.

    Raises CredentialsError that names every place that was tried, and no value.
    """
    environment = surroundings.environment
    if target.credentials.secrets:
        secrets = Secrets(target, environment)
        token = secrets.read("security_token") if secrets.has("security_token") else ""
        key = AccessKey(secrets.read("access_key_id"), secrets.read("secret_access_key"), token)
        return Found(key, f"targets.{target.name}.credentials")
    tried: list[str] = []
    profile = target.credentials.profile or environment.get("ALIBABA_CLOUD_PROFILE", "")
    found = None if target.credentials.profile else _from_environment(environment, tried)
    found = found or _from_command_line_profile(profile, surroundings, tried)
    found = found or _from_ini_profile(profile or "default", surroundings, tried)
    if found is None:
        raise CredentialsError(
            f"no Alibaba Cloud credentials found; tried: {'; '.join(tried)}",
            "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or say in the target's "
            "`credentials` where to read them",
        )
    return found


def _from_environment(environment: Mapping[str, str], tried: list[str]) -> Found | None:
    names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    key_id, secret = (environment.get(name, "") for name in names)
    if key_id and secret:
        key = AccessKey(key_id, secret, environment.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""))
        return Found(key, "the environment")
    if key_id or secret:
        # Going on to a file might mean to act as somebody else than was meant.
        missing = names[1] if key_id else names[0]
        raise CredentialsError(
            f"half of the Alibaba Cloud credentials is in the environment: {missing} is not set",
            f"set both {names[0]} and {names[1]}, or none",
        )
    tried.append(f"environment variables {names[0]} and {names[1]} (not set)")
    return None


def _from_command_line_profile(profile: str, surroundings: Surroundings, tried: list[str]) -> Found | None:
    path = surroundings.home / ".aliyun" / "config.json"
    if surroundings.environment.get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "").lower() == "true":
        tried.append(f"file {path} (switched off by ALIBABA_CLOUD_CLI_PROFILE_DISABLED)")
        return None
    text = _text_of(path, tried)
    if text is None:
        return None
    try:
        document = json.loads(text)
        name = profile or document["current"]
        rows: list[dict[str, Any]] = [row for row in document["profiles"] if row["name"] == name]
    except (ValueError, KeyError, TypeError):
        tried.append(f"file {path} (not in the form of the aliyun command)")
        return None
    row = rows[0] if rows else {}
    key_id, secret = str(row.get("access_key_id") or ""), str(row.get("access_key_secret") or "")
    mode = row.get("mode")
    if not rows:
        tried.append(f"file {path} (no profile {name!r})")
    elif mode not in _MODES:
        tried.append(f"file {path} (profile {name!r} is of mode {mode!r}; only {' and '.join(_MODES)} are read)")
    elif not key_id or not secret:
        tried.append(f"file {path} (profile {name!r} lacks access_key_id or access_key_secret)")
    else:
        token = str(row.get("sts_token") or "") if mode == "StsToken" else ""
        return Found(AccessKey(key_id, secret, token), f"{path} [{name}]")
    return None


def _from_ini_profile(profile: str, surroundings: Surroundings, tried: list[str]) -> Found | None:
    named = surroundings.environment.get("ALIBABA_CLOUD_CREDENTIALS_FILE", "")
    path = Path(named) if named else surroundings.home / ".alibabacloud" / "credentials.ini"
    text = _text_of(path, tried)
    if text is None:
        return None
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except ParserError:
        # The parser's own message quotes lines of the file.
        tried.append(f"file {path} (not an INI file)")
        return None
    if not parser.has_section(profile):
        tried.append(f"file {path} (no section [{profile}])")
        return None
    row = parser[profile]
    key_id, secret = row.get("access_key_id", "").strip(), row.get("access_key_secret", "").strip()
    kind = row.get("type", "").strip()
    if kind != "access_key":
        tried.append(f"file {path} (section [{profile}] is of type {kind!r}; only access_key is read)")
        return None
    if not key_id or not secret:
        tried.append(f"file {path} (section [{profile}] lacks access_key_id or access_key_secret)")
        return None
    return Found(AccessKey(key_id, secret), f"{path} [{profile}]")


def _text_of(path: Path, tried: list[str]) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        tried.append(f"file {path} (does not exist)")
    except (OSError, UnicodeDecodeError) as error:
        tried.append(f"file {path} ({type(error).__name__})")
    return None
