"""What an examination of the targets found: as text to act on, and as data for a bug report."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from reconciler.documents.document import Format
from reconciler.engine.doctor import Examination, Verdict
from reconciler.reports.cells import Palette, counted
from reconciler.reports.commands import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.engine.doctor import Check, Examined

DOCTOR = Format("reconciler.doctor", "1.0", Examination, "What `reconciler doctor` found of each target")

_NO_TARGET = "The configuration has no target to examine.\n"
_NOT_SEEN = "Only reading was tried: what a cancellation needs shows with `reconciler permissions`, not here."


def render_doctor(found: Examination, paths: Sequence[str] = (), *, color: bool, columns: int) -> str:
    """Target by target, with what to do, in lines of `columns` cells. `paths` are those of the configuration."""
    if not found.targets:
        return _NO_TARGET
    palette = Palette(color)
    blocks = ["\n".join(_block(target, paths, palette, columns)) for target in found.targets]
    return "\n\n".join([*blocks, *_conclusion(found, palette, columns)]) + "\n"


def _block(target: Examined, paths: Sequence[str], palette: Palette, columns: int) -> Iterator[str]:
    yield f"{palette.bold(target.target)} ({target.provider}, {target.region})"
    lead = " " * 10
    for checks in _grouped(target):
        check = checks[0]
        title = ", ".join(each.resource or each.subject.value for each in checks)
        mark = _painted(check.verdict, f"  {check.verdict.value:<8}", palette)
        lines = _wrapped(f"{title}: {check.message}", columns - len(lead))
        yield mark + lines[0]
        yield from (lead + line for line in lines[1:])
        if advice := _advice(checks, paths):
            first, *rest = _wrapped(f"{advice[0].upper()}{advice[1:]}", columns - len(lead) - 3)
            yield f"{lead}-> {first}"
            yield from (f"{lead}   {line}" for line in rest)


def _grouped(target: Examined) -> list[list[Check]]:
    """Checks that say the same of several resource types stand together, what is to be granted for them as well."""
    groups: dict[tuple[object, ...], list[Check]] = {}
    for check in target.checks:
        advice = None if check.permission else check.advice
        groups.setdefault((check.subject, check.verdict, check.message, advice), []).append(check)
    return list(groups.values())


def _advice(checks: Sequence[Check], paths: Sequence[str]) -> str:
    if checks[0].permission is None:
        return checks[0].advice
    names = ", ".join(each.permission or "" for each in checks)
    return f"grant {names}; `{command_line('permissions', paths)}` writes the whole document"


def _painted(verdict: Verdict, text: str, palette: Palette) -> str:
    match verdict:
        case Verdict.OK:
            return palette.green(text)
        case Verdict.WARNING:
            return palette.yellow(text)
        case Verdict.ERROR:
            return palette.red(text)


def _conclusion(found: Examination, palette: Palette, columns: int) -> Iterator[str]:
    summary = found.summary
    counts = ", ".join(
        (
            f"{summary[Verdict.OK]} ok",
            counted(summary[Verdict.WARNING], "warning"),
            counted(summary[Verdict.ERROR], "error"),
        )
    )
    says = f"Doctor: {counted(len(found.targets), 'target')}, {counted(sum(summary.values()), 'check')}: {counts}."
    yield palette.bold(says)
    yield "\n".join(_wrapped(_NOT_SEEN, columns))


def _wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(text, max(columns, 20), break_long_words=False, break_on_hyphens=False) or [""]
