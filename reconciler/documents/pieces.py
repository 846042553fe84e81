"""The text of a document piece by piece: a list of a million changes never stands as one text, nor as JSON objects.

What is written is as `document_of` has it. Nearly always its text is presentable as it stands, which is seen at one
glance at a whole piece; a piece of which that is not certain is made text by text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_type_hints

import msgspec

from reconciler.documents.strict_json import escaped
from reconciler.planning.canonical import batches, canonical_json, json_bytes
from reconciler.redaction import is_presentable_json, presentable
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Shown = Callable[[str], str]


@cache
def keys_of(kind: type) -> tuple[str, ...]:
    """The keys of the record of a dataclass: those that it names as `WRITTEN`, or the `DERIVED`, then its fields."""
    written: tuple[str, ...] | None = getattr(kind, "WRITTEN", None)
    return written or (*getattr(kind, "DERIVED", ()), *(field.name for field in fields(kind)))


def document_of(value: object, shown: Shown = presentable) -> Any:  # noqa: ANN401 - JSON
    """`value` as JSON: dataclasses as records, times in RFC 3339, all text fit to be `shown`."""
    kind: Any = type(value)
    if kind is int or kind is bool or value is None:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, (tuple, list)):
        return [document_of(item, shown) for item in value]
    if isinstance(value, Mapping):
        return {shown(name): document_of(item, shown) for name, item in value.items()}
    if kind is Timestamp:
        return str(value)
    return {key: document_of(getattr(value, key), shown) for key in keys_of(kind)}


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """`value` as msgspec writes it like `document_of`, text as it is."""
    kind: Any = type(value)
    if kind is str or kind is int or value is None:
        return value
    if kind is tuple or kind is list:
        return _plain_list(value)  # type: ignore[arg-type] # mypy does not see that it is one
    reader = _reader(kind)
    if reader is not None:
        record = dict(zip(reader.keys, reader.values(value), strict=True))
        for key in reader.made:
            record[key] = _plain(record[key])
        return record
    if kind is Timestamp:
        return str(value)
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, Mapping) else value


def _plain_list(values: Sequence[object]) -> list[Any]:
    """As `_plain`; a list of one kind of record, as is nearly all there is in a large document, in half the time."""
    kinds = {*map(type, values)}
    reader = _reader(kinds.pop()) if len(kinds) == 1 else None
    if reader is None or reader.made:
        return [_plain(value) for value in values]
    return [dict(zip(reader.keys, found)) for found in map(reader.values, values)]  # noqa: B905 - as long as each other


class _Reader(NamedTuple):
    """How the record of a dataclass is made: `values` gets those of its `keys`; `made` are those of which msgspec would
    write something else."""

    keys: tuple[str, ...]
    values: Callable[[object], tuple[object, ...]]
    made: tuple[str, ...]


@cache
def _reader(kind: type) -> _Reader | None:
    if not is_dataclass(kind):
        return None
    keys = keys_of(kind)
    hints = get_type_hints(kind)
    made = tuple(key for key in keys if _is_made(hints[key] if key in hints else _returned(kind, key)))
    one = keys[0]
    return _Reader(keys, attrgetter(*keys) if len(keys) > 1 else lambda value: (getattr(value, one),), made)


def _returned(kind: type, name: str) -> object:
    """What a property returns; unknown where its module imports the type for the type checker alone."""
    try:
        return get_type_hints(getattr(kind, name).fget)["return"]
    except NameError:
        return object


def _is_made(hint: object) -> bool:
    if hint is Timestamp or hint is object:
        return True
    if isinstance(hint, type) and is_dataclass(hint):
        return True
    return any(map(_is_made, get_args(hint)))


def _encoded(value: object, shown: Shown, encode: Callable[[object], bytes]) -> bytes:
    """`value` in JSON without blanks."""
    if shown is presentable:
        found = encode(_plain(value))
        if is_presentable_json(found):
            return found
    return encode(document_of(value, shown))


def canonical(value: object, shown: Shown) -> bytes:
    """The canonical JSON of what is written of `value`."""
    return _encoded(value, shown, canonical_json)


def text_pieces(document: Iterable[tuple[str, object]], shown: Shown) -> Iterator[bytes]:
    """Indented JSON of these keys and values with a final newline, whatever might not print escaped."""
    between = b"{\n"
    for key, value in document:
        parts = batches(value)
        if parts is None:
            yield between + _indented({key: value}, shown)[2:-2]
        else:
            name = json.dumps(key).encode()
            before = between + b"  " + name + b": [\n"
            for batch in parts:
                yield before + _indented({key: batch}, shown)[len(name) + 8 : -6]
                before = b",\n"
            yield b"\n  ]"
        between = b",\n"
    yield b"\n}\n"


def _indented(value: object, shown: Shown) -> bytes:
    found = msgspec.json.format(_encoded(value, shown, json_bytes), indent=2)
    if found.isascii() and b"\x7f" not in found:
        return found
    return escaped(found.decode("utf-8", "surrogatepass")).encode()
