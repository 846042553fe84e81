"""The plan as a comment on a pull request: one comment, found again by its first line, within GitHub's limit.

What a reviewer decides by stands open: what is refused, what will be deleted and canceled, and why, what is left alone,
how to apply or refuse it. The tasks are folded below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.reports.ages import age_of, until
from reconciler.reports.commands import apply_saved, approval
from reconciler.reports.markdown.budget import BUDGET, Detail, fitted
from reconciler.reports.markdown.marker import Marker, MarkerKind, key_of
from reconciler.reports.markdown.parts import code, comment, folded, listed, note_item, table
from reconciler.reports.markdown.reasons import cancels, cautions, deletes, skipped
from reconciler.reports.markdown.tasks import change_tables, skipped_tables
from reconciler.reports.tally import Tally
from reconciler.reports.wording import (
    KINDS,
    counted,
    flags,
    overrides_flags,
    plan_counts,
    plan_sentence,
    unplaced_notes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import Note, PolicyPlan

__all__ = ["render_plan_markdown"]

_DESCRIPTION = 160
"""Characters of a policy's description."""
_LONGEST_COMMAND = 2_000
"""Characters. One that is cut would be another command."""


def render_plan_markdown(
    plan: Plan,
    *,
    now: int,
    budget: int = BUDGET,
    saved_to: str | None = None,
    paths: Sequence[str] | None = None,
) -> str:
    """The plan as Markdown of GitHub and GitLab, of at most `budget` characters. Ages are reckoned from `now`.

    `saved_to` is the path that the plan was saved under, `paths` are those it was made from (None: not known).
    """
    tally, command = Tally.of(plan), apply_saved(plan, saved_to, paths)
    return fitted(lambda detail: _composed(plan, tally, now, detail, command), budget)


def _composed(plan: Plan, tally: Tally, now: int, detail: Detail, command: str) -> str:
    parts = [
        f"## reconciler plan: {plan_counts(plan)}",
        plan_sentence(plan) or "",
        cautions(plan, detail),
        deletes(plan, tally, detail),
        cancels(plan, tally, detail),
        *skipped(plan, detail),
        _next_step(plan, now, command),
        _facts(plan, tally, now),
        _policies(plan, tally, now, detail),
        *change_tables(tally, now, detail),
        *skipped_tables(plan, now, detail),
        "\n".join(detail.bullets(_warnings(plan), note_item, "warning")),
    ]
    return comment(_marker(plan, tally, detail), detail.left_out, parts)


def _marker(plan: Plan, tally: Tally, detail: Detail) -> str:
    return Marker(
        MarkerKind.PLAN,
        key=key_of(plan.targets),
        digest=tally.digest,
        outcome=plan.outcome,
        changes=len(plan.changes),
        valid_at=plan.created_at,
        applyable=plan.applyable,
        truncated=detail.left_out > 0,
        expires_at=plan.expires_at,
    ).render()


def _warnings(plan: Plan) -> list[Note]:
    return [note for note in unplaced_notes(plan) if note.severity is not Severity.ERROR]


def _next_step(plan: Plan, now: int, command: str) -> str:
    """How to apply the plan, and how to refuse it."""
    if not plan.changes:
        return ""
    refuse = "- **To refuse it:** close this request, or change the policies and plan again."
    if plan.breached:
        allow = f"raise the limits in the policies, or plan again with {code(flags(plan), 160)}."
        return f"- **To allow it:** {allow}\n{refuse} As it stands, nothing of it can be applied."
    if now >= plan.expires_at:
        return f"- **It has expired**, so it cannot be applied: plan again.\n{refuse}"
    line = code(f"{command} {approval(plan)}", _LONGEST_COMMAND)
    return f"- **To apply it**, and nothing more: {line}\n{refuse} Nothing is done before an apply."


def _facts(plan: Plan, tally: Tally, now: int) -> str:
    given = overrides_flags(plan.overrides)
    facts = [
        f"Outcome {plan.outcome}",
        f"digest {code(tally.digest)}",
        f"{counted(len(plan.scopes), 'scope')} listed",
        f"made {plan.created_at}, {until(plan.expires_at, now)} ({plan.expires_at})",
        f"reconciler {code(plan.tool_version)}",
    ]
    facts += [f"limits overridden by {code(given)}"] if given else []
    return " · ".join(facts)


def _policies(plan: Plan, tally: Tally, now: int, detail: Detail) -> str:
    """The table of policies, folded where none of them asks for anything; then those that are suspended, by name."""
    ranked = tally.ranked(plan.policies)
    rows = [_policy(policy, tally, now) for policy in detail.policies(ranked)]
    rest = len(ranked) - len(rows)
    lines = [
        table(["policy", *KINDS.values(), "blocked", "protected", "kept", "unknown", "oldest"], rows),
        f"\nand {rest} more of {len(ranked)} policies" if rest else "",
        _suspended(plan, detail),
    ]
    body = "\n".join(line for line in lines if line)
    asked = plan.changes or plan.blocked or plan.protected
    title = "1 policy" if len(ranked) == 1 else f"{len(ranked)} policies"
    return body if asked or not ranked else folded(title, body)


def _policy(policy: PolicyPlan, tally: Tally, now: int) -> list[str]:
    trait = " (suspended)" if policy.suspended else ""
    described = f"<br>{code(policy.description, _DESCRIPTION)}" if policy.description else ""
    return [
        f"{code(policy.name)}{trait}{described}",
        *map(str, tally.counts(policy.name)),
        *(str(count) for count in (policy.blocked, policy.protected, policy.kept, policy.unknown)),
        age_of(tally.oldest.get(policy.name), now) or "",
    ]


def _suspended(plan: Plan, detail: Detail) -> str:
    names = [policy.name for policy in plan.policies if policy.suspended]
    return f"\nSuspended, so not checked: {listed(detail.notes(names), len(names))}" if names else ""
