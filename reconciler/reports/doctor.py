"""What an examination of the targets found: as text to act on, and as data for a bug report."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from reconciler.documents.document import Format
from reconciler.engine.doctor import Examination, Verdict
from reconciler.reports.cells import Palette, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.engine.doctor import Check, Examined

DOCTOR = Format("reconciler.doctor", "1.0", Examination, "What `reconciler doctor` found of each target")

_NO_TARGET = "The configuration has no target to examine.\n"
_NOT_SEEN = "Only reading was tried: what a cancellation needs shows with `reconciler permissions`, not here."


def render_doctor(found: Examination, *, color: bool, columns: int) -> str:
    """Target by target, the worst of each matter with what to do, in lines of `columns` cells."""
    if not found.targets:
        return _NO_TARGET
    palette = Palette(color)
    blocks = ["\n".join(_block(target, palette, columns)) for target in found.targets]
    return "\n\n".join([*blocks, *_conclusion(found, palette, columns)]) + "\n"


def _block(target: Examined, palette: Palette, columns: int) -> Iterator[str]:
    yield f"{palette.bold(target.target)} ({target.provider}, {target.region})"
    for check, names in _grouped(target).items():
        title = ", ".join(names)
        mark = _painted(check.verdict, f"  {check.verdict.value:<8}", palette)
        lead = " " * 10
        lines = _wrapped(f"{title}: {check.message}", columns - len(lead))
        yield mark + lines[0]
        yield from (lead + line for line in lines[1:])
        if check.advice:
            advice = f"{check.advice[0].upper()}{check.advice[1:]}"
            first, *rest = _wrapped(advice, columns - len(lead) - 3)
            yield f"{lead}-> {first}"
            yield from (f"{lead}   {line}" for line in rest)


def _grouped(target: Examined) -> dict[Check, list[str]]:
    """Checks that say the same of several resource types stand once, with the names of all."""
    groups: dict[tuple[object, ...], tuple[Check, list[str]]] = {}
    for check in target.checks:
        what = check.resource or check.subject.value
        key = (check.subject, check.verdict, check.message, check.advice)
        groups.setdefault(key, (check, []))[1].append(what)
    return {id_check[0]: id_check[1] for id_check in groups.values()}


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
