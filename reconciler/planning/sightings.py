"""What rows of one listing were seen, pass by pass: 12 bytes for each task, and 16 for each row of the pass under way.

Hashes are Python's own of texts, keyed anew for each process. Where somebody fixes that key (PYTHONHASHSEED), and finds
two ids of one hash, the two count as one, which does not add up: a list that is not believed to be whole. Nothing more
is selected by it.
"""

from __future__ import annotations

from array import array
from itertools import compress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
        asked = set(map(hash, ids))
        return asked.intersection(self._pass[0]) if asked else asked

    def among(self, ids: Iterable[str]) -> dict[str, int]:
        """The numbers of those of these ids that were seen, in passes that are over."""
        asked = {hash(task_id): task_id for task_id in ids}
        found = zip(self._keys, self.numbers, strict=True) if asked else ()
        return {asked[key]: number for key, number in found if key in asked}

    def end_pass(self, contradicted: Callable[[set[int]], int]) -> tuple[int, set[int]]:
        """How many ids it showed, and the hashes of those whose rows differ: each of these counts as the number that
        `contradicted` makes of its numbers."""
        (keys, says, numbers), self._pass = self._pass, (array("q"), array("I"), array("I"))
        places, differing = _places(keys), set[int]()
        ids = _parted(places, keys, "q")
        if any(len(set(bucket)) < len(bucket) for bucket in ids):
            rows = (said << _HALF | number for said, number in zip(says, numbers, strict=True))
            keys, numbers, differing = _united(ids, _parted(places, rows, "Q"), contradicted)
        distinct, places = len(keys), _places(self._keys)
        del says  # as what was before, once it lies in buckets: a million tasks are not to be held twice
        known, self._keys = _parted(places, self._keys, "q"), keys
        counted, self.numbers = _parted(places, self.numbers, "I"), numbers
        for bucket, before, before_counted in zip(ids, known, counted, strict=True):
            if before:
                shown = set(bucket)
                others = [key not in shown for key in before]
                keys.extend(compress(before, others))
                numbers.extend(compress(before_counted, others))
        return distinct, differing


def _united(
    ids: Iterable[array[int]], rows: Iterable[array[int]], contradicted: Callable[[set[int]], int]
) -> tuple[array[int], array[int], set[int]]:
    """Each id once, with its number, and those whose rows differ."""
    keys, numbers, differing = array("q"), array("I"), set[int]()
    for bucket, its_rows in zip(ids, rows, strict=True):
        last = dict(zip(bucket, its_rows, strict=True))
        odd = {key: set[int]() for key, row in zip(bucket, its_rows, strict=True) if last[key] != row}
        for key, row in zip(bucket, its_rows, strict=True):
            if key in odd:
                odd[key].add(row & _NUMBER)
        counted = {key: row & _NUMBER for key, row in last.items()}
        counted |= {key: contradicted(shown) for key, shown in odd.items()}
        keys.extend(counted)
        numbers.extend(counted.values())
        differing.update(odd)
    return keys, numbers, differing


def _places(keys: array[int]) -> bytes:
    """The bucket of each id, to which a byte of its hash leads."""
    return memoryview(keys).cast("B")[:: keys.itemsize].tobytes().translate(_BUCKET_OF)


def _parted(places: bytes, column: Iterable[int], kind: str) -> list[array[int]]:
    """A column in buckets."""
    buckets = [array(kind) for _ in range(_BUCKETS)]
    appends = [bucket.append for bucket in buckets]
    for place, one in zip(places, column, strict=True):
        appends[place](one)
    return buckets
