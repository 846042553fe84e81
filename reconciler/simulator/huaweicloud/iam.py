"""The two calls of IAM that a client of MPC and VOD needs: its project's id and a token."""

from typing import Any

from reconciler.simulator.accounts import HuaweicloudAccount
from reconciler.simulator.huaweicloud.authorization import Authorization
from reconciler.simulator.huaweicloud.call import iam_refusal
from reconciler.simulator.wire import Answer, Refusal, WireRequest, json_answer, json_object, pairs

PROJECTS = "/v3/projects"
TOKENS = "/v3/auth/tokens"


def list_projects(request: WireRequest, authorization: Authorization) -> Answer:
    """GET /v3/projects, optionally by name, which is the region's."""
    try:
        account = authorization.grant(request).account
    except Refusal as refused:
        raise iam_refusal(401, "Unauthorized", refused.answer.body.decode()) from refused
    query = dict(pairs(request.raw_query, plus_is_space=False))
    found = [
        _project(region, project)
        for region, project in account.projects.items()
        if query.get("name") in {None, region} and query.get("enabled", "true") == "true"
    ]
    return json_answer(200, {"links": {"self": "https://iam.example.com/v3/projects"}, "projects": found})


def _project(region: str, project: str) -> dict[str, Any]:
    return {"id": project, "name": region, "domain_id": "simulator-domain-id", "enabled": True, "is_domain": False}


def create_token(request: WireRequest, authorization: Authorization) -> Answer:
    """POST /v3/auth/tokens by password, scoped to a project. The token is in a header, good for 24 hours."""
    asked = _Asked(json_object(request.body) or {})
    if asked.methods != ["password"] or not asked.region_or_project:
        raise iam_refusal(400, "Bad Request", "Only the method password with a project scope is supported.")
    account = authorization.login(asked.user, asked.password, asked.domain)
    if account is None:
        raise iam_refusal(401, "Unauthorized", "The username or password is wrong.")
    region, project = _scope(account, asked)
    text, token = authorization.issue(account, project)
    expires = token.expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = {"token": {"expires_at": expires, "methods": ["password"], "project": _project(region, project)}}
    return json_answer(201, body, {"X-Subject-Token": text})


class _Asked:
    """What the body of a token request asks for; every part is None where it is missing."""

    def __init__(self, body: dict[str, Any]) -> None:
        identity = _at(body, "auth", "identity")
        self.methods = _at(identity, "methods")
        self.user = _at(identity, "password", "user", "name")
        self.password = _at(identity, "password", "user", "password")
        self.domain = _at(identity, "password", "user", "domain", "name")
        scope = _at(body, "auth", "scope", "project")
        self.region_or_project = _at(scope, "name") or _at(scope, "id")


def _at(tree: object, *path: str) -> Any:  # noqa: ANN401 - any JSON
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _scope(account: HuaweicloudAccount, asked: _Asked) -> tuple[str, str]:
    for region, project in account.projects.items():
        if asked.region_or_project in {region, project}:
            return region, project
    raise iam_refusal(404, "Not Found", f"Could not find project: {asked.region_or_project}.")
