"""The id of a region's project, as IAM tells it (KeystoneListProjects).

https://support.huaweicloud.com/intl/en-us/api-iam/iam_06_0001.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.provider import Excerpts, Fault, Meaning, Turns, json_object, malformed
from reconciler.providers.huaweicloud.errors import CODES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import httpx

__all__ = ["PROJECTS_PATH", "KnownProject", "is_project", "project_named"]

PROJECTS_PATH = "/v3/projects"
OK = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
WAY_OUT = "set the target's `project_id`"


@dataclass(slots=True)
class KnownProject:
    """What the clients of a run know of the project of a region and identity; `id` is empty until one looked it up."""

    id: str = ""
    turns: Turns = field(default_factory=Turns)


def is_project(text: str) -> bool:
    """Whether `text` may be the id of a project. It goes into paths and headers."""
    return bool(_ID.fullmatch(text))


def project_named(
    response: httpx.Response, region: str, excerpts: Excerpts, now: Callable[[], datetime]
) -> str | Fault:
    """The id of the one project whose name is the region's; a fault where there is none, or more than one."""
    if response.status_code != OK:
        fault = CODES.refusal(response, excerpts, now=now)
        return replace(fault, message=f"project look-up: {fault.message}; or {WAY_OUT}")
    body = json_object(response, excerpts, CODES.means)
    if isinstance(body, Fault):
        return body
    rows = body.get("projects")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return malformed("no list 'projects'", response)
    # The name is compared again, since a filter that is ignored must not pick a project.
    ids = [row["id"] for row in rows if row.get("name") == region and isinstance(row.get("id"), str) and row["id"]]
    if len(ids) == 1:
        return ids[0].strip() if is_project(ids[0].strip()) else malformed("no id of a project", response)
    found = (
        f"{len(ids)} projects are named {region} ({excerpts(', '.join(ids), 200)})"
        if ids
        else f"no project is named {region}"
    )
    return Fault(Meaning.PERMANENT, f"{found}; {WAY_OUT}", http_status=response.status_code)
