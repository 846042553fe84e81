"""The answer of `why` for a terminal: the task, then each policy with the tree of its conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.planning.remedies import enough_for
from reconciler.planning.why import Verdict
from reconciler.reports.cells import Palette, counted, padded, width
from reconciler.reports.text.tasks import dated, fields
from reconciler.reports.why.words import (
    ONLY,
    breaches_of,
    ensure_words,
    outcome_words,
    protection_words,
    truth_word,
    value_words,
    verdict_words,
)
from reconciler.reports.wording import ALLOW_ALL
from reconciler.selectors.syntax import AllOf, AnyOf, Negation, Truth
from reconciler.selectors.trace import describe, leaves
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.planning.change import Observed
    from reconciler.planning.plan import Plan
    from reconciler.planning.why import PolicyAccount, ProtectionAccount, TaskAccount, Why
    from reconciler.selectors.trace import Trace

_MARK = "-->"
_ORDER = tuple(Verdict)
"""Policies with a say come first."""
_HEADING_CELLS = 320
_CONDITION_CELLS = 60
_VALUE_CELLS = 80
_TRUTH_CELLS = len("unknown")


class _Line(NamedTuple):
    """One node of a tree."""

    depth: int
    truth: Truth
    condition: str
    value: str
    marked: bool


def render_why(answer: Why, *, color: bool = False, verbose: bool = False) -> str:
    """The tasks that were found, as text. `verbose` shows conditions and values whole. Empty where there is none."""
    page = _Page(Palette(color, verbose), answer.now)
    blocks = [block for task in answer.tasks for block in page.task(task, answer.plan)]
    if blocks and answer.taken_at is not None:
        note = f"From a snapshot of {format_timestamp(answer.taken_at)}, not from the clouds as they are now."
        blocks.insert(0, [page.paint.yellow(note)])
    if page.has_marks:
        blocks.append([f"{_MARK} marks what decides: with it as it is, the other conditions change nothing."])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n" if blocks else ""


class _Page:
    """Writes the blocks of one answer."""

    def __init__(self, paint: Palette, now: int) -> None:
        self.paint = paint
        self.now = now
        self.has_marks = False

    def task(self, task: TaskAccount, plan: Plan) -> Iterator[list[str]]:
        """The blocks of one task: itself, then policies, then protections."""
        heading = self.paint.fitted(" / ".join(task.key), _HEADING_CELLS)
        yield [self.paint.bold(heading), f"  {outcome_words(task)}", *self._refusals(task, plan), *self._caveat(task)]
        yield self._fields(task)
        look = "policy looks" if len(task.policies) == 1 else "policies look"
        elsewhere = f" ({task.elsewhere} more at other targets or resource types)" if task.elsewhere else ""
        yield [self.paint.bold(f"{len(task.policies)} {look} at it{elsewhere}")]
        for policy in sorted(task.policies, key=lambda account: _ORDER.index(account.verdict)):
            yield self._policy(policy, task.fields)
        if task.protections:
            yield [self.paint.bold(f"{counted(len(task.protections), 'protection')} of its resource type")]
        for protection in task.protections:
            yield self._protection(protection, task.fields)

    def _refusals(self, task: TaskAccount, plan: Plan) -> list[str]:
        """The guards that keep policies from changing it."""
        breaches = [self.paint.red(f"    ! {breach}") for breach in breaches_of(task, plan)]
        return [*breaches, f"    {ALLOW_ALL} {enough_for(plan).flags}"] if breaches else []

    def _caveat(self, task: TaskAccount) -> list[str]:
        if task.complete:
            return []
        return [self.paint.yellow("  Its scope could not be listed whole: other tasks of its group may be missing.")]

    def _fields(self, task: TaskAccount) -> list[str]:
        rows = [(name, dated(name, value, self.now)) for name, value in fields(task.fields)]
        longest = max(width(name) for name, _ in rows)
        return [f"  {self.paint.faint(padded(name, longest))}  {self.paint.fitted(value, 120)}" for name, value in rows]

    def _policy(self, account: PolicyAccount, observed: Observed) -> list[str]:
        heading = f"  {account.policy.name}: {verdict_words(account)}"
        location = account.policy.location
        place = f" ({location.file}:{location.line})" if location else ""
        lines = [self._colored(heading, account.verdict), f"    {self.paint.faint(ensure_words(account) + place)}"]
        lines += self._tree(account.trace, observed)
        if account.only is not None:
            lines += [f"    {self.paint.faint(ONLY)}", *self._tree(account.only, observed)]
        return lines

    def _colored(self, heading: str, verdict: Verdict) -> str:
        match verdict:
            case Verdict.CHANGED | Verdict.REFUSED:
                return self.paint.red(heading)
            case (
                Verdict.DEFERRED
                | Verdict.REPORTED
                | Verdict.BLOCKED
                | Verdict.PROTECTED
                | Verdict.NOT_ACTING
                | Verdict.SUSPENDED
            ):
                return self.paint.yellow(heading)
            case _:
                return heading

    def _protection(self, account: ProtectionAccount, observed: Observed) -> list[str]:
        heading = f"  {account.name}: {protection_words(account)}"
        return [self.paint.yellow(heading) if account.holds else heading, *self._tree(account.trace, observed)]

    def _tree(self, root: Trace, observed: Observed) -> list[str]:
        """The conditions in the order written: what decides, its truth, the condition and what it found."""
        telling = root.truth is not Truth.TRUE or any(not leaf.decides for leaf in leaves(root))
        rows = list(self._rows(root, observed, 0, telling=telling))
        self.has_marks = self.has_marks or any(row.marked for row in rows)
        longest = max((2 * row.depth + width(row.condition) for row in rows if row.value), default=0)
        return [self._row(row, longest) for row in rows]

    def _rows(self, node: Trace, observed: Observed, depth: int, *, telling: bool) -> Iterator[_Line]:
        match node.selector:
            case AllOf() | AnyOf() | Negation():
                yield _Line(depth, node.truth, _compound(node), "", marked=False)
                for part in _parts(node):
                    yield from self._rows(part, observed, depth + 1, telling=telling)
            case _:
                condition = self.paint.fitted(describe(node.selector), _CONDITION_CELLS)
                value = self.paint.fitted(value_words(node, observed, self.now), _VALUE_CELLS)
                yield _Line(depth, node.truth, condition, value, marked=telling and node.decides)

    def _row(self, row: _Line, longest: int) -> str:
        mark = self.paint.bold(_MARK) if row.marked else " " * len(_MARK)
        truth = self._truth(row.truth) + " " * (_TRUTH_CELLS - len(truth_word(row.truth)))
        text = "  " * row.depth + row.condition
        value = f"{' ' * (longest - width(text))}  {row.value}" if row.value else ""
        return f"  {mark} {truth}  {text}{value}".rstrip()

    def _truth(self, truth: Truth) -> str:
        paint = {Truth.TRUE: self.paint.green, Truth.FALSE: self.paint.red, Truth.UNKNOWN: self.paint.yellow}
        return paint[truth](truth_word(truth))


def _compound(node: Trace) -> str:
    match node.selector:
        case AllOf():
            return "all of"
        case AnyOf():
            return "any of"
        case _:
            return "not"


def _parts(node: Trace) -> Iterator[Trace]:
    """The parts of a node; an AND within an AND says nothing of its own."""
    for part in node.parts:
        if isinstance(node.selector, AllOf) and isinstance(part.selector, AllOf):
            yield from _parts(part)
        else:
            yield part
