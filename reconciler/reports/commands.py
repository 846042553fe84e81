"""Commands that are printed: to be pasted into a shell where the reader stands, whatever files and paths are called."""

from __future__ import annotations

import posixpath
import shlex
from typing import TYPE_CHECKING

from reconciler.redaction import presentable
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.planning.plan import Plan


def word(text: str) -> str:
    r"""`text` as one word of a shell that is no flag. What cannot be shown is written as `$'\x0a'`.

    >>> word("my plan.json"), word("-x"), word("a\nb")
    ("'my plan.json'", './-x', "$'a\\x0ab'")
    """
    text = f"./{text}" if text.startswith("-") else text
    if presentable(text) == text:
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character.isascii() and character.isprintable() and character not in "'\\":
        return character
    # A name that is no UTF-8 has its bytes there, as Python's paths have; other surrogates stand for no byte.
    code = "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", code))


def command_line(command: str, words: Iterable[str]) -> str:
    """`reconciler validate conf`, of `validate` and paths."""
    return " ".join([f"reconciler {command}", *map(word, words)])


def apply_saved(plan: Plan, saved_to: Sequence[str], paths: Sequence[str] | None) -> str:
    """The command that applies a plan from its file, or those of its parts, `FILE` where none is known, with the paths
    that it was made from.

    `paths`: those on the command line; None: it is not known, and follows from the files that the plan names.
    """
    files = " ".join(f"--plan {file}" for file in _files(saved_to))
    return command_line(f"apply {files}", _paths_of(plan.configuration.files) if paths is None else paths)


def approval(plan: Plan, newline: str = " ") -> str:
    """The flags that approve just this plan, for as long as it is good: no digest covers that time.

    `newline` stands between them.
    """
    return f"--approved-digest {plan.digest}{newline}--approved-until {format_timestamp(plan.expires_at)}"


def show_saved(saved_to: Sequence[str]) -> str:
    """The command that shows all of a plan or report."""
    return f"reconciler show {' '.join(_files(saved_to))}"


def _files(saved_to: Sequence[str]) -> Sequence[str]:
    return [*map(word, saved_to)] or ["FILE"]


def _paths_of(files: Sequence[str]) -> Sequence[str]:
    """Paths that lead to just these files: none where they lie in the current directory, or the directory of all."""
    if not all(f"/{file}".endswith(("/reconciler.yaml", ".reconciler.yaml")) for file in files):
        return files
    try:
        top = posixpath.commonpath([posixpath.dirname(file) for file in files])
    except ValueError:  # no files, or absolute paths and others
        return files
    return [top] if top else []
