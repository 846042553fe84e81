"""What changed between two plans as GitHub-flavoured Markdown, within the limit of a comment."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.planning.field_differences import difference_words
from reconciler.redaction import presentable
from reconciler.reports.cells import counted
from reconciler.reports.difference.text import (
    counts_words,
    digest_rows,
    part_name,
    plan_rows,
    summary_words,
    task_words,
)
from reconciler.reports.markdown.parts import Detail, callout, code, fitted, folded, note_item, table
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.planning.difference import PlanDifference, PolicyDifference, ScopeDifference
    from reconciler.planning.field_differences import FieldDifference
    from reconciler.planning.task_differences import TaskDifference

_CELLS = 160


def render_difference_markdown(found: PlanDifference, *, names: tuple[str, str] = ("old", "new")) -> str:
    """The difference in at most 60,000 characters. `names` are the files."""
    return fitted(lambda detail: _composed(found, names, detail))


def _composed(found: PlanDifference, names: tuple[str, str], detail: Detail) -> str:
    parts = [
        *_tasks(found.tasks, detail),
        _parts("Policies", found.policies, detail),
        _parts("Scopes", found.scopes, detail),
        _list("Made from", [f"- {_field(field)}" for field in found.general]),
        _list("New diagnostics", [note_item(note) for note in detail.notes(found.diagnostics.added)]),
        _list("Diagnostics that are gone", [note_item(note) for note in detail.notes(found.diagnostics.removed)]),
        "\n".join(f"- {code(row, _CELLS)}" for row in (*plan_rows(found), *digest_rows(found))),
    ]
    left = f"Shortened to fit a comment: {counted(detail.left_out, 'line')} left out; text and JSON have all of them."
    cut = [callout("NOTE", [left])] if detail.left_out else []
    made = (
        f"{code(presentable(name))} of {format_timestamp(plan.created_at)}"
        for name, plan in zip(names, (found.old_plan, found.new_plan), strict=True)
    )
    heading = f"## reconciler diff: {summary_words(found)}\n\n{' → '.join(made)}"
    return "\n\n".join(part for part in (heading, *cut, *parts) if part) + "\n"


def _tasks(tasks: Sequence[TaskDifference], detail: Detail) -> Iterator[str]:
    scopes = [list(group) for _, group in groupby(tasks, key=lambda task: (task.key.target, task.key.resource))]
    shown = scopes[: detail.policy_limit]
    yield from (_scope(found, detail) for found in shown)
    rest = scopes[len(shown) :]
    if rest:
        left = sum(map(len, rest))
        detail.left_out += left
        yield f"and {counted(left, 'more task')} in {counted(len(rest), 'more scope')}"


def _scope(found: Sequence[TaskDifference], detail: Detail) -> str:
    """The tasks of one scope in a table, or only how many there are."""
    key = found[0].key
    rows = [
        [task.kind.value, code(task.key.id), code(task_words(task), _CELLS), code(_fields(task.fields), _CELLS)]
        for task in detail.rows(found)
    ]
    summary = f"{code(key.resource)} on {code(key.target)}: {counts_words(task.kind for task in found)}"
    if not rows:
        return f"- {summary}"
    first = f" (the first {len(rows)})" if len(rows) < len(found) else ""
    return folded(f"{summary}{first}", table(["", "task", "what a plan does with it", "fields"], rows))


def _parts(title: str, parts: Sequence[PolicyDifference | ScopeDifference], detail: Detail) -> str:
    """Those of one title, and how many more there are of them."""
    shown = detail.policies(parts)
    lines = [f"- {code(part_name(part))} {code(_fields(part.fields), _CELLS)}".rstrip() for part in shown]
    rest = len(parts) - len(shown)
    return _list(title, [*lines, *([f"- and {rest} more"] if rest else [])])


def _list(title: str, lines: Sequence[str]) -> str:
    return "\n".join((f"**{title}**", "", *lines)) if lines else ""


def _fields(fields: Sequence[FieldDifference]) -> str:
    return "; ".join(map(_field_words, fields))


def _field(field: FieldDifference) -> str:
    return code(_field_words(field), _CELLS)


def _field_words(field: FieldDifference) -> str:
    return f"{field.field}: {difference_words(field)}"
