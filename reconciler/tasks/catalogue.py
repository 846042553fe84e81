"""The resource types and providers that a run knows, handed down as an argument to config, selectors and planning."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.tasks.resource_type import ResourceType

__all__ = ["Catalogue", "Inventory", "InventoryList", "ProviderOptions"]


@dataclass(frozen=True, slots=True)
class InventoryList:
    """One list of an inventory. `entry` says what stands in it, `example` is one, and `file` the name of a file of
    them."""

    entry: str
    example: str
    file: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """Tasks that an API cannot list, as targets name them: lists, inline or from a file of one entry a line.

    `lists` has them by their keys in YAML. `list_of` says to which of them an entry belongs by its form, since a file
    may mix them. `entries_of` takes a line of a file apart, which may be more than an entry; it is given the key that
    names the file as well. Both raise ValueError, whose words say what is wrong and quote nothing of it.
    """

    lists: Mapping[str, InventoryList]
    list_of: Callable[[str], str]
    entries_of: Callable[[str, str], Iterable[str]] = lambda line, _: (line,)


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """What a provider's targets may say in YAML beyond the common keys.

    `properties` are JSON Schema (draft-07) properties, `required` the keys a target must have. `endpoints` and
    `rate_limits` name the services whose endpoint and quota can be set; `credentials` the keys of a credentials map,
    each with what is read there, in words. The examples of `region`, or its allowed values, show what one looks like.
    `inventory` is for an API that cannot list. `title` is what people call the provider, and `target` a name that
    examples give to a target of it.
    """

    name: str
    properties: Mapping[str, Mapping[str, object]]
    required: tuple[str, ...]
    services: tuple[str, ...]
    credentials: Mapping[str, str]
    inventory: Inventory | None = None
    title: str = ""
    target: str = "prod"

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that there are, where the provider names them all, else examples of one."""
        schema = self.properties.get("region", {})
        named = schema.get("enum") or schema.get("examples")
        return tuple(map(str, named)) if isinstance(named, list) else ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All resource types by name, and all providers by name."""

    resource_types: Mapping[str, ResourceType]
    providers: Mapping[str, ProviderOptions]

    def matching(self, pattern: str) -> tuple[ResourceType, ...]:
        """The resource types whose name matches a glob, in the catalogue's order."""
        return tuple(row for name, row in self.resource_types.items() if fnmatchcase(name, pattern))
