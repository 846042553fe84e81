"""The clouds that a repository can begin with, and what it assumes until it is told otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CLOUDS", "Cloud"]


@dataclass(frozen=True, slots=True)
class Cloud:
    """One provider: the region and the name of the target that are proposed."""

    provider: str
    title: str
    region: str
    target: str


CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {
        cloud.provider: cloud
        for cloud in (
            Cloud("huaweicloud", "Huawei Cloud", "cn-north-4", "huawei-prod"),
            Cloud("aliyun", "Alibaba Cloud", "cn-shanghai", "aliyun-prod"),
        )
    }
)
