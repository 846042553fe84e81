"""The client of one Huawei Cloud target: the way to a project's APIs, and what is done with its tasks."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from reconciler.provider import (
    READS,
    WRITES,
    AccessKey,
    Collected,
    Fault,
    HttpClient,
    Meaning,
    Observation,
    Operation,
    Paging,
    Quota,
    Readings,
    ResourceType,
    Retries,
    Surroundings,
    Tally,
    Target,
    Task,
    TaskKey,
    always,
    renewed,
)
from reconciler.providers.huaweicloud.credentials import HuaweicloudCredentials, find_credentials
from reconciler.providers.huaweicloud.endpoints import (
    PROJECTS_PATH,
    SERVICES,
    WAY_OUT,
    KnownProject,
    endpoint,
    is_project,
    project_named,
)
from reconciler.providers.huaweicloud.errors import CODES
from reconciler.providers.huaweicloud.listing import Bounds, list_scope
from reconciler.providers.huaweicloud.pages import Page, page_in, sorted_out
from reconciler.providers.huaweicloud.signing import (
    Login,
    SignatureAuth,
    Token,
    TokenAuth,
    TokenIssuer,
    canonical_query,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

    from reconciler.provider import Sink

WHOLE = Bounds()

READ_AT_MOST = 10
"""So many calls reading ids may take before the first page of a list that was never seen is asked how long it is."""

T = TypeVar("T")


class HuaweicloudClient(HttpClient[HuaweicloudCredentials]):
    """Lists, reads and acts on the tasks of one project. Raises CredentialsError when made without credentials."""

    # https://support.huaweicloud.com/intl/en-us/productdesc-mpc/mpc_03_0018.html; VOD's processing group alike. IAM
    # publishes none for the one look-up.
    quotas = MappingProxyType({"mpc": Quota(100, 60.0), "vod": Quota(100, 60.0), "iam": Quota(10, 1.0)})
    codes = CODES
    margin = 40 * 60.0

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        resolved = find_credentials(target, surroundings)
        self._endpoints = {name: endpoint(target, name, surroundings.environment) for name in SERVICES}
        super().__init__(target, resolved, self._endpoints.values(), concurrency=concurrency, surroundings=surroundings)
        given = target.options.get("project_id") or resolved.project_id.strip()
        odd = Fault(Meaning.CREDENTIALS, f"the id of the project beside the credentials is none; {WAY_OUT}")
        self._project: str | Fault = resolved.explained(odd) if given and not is_project(given) else given
        self._known = surroundings.shared.of(
            (KnownProject, resolved.credentials, self._endpoints["iam"], target.region), KnownProject
        )
        self._pages: dict[str, int] = {}

    def auth(self) -> httpx.Auth:
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

    async def _look_up(self) -> str | Fault:
        region = self.target.region
        return await self.send(
            "GET",
            self._at("iam", PROJECTS_PATH, [("name", region)]),
            {"Content-Type": "application/json"},
            partial(project_named, region=region, client=self),
            service="iam",
            group=f"{self._endpoints['iam']} {self.resolved.owner(self.target)}",
            retries=READS,
            tally=Tally(),
        )

    async def observe(
        self, resource: ResourceType, statuses: frozenset[str] | None, sink: Sink | None = None, bounds: Bounds = WHOLE
    ) -> Observation:
        tally, held = Tally(), Collected()
        ask = partial(self.page, resource, tally)
        listed = await list_scope(ask, resource, statuses, held if sink is None else sink, bounds)
        if isinstance(listed, Fault):
            return self.observation(resource, tally, listed)
        if listed.pages is not None:
            self._pages[resource.name] = listed.pages
        return self.observation(resource, tally, held.tasks, listed.unsettled)

    async def page(self, resource: ResourceType, tally: Tally, parameters: Sequence[tuple[str, str]]) -> Page | Fault:
        """One page of the list of a kind."""
        listing = resource.listing
        return await self.call(
            resource.service,
            listing.method,
            listing.path,
            (*listing.constants, *parameters),
            partial(page_in, client=self, resource=resource),
            retries=READS,
            tally=tally,
        )

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        wanted = list(dict.fromkeys(ids))
        seen: dict[str, Task] = {}
        if self._listing_is_cheaper(resource, len(wanted)):
            # One pass, given up where it turns out to be the dearer way. What it does not show, or shows without a
            # status since two rows contradict each other, is asked for by id.
            bounds = Bounds(passes=1, pages=resource.listing.calls(len(wanted)))
            observed = await self.observe(resource, None, bounds=bounds)
            shown = {task.id: task for task in observed.tasks if "provider_status" in task.values}
            seen = {task_id: shown[task_id] for task_id in wanted if task_id in shown}
        rest = await super().read(resource, [task_id for task_id in wanted if task_id not in seen])
        return Readings.united((Readings(seen, {}), rest))

    def _listing_is_cheaper(self, resource: ResourceType, ids: int) -> bool:
        known = self._pages.get(resource.name)
        return resource.listing.is_cheaper(READ_AT_MOST if known is None else known, ids)

    async def read_some(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        """Gone is only what a consistent answer leaves out."""
        listing = resource.listing
        parameters = [(listing.ids_parameter or "task_id", task_id) for task_id in ids]
        if listing.paging is Paging.MARKER:
            parameters.append(("limit", str(listing.page_size)))
        found = await self.page(resource, Tally(), parameters)
        if not isinstance(found, Fault):
            return sorted_out(self.target.name, resource, ids, found)
        if found.meaning is not Meaning.GONE:
            return Readings({}, dict.fromkeys(ids, found))
        if len(ids) == 1:
            return Readings({ids[0]: Task.gone(TaskKey(self.target.name, resource.name, ids[0]))}, {})
        # One of them is not there, and the answer does not say which.
        return Readings.united([await self.read_some(resource, [task_id]) for task_id in ids])

    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        async def one(task_id: str) -> Fault | None:
            return await self.call(
                resource.service,
                operation.method,
                operation.path,
                [(operation.id_parameter, task_id)],
                partial(self.not_accepted, operation=operation),
                retries=WRITES,
                tally=Tally(),
                permitted=permitted,
            )

        return {task_id: await one(task_id) for task_id in ids}
