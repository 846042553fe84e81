"""Hosts of ApsaraVideo VOD by region.

https://help.aliyun.com/en/vod/developer-reference/api-vod-2017-03-21-endpoint
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.providers.transport.endpoint import base_url

if TYPE_CHECKING:
    from reconciler.config.model import Target

__all__ = ["REGIONS", "SERVICES", "endpoint"]

SERVICES = ("vod",)

REGIONS = ("cn-shanghai", "ap-southeast-1")
"""The regions that serve the calls for upload by URL (api-geturluploadinfos)."""


def endpoint(target: Target) -> str:
    """Base URL of VOD: the target's own, else the vendor's host for the region.

    Raises ProviderError for an address that must not be used.
    """
    given = target.endpoints.get("vod")
    return base_url(given) if given else f"https://vod.{target.region}.aliyuncs.com"
