"""The way to one project's APIs: credentials, endpoints, the project's id, and paced calls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from reconciler.provider import (
    PACES,
    READS,
    AccessKey,
    Ask,
    C,
    Caller,
    Clocks,
    CredentialsError,
    CredentialSource,
    Excerpts,
    Fault,
    Fixed,
    Meaning,
    Origin,
    Pace,
    Quota,
    Retries,
    Surroundings,
    Tally,
    Target,
    Wire,
    always,
    principal_name,
    renewed,
    sources_of,
)
from reconciler.providers.huaweicloud.credentials import Login, Token, find_credentials
from reconciler.providers.huaweicloud.endpoints import SERVICES, endpoint
from reconciler.providers.huaweicloud.project import PROJECTS_PATH, WAY_OUT, KnownProject, is_project, project_named
from reconciler.providers.huaweicloud.signing import SignatureAuth, canonical_query
from reconciler.providers.huaweicloud.tokens import LoginDesk, TokenAuth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx

    from reconciler.providers.huaweicloud.credentials import Found

__all__ = ["QUOTAS", "Gateway"]

# https://support.huaweicloud.com/intl/en-us/productdesc-mpc/mpc_03_0018.html; VOD's processing group alike. IAM
# publishes none for the one look-up.
QUOTAS: Mapping[str, Quota] = {"mpc": Quota(100, 60.0), "vod": Quota(100, 60.0), "iam": Quota(10, 1.0)}

MARGIN = 40 * 60.0
"""Seconds before their end that credentials are renewed, as the vendor's SDK does it."""

T = TypeVar("T")


class Gateway:
    """Calls of one target. Raises CredentialsError when made without credentials; nothing is sent until then."""

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        found = find_credentials(target, surroundings)
        self._origin = Origin(found.source, found.tried)
        self._identity = principal_name(found.principal) if found.principal else sources_of(target)
        self._region = target.region
        self._endpoints = {name: endpoint(target, name, surroundings.environment) for name in SERVICES}
        self.excerpts = Excerpts(found.secrets, target.masked)
        self.now = surroundings.now
        self._surroundings = surroundings
        self._clocks = surroundings.shared.of(Clocks, partial(Clocks, self.now))
        self._hosts = {*self._endpoints.values(), *found.issuers}
        wire = Wire(surroundings.environment, on_answer=self._clocks.note)
        self._caller = Caller(
            auth=self._auth(found, Ask(wire, self.excerpts, surroundings)),
            concurrency=concurrency,
            excerpts=self.excerpts,
            surroundings=surroundings,
            wire=wire,
        )
        self._quotas = {
            name: quota.at_rate(target.rate_limits[name]) if name in target.rate_limits else quota
            for name, quota in QUOTAS.items()
        }
        given = target.options.get("project_id") or found.project_id.strip()
        odd = Fault(Meaning.CREDENTIALS, f"the id of the project beside the credentials is none; {WAY_OUT}")
        self._project: str | Fault = odd if given and not is_project(given) else given
        self._known = surroundings.shared.of(
            (KnownProject, found.credentials, self._endpoints["iam"], self._region), KnownProject
        )

    def _auth(self, found: Found, ask: Ask) -> httpx.Auth:
        now = self.now
        match found.credentials:
            case AccessKey() as key:
                return SignatureAuth(self._reread(key, found.again, ask), now)
            case Token() as token:
                return TokenAuth(self._reread(token, found.again, ask))
            case Login() as login:
                scope = (login, self._endpoints["iam"], self._region)
                desk = self._surroundings.shared.of((LoginDesk, *scope), partial(LoginDesk, *scope))
                return TokenAuth(renewed(partial(desk.token, ask), ask, MARGIN, shared_by=(Token, *scope)))
            case asked:
                return SignatureAuth(renewed(partial(asked.key, ask), ask, MARGIN, shared_by=asked), now)

    def _reread(self, held: C, again: Callable[[], Found] | None, ask: Ask) -> CredentialSource[C]:
        """What stands somewhere, read again when it is refused, if it may have been replaced since."""
        if again is None:
            return Fixed(held)

        async def fetch() -> C:
            found = again().credentials
            if not isinstance(found, type(held)):
                raise CredentialsError(f"{self._origin.source}: another kind of credentials than before")
            return found

        return renewed(fetch, ask, MARGIN, first=held)

    @property
    def skews(self) -> tuple[int, ...]:
        return self._clocks.skews(self._hosts)

    @property
    def requests(self) -> int:
        return self._caller.requests

    async def close(self) -> None:
        await self._caller.close()

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        parameters: Sequence[tuple[str, str]],
        judge: Callable[[httpx.Response], T | Fault],
        *,
        retries: Retries,
        tally: Tally,
        permitted: Callable[[], bool] = always,
    ) -> T | Fault:
        """Call an API of the project. `path` holds `{project_id}`, which is looked up first where it is not known."""
        project = await self.project_id()
        if isinstance(project, Fault):
            return project
        path = path.replace("{project_id}", quote(project, safe=""))
        headers = {"X-Project-Id": project, "Content-Type": "application/json"}
        if method == "DELETE":
            headers["Content-Length"] = "0"  # as the vendor's SDK sends it
        request = self._caller.request(method, self._url(service, path, parameters), headers)
        verdict = await self._caller.send(
            request, judge, pace=self._pace(service, project), retries=retries, tally=tally, permitted=permitted
        )
        return self._origin.explained(verdict) if isinstance(verdict, Fault) else verdict

    def _pace(self, service: str, owner: str) -> Pace:
        """The pace of a service, which all clients share that send to the same host for one project or identity."""
        around = self._surroundings
        group = f"{self._endpoints[service]} {owner}"
        return PACES.pace(group, service, self._quotas[service], monotonic=around.monotonic, sleep=around.sleep)

    def _url(self, service: str, path: str, parameters: Sequence[tuple[str, str]]) -> str:
        query = canonical_query(parameters)
        return f"{self._endpoints[service]}{path}{'?' if query else ''}{query}"

    async def project_id(self) -> str | Fault:
        """The project's id, looked up once for a run; a look-up that failed stands for the life of the client."""
        if not self._project:
            async with self._known.turns.lock():
                self._project = self._project or self._known.id or await self._look_up()
                self._known.id = self._known.id if isinstance(self._project, Fault) else self._project
        return self._origin.explained(self._project) if isinstance(self._project, Fault) else self._project

    async def _look_up(self) -> str | Fault:
        url = self._url("iam", PROJECTS_PATH, [("name", self._region)])
        request = self._caller.request("GET", url, {"Content-Type": "application/json"})
        judge = partial(project_named, region=self._region, excerpts=self.excerpts, now=self.now)
        pace = self._pace("iam", self._identity)
        found = await self._caller.send(request, judge, pace=pace, retries=READS, tally=Tally())
        return self._origin.explained(found) if isinstance(found, Fault) else found
