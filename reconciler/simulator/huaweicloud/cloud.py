"""Huawei Cloud: from a request to its answer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.huaweicloud import authorization, mpc, vod
from reconciler.simulator.huaweicloud.authorization import Authorization, Grant
from reconciler.simulator.huaweicloud.call import Call, Route, refusal
from reconciler.simulator.options import HuaweicloudAccount, Options, Quotas
from reconciler.simulator.store import TaskStore
from reconciler.simulator.wire import Answer, Outcome, Refusal, WireRequest, json_answer, pairs

VENDOR = "huaweicloud"
_ROUTES: Mapping[tuple[str, str], Route] = {(route.method, route.path): route for route in (*mpc.ROUTES, *vod.ROUTES)}
_TENANT_CHECK = {"mpc": "MPC.10208", "vod": "VOD.10057"}


def new_id(kind: str, number: int) -> str:
    """An id as the service would make it: MPC counts (every kind for itself), VOD draws 32 hex characters."""
    if kind.startswith("huaweicloud.mpc."):
        return str(10_000 + number)
    return hashlib.md5(f"{kind} {number}".encode(), usedforsecurity=False).hexdigest()


def find_route(request: WireRequest) -> tuple[Route | None, str]:
    """The operation that a request asks for and the project in its path."""
    parts = request.path.split("/", 3)
    if len(parts) < 4:
        return None, ""
    return _ROUTES.get((request.method, f"/{parts[1]}/*/{parts[3]}")), parts[2]


def named_tasks(request: WireRequest, route: Route) -> tuple[str, ...]:
    """The ids that a request names."""
    return tuple(text for name, text in pairs(request.raw_query, plus_is_space=False) if name == route.id_name)


@dataclass(slots=True)
class Huaweicloud:
    """The state of the cloud and its entry point."""

    tasks: TaskStore
    accounts: tuple[HuaweicloudAccount, ...]
    options: Options
    clock: VirtualClock
    quotas: Quotas
    authorization: Authorization = field(init=False)

    def __post_init__(self) -> None:
        self.authorization = Authorization(self.accounts, self.clock)

    def handle(self, request: WireRequest) -> Outcome:
        """Answer a request."""
        changed: list[str] = []
        oddities: list[str] = []
        try:
            answer = self._serve(request, changed, oddities)
        except Refusal as refused:
            answer = refused.answer
        headers = {**answer.headers, "X-Request-Id": uuid4().hex}
        return Outcome(
            Answer(answer.status, answer.body, headers, answer.content_type), tuple(changed), tuple(oddities)
        )

    def _serve(self, request: WireRequest, changed: list[str], oddities: list[str]) -> Answer:
        if (request.method, request.path) == ("GET", authorization.PROJECTS):
            return authorization.list_projects(request, self.authorization)
        if (request.method, request.path) == ("POST", authorization.TOKENS):
            return authorization.create_token(request, self.authorization)
        route, project = find_route(request)
        if route is None:
            raise refusal("APIGW.0101")
        grant = self.authorization.grant(request)
        self._check_project(request, route, project, grant)
        if self.quotas.admit(project, route.service) is not None:
            raise refusal("APIGW.0308")
        query = pairs(request.raw_query, plus_is_space=False)
        return route.serve(
            Call(
                request=request,
                route=route,
                query=query,
                account=grant.account,
                project=project,
                store=self.tasks,
                options=self.options,
                clock=self.clock,
                changed=changed,
                oddities=oddities,
            )
        )

    def _check_project(self, request: WireRequest, route: Route, project: str, grant: Grant) -> None:
        """The path's project must be the caller's; MPC also demands it in X-Project-Id beside a signature."""
        if grant.project:
            if grant.project != project:
                raise refusal("APIGW.0307")
            return
        code = _TENANT_CHECK[route.service]
        if project not in grant.account.projects.values():
            raise refusal(code)
        header = request.header("x-project-id")
        if header != project and (header or route.service == "mpc"):
            raise refusal(code, "(X-Project-Id must be the project in the path)")

    def throttled(self, code: str, retry_after: float | None) -> Answer:
        """The answer to one request too many: by the gateway (APIGW.0308) or by VOD (VOD.10127)."""
        headers = {"Retry-After": str(int(retry_after))} if retry_after is not None else {}
        return refusal(code or "APIGW.0308", headers=headers).answer

    @staticmethod
    def failed(status: int) -> Answer:
        """The answer to an accident inside the cloud."""
        return json_answer(status, {"error_code": "APIGW.0201", "error_msg": "Backend unavailable."})
