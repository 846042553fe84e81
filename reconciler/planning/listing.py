"""What a run has to list. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.selectors.pushdown import wanted_statuses

if TYPE_CHECKING:
    from reconciler.config.model import Configuration
    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.observation import Scope

__all__ = ["statuses_wanted"]


def statuses_wanted(configuration: Configuration, catalogue: Catalogue) -> dict[Scope, frozenset[str] | None]:
    """The scopes that a run lists, each once, with the vendor statuses that its policies need (None: all)."""
    wanted: dict[Scope, frozenset[str] | None] = {}
    for scope in configuration.scopes():
        selectors = [policy.match for policy in configuration.policies_on(scope)]
        wanted[scope] = wanted_statuses(selectors, catalogue.resource_types[scope.resource])
    return wanted
