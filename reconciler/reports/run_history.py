"""Past runs, and what one of them did, as tables and as JSON. Pure functions of what the database holds."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from reconciler.backends.entries import (
    ActionRecord,
    ApprovalKind,
    ChangeRecord,
    Holding,
    PlannedOfPolicy,
    RunRecord,
    TaskOutcome,
)
from reconciler.backends.verification import Verdict
from reconciler.documents.document import Format
from reconciler.redaction import Shown
from reconciler.reports.ages import duration
from reconciler.reports.cells import Palette, counted, table
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNFINISHED = "unfinished"
"""Stands for the outcome of a run that is still going on, or was killed: its journal cannot tell which."""

_SHORT_ID = 12
"""The digits of a run's id that hold its time of creation, in milliseconds: enough to name it."""
_SHORT_DIGEST = 12
_CELLS = 160


@dataclass(frozen=True, slots=True)
class Runs(Shown):
    """Past runs."""

    more: bool
    """Whether --limit kept others out."""
    runs: tuple[RunRecord, ...]
    """The latest first."""


@dataclass(frozen=True, slots=True)
class RunDetails(Shown):
    """One run with all that it did."""

    run: RunRecord
    actions: tuple[ActionRecord, ...]
    outcomes: tuple[TaskOutcome, ...]


@dataclass(frozen=True, slots=True)
class Pruning(Shown):
    """What was forgotten."""

    before: Timestamp
    pruned: int
    unsettled: int
    """Runs that stayed, since the next apply has to settle calls of theirs."""


@dataclass(frozen=True, slots=True)
class Unlocking(Shown):
    """The locks that were freed, one at most."""

    freed: tuple[Holding, ...]


RUNS = Format("reconciler.history", "2.0", Runs, "Past runs")
RUN = Format("reconciler.run", "2.0", RunDetails, "One past run")
CHANGE = Format("reconciler.change", "2.0", ChangeRecord, "One change of a past run")
VERIFICATION = Format("reconciler.verification", "2.0", Verdict, "What `reconciler history verify` found")
PRUNING = Format("reconciler.pruning", "2.0", Pruning, "What `reconciler history --prune` forgot")
UNLOCKING = Format("reconciler.unlocking", "2.0", Unlocking, "The locks that `reconciler history unlock` freed")


def render_runs_text(runs: Sequence[RunRecord], *, more: bool) -> str:
    """One line a run. `more` says that there are others, which a limit kept out."""
    head = ("RUN", "BEGAN", "COMMAND", "WHO", "OUTCOME", "EXIT", "TOOK", "CHANGES", "PLAN")
    lines = [*table([head, *(_run_row(run) for run in runs)]), ""] if runs else []
    rest = "; there are more: --limit" if more else ""
    return "\n".join([*lines, f"{counted(len(runs), 'run')}{rest}."]) + "\n"


def render_runs_json(runs: Sequence[RunRecord], *, more: bool) -> str:
    """One document; `more` as in the text."""
    return RUNS.text(Runs(more, tuple(runs)))


def render_run_text(
    run: RunRecord, actions: Sequence[ActionRecord], outcomes: Sequence[TaskOutcome], *, verbose: bool = False
) -> str:
    """One run: when, where and of what plan; each call with its fate; each change with its outcome.

    `verbose` lifts the limit on the length of ids and reasons.
    """
    page = Palette(verbose=verbose)
    sections = [
        _heading(run),
        *([policies] if (policies := _by_policy(run)) else []),
        _section(
            f"Calls: {counted(len(actions), 'attempt')} written down before being sent",
            ("INTENDED", "TASK", "ACTION", "ATTEMPT", "STATE", "TOOK", "ANSWER"),
            [_action_row(action, page) for action in actions],
        ),
        _section(
            f"Outcomes: {counted(len(outcomes), 'change')}",
            ("TASK", "OUTCOME", "STATUS", "POLICIES", "WHY"),
            [_outcome_row(outcome, page) for outcome in outcomes],
        ),
        [f"{run.command.capitalize()}: {run_counts(run.summary) or 'nothing to count'}."]
        if run.summary is not None
        else [_no_end(run)],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def render_run_json(run: RunRecord, actions: Sequence[ActionRecord], outcomes: Sequence[TaskOutcome]) -> str:
    """One document."""
    return RUN.text(RunDetails(run, tuple(actions), tuple(outcomes)))


def render_change_line(change: ChangeRecord) -> str:
    """One line of JSON, which stands for itself: lines of several databases make one file."""
    return f"{json.dumps(CHANGE.document(change), separators=(',', ':'), ensure_ascii=False)}\n"


def render_verdict_text(verdict: Verdict) -> str:
    """Whether the history is as it was written, what is not, and the head to keep."""
    if not verdict.links:
        return "There are no runs yet.\n" if verdict.verified else "There is no history, and the head is of one.\n"
    page = Palette()
    others = {"pruned": verdict.pruned, "not ended": verdict.unfinished, "older than the chain": verdict.before}
    rest = "".join(f", {count} {what}" for what, count in others.items() if count)
    counts = f"{counted(verdict.covered, 'run')} checked{rest}."
    if verdict.verified:
        since = (
            ""
            if verdict.since_head is None
            else f" {counted(verdict.since_head, 'link')} since the head that was given."
        )
        return f"The history is as it was written: {counts}{since}\nHead: {verdict.head}\n"
    rows = [("RUN", "ROW", "WHAT")]
    rows += [
        (one.run_id or "-", page.fitted(one.row, _CELLS), page.fitted(one.what, _CELLS)) for one in verdict.findings
    ]
    more = f"  and {verdict.more} more\n" if verdict.more else ""
    told = "".join(f"  {line}\n" for line in table(rows))
    return f"The history is not as it was written: {counts}\n{told}{more}Head: {verdict.head}\n"


def run_label(run: RunRecord) -> str:
    """The whole id, then `(apply of 2026-01-02T03:04:05Z, ok)`: for messages that tell runs apart."""
    outcome = run.outcome or UNFINISHED
    return f"{run.run_id} ({run.command} of {run.started_at}, {outcome})"


def _short_id(run: RunRecord) -> str:
    return run.run_id[:_SHORT_ID]


_APPROVED = {
    ApprovalKind.DIGEST: "by the digest of the plan",
    ApprovalKind.AUTOMATIC: "automatically",
    ApprovalKind.ASKED: "by who was asked",
}


def _who(run: RunRecord) -> str:
    """`octocat`, whom a CI platform names, or else `me@host`."""
    return "-" if run.author is None else run.author.actor or f"{run.author.user}@{run.host}"


def run_counts(summary: Mapping[str, int] | None) -> str:
    """`2 done, 1 not attempted`; what there is none of is left out."""
    counts = (summary or {}).items()
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts if count)


def _left_alone(run: RunRecord) -> str:
    """`40 deferred, 1 left out`: what the plan of the run held back, or was told to leave out."""
    plan = run.planned
    if plan is None:
        return ""
    held = {"refused": plan.refused, "deferred": plan.deferred, "reported": plan.reported, "left out": plan.excluded}
    return run_counts(held)


def _planned(run: RunRecord) -> list[tuple[str, str]]:
    if run.planned is None:
        return []
    return [("Planned", "; ".join(filter(None, (counted(run.planned.changes, "change"), _left_alone(run)))))]


def _by_policy(run: RunRecord) -> list[str]:
    """What the plan said of each policy, and where that was written."""
    policies = run.planned.policies if run.planned else {}
    columns = [field.name for field in fields(PlannedOfPolicy)]
    columns = [name for name in columns if any(getattr(counts, name) for counts in policies.values())]
    if not policies:
        return []
    rows = [(name, *(str(getattr(counts, column)) for column in columns)) for name, counts in sorted(policies.items())]
    head = ("POLICY", *(column.upper() for column in columns))
    return ["Planned, by policy, in tasks", *(f"  {line}" for line in table([head, *rows], numbers_from=1))]


def _run_row(run: RunRecord) -> tuple[str, ...]:
    took = run.took_ms
    return (
        _short_id(run),
        str(run.started_at),
        run.command,
        _who(run),
        run.outcome or UNFINISHED,
        "-" if run.exit_code is None else str(run.exit_code),
        "-" if took is None else duration(took // 1000),
        "; ".join(filter(None, (run_counts(run.summary), _left_alone(run)))) or "-",
        run.plan_digest.removeprefix("sha256:")[:_SHORT_DIGEST] or "-",
    )


def _heading(run: RunRecord) -> list[str]:
    took = run.took_ms
    state = run.outcome or UNFINISHED
    code = "" if run.exit_code is None else f" (exit {run.exit_code})"
    lasted = "" if took is None else f", took {duration(took // 1000)}"
    facts = [
        ("Began", f"{run.started_at}{lasted}, on {run.host} as process {run.pid}"),
        *([("Who", ", ".join(filter(None, (_who(run), run.author.job))))] if run.author else []),
        ("Plan", run.plan_digest or "none: it settled what an earlier run had left open"),
        *_planned(run),
        *([("Approved", _APPROVED[run.approval])] if run.approval else []),
        ("Configuration", run.fingerprint + (f", commit {run.commit}" if run.commit else "")),
        ("Tool", f"reconciler {run.tool_version}"),
    ]
    return [
        f"Run {run.run_id}: {run.command}, {state}{code}",
        *(f"  {line}" for line in table([(f"{name}:", text) for name, text in facts])),
    ]


def _no_end(run: RunRecord) -> str:
    return f"The run has not ended: it is still going on, or process {run.pid} on {run.host} was killed."


def _section(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [title, *(f"  {line}" for line in table([head, *rows]))] if rows else [title]


def _action_row(action: ActionRecord, page: Palette) -> tuple[str, ...]:
    return (
        str(action.intended_at),
        page.fitted(action.id, _CELLS),
        action.action.value,
        str(action.attempt),
        action.state.value,
        "-" if action.took_ms is None else f"{action.took_ms} ms",
        page.fitted(_answer(action), _CELLS),
    )


def _answer(action: ActionRecord) -> str:
    """What the cloud said to a call that it did not accept, and which run found out what became of it."""
    facts = " ".join(filter(None, (f"HTTP {action.http_status}" if action.http_status else "", action.fault_code)))
    words = ": ".join(filter(None, (facts, action.fault_message)))
    told = f"{action.fault_meaning}: {words}" if action.fault_meaning and words else action.fault_meaning or words
    request = f"request {action.request_id}" if action.request_id else ""
    settled = f"settled by run {action.settled_by[:_SHORT_ID]}" if action.settled_by else ""
    return "; ".join(filter(None, (told, request, settled)))


def _outcome_row(outcome: TaskOutcome, page: Palette) -> tuple[str, ...]:
    return (
        page.fitted(outcome.id, _CELLS),
        outcome.outcome,
        f"{outcome.before} -> {outcome.now or 'not read'}",
        ", ".join(outcome.policies) or "-",
        page.fitted(outcome.detail, _CELLS),
    )
