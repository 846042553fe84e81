"""Files that the vendors' tools keep credentials in: read whole, within bounds, or not at all."""

from __future__ import annotations

import json
from configparser import ConfigParser, InterpolationError
from configparser import Error as ParserError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["UnusableFile", "ini_section", "json_file", "option", "small_text"]

LARGEST = 1024 * 1024
"""Bytes; a profile has some hundred."""

READS_OF_A_TORN_FILE = 3


class UnusableFile(Exception):  # noqa: N818 - a reason, not a failure of the program
    """Why a file does not help. Says nothing of what is in it."""


def small_text(path: Path) -> str:
    """The text of a file. Raises UnusableFile."""
    try:
        if path.exists() and not path.is_file():
            raise UnusableFile("not a file")  # a pipe might never answer
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UnusableFile(f"more than {LARGEST} bytes")
        return content.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise UnusableFile("does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableFile(type(error).__name__) from None


def json_file(path: Path) -> Any:  # noqa: ANN401 - any JSON
    """The document in a file that its owner may be rewriting: a torn one is read again. Raises UnusableFile."""
    for _ in range(READS_OF_A_TORN_FILE):
        try:
            return json.loads(small_text(path))
        except (ValueError, RecursionError):
            continue
    raise UnusableFile("not JSON")


def ini_section(path: Path, section: str, *, interpolation: bool) -> ConfigParser:
    """The parsed file, which has the section. Raises UnusableFile."""
    parser = ConfigParser() if interpolation else ConfigParser(interpolation=None)
    try:
        parser.read_string(small_text(path))
    except ParserError:
        # The parser's own message quotes lines of the file.
        raise UnusableFile("not an INI file") from None
    if not parser.has_section(section):
        raise UnusableFile(f"no section [{section}]")
    return parser


def option(parser: ConfigParser, section: str, name: str) -> str:
    """A value, or an empty text."""
    try:
        return parser.get(section, name, fallback="").strip()
    except InterpolationError:  # the vendor wants % doubled; a secret that has one undoubled is meant as it stands
        return parser.get(section, name, raw=True).strip()
