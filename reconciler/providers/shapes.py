"""What the answers of one list looked like so far, so that the next is decoded straight into structs, in half the time
that dicts take and with little to be freed. One that does not fit is read as any other, and widens the shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypedDict

import msgspec

from reconciler.providers.transport.answers import is_all_of, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST_KEYS = 64
"""Keys of an object at most. One of more, or deeper in a row than so many levels, stays a dict: servers choose them."""
MOST_LEVELS = 4
LONGEST_KEY = 256
"""Characters of a key, or its object stays a dict, too."""
MOST_PLACES = 512
"""Places of a row, and keys around the rows, at most. A list of more is left alone."""
FEW = 4
"""Answers of a list before its shape is worth knowing: most are short."""
MOST_MISSES = FEW + 16
HITS_A_MISS = 64
"""A list is left alone as well once more answers did not fit, besides one for so many that did."""

PLAIN = frozenset({str, int, type(None)})
"""The kinds of values that nearly all fields have."""


@dataclass(slots=True)
class _Seen:
    """What stood in one place of the rows: the kinds of values, `UnsetType` where some had none; and of the objects
    there the keys, in their order, unless they stay dicts."""

    kinds: set[Any] = field(default_factory=set)
    keys: dict[str, _Seen] | None = None

    def widen(self, found: dict[str, Any], levels: int = MOST_LEVELS) -> None:
        """See one more object here."""
        known = self.keys or {}
        new = found.keys() - known.keys()
        if dict in self.kinds or not levels or len(known) + len(new) > MOST_KEYS or not all(map(_is_name, new)):
            self.kinds.add(dict)
            self.keys = None
            return
        if new or self.keys is None:
            lacked = set() if self.keys is None else {msgspec.UnsetType}
            self.keys = {key: known.get(key) or _Seen({*lacked}) for key in _merged(known, found)}
        for key, place in self.keys.items():
            value = found.get(key, msgspec.UNSET)
            if isinstance(value, dict):
                place.widen(value, levels - 1)
            else:
                place.kinds.add(type(value))

    @property
    def size(self) -> int:
        return 1 + sum(place.size for place in (self.keys or {}).values())


def _is_name(key: str) -> bool:
    """Whether a struct can have a member of this name."""
    return len(key) <= LONGEST_KEY and key.isprintable() and '"' not in key and "\\" not in key


def _merged(known: Iterable[str], keys: Iterable[str]) -> list[str]:
    """All keys, each new one after the one that it came after: what is written in the order in which it came is soon
    compared."""
    merged, at = list(known), 0
    for key in keys:
        if key not in merged:
            merged.insert(at, key)
        at = merged.index(key) + 1
    return merged


class Shaped(msgspec.Struct):
    """A row in a struct, which knows of what shape."""

    shape: ClassVar[Shape]


def as_it_came(found: Any) -> Any:  # noqa: ANN401 - any JSON
    """What `parsed` would have made of this."""
    if not isinstance(found, msgspec.Struct):
        return found
    try:
        return msgspec.to_builtins(found)
    except RecursionError:  # what nests so deep is within a part that is no struct
        members = zip(found.__struct_encode_fields__, msgspec.structs.astuple(found), strict=True)
        return {key: as_it_came(each) for key, each in members if each is not msgspec.UNSET}


class Place(NamedTuple):
    """How structs have what stands in one place of the rows: `column` takes it out of those that have the attribute
    `name`. Some may have none where it `lacks`; all that is there is `PLAIN` where it `is_plain`, text where it
    `is_text`."""

    name: str
    column: Callable[[Iterable[Any]], list[Any]]
    lacks: bool
    is_plain: bool
    is_text: bool


@lru_cache(MOST_KEYS)
def _column(name: str) -> Callable[[Iterable[Any]], list[Any]]:
    """What takes an attribute out of each of several: compiled for its name, which takes less than `attrgetter`."""
    made: Callable[[Iterable[Any]], list[Any]] = eval(f"lambda each: [one.{name} for one in each]")  # noqa: S307 - of `f` and a number
    return made


class Shape:
    """Structs for the rows of an answer, and what decodes it. `places` are those of a row, by their keys."""

    def __init__(self, envelope: Sequence[str], around: Sequence[set[str]], row: _Seen) -> None:
        self.places: dict[tuple[str, ...], Place] = {}
        rows = self._struct(row, (), Shaped)
        rows.shape = self
        form: Any = list[rows]  # type: ignore[valid-type] # made just now
        for key, keys in zip(reversed(envelope), reversed(around), strict=True):
            form = TypedDict("form", dict.fromkeys(keys, Any) | {key: form}, total=False)  # type: ignore[misc, no-redef] # the keys are the server's
        self.decode = msgspec.json.Decoder(form).decode

    def _struct(self, seen: _Seen, source: tuple[str, ...], base: type[Any] = msgspec.Struct) -> Any:  # noqa: ANN401 - of members of its own
        members: list[Any] = []
        for number, (key, inner) in enumerate((seen.keys or {}).items()):
            at, name, lacks = (*source, key), f"f{number}", msgspec.UnsetType in inner.kinds
            kinds = inner.kinds | ({int} if float in inner.kinds else set())  # else 1 would be read as 1.0
            if inner.keys is not None:
                kinds.add(self._struct(inner, at))
            known = kinds - {msgspec.UnsetType}
            self.places[at] = Place(name, _column(name), lacks, known <= PLAIN, known <= PLAIN - {int})
            members.append((name, reduce(or_, kinds), *((msgspec.UNSET,) if lacks else ())))
        names = {f"f{number}": key for number, key in enumerate(seen.keys or {})}
        return msgspec.defstruct(
            "Row", members, bases=(base,), rename=names, kw_only=True, gc=False, forbid_unknown_fields=True
        )


class Shapes:
    """What is known of the shape that the answers of one list have. `envelope` leads to their rows."""

    def __init__(self, envelope: str) -> None:
        self._envelope = envelope.split(".")
        self._around: list[set[str]] = [set() for _ in self._envelope]
        self._row = _Seen()
        self._hits = 0
        self._misses = 0.0
        self._shape: Shape | None = None

    def read(self, content: bytes) -> Any:  # noqa: ANN401 - any JSON
        """What `parsed` makes of an answer, its rows in structs where they fit."""
        if self._shape is not None:
            try:
                found = self._shape.decode(content)
                if is_all_of(content, found):
                    self._hits += 1
                    return found
            except (msgspec.MsgspecError, RecursionError):
                pass
        found = parsed(content)
        self._misses += 1
        if self._misses > MOST_MISSES + self._hits // HITS_A_MISS:
            self._leave()
        elif self._misses >= FEW:
            self._widen(found)
        return found

    def _leave(self) -> None:
        """Leave the list alone, and hold nothing of it."""
        self._shape, self._row, self._misses = None, _Seen(), math.inf
        self._around = [set() for _ in self._envelope]

    def _widen(self, found: Any) -> None:  # noqa: ANN401 - any JSON
        for key, keys in zip(self._envelope, self._around, strict=True):
            if not isinstance(found, dict):
                return
            keys.update(list(found)[: MOST_PLACES + 1])
            if not all(map(_is_name, keys)):
                self._leave()
                return
            found = found.get(key)
        if not isinstance(found, list) or not found or not all(isinstance(row, dict) for row in found):
            return
        for row in found:
            self._row.widen(row)
        places = self._row.size + sum(map(len, self._around))
        if self._row.keys is not None and places <= MOST_PLACES:
            self._shape = Shape(self._envelope, self._around, self._row)
        else:
            self._leave()
