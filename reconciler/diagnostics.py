"""Facts about a mistake in a file: what, where, and what to do."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final

from reconciler.redaction import Shown, presentable

if TYPE_CHECKING:
    from collections.abc import Iterable

QUOTE_IT: Final = "put it in quotes"
"""The hint for a number where text is meant. Who knows the file adds the scalar as it is written: 0123 is not 123."""

MAX_PROBLEMS: Final = 1_000
"""Mistakes of one kind in one file that are looked for: who has as many sees the rest once these are mended."""
_LONGEST_WORD: Final = 100
"""Characters of a word that may be a slip of the pen; the comparison is quadratic."""
_MOST_WORDS: Final = 250
"""Words that one is compared with: there may be as many targets as a file has room for, and as many slips."""

DocumentPath = tuple[str | int, ...]
"""Keys and indexes from the root of a document to a value."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Rule(StrEnum):
    """Which kind of rule is broken. A closed set with stable names: code scanning tells findings apart by them."""

    CONFIGURATION = "configuration"
    """Any other rule."""
    FILE = "file"
    """A file or directory is missing or cannot be read."""
    YAML_SYNTAX = "yaml-syntax"
    DUPLICATE = "duplicate"
    """A key or a name is defined twice."""
    UNKNOWN_KEY = "unknown-key"
    STRUCTURE = "structure"
    """A key is missing, or a value is not of the kind or within the bounds that the schema asks for."""
    SECRET = "secret"  # noqa: S105 - the name of a rule
    """A secret stands in the configuration."""
    ENVIRONMENT = "environment"
    """A variable is not set, or `${` does not begin one."""
    UNKNOWN_REFERENCE = "unknown-reference"
    """A name leads to no provider, resource type or target."""
    INVENTORY = "inventory"
    UNKNOWN_FIELD = "unknown-field"
    """A selector names a field that the resource type does not have."""
    SELECTOR = "selector"
    """A selector is not built as selectors are."""
    SELECTOR_TYPE = "selector-type"
    """An operator or a value does not fit the field."""
    PROTECTION_BREADTH = "protection-breadth"
    """A protection covers more than it seems to."""
    PROTECTION_IDLE = "protection-idle"
    """A protection holds none of the tasks that the tests give."""
    DEAD_END = "dead-end"
    """A policy selects tasks that nothing can take out of it."""
    NEVER_ACTS = "never-acts"
    """A policy selects nothing that an operation starts from."""


@dataclass(frozen=True, slots=True, order=True)
class Location(Shown):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake found in parsed data, before its position is known.

    `path` leads to the offending value; with `at_key` the key that holds it is meant. `hint` says what to do.
    """

    path: DocumentPath
    message: str
    hint: str = ""
    allowed: tuple[str, ...] = ()
    at_key: bool = False
    severity: Severity = Severity.ERROR
    rule: Rule = Rule.CONFIGURATION


class Placed(Shown):
    """What has a place in a file, perhaps; line and column count from 1."""

    __slots__ = ()
    location: Location | None

    @property
    def file(self) -> str | None:
        return self.location.file if self.location else None

    @property
    def line(self) -> int | None:
        return self.location.line if self.location else None

    @property
    def column(self) -> int | None:
        return self.location.column if self.location else None


@dataclass(frozen=True, slots=True)
class Diagnostic(Placed):
    """A mistake in a file; line and column count from 1."""

    WRITTEN: ClassVar = (
        *("severity", "rule", "message", "file", "line", "column", "path", "hint", "allowed", "excerpt"),
    )

    severity: Severity
    message: str
    location: Location | None = None
    path: str = ""
    """The value in dotted form."""
    hint: str = ""
    """What to do."""
    allowed: tuple[str, ...] = ()
    excerpt: str = ""
    """The source line."""
    excerpt_length: int = 1
    rule: Rule = Rule.CONFIGURATION

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _sentence(self.message))
        object.__setattr__(self, "path", presentable(self.path))
        object.__setattr__(self, "hint", _sentence(self.hint))
        object.__setattr__(self, "allowed", tuple(map(presentable, self.allowed)))
        # The excerpt was cut from a line that is presentable: to make it so again might add to it.


def _sentence(text: str) -> str:
    # Each quoted value by itself: in a URL, the closing backtick would be taken for a part of the query.
    return "`".join(map(presentable, text.split("`")))


_MEANT = {
    **dict.fromkeys(("last", "latest", "most_recent", "recent", "youngest"), "newest"),
    **dict.fromkeys(("earliest", "eldest", "first"), "oldest"),
    "present": None,
}
"""Words whose spelling leads to the opposite of what they mean; None: there is no word for that."""
_CALLED: dict[str, str] = {
    "age": "created_at",
    **dict.fromkeys(("begin", "opens", "start"), "from"),
    **dict.fromkeys(("closes", "end", "to"), "until"),
    **dict.fromkeys(("time_zone", "tz", "zone"), "timezone"),
}
"""Words that others have for ours, and whose spelling leads nowhere."""
_AT_LEAST = re.compile(r"(?:at_)?least|min(?:imum)?(?![a-z])", re.IGNORECASE)
"""How words begin that ask for no fewer: all limits of ours ask for no more."""
_NEGATION = re.compile(r"(?:^|[^a-z])(?:no|non|not|never|without|except|dont)(?![a-z])|^(?:not|un|dis)", re.IGNORECASE)


def suggestion(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that `word` was probably meant to be, or None. Never one that says the opposite."""
    if len(word) > _LONGEST_WORD:
        return None
    known = list(islice(allowed, _MOST_WORDS))
    if word.lower() in _MEANT:
        meant = _MEANT[word.lower()]
        return meant if meant in known else None
    if (meant := _CALLED.get(word.lower())) in known:
        return meant
    if _AT_LEAST.match(word):
        return None
    negated = _NEGATION.search(word) is not None
    alike = [name for name in known if (_NEGATION.search(name) is not None) is negated]
    begun = [name for name in alike if len(word) > 2 and name.startswith(word)]
    near = begun if len(begun) == 1 else difflib.get_close_matches(word, alike, n=1, cutoff=0.6)
    return next(iter(near), None)


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """The hint that names the allowed word which `word` was probably meant to be, or all that end in it after a dot;
    empty where there is none."""
    known = tuple(islice(allowed, _MOST_WORDS))
    near = suggestion(word, known)
    meant = [name for name in known if name.endswith(f".{word}")] or ([near] if near else [])
    return f"did you mean {' or '.join(f'`{name}`' for name in meant)}?" if meant else ""


def unknown(path: DocumentPath, message: str, word: str, allowed: Iterable[str], *, at_key: bool = False) -> Problem:
    """The mistake that the name `word`, which stands at `path`, is none of those that there are."""
    names = tuple(allowed)
    return Problem(path, message, did_you_mean(word, names), names, at_key, rule=Rule.UNKNOWN_REFERENCE)
