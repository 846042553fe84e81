"""Hosts of Huawei Cloud's services by region.

https://support.huaweicloud.com/intl/en-us/api-mpc/mpc_04_0003.html and the region files of the vendor's SDKs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.provider import Target, service_url, vendor_url

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["SERVICES", "endpoint", "sts_endpoint"]

SERVICES = ("mpc", "vod", "iam")

_ODD_NAMES: Mapping[tuple[str, str], str] = {("mpc", "cn-north-1"): "mts"}


_DOMAIN = "myhuaweicloud.com"


def endpoint(target: Target, service: str, environment: Mapping[str, str]) -> str:
    """Base URL of a service: the target's own, else the SDK's variable, else the vendor's host for the region.

    The variable is `HUAWEICLOUD_SDK_REGION_<SERVICE>_<REGION>`, first of a list separated by commas. Raises
    ProviderError for an address that must not be used.
    """
    vendors = vendor_url(_ODD_NAMES.get((service, target.region), service), target.region, domain=_DOMAIN)
    if given := target.endpoints.get(service):
        return service_url(given, environment, f"endpoint {service} of target {target.name!r}")
    variable = f"HUAWEICLOUD_SDK_REGION_{service}_{target.region.replace('-', '_')}".upper()
    names = (variable, "HUAWEICLOUD_SDK_IAM_ENDPOINT") if service == "iam" else (variable,)
    for name in names:
        if given := environment.get(name, "").split(",")[0].strip():
            return service_url(given, environment, name)
    return vendors


def sts_endpoint(environment: Mapping[str, str]) -> str:
    """Base URL of the security token service. Raises ProviderError as above."""
    variable = "HUAWEICLOUD_SDK_STS_ENDPOINT"
    given = environment.get(variable, "").strip()
    return service_url(given, environment, variable) if given else vendor_url("sts", "cn-north-4", domain=_DOMAIN)
