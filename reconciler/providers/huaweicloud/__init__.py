"""Huawei Cloud: Media Processing Center (MPC) and Video on Demand (VOD)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.provider import HttpProvider, PolicyLanguage, ProviderOptions, ResourceType
from reconciler.providers.huaweicloud import mpc, vod
from reconciler.providers.huaweicloud.client import HuaweicloudClient
from reconciler.providers.huaweicloud.credentials import KEYS
from reconciler.providers.huaweicloud.endpoints import SERVICES
from reconciler.providers.huaweicloud.permissions import IdentityPolicies

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROVIDER", "Huaweicloud"]


class Huaweicloud(HttpProvider[HuaweicloudClient]):
    """The cloud as a provider."""

    name = "huaweicloud"
    options = ProviderOptions(
        name="huaweicloud",
        properties=MappingProxyType(
            {
                "region": {
                    "type": "string",
                    "pattern": "^[a-z]{2,}(-[a-z0-9]+)+$",
                    "patternErrorMessage": "must be the id of a region, such as cn-north-4",
                    "description": "Region of the project, such as cn-north-4.",
                    "examples": ["cn-north-4", "ap-southeast-3", "${HUAWEICLOUD_REGION:-cn-north-4}"],
                },
                "project_id": {
                    "type": "string",
                    "pattern": "^[A-Za-z0-9_-]*$",
                    "patternErrorMessage": "must be the id of a project",
                    "description": "Id of the region's project. Looked up through IAM where empty or absent.",
                    "examples": ["${HUAWEICLOUD_SDK_PROJECT_ID:-}", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
                },
            }
        ),
        required=("region",),
        services=SERVICES,
        credentials=KEYS,
        title="Huawei Cloud",
        target="huawei-prod",
    )
    resource_types: Mapping[str, ResourceType] = MappingProxyType(
        {row.name: row for row in (*mpc.RESOURCE_TYPES, *vod.RESOURCE_TYPES)}
    )
    policy_language: PolicyLanguage = IdentityPolicies()
    new_client = HuaweicloudClient


PROVIDER = Huaweicloud()
