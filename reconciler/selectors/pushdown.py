"""The part of selectors that an API can filter by: the vendor's statuses, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.selectors.states import admits
from reconciler.tasks.status import OBSERVABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["wanted_statuses"]


def wanted_statuses(selectors: Iterable[Selector], row: ResourceType) -> frozenset[str] | None:
    """The vendor statuses in which any of the selectors can be true of a task; None where the whole list is wanted.

    That is where a selector may be true for an undocumented status, which no filter can name, and where every
    documented one that a selector can name is wanted anyway. A task left out can not be selected, by any of the
    selectors; at most its truth is unknown, and unknown results are counted among listed tasks only.
    No selector, or none that can be true, gives the empty set. Whether the API has a status filter at all is for
    `row.listing.status_parameter` to say.
    """
    union = tuple(selectors)
    if any(admits(selector, row, None) for selector in union):
        return None
    wanted = frozenset(word for word in row.statuses if any(admits(selector, row, word) for selector in union))
    observable = frozenset(word for word, status in row.statuses.items() if status in OBSERVABLE)
    return None if observable and observable <= wanted else wanted
