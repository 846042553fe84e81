"""Hosts of Alibaba Cloud's services by region.

https://help.aliyun.com/en/vod/developer-reference/api-vod-2017-03-21-endpoint,
https://www.alibabacloud.com/help/en/mps/developer-reference/api-mts-2014-06-18-endpoint
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.provider import Fault, Meaning, ProviderError, base_url, service_url, vendor_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.provider import Surroundings, Target

_DOMAIN = "aliyuncs.com"


HOSTS: Mapping[str, str] = MappingProxyType({"vod": "vod", "mps": "mts"})
"""The first label of each service's hosts, by what the service is called."""

_VENDOR_HOST = re.compile(rf"(?:{'|'.join(HOSTS.values())})(?:-vpc)?\.(?P<region>[a-z0-9-]+)\.{re.escape(_DOMAIN)}")
"""Public, and within a VPC."""


def endpoint(target: Target, service: str, environment: Mapping[str, str]) -> str:
    """Base URL of a service: the target's own, else the vendor's host for the region.

    Raises ProviderError for an address that must not be used.
    """
    given = target.endpoints.get(service)
    if given:
        return service_url(given, environment, f"endpoint {service} of target {target.name!r}")
    return vendor_url(HOSTS[service], served_region(target), domain=_DOMAIN)


def served_region(target: Target) -> str:
    """The region that a target's endpoints lead to: that of the vendor's hosts among them, else the target's.

    Raises ProviderError where they lead to several: the tasks of one target are those of one region.
    """
    hosts = (urlsplit(given).hostname or "" for given in target.endpoints.values())
    regions = {found["region"] for host in hosts if (found := _VENDOR_HOST.fullmatch(host))}
    if len(regions) > 1:
        message = f"target {target.name!r}: its endpoints are in several regions: {', '.join(sorted(regions))}"
        raise ProviderError(Fault(Meaning.PERMANENT, message), "make a target of each region")
    return min(regions, default=target.region)


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
