"""Finds providers through the entry-point group `reconciler.providers`, and checks each before it is believed.

One that cannot be loaded, lacks something, or claims what another has is told in the log and is out alone: it may have
been installed for something else, and must neither end a run nor take the place of another.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.diagnostics import did_you_mean
from reconciler.exceptions import UsageError, bug
from reconciler.provider import API_VERSION
from reconciler.redaction import bounded
from reconciler.tasks.resource_type import Catalogue, Inventory, ProviderOptions, ResourceType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.providers.base import InstalledProvider

LOGGER = logging.getLogger("reconciler.providers")
ENTRY_POINT_GROUP = "reconciler.providers"
_OURS = "media-reconciler"
_LONGEST = 300
"""Characters of what is told of a provider that is left out."""


@cache
def providers() -> Mapping[str, InstalledProvider]:
    """All installed providers by name; ours first, so that none is replaced."""
    found: dict[str, InstalledProvider] = {}
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=_order):
        try:
            provider = entry.load()
            wrong = next(_mistakes(entry.name, provider, found), None)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is somebody else's code, and may raise anything
            wrong = f"it cannot be loaded: {bug(error)}"
        if wrong is None:
            found[entry.name] = provider
        else:
            name = f"{entry.name} of {entry.dist.name}" if entry.dist else entry.name
            LOGGER.warning("The provider %s is left out: %s", bounded(name, _LONGEST), bounded(wrong, _LONGEST))
    return MappingProxyType(found)


def _order(entry: EntryPoint) -> tuple[bool, str, str]:
    dist = entry.dist.name if entry.dist else ""
    return (dist != _OURS, entry.name, dist)


def _mistakes(name: str, provider: Any, others: Mapping[str, InstalledProvider]) -> Iterator[str]:  # noqa: ANN401 - anything
    """What keeps an object from being the provider `name` beside those that were found before."""
    if name in others:
        yield "another provider has this name"
    version = getattr(provider, "api_version", API_VERSION)
    if version != API_VERSION:
        yield f"it is written for version {version!r} of reconciler.provider, and this is version {API_VERSION}"
    lacking = [attribute for attribute in ("client", "for_run") if not callable(getattr(provider, attribute, None))]
    if lacking:
        yield f"it has no method {lacking[0]}"
    if getattr(provider, "name", None) != name:
        yield f"its entry point is called {name}, but its name is {getattr(provider, 'name', None)!r}"
    options = getattr(provider, "options", None)
    if not isinstance(options, ProviderOptions) or options.name != name:
        yield "its options are no ProviderOptions of this name"
        return
    parts = (options.properties, options.credentials, *options.properties.values())
    if not all(isinstance(part, Mapping) for part in parts):
        yield "its options hold no mappings of properties, each a mapping, and of credentials"
    inventory: Any = options.inventory
    if inventory is not None and not (isinstance(inventory, Inventory) and inventory.lists):
        yield "its inventory has no lists"
    rows = getattr(provider, "resource_types", None)
    if not isinstance(rows, Mapping) or not rows:
        yield "its resource_types are no mapping of resource types"
        return
    for key, row in rows.items():
        if not isinstance(row, ResourceType) or row.name != key:
            yield f"its resource_types hold under {key!r} what is no resource type of that name"
        elif row.name.split(".")[0] != name or row.name.count(".") < 2:
            yield f"the resource type {key} is not called {name}.<service>.<kind>"
        elif row.service not in options.services:
            yield f"the resource type {key} is of a service that its options do not name"
        elif not set(row.object_fields) <= set(row.fields):
            yield f"the object_fields of the resource type {key} are not all among its fields"
        elif within := [each for each in row.fields if any(one.of_key(each) for one in row.fields.values())]:
            yield f"the field {within[0]} of the resource type {key} is one of those that another stands for"


def resource_type(rows: Mapping[str, ResourceType], name: str) -> ResourceType:
    """The one of this name. Raises UsageError where there is none."""
    if name not in rows:
        hint = did_you_mean(name, rows) or f"there are: {', '.join(rows)}"
        raise UsageError(f"there is no resource type {name!r}", hint)
    return rows[name]


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
