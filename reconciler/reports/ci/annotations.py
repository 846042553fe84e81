"""GitHub's workflow commands: lines on stdout that become annotations of files in a pull request.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. GitHub shows ten of each level
and drops the others without a word, so the last one says how many more there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SHOWN", "Annotation", "Level", "render_annotations"]

SHOWN: Final = 10
"""Annotations of one level that GitHub shows for a step."""

_LONGEST: Final = 4_000
"""Characters of a message; GitHub cuts at 64 KiB, a reader long before."""


class Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A message on a line of a file, or on the whole run; it may have several lines. Texts come presentable."""

    level: Level
    title: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None


def render_annotations(annotations: Sequence[Annotation], all_of_them: str) -> str:
    """The annotations as lines, errors first; within a level the order is the caller's, who puts the worst first.

    `all_of_them` tells where those are that are left out, such as "run `reconciler validate`".
    """
    return "".join(
        _command(annotation) + "\n"
        for level in Level
        for annotation in _shown([one for one in annotations if one.level is level], all_of_them)
    )


def _shown(annotations: Sequence[Annotation], all_of_them: str) -> Sequence[Annotation]:
    if len(annotations) <= SHOWN:
        return annotations
    shown, rest = annotations[: SHOWN - 1], annotations[SHOWN - 1 :]
    files = {annotation.file for annotation in rest if annotation.file}
    where = "" if not files else f" in {next(iter(files))}" if len(files) == 1 else f" in {len(files)} files"
    level = annotations[0].level
    return [*shown, Annotation(level, "more", f"{len(rest)} more {level.value}s{where}: {all_of_them}")]


def _command(annotation: Annotation) -> str:
    place = (("file", annotation.file), ("line", annotation.line), ("col", annotation.column))
    properties = {"title": f"reconciler: {annotation.title}", **{name: value for name, value in place if value}}
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{annotation.level.value} {written}::{_data(annotation.message[:_LONGEST])}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
