"""Huawei Cloud: Media Processing Center (MPC) and Video on Demand (VOD), and how it writes down permissions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.provider import (
    AccountCall,
    HttpProvider,
    PolicyLanguage,
    ResourceType,
    Target,
)
from reconciler.providers.huaweicloud import mpc, vod
from reconciler.providers.huaweicloud.options import OPTIONS, PROJECTS_PATH, WAY_OUT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.provider import Surroundings
    from reconciler.providers.huaweicloud.client import HuaweicloudClient

VERSION = "5.0"
"""Of a policy document."""

# https://support.huaweicloud.com/usermanual-organizations/org_20_0037.html; the older model calls it
# iam:projects:listProjects.
_LIST_PROJECTS = "iam:projects:list"

# https://support.huaweicloud.com/intl/en-us/usermanual-mpc/mpc_01_0020.html, .../productdesc-vod/vod030006.html
_SYSTEM_PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {"mpc": "the system role MPC Administrator", "vod": "the system policy VOD FullAccess"}
)


class IdentityPolicies:
    """Identity policies of Huawei Cloud's IAM.

    https://support.huaweicloud.com/intl/en-us/usermanual-iam5/iam_01_0934.html. The older role and policy model
    (documents of version 1.1) has no actions for MPC:
    https://support.huaweicloud.com/intl/en-us/api-mpc/mpc_04_0004.html
    """

    kind = "IAM identity policy"
    documentation = "https://support.huaweicloud.com/intl/en-us/usermanual-iam5/iam_01_0934.html"

    def account_calls(self, target: Target) -> tuple[AccountCall, ...]:
        """The look-up of the project, where the target does not name it."""
        if target.options.get("project_id"):
            return ()
        reason = f"project look-up; not needed if you {WAY_OUT} or HUAWEICLOUD_SDK_PROJECT_ID"
        return (AccountCall(f"GET {PROJECTS_PATH}", _LIST_PROJECTS, reason),)

    def document(self, actions: Sequence[str]) -> Mapping[str, object]:
        """Without `Resource`: most of these actions know no resources, and none can be told one task from another."""
        return {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": list(actions)}]}

    def instead(self, row: ResourceType) -> str:
        permission = _SYSTEM_PERMISSIONS.get(row.service)
        if permission is None:
            return "Look for the action in the policy editor of the IAM console."
        return f"Look for the action in the policy editor of the IAM console, or grant {permission}, which allows more."

    def notes(self, target: Target, services: Collection[str]) -> tuple[str, ...]:
        """How to attach it, and what the older model can do instead."""
        del target
        attach = (
            "Create it as a custom identity policy in the IAM console, and attach it to the user or agency whose "
            "credentials are used."
        )
        if "mpc" not in services:
            return (attach,)
        older = "In the older model of roles and policies MPC has no actions, only the system role MPC Administrator."
        return (attach, older)


class Huaweicloud(HttpProvider["HuaweicloudClient"]):
    """The cloud as a provider."""

    name = OPTIONS.name
    options = OPTIONS
    resource_types: Mapping[str, ResourceType] = MappingProxyType(
        {row.name: row for row in (*mpc.RESOURCE_TYPES, *vod.RESOURCE_TYPES)}
    )
    policy_language: PolicyLanguage = IdentityPolicies()

    def new_client(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> HuaweicloudClient:
        from reconciler.providers.huaweicloud.client import HuaweicloudClient  # noqa: PLC0415 - a catalogue needs none

        return HuaweicloudClient(target, concurrency=concurrency, surroundings=surroundings)


PROVIDER = Huaweicloud()
