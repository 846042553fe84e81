"""What a user can choose of a new repository, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.exceptions import UsageError
from reconciler.redaction import bounded

if TYPE_CHECKING:
    from reconciler.tasks.resource_type import ProviderOptions


@dataclass(frozen=True, slots=True)
class Cloud:
    """What a repository can begin with: `name` is that of its templates, `service` what they are about, where the
    provider has services in different regions."""

    name: str
    provider: str
    service: str = ""

    def title(self, options: ProviderOptions) -> str:
        """What people call it."""
        return f"{options.title} {self.service.upper()}".rstrip()

    def regions(self, options: ProviderOptions) -> tuple[str, ...]:
        """The regions that it is in, as far as the provider names them; else examples."""
        return options.regions_of.get(self.service, options.regions)


CLOUDS = MappingProxyType(
    {
        cloud.name: cloud
        for cloud in (
            Cloud("huaweicloud", "huaweicloud"),
            Cloud("aliyun", "aliyun", "vod"),
            Cloud("aliyun-mps", "aliyun", "mps"),
            Cloud("aws", "aws"),
        )
    }
)
"""By name; a repository begins with the first unless it is told otherwise."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_REGION = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST = 63
"""Characters of a name or region."""


class ContinuousIntegration(StrEnum):
    """Where pull or merge requests are reviewed."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NewTarget:
    """The target of one cloud. `name` and `region` hold lower-case letters, digits and `-` only."""

    cloud: Cloud
    name: str
    region: str


@dataclass(frozen=True, slots=True)
class Choices:
    """A new repository: at least one target, of different clouds and names."""

    targets: tuple[NewTarget, ...]
    ci: ContinuousIntegration

    def __post_init__(self) -> None:
        names = [target.name for target in self.targets]
        if len(set(names)) < len(names):
            raise UsageError(f"two targets cannot have the same name {names[0]!r}")


def proposed(cloud: Cloud, options: ProviderOptions) -> NewTarget:
    """The target that a repository has where nothing else is said."""
    name = options.target if cloud.name == cloud.provider else cloud.name
    return NewTarget(cloud, name, cloud.regions(options)[0])


def checked_name(text: str) -> str:
    """`text`, if it can be the name of a target. Raises UsageError."""
    if _NAME.fullmatch(text) and len(text) <= LONGEST:
        return text
    raise UsageError(
        f"{_quoted(text)} cannot be the name of a target",
        f"a name is of lower-case letters, digits and `-`, which is not first, and has up to {LONGEST} characters",
    )


def checked_region(text: str, cloud: Cloud, options: ProviderOptions) -> str:
    """`text`, if a target of the cloud may have it as region. Raises UsageError."""
    schema, regions = options.properties["region"], cloud.regions(options)
    if "enum" in schema and text not in regions:
        raise UsageError(f"{_quoted(text)} is no region of {cloud.title(options)}", f"there are: {', '.join(regions)}")
    pattern = str(schema.get("pattern", ""))
    if _REGION.fullmatch(text) and len(text) <= LONGEST and re.search(pattern, text):
        return text
    title = cloud.title(options)
    raise UsageError(f"{_quoted(text)} cannot be a region of {title}", f"a region is written like {regions[0]}")


def _quoted(text: str) -> str:
    return f"`{bounded(text, LONGEST)}`"
