"""Policies of Alibaba Cloud's Resource Access Management (RAM).

https://www.alibabacloud.com/help/document_detail/93739.html. The calls know no resources, so `*` stands for
all: https://www.alibabacloud.com/help/en/vod/developer-reference/api-vod-2017-03-21-cancelurluploadjobs
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.provider import AccountCall, ResourceType, Target

__all__ = ["RamPolicies"]

VERSION = "1"


class RamPolicies:
    """Implements `reconciler.provider.PolicyLanguage`."""

    kind = "RAM policy"
    documentation = "https://www.alibabacloud.com/help/document_detail/93739.html"

    def account_calls(self, target: Target) -> tuple[AccountCall, ...]:
        """None: the client asks only for tasks."""
        del target
        return ()

    def document(self, actions: Sequence[str]) -> Mapping[str, object]:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        return {"Version": VERSION, "Statement": [statement]}

    def instead(self, row: ResourceType) -> str:
        del row
        return "Look for the action among those of VOD in the policy editor of the RAM console."

    def notes(self, target: Target, services: Collection[str]) -> tuple[str, ...]:
        """How to attach it; whom, where credentials may be those of a role."""
        del services
        attach = "Create it as a custom policy in the RAM console, and attach it to the RAM user whose keys are used."
        if target.credentials.secrets:
            return (attach,)
        role = (
            "Where the credentials are those of a role, attach it to the role. A user whose profile assumes the role "
            "needs sts:AssumeRole for that (system policy AliyunSTSAssumeRoleAccess); an OIDC token or an ECS needs "
            "the role's trust policy, and no action."
        )
        return (attach, role)
