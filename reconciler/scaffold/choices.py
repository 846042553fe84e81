"""What a user can choose of a new repository, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.exceptions import UsageError
from reconciler.redaction import bounded

if TYPE_CHECKING:
    from reconciler.tasks.resource_type import ProviderOptions

CLOUDS = ("huaweicloud", "aliyun")
"""The providers for which there are templates; a repository begins with the first unless it is told otherwise."""

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
    """The target of one provider. `name` and `region` hold lower-case letters, digits and `-` only."""

    provider: str
    name: str
    region: str


@dataclass(frozen=True, slots=True)
class Choices:
    """A new repository: at least one target, of different providers and names."""

    targets: tuple[NewTarget, ...]
    ci: ContinuousIntegration

    def __post_init__(self) -> None:
        names = [target.name for target in self.targets]
        if len(set(names)) < len(names):
            raise UsageError(f"two targets cannot have the same name {names[0]!r}")


def proposed(options: ProviderOptions) -> NewTarget:
    """The target that a repository has where nothing else is said."""
    return NewTarget(options.name, options.target, options.regions[0])


def checked_name(text: str) -> str:
    """`text`, if it can be the name of a target. Raises UsageError."""
    if _NAME.fullmatch(text) and len(text) <= LONGEST:
        return text
    raise UsageError(
        f"{_quoted(text)} cannot be the name of a target",
        f"a name is of lower-case letters, digits and `-`, which is not first, and has up to {LONGEST} characters",
    )


def checked_region(text: str, options: ProviderOptions) -> str:
    """`text`, if targets of the provider may have it as region. Raises UsageError."""
    schema = options.properties["region"]
    whole = [name for name in options.regions if all(name in there for there in options.regions_of.values())]
    if "enum" in schema and text not in whole:
        message = f"{_quoted(text)} is no region of all services of {options.name}"
        raise UsageError(message, f"there are: {', '.join(whole)}")
    pattern = str(schema.get("pattern", ""))
    if _REGION.fullmatch(text) and len(text) <= LONGEST and re.search(pattern, text):
        return text
    example = options.regions[0]
    raise UsageError(f"{_quoted(text)} cannot be a region of {options.name}", f"a region is written like {example}")


def _quoted(text: str) -> str:
    return f"`{bounded(text, LONGEST)}`"
