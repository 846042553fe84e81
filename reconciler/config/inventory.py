"""Lists from files of one entry a line: tasks that an API cannot list, as the user knows them, and values of selectors.

What the entries of an inventory are is the provider's to say: see `reconciler.tasks.resource_type.Inventory`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.config.environment import quoted
from reconciler.config.files import RefusedFile, reason_of, shown_path
from reconciler.diagnostics import Diagnostic, Location, Rule, Severity
from reconciler.selectors.mistake import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from reconciler.config.files import Roots
    from reconciler.selectors.mistake import Lists
    from reconciler.tasks.resource_type import Inventory

MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_MISTAKES: Final = 20
_QUOTED = re.compile(r"(?P<quote>[\"'])(?P<entry>[^\"']*)(?P=quote),?")
"""An entry as CSV, JSON and Python write it in a list, one a line."""


def read_entries(
    file: Path, key: str, inventory: Inventory, shown: str, roots: Roots
) -> tuple[tuple[str, ...], list[Diagnostic]]:
    """The entries of `file`, which stands under `key`, in order, each once. Diagnostics call it `shown`.

    A line is blank, a `#` comment, or what the provider takes for one entry or several; quotes around an entry, as
    other tools write them, are taken off. Raises OSError where the file cannot be read and ValueError where it is
    larger than `MAX_BYTES` or is not UTF-8.
    """
    entries: dict[str, None] = {}
    diagnostics: list[Diagnostic] = []
    for number, line in enumerate(_lines(file, roots), 1):
        try:
            entries.update(dict.fromkeys(_entries(line, key, inventory)))
        except ValueError as bad:
            diagnostics.append(_diagnostic(shown, number, str(bad), key))
        if len(diagnostics) == _MAX_MISTAKES:
            diagnostics.append(_diagnostic(shown, number + 1, "too many mistakes: the rest is not checked", key))
            break
    return tuple(entries), diagnostics


def read_values(file: Path, shown: str, roots: Roots) -> tuple[tuple[int, str], ...]:
    """The entries of a list of values, each with its line: blanks and quotes around them are taken off.

    Raises Mistake where the file, which it calls `shown`, cannot be read, or is not of that form.
    """
    try:
        lines = _lines(file, roots)
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError | RefusedFile) else str(error)
        raise Mistake(f"the list {quoted(shown)} cannot be read: {reason}") from error
    return values_in(lines, shown)


def values_in(lines: Iterable[str], shown: str) -> tuple[tuple[int, str], ...]:
    """The same of lines that were read."""
    found = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("- "):
            raise Mistake(f"line {number} of {quoted(shown)}: one entry a line, without the dashes of a list")
        if text and not text.startswith("#"):
            found.append((number, bare["entry"] if (bare := _QUOTED.fullmatch(text)) else text))
    return tuple(found)


def lists_in(directory: Path, roots: Roots, read: dict[Path, tuple[tuple[int, str], ...]]) -> Lists:
    """What reads lists by paths that are relative to `directory`. What was `read` is not read again."""

    def found(path: str) -> tuple[tuple[int, str], ...]:
        file = directory / path
        if file not in read:
            read[file] = read_values(file, shown_path(file), roots)
        return read[file]

    return found


def mistake_in(entry: str, key: str, inventory: Inventory) -> str | None:
    """Why `entry` cannot stand under `key`; None where it may, and for an empty one, of which the schema tells."""
    try:
        of = inventory.list_of(entry) if entry else key
    except ValueError as error:
        return str(error)
    lists = inventory.lists
    return None if of == key else f"a {lists[of].entry} where a {lists[key].entry} is expected: it belongs under {of}"


def _lines(file: Path, roots: Roots) -> list[str]:
    data = roots.read(file, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        return data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from error


def _entries(line: str, key: str, inventory: Inventory) -> Iterator[str]:
    text = line.strip()
    if not text or text.startswith("#"):
        return
    if text[0] in "[]" or text.startswith("- "):
        raise ValueError("one entry a line, without the brackets or dashes of a list")
    quoted = _QUOTED.fullmatch(text)
    for entry in filter(None, inventory.entries_of(quoted["entry"] if quoted else text, key)):
        inventory.list_of(entry)
        yield entry


def _diagnostic(shown: str, line: int, message: str, key: str) -> Diagnostic:
    """The line itself is not quoted: whoever proposes a configuration names the file, and any may be named."""
    location = Location(shown, line, 1)
    return Diagnostic(Severity.ERROR, message, location, path=f"inventory.{key}", rule=Rule.INVENTORY)
