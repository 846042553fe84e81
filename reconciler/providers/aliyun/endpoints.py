"""Hosts of ApsaraVideo VOD by region.

https://help.aliyun.com/en/vod/developer-reference/api-vod-2017-03-21-endpoint
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.provider import base_url, service_url, vendor_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.provider import Surroundings, Target

_DOMAIN = "aliyuncs.com"


def endpoint(target: Target, environment: Mapping[str, str]) -> str:
    """Base URL of VOD: the target's own, else the vendor's host for the region.

    Raises ProviderError for an address that must not be used.
    """
    given = target.endpoints.get("vod")
    if given:
        return service_url(given, environment, f"endpoint vod of target {target.name!r}")
    return vendor_url("vod", target.region, domain=_DOMAIN)


def sts_endpoint(surroundings: Surroundings, region: str = "", *, private: bool | None = None) -> str:
    """Base URL of the security token service, for the vendor's variables or what a profile says instead.

    `private` is the host within a VPC. Raises ProviderError for an address that must not be used.
    """
    environment = surroundings.environment
    if surroundings.sts_url:
        return base_url(surroundings.sts_url)
    region = region or environment.get("ALIBABA_CLOUD_STS_REGION", "")
    if private is None:
        private = environment.get("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "").lower() == "true"
    name = "sts-vpc" if private else "sts"
    return vendor_url(name, region, domain=_DOMAIN) if region else vendor_url("sts", domain=_DOMAIN)
