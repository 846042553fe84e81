"""What rows of one listing were seen, pass by pass: 12 bytes for each task, and 16 for each row of the pass under way.

Hashes are Python's own of texts, keyed anew for each process. Where somebody fixes that key (PYTHONHASHSEED), and finds
two ids of one hash, the two count as one, which does not add up: a list that is not believed to be whole. Nothing more
is selected by it.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_BUCKETS = 64
"""Ids are compared bucket by bucket, so that little is held besides them."""

_BUCKET_OF = bytes(byte % _BUCKETS for byte in range(256))
"""By a byte of the hash of an id."""

_HALF = 32
"""Bits of a number, and of what is kept of the hash of a row."""

_NUMBER = (1 << _HALF) - 1


class Sightings:
    """Each row leaves the hash of its id, half a hash of all that it says, and a number: which kind of task it was.
    Where an id stands in several passes, the last of them counts."""

    def __init__(self) -> None:
        self._keys, self.numbers = array("q"), array("I")
        self._pass = (array("q"), array("I"), array("I"))

    def add(self, ids: Iterable[str], says: Iterable[int], numbers: list[int]) -> None:
        """Rows of the pass under way."""
        keys, hashes = list(map(hash, ids)), array("q", list(says))
        if not len(keys) == len(hashes) == len(numbers):
            raise ValueError("the columns of a page differ in length")
        all_keys, all_says, all_numbers = self._pass
        all_keys.fromlist(keys)
        all_says.frombytes(memoryview(hashes).cast("B").cast("I")[::2].tobytes())
        all_numbers.fromlist(numbers)

    def shown(self, ids: Iterable[str]) -> set[int]:
        """The hashes of those of these ids that the pass under way shows."""
        return set(map(hash, ids)).intersection(self._pass[0])

    def among(self, ids: Iterable[str]) -> dict[str, int]:
        """The numbers of those of these ids that were seen, in passes that are over."""
        asked = {hash(task_id): task_id for task_id in ids}
        found = zip(self._keys, self.numbers, strict=True) if asked else ()
        return {asked[key]: number for key, number in found if key in asked}

    def end_pass(self, contradicted: Callable[[set[int]], int]) -> tuple[int, set[int]]:
        """How many ids it showed, and the hashes of those whose rows differ: each of these counts as the number that
        `contradicted` makes of its numbers."""
        (keys, says, numbers), self._pass = self._pass, (array("q"), array("I"), array("I"))
        ids, known = _parted(keys, keys, "q"), _parted(self._keys, self._keys, "q")
        if all(map(_are_new, ids, known)):
            self._keys += keys
            self.numbers += numbers
            return len(keys), set()
        rows = _parted(keys, (said << _HALF | number for said, number in zip(says, numbers, strict=True)), "Q")
        counted = _parted(self._keys, self.numbers, "I")
        del keys, says, numbers
        self._keys, self.numbers = array("q"), array("I")
        distinct, differing = 0, dict[int, set[int]]()
        for bucket, whole in enumerate(ids):
            last = dict(zip(whole, rows[bucket], strict=True))
            distinct += len(last)
            now = dict(zip(known[bucket], counted[bucket], strict=True))
            now |= {key: row & _NUMBER for key, row in last.items()}
            if len(last) < len(whole):
                pairs = list(zip(whole, rows[bucket], strict=True))
                odd = {key: set[int]() for key, row in pairs if last[key] != row}
                for key, row in pairs:
                    if key in odd:
                        odd[key].add(row & _NUMBER)
                now |= {key: contradicted(shown) for key, shown in odd.items()}
                differing |= odd
            self._keys.extend(now)
            self.numbers.extend(now.values())
        return distinct, set(differing)


def _parted(keys: array[int], column: Iterable[int], kind: str) -> list[array[int]]:
    """A column in buckets, to which the hashes of the ids lead."""
    buckets = [array(kind) for _ in range(_BUCKETS)]
    appends = [bucket.append for bucket in buckets]
    places = memoryview(keys).cast("B")[:: keys.itemsize].tobytes().translate(_BUCKET_OF)
    for place, one in zip(places, column, strict=True):
        appends[place](one)
    return buckets


def _are_new(ids: Sequence[int], known: Sequence[int]) -> bool:
    """Whether none of these ids stands twice, nor among those that are known."""
    once = set(ids)
    return len(once) == len(ids) and once.isdisjoint(known)
