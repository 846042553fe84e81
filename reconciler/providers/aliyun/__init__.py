"""Alibaba Cloud: ApsaraVideo VOD."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.provider import (
    ACCESS_KEY_KEYS,
    HttpProvider,
    PolicyLanguage,
    ProviderOptions,
    ResourceType,
)
from reconciler.providers.aliyun.client import AliyunClient
from reconciler.providers.aliyun.endpoints import REGIONS, SERVICES
from reconciler.providers.aliyun.inventory import INVENTORY
from reconciler.providers.aliyun.permissions import RamPolicies
from reconciler.providers.aliyun.url_upload import URL_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROVIDER", "Aliyun"]


class Aliyun(HttpProvider[AliyunClient]):
    """The cloud as a provider."""

    name = "aliyun"
    options = ProviderOptions(
        name="aliyun",
        properties=MappingProxyType(
            {
                "region": {
                    "type": "string",
                    "enum": list(REGIONS),
                    "description": "Region of the VOD service. Upload by URL exists in these only.",
                },
            }
        ),
        required=("region", "inventory"),
        services=SERVICES,
        credentials=ACCESS_KEY_KEYS,
        inventory=INVENTORY,
        title="Alibaba Cloud",
        target="aliyun-prod",
    )
    resource_types: Mapping[str, ResourceType] = MappingProxyType({URL_UPLOAD.name: URL_UPLOAD})
    policy_language: PolicyLanguage = RamPolicies()
    new_client = AliyunClient


PROVIDER = Aliyun()
