"""Listing a scope so that it can be trusted: all pages, united until they add up.

What offset paging cannot show: a task that leaves and another that joins between two pages keep the total, and a
third may fall between them. Nothing is concluded from what was not seen, so the next run finds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.provider import Fault, Meaning, Paging, ResourceType, Status, Task, all_or_fault
from reconciler.providers.huaweicloud.pages import Page, united

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    Ask = Callable[["_Filter"], Coroutine[None, None, Page | Fault]]
    """Asks for the page that these parameters are about."""

__all__ = ["Bounds", "Listed", "list_scope"]

MOST_MORE = 1000
"""Rows by which markers may lead beyond twice the total of the first page: faster than that no list grows."""

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
    """What listing brought so far: the latest sighting of each task, and why it is not settled, if so.

    `pages` is what a pass of the whole list takes, as its total says; None where the list was filtered.
    """

    tasks: dict[str, Task] = field(default_factory=dict)
    pages: int | None = None
    unsettled: Fault | None = None

    def see(self, tasks: Mapping[str, Task]) -> None:
        """Unite: a later sighting replaces an earlier one."""
        for task in tasks.values():
            if task.status is Status.GONE:
                self.tasks.pop(task.id, None)
            else:
                self.tasks[task.id] = task


@dataclass(slots=True)
class _Pass:
    """The pages of one pass over a list. `stopped` says which bound ended it early, `text` what they hold."""

    pages: list[Page]
    stopped: str = ""
    text: int = 0

    @property
    def rows(self) -> list[Task]:
        return [task for each in self.pages for task in each.tasks]


async def list_scope(
    ask: Ask, resource: ResourceType, statuses: frozenset[str] | None, bounds: Bounds = Bounds()
) -> Listed | Fault:
    """All tasks of a resource type, or at least those with the vendor statuses wanted.

    A fault where any page could not be had, and where rows that make up one task may be missing.
    """
    lister = _Lister(ask, resource, bounds)
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


def _doubt(pages: Sequence[Page], seen: int) -> str:
    """Why what was `seen` may not be all; empty where the totals of all pages say that it is."""
    announced = {each.total for each in pages}
    if announced == {seen} and not pages[-1].truncated:
        return ""
    totals = " or ".join(str(total) for total in sorted(total for total in announced if total is not None))
    return f"{totals} announced{', and the last page says that there are more' if pages[-1].truncated else ''}"


@dataclass(frozen=True, slots=True)
class _Lister:
    """Lists one scope."""

    ask: Ask
    resource: ResourceType
    bounds: Bounds

    async def list(self, chosen: _Filter, listed: Listed) -> Fault | None:
        """Add what one filter shows, in as many passes as it takes until the rows add up to the total."""
        doubt, seen = "", 0
        for _ in range(self.bounds.passes):
            made = await self._pass(chosen)
            if isinstance(made, Fault):
                return made
            tasks, contradicted = united(self.resource, made.rows)
            listed.see(tasks)
            if not chosen:
                total = max(each.total or 0 for each in made.pages)
                listed.pages = max(1, -(-total // self._own_size(made.pages[0])))
            if made.stopped:
                listed.unsettled = Fault(Meaning.MALFORMED, f"the list was not read to its end: {made.stopped}")
                return None
            seen = len(made.rows) if self.resource.listing.rows_merge else len(tasks)
            doubt = f"rows of {len(contradicted)} differ" if contradicted else _doubt(made.pages, seen)
            if not doubt:
                return None
        listed.unsettled = Fault(
            Meaning.CHANGED, f"the list did not settle in {self.bounds.passes} passes: {seen} tasks seen, {doubt}"
        )
        return None

    async def _pass(self, chosen: _Filter) -> _Pass | Fault:
        if self.resource.listing.paging is Paging.MARKER:
            return await self._by_marker(chosen)
        made = _Pass([])
        first = await self._page((*self._place(0, self.resource.listing.page_size), *chosen), made)
        if isinstance(first, Fault):
            return first
        made.pages.append(first)
        count, size = self._count(first), self._own_size(first)
        if count > self.bounds.pages:
            made.stopped = f"a total of {first.total} tasks takes {count} pages"
            return made
        rest = await all_or_fault(self._page((*self._place(number, size), *chosen), made) for number in range(1, count))
        if isinstance(rest, Fault):
            return rest
        made.pages += rest
        return made

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
        match self.resource.listing.paging:
            case Paging.OFFSET:
                return ("offset", str(number * size)), ("limit", str(size))
            case _:
                return ("page", str(number)), ("size", str(size))

    async def _by_marker(self, chosen: _Filter) -> _Pass | Fault:
        made = _Pass([])
        marker: _Filter = ()
        size = ("limit", str(self.resource.listing.page_size))
        used: set[str] = set()
        rows = 0
        while True:
            found = await self._page((size, *marker, *chosen), made)
            if isinstance(found, Fault):
                return found
            made.pages.append(found)
            rows += len(found.tasks)
            if not found.marker:
                return made
            if found.marker in used:
                made.stopped = "the markers of its pages run in circles"
            elif rows > 2 * (made.pages[0].total or 0) + MOST_MORE:
                made.stopped = f"a total of {made.pages[0].total} tasks, and {rows} shown with more to come"
            elif len(made.pages) >= self.bounds.pages:
                made.stopped = f"more than {self.bounds.pages} pages"
            if made.stopped:
                return made
            used.add(found.marker)
            marker = (("marker", found.marker),)

    async def _page(self, parameters: _Filter, made: _Pass) -> Page | Fault:
        if made.text > self.bounds.text:
            return Fault(Meaning.MALFORMED, f"a list of more than {self.bounds.text} characters")
        found = await self.ask(parameters)
        if isinstance(found, Page):
            if found.total is None:
                return Fault(Meaning.MALFORMED, f"unexpected answer: no number {self.resource.listing.total!r}")
            made.text += found.text
        return found
