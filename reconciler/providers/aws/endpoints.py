"""Where AWS is asked: the hosts of its services by region.

https://docs.aws.amazon.com/general/latest/gr/mediaconvert.html and .../sts.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.provider import base_url, service_url, vendor_url

if TYPE_CHECKING:
    from reconciler.provider import Surroundings, Target


def endpoint(target: Target, service: str, surroundings: Surroundings) -> str:
    """Base URL of a service: the target's own, else the vendor's host for the region.

    Raises ProviderError for an address that must not be used.
    """
    if given := target.endpoints.get(service):
        return service_url(given, surroundings.environment, f"endpoint {service} of target {target.name!r}")
    if service == "sts" and surroundings.sts_url:
        return base_url(surroundings.sts_url)
    domain = "amazonaws.com.cn" if target.region.startswith("cn-") else "amazonaws.com"
    return vendor_url(service, target.region, domain=domain)
