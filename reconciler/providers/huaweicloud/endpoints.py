"""Hosts of Huawei Cloud's services by region.

https://support.huaweicloud.com/intl/en-us/api-mpc/mpc_04_0003.html and the region files of the vendor's SDKs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.providers.transport.endpoint import base_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Target

__all__ = ["SERVICES", "endpoint"]

SERVICES = ("mpc", "vod", "iam")

_ODD_HOSTS: Mapping[tuple[str, str], str] = {("mpc", "cn-north-1"): "mts.cn-north-1.myhuaweicloud.com"}


def endpoint(target: Target, service: str, environment: Mapping[str, str]) -> str:
    """Base URL of a service: the target's own, else the SDK's variable, else the vendor's host for the region.

    The variable is `HUAWEICLOUD_SDK_REGION_<SERVICE>_<REGION>`, first of a list separated by commas. Raises
    ProviderError for an address that must not be used.
    """
    given = target.endpoints.get(service)
    if not given:
        variable = f"HUAWEICLOUD_SDK_REGION_{service}_{target.region.replace('-', '_')}".upper()
        given = environment.get(variable, "").split(",")[0].strip()
    if not given and service == "iam":
        given = environment.get("HUAWEICLOUD_SDK_IAM_ENDPOINT", "").strip()
    if given:
        return base_url(given)
    host = _ODD_HOSTS.get((service, target.region), f"{service}.{target.region}.myhuaweicloud.com")
    return f"https://{host}"
