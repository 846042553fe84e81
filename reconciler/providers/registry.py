"""Finds providers through the entry-point group `reconciler.providers`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.tasks.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.providers.base import InstalledProvider

__all__ = ["catalogue", "providers"]

ENTRY_POINT_GROUP = "reconciler.providers"


@cache
def providers() -> Mapping[str, InstalledProvider]:
    """All installed providers by name."""
    found: dict[str, InstalledProvider] = {
        entry.name: entry.load() for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name)
    }
    return MappingProxyType(found)


@cache
def catalogue() -> Catalogue:
    """The resource types and target options of all installed providers."""
    installed = providers()
    return Catalogue(
        resource_types=MappingProxyType(
            {name: row for provider in installed.values() for name, row in provider.resource_types.items()}
        ),
        providers=MappingProxyType({name: provider.options for name, provider in installed.items()}),
    )
