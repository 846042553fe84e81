"""Listing a scope so that it can be trusted: all pages, united until they add up.

What offset paging cannot show: a task that leaves and another that joins between two pages keep the total, and a
third may fall between them. Nothing is concluded from what was not seen, so the next run finds it. A list without a
total is whole once a page says that there is none after it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.providers.pages import Page, merged
from reconciler.providers.transport.caller import all_or_fault
from reconciler.providers.transport.trace import watched
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Paging

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.sink import Sink
    from reconciler.tasks.task import Task

    Ask = Callable[["_Filter"], Coroutine[None, None, Page | Fault]]
    """Asks for the page that these parameters are about."""

MOST_MORE = 1000
"""Rows that may be shown beyond twice the total of the first page: faster than that no list grows."""

AT_ONCE = 64
"""Pages that are asked for side by side at most."""

_Filter = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a listing may be. Beyond it the scope is incomplete.

    `passes`: so many times a listing that does not add up is made. `pages`, of one pass: more (two million tasks) are
    taken for a broken total, or for markers without end. `text`: characters of all fields in memory at once.
    """

    passes: int = 3
    pages: int = 20_000
    text: int = 512 * 1024 * 1024


@dataclass(slots=True)
class Listed:
    """What listing brought beside the tasks, which are in the sink: why they are not settled, if so.

    `pages` is what a pass of the whole list takes, as its total says or by count; None where the list was filtered.
    """

    pages: int | None = None
    unsettled: Fault | None = None


@dataclass(slots=True)
class _Pass:
    """One pass over a list: what its pages say of themselves, and how many rows they had.

    `stopped` says which bound ended it early. `held` are the rows of a list in which several make up one task.
    """

    first: Page
    announced: set[int | None] = field(default_factory=set)
    pages: int = 0
    rows: int = 0
    truncated: bool = False
    stopped: str = ""
    held: list[Task] = field(default_factory=list)
    text: int = 0


async def list_scope(
    ask: Ask,
    resource: ResourceType,
    statuses: frozenset[str] | None,
    sink: Sink,
    bounds: Bounds = Bounds(),
    at_once: int = AT_ONCE,
) -> Listed | Fault:
    """Show the sink all tasks of a resource type, or at least those with the vendor statuses wanted.

    More than `at_once` requests the client would not have under way.

    A fault where any page could not be had, and where rows that make up one task may be missing.
    """
    lister = _Lister(ask, resource, sink, bounds, min(at_once, AT_ONCE))
    listed = Listed()
    for chosen in _filters(resource, statuses):
        fault = await lister.list(chosen, listed)
        if fault is not None:
            return fault
    if listed.unsettled is not None and resource.listing.rows_merge:
        return listed.unsettled
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


@dataclass(frozen=True, slots=True)
class _Lister:
    """Lists one scope."""

    ask: Ask
    resource: ResourceType
    sink: Sink
    bounds: Bounds
    at_once: int

    async def list(self, chosen: _Filter, listed: Listed) -> Fault | None:
        """Add what one filter shows, in as many passes as it takes until the rows add up to the total."""
        doubt, seen = "", 0
        for _ in range(self.bounds.passes):
            made = await self._pass(chosen)
            if isinstance(made, Fault):
                return made
            self.sink.see(merged(self.resource, made.held))
            seen, contradicted = self.sink.end_pass()
            if not chosen:
                listed.pages = self._pages(made)
            if made.stopped:
                listed.unsettled = Fault(Meaning.MALFORMED, f"the list was not read to its end: {made.stopped}")
                return None
            seen = made.rows if self.resource.listing.rows_merge else seen
            doubt = f"rows of {contradicted} differ" if contradicted else self._doubt(made, seen)
            if not doubt:
                return None
        listed.unsettled = Fault(
            Meaning.CHANGED, f"the list did not settle in {self.bounds.passes} passes: {seen} tasks seen, {doubt}"
        )
        return None

    def _pages(self, made: _Pass) -> int:
        """Pages of the whole list, which this pass went over."""
        if not self.resource.listing.total:
            return made.pages
        total = max(total or 0 for total in made.announced)
        return max(1, -(-total // self._own_size(made.first)))

    def _doubt(self, made: _Pass, seen: int) -> str:
        """Why what was `seen` may not be all; empty where the totals of all pages, if there are any, say that it is."""
        more = "the last page says that there are more"
        if not self.resource.listing.total:
            return more if made.truncated else ""
        if made.announced == {seen} and not made.truncated:
            return ""
        totals = " or ".join(str(total) for total in sorted(total for total in made.announced if total is not None))
        return f"{totals} announced{f', and {more}' if made.truncated else ''}"

    async def _pass(self, chosen: _Filter) -> _Pass | Fault:
        if self.resource.listing.paging in {Paging.MARKER, Paging.TOKEN}:
            return await self._by_marker(chosen)
        first = await self._page((*self._place(0, self.resource.listing.page_size), *chosen))
        if isinstance(first, Fault):
            return first
        made = _Pass(first)
        count, size = self._count(first), self._own_size(first)
        watched().expects(count)
        self._take(first, made, last=count == 1)
        if count > self.bounds.pages:
            made.stopped = f"a total of {first.total} tasks takes {count} pages"
            return made
        rest = iter(range(1, count))

        async def worker() -> Fault | None:
            for number in rest:
                if made.stopped:
                    break
                # No name for the page: it would be held until the next one is there, by every worker.
                page = self._place(number, size)
                fault = self._take(await self._page((*page, *chosen)), made, last=number == count - 1)
                if fault is not None:
                    return fault
                # All pages that came are looked at before the next are asked for: that takes less than by turns.
                await asyncio.sleep(0)
            return None

        ended = await all_or_fault(worker() for _ in range(min(self.at_once, count - 1)))
        return ended if isinstance(ended, Fault) else made

    def _take(self, found: Page | Fault, made: _Pass, *, last: bool) -> Fault | None:
        """Show a page to the sink, and let it go; a fault where there is none, or where too much is held."""
        if isinstance(found, Fault):
            return found
        made.announced.add(found.total)
        made.pages += 1
        watched().page()
        made.rows += len(found.tasks)
        if last:
            made.truncated = found.truncated
        if self.resource.listing.rows_merge:
            made.held += found.tasks
            made.text += sum(task.text for task in found.tasks)
        else:
            self.sink.see(found.tasks)
        if self.resource.listing.total and made.rows > 2 * (made.first.total or 0) + MOST_MORE:
            made.stopped = f"a total of {made.first.total} tasks, and {made.rows} shown with more to come"
        if made.text + self.sink.text > self.bounds.text:
            return Fault(Meaning.MALFORMED, f"a list of more than {self.bounds.text} characters")
        return None

    def _count(self, first: Page) -> int:
        """How many pages there are to be asked for. Of those that the server hands out, not of those asked for."""
        rows, total, asked = len(first.tasks), first.total or 0, self.resource.listing.page_size
        if rows == total == asked:
            # A total that counts the rows of the page would look the same. Whatever comes now does not add up to it.
            return 2
        # An answer that holds everything already needs no more, whatever the page size.
        return 1 if rows >= total else -(-total // self._own_size(first))

    def _own_size(self, first: Page) -> int:
        """Rows to a page. A server that hands out fewer than were asked for is asked for as many from then on: it
        would skip the difference otherwise."""
        asked, rows = self.resource.listing.page_size, len(first.tasks)
        return rows if 0 < rows < min(asked, first.total or 0) else asked

    def _place(self, number: int, size: int) -> _Filter:
        listing = self.resource.listing
        place = number * size if listing.paging is Paging.OFFSET else number
        return (listing.page_parameter, str(place)), (listing.size_parameter, str(size))

    async def _by_marker(self, chosen: _Filter) -> _Pass | Fault:
        listing = self.resource.listing
        marker: _Filter = ()
        size = (listing.size_parameter, str(listing.page_size))
        used: set[str] = set()
        made: _Pass | None = None
        while True:
            found = await self._page((size, *marker, *chosen))
            if isinstance(found, Fault):
                return found
            made = made or _Pass(found)
            fault = self._take(found, made, last=True)
            if fault is not None:
                return fault
            if not found.marker:
                return made
            if found.marker in used:
                made.stopped = f"its pages run in circles by {listing.next_page}"
            elif len(used) + 1 >= self.bounds.pages:
                made.stopped = f"more than {self.bounds.pages} pages"
            if made.stopped:
                return made
            used.add(found.marker)
            marker = ((listing.page_parameter, found.marker),)

    async def _page(self, parameters: _Filter) -> Page | Fault:
        found = await self.ask(parameters)
        if isinstance(found, Page) and found.total is None and (total := self.resource.listing.total):
            return Fault(Meaning.MALFORMED, f"unexpected answer: no number {total!r}")
        return found
