"""Where Huawei Cloud credentials are found: where the vendor's SDK looks, or where the target says.

Default order, as in huaweicloudsdkcore: environment, then the profile file. Everything is read when a client is made
and never shown.
"""

from __future__ import annotations

from configparser import ConfigParser, InterpolationError
from configparser import Error as ParserError
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.exceptions import CredentialsError
from reconciler.providers.access_key import AccessKey
from reconciler.providers.secret_sources import Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Target
    from reconciler.providers.transport.surroundings import Surroundings

__all__ = ["KEYS", "Credentials", "Found", "Login", "Token", "find_credentials"]

KEYS = ("access_key_id", "secret_access_key", "security_token", "token", "iam_user", "iam_password", "iam_domain")


@dataclass(frozen=True, slots=True)
class Token:
    """A ready IAM token, scoped to a project of the target's region."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """An IAM user who gets a token when it is needed."""

    user: str
    password: str = field(repr=False)
    domain: str


Credentials = AccessKey | Token | Login


@dataclass(frozen=True, slots=True)
class Found:
    """Credentials, the project that came with them (perhaps empty), and where they were found."""

    credentials: Credentials
    project_id: str
    source: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked wherever a server echoes it."""
        match self.credentials:
            case AccessKey() as key:
                return key.secrets
            case Token(text=text):
                return (text,)
            case Login(password=password):
                return (password,)

    @property
    def principal(self) -> str:
        """Who they belong to, without being a secret; empty for a token, which does not say."""
        match self.credentials:
            case AccessKey(id=key_id):
                return key_id
            case Login(user=user, domain=domain):
                return f"{domain}/{user}"
            case Token():
                return ""


def find_credentials(target: Target, surroundings: Surroundings) -> Found:
    """The credentials of a target.

    Raises CredentialsError that names every place that was tried, and no value.
    """
    wanted = target.credentials
    if wanted.secrets:
        return _from_target(target, surroundings)
    if wanted.profile:
        return _from_file(wanted.profile, surroundings, [])
    tried: list[str] = []
    return _from_environment(surroundings.environment, tried) or _from_file("basic", surroundings, tried)


def _from_target(target: Target, surroundings: Surroundings) -> Found:
    secrets = Secrets(target, surroundings.environment)
    source = f"targets.{target.name}.credentials"
    if secrets.has("token"):
        return Found(Token(secrets.read("token")), "", source)
    if secrets.has("iam_user"):
        login = Login(secrets.read("iam_user"), secrets.read("iam_password"), secrets.read("iam_domain"))
        return Found(login, "", source)
    security_token = secrets.read("security_token") if secrets.has("security_token") else ""
    key = AccessKey(secrets.read("access_key_id"), secrets.read("secret_access_key"), security_token)
    return Found(key, "", source)


def _from_environment(environment: Mapping[str, str], tried: list[str]) -> Found | None:
    names = ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK")
    key_id, secret = (environment.get(name, "") for name in names)
    if key_id and secret:
        key = AccessKey(key_id, secret, environment.get("HUAWEICLOUD_SDK_SECURITY_TOKEN", ""))
        return Found(key, environment.get("HUAWEICLOUD_SDK_PROJECT_ID", ""), "the environment")
    if key_id or secret:
        # The SDK would go on to the file and act as somebody else than was meant.
        missing = names[1] if key_id else names[0]
        raise CredentialsError(
            f"half of the Huawei Cloud credentials is in the environment: {missing} is not set",
            "set both HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or none",
        )
    tried.append("environment variables HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK (not set)")
    return None


def _from_file(section: str, surroundings: Surroundings, tried: list[str]) -> Found:
    named = surroundings.environment.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "")
    path = Path(named) if named else surroundings.home / ".huaweicloud" / "credentials"
    parser = ConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except FileNotFoundError:
        raise _none_found([*tried, f"file {path} (does not exist)"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _none_found([*tried, f"file {path} ({type(error).__name__})"]) from None
    except ParserError:
        # The parser's own message quotes lines of the file.
        raise _none_found([*tried, f"file {path} (not an INI file)"]) from None
    if not parser.has_section(section):
        raise _none_found([*tried, f"file {path} (no section [{section}])"])
    key_id, secret = _option(parser, section, "ak"), _option(parser, section, "sk")
    if not key_id or not secret:
        missing = " and ".join(name for name, text in (("ak", key_id), ("sk", secret)) if not text)
        raise _none_found([*tried, f"file {path} (section [{section}] lacks {missing})"])
    key = AccessKey(key_id, secret, _option(parser, section, "security_token"))
    return Found(key, _option(parser, section, "project_id"), f"{path} [{section}]")


def _option(parser: ConfigParser, section: str, name: str) -> str:
    try:
        return parser.get(section, name, fallback="").strip()
    except InterpolationError:  # the SDK wants % doubled; a secret that has one undoubled is meant as it stands
        return parser.get(section, name, raw=True).strip()


def _none_found(tried: list[str]) -> CredentialsError:
    return CredentialsError(
        f"no Huawei Cloud credentials found; tried: {'; '.join(tried)}",
        "set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or say in the target's `credentials` where to read them",
    )
