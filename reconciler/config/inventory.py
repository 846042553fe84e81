"""Tasks that an API cannot list, as the user knows them: inline, or from a file of one entry a line."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.diagnostics import Diagnostic, Location, Rule, Severity
from reconciler.tasks.task import ID_FORM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.config.files import Roots

__all__ = ["EntryKind", "is_url", "mistake_in", "read_entries"]

MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_MISTAKES: Final = 20
_LONGEST_URL: Final = 8192
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"<>]+")
_QUOTED = re.compile(r"(?P<quote>[\"'])(?P<entry>[^\"']*)(?P=quote),?")
"""An entry as CSV, JSON and Python write it in a list, one a line."""


class EntryKind(StrEnum):
    """What a list holds, by its key in YAML."""

    JOB_IDS = "job_ids"
    UPLOAD_URLS = "upload_urls"

    @property
    def answer_key(self) -> str:
        """The key in a saved answer of UploadMediaByURL."""
        return "JobId" if self is EntryKind.JOB_IDS else "SourceURL"


class _LineError(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_entries(file: Path, kind: EntryKind, shown: str, roots: Roots) -> tuple[tuple[str, ...], list[Diagnostic]]:
    """The entries of `file` in order, each once. Diagnostics call it `shown`.

    A line is a job id, a source URL, a `#` comment, blank, or a saved answer of UploadMediaByURL as one JSON object, of
    whose jobs that is taken which `kind` asks for, else the other. Forms may be mixed: `is_url` tells them apart.
    Quotes around an entry, as other tools write them, are taken off. Raises OSError where the file cannot be read and
    ValueError where it is larger than `MAX_BYTES` or is not UTF-8.
    """
    entries: dict[str, None] = {}
    diagnostics: list[Diagnostic] = []
    for number, line in enumerate(_lines(file, roots), 1):
        try:
            entries.update(dict.fromkeys(_entries(line, kind)))
        except _LineError as bad:
            diagnostics.append(_diagnostic(shown, number, bad.reason, kind))
        if len(diagnostics) == _MAX_MISTAKES:
            diagnostics.append(_diagnostic(shown, number + 1, "too many mistakes: the rest is not checked", kind))
            break
    return tuple(entries), diagnostics


def is_url(entry: str) -> bool:
    """Whether an entry is a source URL by its form; else it is a job id."""
    return "://" in entry


def mistake_in(entry: str, kind: EntryKind | None = None) -> str | None:
    """Why `entry` can be no job id or no source URL (with `kind`: not of this one); None where it may be one."""
    if not entry.isprintable() or any(character.isspace() for character in entry):
        return "an entry must not contain spaces or control characters"
    if is_url(entry):
        if kind is EntryKind.JOB_IDS:
            return "a URL where a job id is expected: it belongs under upload_urls"
        if not _URL.fullmatch(entry):
            return "not a URL: it begins with a scheme such as https://, and holds no quotes or angle brackets"
        return None if len(entry) <= _LONGEST_URL else f"a URL of more than {_LONGEST_URL} characters"
    if kind is EntryKind.UPLOAD_URLS:
        return "not a URL"
    return None if not entry or ID_FORM.fullmatch(entry) else "a job id is up to 256 letters, digits, `-` and `_`"


def _lines(file: Path, roots: Roots) -> list[str]:
    data = roots.read(file, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        return data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from error


def _entries(line: str, kind: EntryKind) -> Iterator[str]:
    text = line.strip()
    if not text or text.startswith("#"):
        return
    if text[0] in "[]" or text.startswith("- "):
        raise _LineError("one entry a line, without the brackets or dashes of a list")
    quoted = _QUOTED.fullmatch(text)
    for entry in _saved_answer(text, kind) if text.startswith("{") else [quoted["entry"] if quoted else text]:
        if reason := mistake_in(entry):
            raise _LineError(reason)
        if entry:
            yield entry


def _saved_answer(text: str, kind: EntryKind) -> Iterator[str]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _LineError("not a JSON object on one line") from error
    jobs = answer.get("UploadJobs", answer)
    if isinstance(jobs, dict):
        jobs = jobs.get("UploadJob")
    if not isinstance(jobs, list):
        raise _LineError("no answer of UploadMediaByURL: it has no list `UploadJobs`")
    for job in jobs:
        keys = sorted(EntryKind, key=lambda other: other is not kind)
        named = [job.get(key.answer_key) for key in keys] if isinstance(job, dict) else []
        entry = next((text for text in named if isinstance(text, str) and text), None)
        if entry is None:
            raise _LineError("a job of this answer has neither `JobId` nor `SourceURL`")
        yield entry


def _diagnostic(shown: str, line: int, message: str, kind: EntryKind) -> Diagnostic:
    """The line itself is not quoted: whoever proposes a configuration names the file, and any may be named."""
    location = Location(shown, line, 1)
    return Diagnostic(Severity.ERROR, message, location, path=f"inventory.{kind}", rule=Rule.INVENTORY)
