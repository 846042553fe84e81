"""What changed between two plans, for a terminal: the tasks by scope, then what is about the plans as a whole.

Its sentences are those of the comment as well.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.planning.field_differences import difference_words, value_words
from reconciler.planning.task_differences import Kind, Standing
from reconciler.redaction import presentable
from reconciler.reports import TaskView
from reconciler.reports.cells import Palette, clipped, padded, width, wrapped
from reconciler.reports.text.plan import note_line
from reconciler.reports.wording import plan_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.planning.difference import PlanDifference, PolicyDifference, ScopeDifference
    from reconciler.planning.field_differences import FieldDifference
    from reconciler.planning.plan import Plan
    from reconciler.planning.task_differences import TaskDifference

_SYMBOLS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}
_NAME_CELLS = 40
_EXAMPLES = 3


def render_difference(
    found: PlanDifference,
    *,
    names: tuple[str, str] = ("old", "new"),
    color: bool = False,
    view: TaskView = TaskView.AUTO,
    columns: int | None = None,
) -> str:
    """The difference as text. `names` are the files, `view` is how much is said of each task, `columns` how many cells
    a line has (None: as many as it takes)."""
    page = _Page(Palette(color))
    old, new = names
    sections = [
        [
            page.paint.bold(f"reconciler diff: {summary_words(found)}"),
            _made(found.old_plan, old),
            _made(found.new_plan, new),
        ],
        *page.tasks(found.tasks, view.of(len(found.tasks))),
        page.parts("Policies", found.policies),
        page.parts("Scopes", found.scopes),
        page.general(found),
        page.notes(found),
        page.closing(found),
    ]
    return wrapped("\n\n".join("\n".join(lines) for lines in sections if lines) + "\n", columns)


def _made(plan: Plan, name: str) -> str:
    return f"  {presentable(name)}: made at {plan.created_at} by reconciler {plan.tool_version}"


class _Page:
    """Writes the sections of one difference."""

    def __init__(self, paint: Palette) -> None:
        self.paint = paint

    def tasks(self, tasks: Sequence[TaskDifference], view: TaskView) -> Iterator[list[str]]:
        for (target, resource), group in groupby(tasks, key=lambda task: (task.key.target, task.key.resource)):
            found = list(group)
            lines = [self.paint.bold(f"{target} / {resource}: {counts_words(task.kind for task in found)}")]
            for task in found[: _EXAMPLES if view is TaskView.SUMMARY else None]:
                lines.append(self._entry(task.kind, f"{task.key.id}: {task_words(task)}"))
                if view is TaskView.FULL:
                    lines += self._fields([field for field in task.fields if field.field != "standing"])
            if view is TaskView.SUMMARY and len(found) > _EXAMPLES:
                lines.append(f"  and {len(found) - _EXAMPLES} more")
            yield lines
        if view is not TaskView.FULL:
            yield ["Each task: --view list. All that differs in each: --view full."]

    def parts(self, title: str, parts: Iterable[PolicyDifference | ScopeDifference]) -> list[str]:
        lines = []
        for part in parts:
            lines.append(self._entry(part.kind, part_name(part)))
            lines += self._fields(part.fields)
        return [self.paint.bold(title), *lines] if lines else []

    def _entry(self, kind: Kind, text: str) -> str:
        return self._colors[kind](f"  {_SYMBOLS[kind]} {text}")

    @property
    def _colors(self) -> dict[Kind, Callable[[str], str]]:
        return {Kind.ADDED: self.paint.green, Kind.REMOVED: self.paint.red, Kind.CHANGED: self.paint.yellow}

    def _fields(self, fields: Sequence[FieldDifference]) -> Iterator[str]:
        """One line for each field, with all that differs in it."""
        rows = [
            (clipped(name, _NAME_CELLS), ", ".join(map(difference_words, group)))
            for name, group in groupby(fields, key=lambda entry: entry.field)
        ]
        longest = max((width(name) for name, _ in rows), default=0)
        for name, words in rows:
            yield f"      {self.paint.faint(padded(name, longest))}  {words}"

    def general(self, found: PlanDifference) -> list[str]:
        if not found.general:
            return []
        return [self.paint.bold("Made from"), *self._fields(found.general)]

    def notes(self, found: PlanDifference) -> list[str]:
        lines = [f"  + {note_line(note).strip()}" for note in found.diagnostics.added]
        lines += [f"  - {note_line(note).strip()}" for note in found.diagnostics.removed]
        return [self.paint.bold("Diagnostics"), *lines] if lines else []

    def closing(self, found: PlanDifference) -> list[str]:
        return [*plan_rows(found), *digest_rows(found)]


def counts_words(kinds: Iterable[Kind]) -> str:
    """`3 added, 1 changed`: those that there are."""
    counts = Counter(kinds)
    return ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind if counts[kind])


def summary_words(found: PlanDifference) -> str:
    """How many tasks differ, or that nothing does."""
    if found.same:
        return "no differences"
    return f"tasks: {counts_words(task.kind for task in found.tasks)}" if found.tasks else "no task differs"


def task_words(task: TaskDifference) -> str:
    """`cancel -> blocked`; of one that is in one plan only, with its status and policies."""
    if task.before is not None and task.now is not None:
        before, now = task.before.text, task.now.text
        return before if before == now else f"{before} -> {now}"
    standing = task.now or task.before or Standing()
    names = dict.fromkeys(policy for entry in standing.entries for policy in entry.policies)
    return f"{standing.text} ({value_words(standing.status)}, for {value_words(tuple(names))})"


def part_name(part: PolicyDifference | ScopeDifference) -> str:
    """Name of a policy or scope; of one that is in one plan only, it says so."""
    name = part.name
    return name if part.kind is Kind.CHANGED else f"{name} ({part.kind.value})"


def plan_rows(found: PlanDifference) -> list[str]:
    """What each plan comes to."""
    old, new = (f"{plan_counts(plan)} ({plan.outcome})" for plan in (found.old_plan, found.new_plan))
    return [f"Both plans: {new}"] if found.same and old == new else [f"Old plan: {old}", f"New plan: {new}"]


def digest_rows(found: PlanDifference) -> list[str]:
    """The digests, and what they mean for an approval."""
    if found.same_digest:
        return [f"Digest: {found.new_plan.digest}", "It is the same for both: an approval of one holds for the other."]
    return [
        f"Old digest: {found.old_plan.digest}",
        f"New digest: {found.new_plan.digest}",
        "They differ: an approval of the old plan does not hold for the new one.",
    ]
