"""Where a project is: the hosts of Huawei Cloud's services by region, and its id, as IAM tells it.

https://support.huaweicloud.com/intl/en-us/api-mpc/mpc_04_0003.html and the region files of the vendor's SDKs;
https://support.huaweicloud.com/intl/en-us/api-iam/iam_06_0001.html (KeystoneListProjects).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reconciler.provider import Fault, Meaning, Turns, malformed, service_url, vendor_url
from reconciler.providers.huaweicloud.options import WAY_OUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from reconciler.provider import HttpClient, Target

_ODD_NAMES: Mapping[tuple[str, str], str] = {("mpc", "cn-north-1"): "mts"}


_DOMAIN = "myhuaweicloud.com"


def endpoint(target: Target, service: str, environment: Mapping[str, str]) -> str:
    """Base URL of a service: the target's own, else the SDK's variable, else the vendor's host for the region.

    The variable is `HUAWEICLOUD_SDK_REGION_<SERVICE>_<REGION>`, first of a list separated by commas. Raises
    ProviderError for an address that must not be used.
    """
    vendors = vendor_url(_ODD_NAMES.get((service, target.region), service), target.region, domain=_DOMAIN)
    if given := target.endpoints.get(service):
        return service_url(given, environment, f"endpoint {service} of target {target.name!r}")
    variable = f"HUAWEICLOUD_SDK_REGION_{service}_{target.region.replace('-', '_')}".upper()
    names = (variable, "HUAWEICLOUD_SDK_IAM_ENDPOINT") if service == "iam" else (variable,)
    for name in names:
        if given := environment.get(name, "").split(",")[0].strip():
            return service_url(given, environment, name)
    return vendors


def sts_endpoint(environment: Mapping[str, str]) -> str:
    """Base URL of the security token service. Raises ProviderError as above."""
    variable = "HUAWEICLOUD_SDK_STS_ENDPOINT"
    given = environment.get(variable, "").strip()
    return service_url(given, environment, variable) if given else vendor_url("sts", "cn-north-4", domain=_DOMAIN)


OK = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(slots=True)
class KnownProject:
    """What the clients of a run know of the project of a region and identity; `id` is empty until one looked it up."""

    id: str = ""
    turns: Turns = field(default_factory=Turns)


def is_project(text: str) -> bool:
    """Whether `text` may be the id of a project. It goes into paths and headers."""
    return bool(_ID.fullmatch(text))


def owner_named(response: httpx.Response, region: str, client: HttpClient[Any]) -> str | Fault:
    """Whose the credentials are that see the projects in an answer; a fault where they see none of the region's."""
    rows = _projects(response, client)
    if isinstance(rows, Fault):
        return rows
    seen = [(row.get("id"), row.get("domain_id")) for row in rows if row.get("name") == region]
    told = [f"project {project} ({region}) of account {domain}" for project, domain in seen if project and domain]
    none = Fault(Meaning.PERMANENT, f"no project is named {region}", http_status=response.status_code)
    return client.redactor("; ".join(told), 200) if told else none


def _projects(response: httpx.Response, client: HttpClient[Any]) -> list[dict[str, Any]] | Fault:
    body = client.body(response)
    rows = body if isinstance(body, Fault) else body.get("projects")
    if isinstance(rows, Fault) or (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        return rows
    return malformed("no list 'projects'", response)


def project_named(response: httpx.Response, region: str, client: HttpClient[Any]) -> str | Fault:
    """The id of the one project whose name is the region's; a fault where there is none, or more than one."""
    rows = _projects(response, client)
    if isinstance(rows, Fault):
        look_up = f"project look-up: {rows.message}; or {WAY_OUT}"
        return rows if response.status_code == OK else replace(rows, message=look_up)
    # The name is compared again, since a filter that is ignored must not pick a project.
    ids = [row["id"] for row in rows if row.get("name") == region and isinstance(row.get("id"), str) and row["id"]]
    if len(ids) == 1:
        return ids[0].strip() if is_project(ids[0].strip()) else malformed("no id of a project", response)
    found = (
        f"{len(ids)} projects are named {region} ({client.redactor(', '.join(ids), 200)})"
        if ids
        else f"no project is named {region}"
    )
    return Fault(Meaning.PERMANENT, f"{found}; {WAY_OUT}", http_status=response.status_code)
