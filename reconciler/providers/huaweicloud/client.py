"""The client of one Huawei Cloud target: the way to a project's APIs."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from reconciler.provider import (
    READS,
    AccessKey,
    Fault,
    Meaning,
    Quota,
    RenewingAuth,
    Retries,
    RowClient,
    Surroundings,
    Tally,
    Target,
    always,
    canonical_query,
    renewed,
)
from reconciler.providers.huaweicloud.credentials import HuaweicloudCredentials, find_credentials
from reconciler.providers.huaweicloud.endpoints import (
    KnownProject,
    endpoint,
    is_project,
    owner_named,
    project_named,
)
from reconciler.providers.huaweicloud.errors import CODES
from reconciler.providers.huaweicloud.options import OPTIONS, PROJECTS_PATH, SERVICES, WAY_OUT
from reconciler.providers.huaweicloud.signing import (
    Login,
    SignatureAuth,
    Token,
    TokenAuth,
    TokenIssuer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

T = TypeVar("T")


class HuaweicloudClient(RowClient[HuaweicloudCredentials]):
    """Lists, reads and acts on the tasks of one project. Raises CredentialsError when made without credentials."""

    quotas = MappingProxyType({name: Quota(*window) for name, window in OPTIONS.quotas.items()})
    codes = CODES
    margin = 40 * 60.0

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        resolved = find_credentials(target, surroundings)
        self._endpoints = {name: endpoint(target, name, surroundings.environment) for name in SERVICES}
        urls = [*self._endpoints.values()]
        super().__init__(target, resolved, urls, concurrency=concurrency, surroundings=surroundings)
        given = target.options.get("project_id") or resolved.project_id.strip()
        odd = Fault(Meaning.CREDENTIALS, f"the id of the project beside the credentials is none; {WAY_OUT}")
        self._project: str | Fault = resolved.explained(odd) if given and not is_project(given) else given
        self._known = surroundings.shared.of(
            (KnownProject, resolved.credentials, self._endpoints["iam"], target.region), KnownProject
        )

    def auth(self) -> RenewingAuth[Any]:
        match self.resolved.credentials:
            case AccessKey() as key:
                return SignatureAuth(self.standing(key), self.now)
            case Token() as token:
                return TokenAuth(self.standing(token))
            case Login() as login:
                scope = (login, self._endpoints["iam"], self.target.region)
                desk = self.surroundings.shared.of((TokenIssuer, *scope), partial(TokenIssuer, *scope))
                fetch = partial(desk.token, self.ask)
                return TokenAuth(renewed(fetch, self.ask, self.margin, shared_by=(Token, *scope)))
            case asked:
                return SignatureAuth(self.asked(asked), self.now)

    async def account(self) -> str | Fault:
        """The project's id, which is of one region: neither that nor a host adds to it."""
        return await self.project_id()

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
        return await self.send(
            method,
            self._at(service, path, parameters),
            headers,
            judge,
            service=service,
            group=f"{self._endpoints[service]} {project}",
            retries=retries,
            tally=tally,
            permitted=permitted,
        )

    def _at(self, service: str, path: str, parameters: Sequence[tuple[str, str]]) -> str:
        query = canonical_query(parameters)
        return f"{self._endpoints[service]}{path}{'?' if query else ''}{query}"

    async def project_id(self) -> str | Fault:
        """The project's id, looked up once for a run; a look-up that failed stands for the life of the client."""
        if not self._project:
            async with self._known.turns.lock():
                self._project = self._project or self._known.id or await self._look_up()
                self._known.id = self._known.id if isinstance(self._project, Fault) else self._project
        return self._project

    async def owner(self) -> str | Fault:
        """As the project look-up tells it; a target with endpoints of its own asks no IAM but its own."""
        if self.target.endpoints and "iam" not in self.target.endpoints:
            return ""
        owner = await self._look_up(owner_named)
        # Subprojects have names of their own. An id that came from a variable is told as the variable.
        odd = isinstance(owner, str) and isinstance(self._project, str) and self.redactor(self._project) not in owner
        return f"{owner}; the target's `project_id` is another, of a subproject or a mistake" if odd else owner

    async def _look_up(self, judge: Callable[..., str | Fault] = project_named) -> str | Fault:
        region = self.target.region
        return await self.send(
            "GET",
            self._at("iam", PROJECTS_PATH, [("name", region)]),
            {"Content-Type": "application/json"},
            partial(judge, region=region, client=self),
            service="iam",
            group=f"{self._endpoints['iam']} {self.resolved.owner(self.target)}",
            retries=READS,
            tally=Tally(),
        )
