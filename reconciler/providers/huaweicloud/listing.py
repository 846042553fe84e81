"""Listing a scope so that it can be trusted: all pages, united until they add up.

What offset paging cannot show: a task that leaves and another that joins between two pages keep the total, and a
third may fall between them. Nothing is concluded from what was not seen, so the next run finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reconciler.providers.huaweicloud.merging import tasks_of
from reconciler.providers.huaweicloud.pages import Page, page
from reconciler.providers.transport.retries import READS
from reconciler.providers.transport.together import all_or_fault
from reconciler.tasks.fault import Fault, Meaning
from reconciler.tasks.resource_type import Paging
from reconciler.tasks.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.providers.huaweicloud.gateway import Gateway
    from reconciler.providers.transport.caller import Tally
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Task

__all__ = ["PASSES", "Listed", "list_scope"]

PASSES = 3
"""So many times a listing that does not add up is made; then the scope counts as unstable."""

PAGES = 20_000
"""More pages than this (two million tasks) are taken for a broken total, or a marker that runs in circles."""

_Filter = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Listed:
    """What listing brought so far: the latest sighting of each task, and why it is not settled, if so."""

    tasks: dict[str, Task]
    total: int = 0
    unsettled: Fault | None = None

    def see(self, tasks: Sequence[Task]) -> None:
        """Unite: a later sighting replaces an earlier one."""
        for task in tasks:
            if task.status is Status.GONE:
                self.tasks.pop(task.id, None)
            else:
                self.tasks[task.id] = task


async def list_scope(
    gateway: Gateway, target: str, resource: ResourceType, statuses: frozenset[str] | None, tally: Tally
) -> Listed | Fault:
    """All tasks of a resource type, or at least those with the vendor statuses wanted.

    A fault where any page could not be had.
    """
    listed = Listed({})
    for chosen in _filters(resource, statuses):
        for _ in range(PASSES):
            pages = await _pages(gateway, resource, chosen, tally)
            if isinstance(pages, Fault):
                return pages
            rows = [row for each in pages for row in each.rows]
            tasks = tasks_of(target, resource, rows)
            if isinstance(tasks, Fault):
                return tasks
            listed.see(tasks)
            seen = len(rows) if resource.listing.rows_merge else len({task.id for task in tasks})
            announced = {each.total for each in pages}
            more = pages[-1].truncated
            if announced == {seen} and not more:
                break
        else:
            shown = " or ".join(str(total) for total in sorted(total for total in announced if total is not None))
            shown += ", and the last page says that there are more" if more else ""
            listed.unsettled = Fault(
                Meaning.CHANGED, f"the list did not settle in {PASSES} passes: {seen} tasks seen, {shown} announced"
            )
        listed.total += seen
    return listed


def _filters(resource: ResourceType, statuses: frozenset[str] | None) -> list[_Filter]:
    """One filter per pass, in lifecycle order; one empty filter where the whole list is needed or cheaper."""
    parameter = resource.listing.status_parameter
    if statuses is None or parameter is None or not statuses < resource.statuses.keys():
        return [()]
    wanted = [name for name in resource.statuses if name in statuses]
    if resource.listing.rows_merge:
        # A row speaks for its id only where no row of a status before it does, so those have to be seen as well.
        last = max((list(resource.statuses).index(name) for name in wanted), default=-1)
        return [tuple((parameter, name) for name in list(resource.statuses)[: last + 1])] if wanted else []
    spelt = dict.fromkeys(resource.status_filters.get(name, name) for name in wanted)
    return [((parameter, name),) for name in spelt]


async def _pages(gateway: Gateway, resource: ResourceType, chosen: _Filter, tally: Tally) -> list[Page] | Fault:
    if resource.listing.paging is Paging.MARKER:
        return await _pages_by_marker(gateway, resource, chosen, tally)
    first = await _page(gateway, resource, (*_place(resource, 0), *chosen), tally)
    if isinstance(first, Fault):
        return first
    # An answer that holds everything already needs no more, whatever the page size.
    count = 1 if len(first.rows) >= (first.total or 0) else -(-(first.total or 0) // resource.listing.page_size)
    if count == 1 and len(first.rows) == first.total == resource.listing.page_size:
        # A total that counts the rows of the page would look the same. Whatever comes now does not add up to it.
        count = 2
    if count > PAGES:
        return Fault(Meaning.MALFORMED, f"unexpected answer: a total of {first.total} tasks")
    rest = await all_or_fault(
        _page(gateway, resource, (*_place(resource, number), *chosen), tally) for number in range(1, count)
    )
    return rest if isinstance(rest, Fault) else [first, *rest]


def _place(resource: ResourceType, number: int) -> _Filter:
    size = resource.listing.page_size
    match resource.listing.paging:
        case Paging.OFFSET:
            return ("offset", str(number * size)), ("limit", str(size))
        case _:
            return ("page", str(number)), ("size", str(size))


async def _pages_by_marker(
    gateway: Gateway, resource: ResourceType, chosen: _Filter, tally: Tally
) -> list[Page] | Fault:
    pages: list[Page] = []
    marker: _Filter = ()
    size = ("limit", str(resource.listing.page_size))
    used: set[str] = set()
    while len(pages) < PAGES:
        found = await _page(gateway, resource, (size, *marker, *chosen), tally)
        if isinstance(found, Fault):
            return found
        pages.append(found)
        if not found.marker:
            return pages
        if found.marker in used:
            break
        used.add(found.marker)
        marker = (("marker", found.marker),)
    return Fault(Meaning.MALFORMED, "unexpected answer: the markers of the pages run in circles")


async def _page(gateway: Gateway, resource: ResourceType, parameters: _Filter, tally: Tally) -> Page | Fault:
    listing = resource.listing
    judge = partial(page, listing=listing, excerpts=gateway.excerpts, now=gateway.now)
    found = await gateway.call(
        resource.service, "GET", listing.path, (*listing.constants, *parameters), judge, retries=READS, tally=tally
    )
    if isinstance(found, Page) and found.total is None:
        return Fault(Meaning.MALFORMED, f"unexpected answer: no number {listing.total!r}")
    return found
