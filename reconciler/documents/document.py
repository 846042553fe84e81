"""Data as JSON documents: the fields of a dataclass are the keys, and what its `DERIVED` names stands beside them.

What is only ever written may name its keys itself, fields and properties, as `WRITTEN`.

What a file says is hostile. It is read as the types of the fields, and then written again: where that gives
something else than the file, it was altered. So nothing that follows from the rest is believed, and no text that
could not have been written reaches a terminal.
"""

from __future__ import annotations

import gc
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from reconciler.documents.pieces import canonical, document_of, keys_of, text_pieces
from reconciler.documents.strict_json import load
from reconciler.exceptions import InvalidPlan
from reconciler.planning.canonical import canonical_json, sha256
from reconciler.redaction import presentable, seen_as_a_whole
from reconciler.tasks.timestamps import Timestamp, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.documents.strict_json import Document

Data = TypeVar("Data")


@dataclass(frozen=True, slots=True)
class Format(Generic[Data]):
    """One kind of document: `name` and `version` stand at its head, `kind` is what it is read as.

    `remedy` tells how to get a good one. `sealed`: its last key is a checksum of all others. `contradictions` are what
    no run writes: an altered file is still refused for these. `exact`: it must be what writing its
    content gives; else it may be written by hand. `shown` is how text is written.
    """

    name: str
    version: str
    kind: type[Data]
    title: str
    remedy: str = ""
    sealed: bool = False
    contradictions: Callable[[Data], Iterable[str]] = lambda _: ()
    exact: bool = True
    shown: Callable[[str], str] = presentable

    def document(self, data: Data) -> Document:
        """The keys and values of the file."""
        head = {"format": self.name, "format_version": self.version}
        document = {**head, **document_of(data, self.shown)}
        return {**document, "checksum": checksum(document)} if self.sealed else document

    def text(self, data: Data) -> str:
        """The text of the file."""
        return b"".join(self.pieces(data)).decode()

    def pieces(self, data: Data) -> Iterator[bytes]:
        """The text of the file in UTF-8, piece by piece."""
        kind: Any = self.kind
        keys: list[tuple[str, object]] = [("format", self.name), ("format_version", self.version)]
        keys += [(key, getattr(data, key)) for key in keys_of(kind)]
        if self.sealed:
            keys.append(("checksum", sha256(dict(keys), partial(canonical, shown=self.shown))))
        return text_pieces(keys, self.shown)

    def read(self, text: str | bytes, source: str = "file") -> Data:
        """What `text` holds; `source` names it in messages. Raises InvalidPlan, and nothing else."""
        with _uncollected():
            found = self._as_written(text.encode("utf-8", "replace") if isinstance(text, str) else text)
        if found is None:
            return self.of(load(text, source), source)
        self._check(found, source)
        return found

    def begins(self, data: bytes) -> bool:
        """Whether a file begins as one of this format that was written here."""
        return data.startswith(f'{{\n  "format": "{self.name}",\n'.encode())

    def _as_written(self, data: bytes) -> Data | None:
        """What a file holds that is, to the byte, what writing its content gives; None where it is not.

        Nearly all files are, and their text is as presentable as that of any file that is written.
        """
        if not self.exact:
            return None
        try:
            with seen_as_a_whole():
                found: Data = _decoder(self.kind).decode(data)  # type: ignore[arg-type] # its variable is a type
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        end = 0
        for piece in self.pieces(found):
            if not data.startswith(piece, end):
                return None
            end += len(piece)
        return found if end == len(data) else None

    def of(self, document: Document, source: str = "file") -> Data:
        """What a parsed document holds. Keys that it does not know are of a later minor version, and ignored.

        Raises InvalidPlan.
        """
        self._check_head(document, source)
        try:
            data = msgspec.convert(document, self.kind, dec_hook=_from_text)
            written = self._written(data, document) if self.exact else document
            same = canonical_json(document) == canonical_json(written)  # nearly always, and faster than to walk
        except msgspec.ValidationError as error:
            raise self._altered(source, _place(str(error))) from None
        except RecursionError:  # in a key that only a later version knows
            raise self._altered(source, "nested too deeply") from None
        except UnicodeEncodeError:  # half a character, where no text is expected
            raise self._altered(source, "text that is no Unicode") from None
        if not same and (found := _first_difference(document, written, "")):
            raise self._altered(source, found)
        self._check(data, source)
        return data

    def _check(self, data: Data, source: str) -> None:
        for contradiction in self.contradictions(data):
            raise self._altered(source, contradiction)

    def _written(self, data: Data, given: Document) -> Document:
        """What the file should say, of a later minor version as well."""
        written = {**self.document(data), "format_version": given["format_version"]}
        return {**written, "checksum": checksum(given)} if self.sealed else written

    def _check_head(self, document: Document, source: str) -> None:
        name, version = document.get("format"), document.get("format_version")
        if name != self.name:
            given = _short(repr(name)) if isinstance(name, str) else "missing"
            raise InvalidPlan(
                f"{source}: format is {given}, not {self.name!r}", f"give a file of the format {self.name}"
            )
        major = self.version.split(".")[0]
        if isinstance(version, str) and re.fullmatch(rf"{major}\.[0-9]{{1,9}}", version):
            return
        if isinstance(version, str) and re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", version):
            older = int(version.split(".")[0]) < int(major)
            raise InvalidPlan(
                f"{source}: format_version {version} is of {'an older' if older else 'a newer'} reconciler, "
                f"and cannot be read here, only {major}.x",
                self.remedy if older else "use the version of reconciler that wrote the file",
            )
        raise self._altered(source, f"format_version is {_short(repr(version))}")

    def _altered(self, source: str, what: str) -> InvalidPlan:
        return InvalidPlan(f"{source}: {what}", f"the file was torn or altered; {self.remedy}")


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look again and again at what grows and holds no cycle."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type
    return msgspec.json.Decoder(kind, dec_hook=_from_text)


def checksum(document: Document) -> str:
    """The checksum of the keys and values, whatever it says of its own."""
    return sha256({key: value for key, value in document.items() if key != "checksum"})


def _from_text(kind: type, value: object) -> object:
    """The one type of ours that JSON has no word for."""
    if kind is Timestamp and isinstance(value, str):
        return Timestamp(parse_timestamp(value))
    raise ValueError("expected a time in RFC 3339")


def _place(message: str) -> str:
    """`Expected ... - at `$.changes[0].steps`` as `changes[0].steps: expected ...`."""
    what, _, where = message.partition(" - at `$")
    path = where.rstrip("`").removeprefix(".")
    said = what[:1].lower() + what[1:]
    return _short(f"{path}: {said}" if path else said)


def _first_difference(given: object, written: object, path: str) -> str | None:
    """Where and how a document is not what its own content gives; None where it is. Linear."""
    if isinstance(given, dict) and isinstance(written, dict):
        for key, value in written.items():
            place = f"{path}.{key}" if path else key
            if key not in given:
                return f"{_short(place)} is missing"
            if found := _first_difference(given[key], value, place):
                return found
        unseen = next((key for key in given if presentable(key) != key), None)
        # Whatever else is there belongs to a later version.
        return None if unseen is None else f"{_short(path)} has the key {_short(repr(unseen))}, which does not print"
    if isinstance(given, list) and isinstance(written, list) and len(given) == len(written):
        for index, (one, other) in enumerate(zip(given, written, strict=True)):
            if found := _first_difference(one, other, f"{path}[{index}]"):
                return found
        return None
    if type(given) is type(written) and given == written:
        return None
    return f"{_short(path)} is {_short(repr(given))}, but its content gives {_short(repr(written))}"


def _short(text: str) -> str:
    shown = presentable(text)
    return shown if len(shown) <= 200 else f"{shown[:199]}…"
