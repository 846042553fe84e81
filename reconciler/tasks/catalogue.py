"""The resource types and providers that a run knows, handed down as an argument to config, selectors and planning."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.tasks.resource_type import ResourceType

__all__ = ["Catalogue", "ProviderOptions"]


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """What a provider's targets may say in YAML beyond the common keys.

    `properties` are JSON Schema (draft-07) properties, `required` the keys a target must have. `endpoints` and
    `rate_limits` name the services whose endpoint and quota can be set; `credentials` the keys of a credentials map,
    each with what is read there, in words. The examples of `region`, or its allowed values, show what one looks like.
    """

    name: str
    properties: Mapping[str, Mapping[str, object]]
    required: tuple[str, ...]
    services: tuple[str, ...]
    credentials: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All resource types by name, and all providers by name."""

    resource_types: Mapping[str, ResourceType]
    providers: Mapping[str, ProviderOptions]

    def matching(self, pattern: str) -> tuple[ResourceType, ...]:
        """The resource types whose name matches a glob, in the catalogue's order."""
        return tuple(row for name, row in self.resource_types.items() if fnmatchcase(name, pattern))
