"""Alibaba Cloud: ApsaraVideo VOD and Media Processing (MPS). What its targets may say, its kinds of tasks, and how it
writes down permissions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.provider import (
    ACCESS_KEY_KEYS,
    AccountCall,
    HttpProvider,
    PolicyLanguage,
    ProviderOptions,
    ResourceType,
    Target,
)
from reconciler.providers.aliyun import mps, url_upload
from reconciler.providers.aliyun.inventory import INVENTORY
from reconciler.providers.aliyun.mps import TRANSCODING
from reconciler.providers.aliyun.url_upload import URL_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.provider import Surroundings
    from reconciler.providers.aliyun.client import AliyunClient

VERSION = "1"
"""Of a policy document."""


class RamPolicies:
    """Policies of Alibaba Cloud's Resource Access Management (RAM).

    https://www.alibabacloud.com/help/document_detail/93739.html. The calls know no resources, so `*` stands for
    all: https://www.alibabacloud.com/help/en/vod/developer-reference/api-vod-2017-03-21-cancelurluploadjobs
    """

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
        return f"Look for the action among those of {row.service.upper()} in the policy editor of the RAM console."

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


class Aliyun(HttpProvider["AliyunClient"]):
    """The cloud as a provider."""

    name = "aliyun"
    options = ProviderOptions(
        name="aliyun",
        properties=MappingProxyType(
            {
                "region": {
                    "type": "string",
                    "enum": list(mps.REGIONS),
                    "description": f"Region of the services; that of VOD is one of {', '.join(url_upload.REGIONS)}.",
                },
            }
        ),
        required=("region",),
        services=("vod", "mps"),
        regions_of=MappingProxyType({"vod": url_upload.REGIONS, "mps": mps.REGIONS}),
        credentials=ACCESS_KEY_KEYS,
        inventory=INVENTORY,
        title="Alibaba Cloud",
        quotas=MappingProxyType({**url_upload.QUOTAS, **mps.QUOTAS}),
        target="aliyun-prod",
    )
    resource_types: Mapping[str, ResourceType] = MappingProxyType({row.name: row for row in (URL_UPLOAD, TRANSCODING)})
    policy_language: PolicyLanguage = RamPolicies()

    def new_client(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> AliyunClient:
        from reconciler.providers.aliyun.client import AliyunClient  # noqa: PLC0415 - a catalogue needs none

        return AliyunClient(target, concurrency=concurrency, surroundings=surroundings)


PROVIDER = Aliyun()
