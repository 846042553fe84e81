"""Where Huawei Cloud credentials are found: where the vendor's SDK looks, or where the target says.

Default order, as in huaweicloudsdkcore: OIDC agency, environment, profile file, agency of the ECS, pod identity. What
stands somewhere is read when a client is made; whoever must be asked is asked when the first request is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

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
    ini_section,
    option,
    secret_in,
    secret_text,
)
from reconciler.providers.huaweicloud.asked_keys import DISABLED, Agency, Container, IdentityToken, OidcAgency
from reconciler.providers.huaweicloud.endpoints import endpoint, sts_endpoint
from reconciler.providers.huaweicloud.signing import Login, Token

Asked = OidcAgency | IdentityToken | Container | Agency | LastResort
Credentials = AccessKey | Token | Login | Asked

VENDOR = "Huawei Cloud"
HINT = "set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or say in the target's `credentials` where to read them"
SECTION = "basic"
"""The SDK has no named profiles: this section is for services of a region, `global` for the others."""


@dataclass(frozen=True, slots=True)
class HuaweicloudCredentials(ResolvedCredentials[Credentials]):
    """Of Huawei Cloud. `project_id` is that of the project that came with them, perhaps empty."""

    project_id: str = ""

    @property
    def issuers(self) -> frozenset[str]:
        match self.credentials:
            case OidcAgency(environment=environment):
                return frozenset({sts_endpoint(environment)})
            case IdentityToken(iam=iam):
                return frozenset({iam})
            case _:
                return frozenset()

    @property
    def principal(self) -> str:
        match self.credentials:
            case AccessKey(id=key_id):
                return key_id
            case Login(user=user, domain=domain):
                return f"{domain}/{user}"
            case OidcAgency() | IdentityToken() as asked:
                return asked.place
            case _:
                return ""


def find_credentials(target: Target, surroundings: Surroundings) -> HuaweicloudCredentials:
    """The credentials of a target.

    Raises CredentialsError that names every place that was tried, and no value.
    """
    search = CredentialSearch(target, surroundings, VENDOR, HINT)
    wanted = target.credentials
    if wanted.secrets:
        return _from_target(target, surroundings)
    if wanted.profile not in {None, SECTION}:
        raise CredentialsError(
            f"target {target.name!r}: credentials.profile: {wanted.profile!r} is not possible: Huawei Cloud's tools "
            f"have no named profiles, their file has the one section [{SECTION}]",
            "say in the target's `credentials` where to read access_key_id and secret_access_key",
        )
    project = secret_in(search.environment, "HUAWEICLOUD_SDK_PROJECT_ID")
    if wanted.profile is None and (found := _from_environment(search, project)):
        return found
    named = search.environment.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "")
    path = Path(named) if named else surroundings.home / ".huaweicloud" / "credentials"
    if found := search.in_file(path, lambda: _in_file(path, target, surroundings, tuple(search.tried))):
        return found
    asked = search.last_resort([] if wanted.profile else _machine(search))
    return HuaweicloudCredentials(asked, LastResort.place, tuple(search.tried), project_id=project)


def _from_target(target: Target, surroundings: Surroundings) -> HuaweicloudCredentials:
    secrets = Secrets(target, surroundings.environment)
    source = f"targets.{target.name}.credentials"
    if secrets.has("iam_user") and not secrets.has("token"):
        user, password, domain = (secrets.read(f"iam_{part}", blanks=True) for part in ("user", "password", "domain"))
        return HuaweicloudCredentials(Login(user, password, domain), source)

    def read() -> Credentials:
        now = Secrets(target, surroundings.environment)
        return Token(now.read("token")) if now.has("token") else now.access_key()

    return HuaweicloudCredentials(read(), source, again=read)


def _from_environment(search: CredentialSearch, project: str) -> HuaweicloudCredentials | None:
    environment = search.environment
    if search.has("OIDC agency", *OidcAgency.REQUIRED, "HUAWEICLOUD_OIDC_ID_TOKEN or HUAWEICLOUD_OIDC_TOKEN_FILE"):
        agency = OidcAgency(environment)
        return HuaweicloudCredentials(agency, agency.place, project_id=project)
    provider = environment.get("HUAWEICLOUD_SDK_IDP_ID", "")
    file = environment.get("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "")
    if provider and file:
        asked = IdentityToken(provider, file, endpoint(search.target, "iam", environment))
        return HuaweicloudCredentials(asked, asked.place, tuple(search.tried), project_id=project)
    key = search.key("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
    return HuaweicloudCredentials(key, "the environment", tuple(search.tried), project_id=project) if key else None


def _in_file(path: Path, target: Target, surroundings: Surroundings, tried: tuple[str, ...]) -> HuaweicloudCredentials:
    parser = ini_section(path, SECTION, interpolation=True)
    source = f"{path} [{SECTION}]"

    def get(name: str) -> str:
        return secret_text(option(parser, SECTION, name), f"file {source}: {name}")

    if get("idp_id") and get("id_token_file"):
        iam = endpoint(target, "iam", {"HUAWEICLOUD_SDK_IAM_ENDPOINT": get("iam_endpoint"), **surroundings.environment})
        return HuaweicloudCredentials(
            IdentityToken(get("idp_id"), get("id_token_file"), iam), source, tried, project_id=get("project_id")
        )
    if missing := [name for name in ("ak", "sk") if not get(name)]:
        raise UnusableFile(f"section [{SECTION}] lacks {' and '.join(missing)}")
    key = AccessKey(get("ak"), get("sk"), get("security_token"))
    again = partial(_reread, path, target, surroundings)
    return HuaweicloudCredentials(key, source, tried, again if key.security_token else None, get("project_id"))


def _reread(path: Path, target: Target, surroundings: Surroundings) -> Credentials:
    try:
        return _in_file(path, target, surroundings, ()).credentials
    except UnusableFile as error:
        raise CredentialsError(f"file {path} ({error})") from None


def _machine(search: CredentialSearch) -> list[AskedKey]:
    """Who on this machine may be asked."""
    options: list[AskedKey] = [] if search.is_off(Agency.place, DISABLED) else [Agency()]
    url = search.environment.get("HC_CONTAINER_CREDENTIALS_FULL_URI", "")
    file = search.environment.get("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", "")
    if url and file:
        options.append(Container(url, file))
    return options
