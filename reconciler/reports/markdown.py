"""The plan as a comment on a pull request: one comment, found again by its first line, within GitHub's limit."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from reconciler.planning.records import rfc3339
from reconciler.reports.ages import age_of, until
from reconciler.reports.budget import Detail, fitted
from reconciler.reports.escape import code, marker
from reconciler.reports.markdown_parts import callout, comment, folded, note_item, table
from reconciler.reports.task_block import fields
from reconciler.reports.wording import (
    counted,
    flags,
    guard_breach,
    guard_remedy,
    open_scopes,
    overrides_flags,
    plan_counts,
    plan_sentence,
    scope_error,
    status_text,
    steps_words,
    unplaced_notes,
)
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.planning.plan import Change, GuardVerdict, Note, Plan, PolicyVerdict, Spared

__all__ = ["render_plan_markdown"]


def render_plan_markdown(plan: Plan, *, now: int) -> str:
    """The plan as GitHub-flavoured Markdown of at most 60,000 characters. Ages are reckoned from `now`."""
    return fitted(lambda detail: _composed(plan, now, detail))


def _composed(plan: Plan, now: int, detail: Detail) -> str:
    parts = [
        f"## reconciler plan: {plan_counts(plan)}",
        plan_sentence(plan) or "",
        _caution(plan, detail),
        _facts(plan, now),
        _policies(plan, now, detail),
        *_groups(plan, now, detail),
        *_spared("Blocked", plan.blocked, now, detail),
        *_spared("Protected", plan.protected, now, detail),
        "\n".join(note_item(note) for note in detail.notes(_warnings(plan))),
        _next_step(plan),
    ]
    return comment(_marker(plan, detail), detail.left_out, parts)


def _marker(plan: Plan, detail: Detail) -> str:
    """`key` is the same for every plan of the same targets, so that each set of targets keeps its own comment."""
    targets = sorted({scope.target for scope in plan.scopes})
    return marker(
        "plan",
        {
            "key": hashlib.sha256("\n".join(targets).encode("utf-8", "surrogatepass")).hexdigest()[:12],
            "digest": plan.digest,
            "outcome": plan.outcome,
            "changes": len(plan.changes),
            "valid_at": rfc3339(plan.created_at),
            "truncated": detail.left_out > 0,
        },
    )


def _warnings(plan: Plan) -> list[Note]:
    return [note for note in unplaced_notes(plan) if note.severity != "error"]


def _caution(plan: Plan, detail: Detail) -> str:
    """What a reviewer must not overlook: scopes that were not seen whole, errors, guards that refuse."""
    lines = [_breach(policy, verdict) for policy in plan.policies for verdict in policy.breaches]
    scopes = [scope_error(scope) for scope in open_scopes(plan)]
    lines += [f"- {code(what, 240)}<br>{consequence}" for what, consequence in scopes]
    lines += [note_item(note) for note in unplaced_notes(plan) if note.severity == "error"]
    lines = list(detail.notes(lines))
    if not lines:
        return ""
    if plan.breached:
        lines = ["**A guard refuses this plan: nothing of it will be applied.**", *lines]
        lines.append(f"- To allow all of it, on plan and apply: {code(flags(plan))}")
    if not plan.complete:
        lines = ["**This plan is not the whole truth: some scope was not observed whole.**", *lines]
    return callout("CAUTION", lines)


def _breach(policy: PolicyVerdict, verdict: GuardVerdict) -> str:
    flag, limit = guard_remedy(verdict)
    return f"- {code(guard_breach(policy, verdict), 240)}, to allow it: {code(flag)} or {code(limit)} in the policy"


def _facts(plan: Plan, now: int) -> str:
    given = overrides_flags(plan.overrides)
    facts = [
        f"Outcome {plan.outcome}",
        f"digest {code(plan.digest)}",
        f"{counted(len(plan.scopes), 'scope')} listed",
        f"made {rfc3339(plan.created_at)}, {until(plan.expires_at, now)}",
        f"reconciler {code(plan.tool_version)}",
    ]
    facts += [f"limits overridden by {code(given)}"] if given else []
    return " · ".join(facts)


def _policies(plan: Plan, now: int, detail: Detail) -> str:
    """The table of policies; those that do most come first, since they stay when it is cut."""
    actions = Counter((policy, step) for change in plan.changes for policy in change.policies for step in change.steps)
    ranked = sorted(plan.policies, key=lambda policy: (-policy.changes, -policy.blocked, policy.name))
    oldest = _oldest(plan.changes)
    rows = [
        [
            f"{code(policy.name)}{_traits(policy)}",
            *(str(actions[policy.name, step]) for step in (Action.CANCEL, Action.DELETE)),
            *(str(count) for count in (policy.blocked, policy.protected, policy.kept, policy.unknown)),
            age_of(oldest.get(policy.name), now) or "",
        ]
        for policy in detail.policies(ranked)
    ]
    return table(["policy", "cancel", "delete", "blocked", "protected", "kept", "unknown", "oldest"], rows)


def _traits(policy: PolicyVerdict) -> str:
    traits = (("suspended", policy.suspended), ("blocked tasks fail it", policy.blocked and policy.fails_on_blocked))
    return "".join(f" ({trait})" for trait, shown in traits if shown)


def _oldest(changes: Sequence[Change]) -> dict[str, str]:
    """Time of creation of the oldest task that each policy changes; RFC 3339 in UTC sorts as text."""
    oldest: dict[str, str] = {}
    for change in changes:
        created = change.observed.get("created_at")
        if isinstance(created, str):
            oldest.update({policy: min(created, oldest.get(policy, created)) for policy in change.policies})
    return oldest


def _groups(plan: Plan, now: int, detail: Detail) -> Iterator[str]:
    """The changes, folded by policies and resource type."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for change in plan.changes:
        groups.setdefault((", ".join(change.policies), change.resource), []).append(change)
    for (policies, resource), changes in sorted(groups.items()):
        summary = f"{code(policies)} on {code(resource)}: {counted(len(changes), 'change')}"
        rows = [[steps_words(change.steps), *_task(change, now)] for change in detail.rows(changes)]
        if rows:
            yield folded(_first(summary, len(rows), len(changes)), table(["do", *_TASK], rows))


def _spared(title: str, items: Sequence[Spared], now: int, detail: Detail) -> Iterator[str]:
    rows = [[*_task(item, now), code(", ".join(item.protections or item.policies), 120)] for item in detail.rows(items)]
    if rows:
        by = "protection" if title == "Protected" else "policy"
        yield folded(
            _first(f"{title}: {counted(len(items), 'task')}", len(rows), len(items)), table([*_TASK, by], rows)
        )


def _first(summary: str, shown: int, total: int) -> str:
    return summary if shown == total else f"{summary} (the first {shown})"


_TASK = ("task", "target", "status", "age", "fields", "reason")


def _task(item: Change | Spared, now: int) -> list[str]:
    told = {"status", "created_at"}
    rest = "; ".join(f"{name} {value}" for name, value in fields(item.observed, now) if name not in told)
    age = age_of(item.observed.get("created_at"), now)
    return [
        code(item.task_id),
        code(item.target),
        code(status_text(item.observed)),
        age or "unknown",
        code(rest, 160),
        code(item.reason, 160),
    ]


def _next_step(plan: Plan) -> str:
    if not plan.applyable:
        return ""
    command = f"reconciler apply --plan plan.json --approved-digest {plan.digest}"
    return f"To do this and nothing more: {code(command, 160)}"
