"""The plan as a page: what speaks against it and how to apply it, and its tables of policies and scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.diagnostics import Severity
from reconciler.planning.remedies import enough_for, needed_together
from reconciler.reports.cells import counted
from reconciler.reports.commands import apply_saved, approval
from reconciler.reports.html.ages import plan_ages
from reconciler.reports.html.elements import Markup, element, joined
from reconciler.reports.html.page_parts import (
    callout,
    command,
    document,
    facts,
    footer,
    job_link,
    masthead,
    note_item,
    page,
)
from reconciler.reports.html.tables import Column, Sort, codes, created, moment, section, table
from reconciler.reports.html.tasks import tasks
from reconciler.reports.tally import Tally
from reconciler.reports.wording import (
    ALLOW_ALL,
    INTOLERANT,
    KINDS,
    LACKING,
    estimate_words,
    guard_breach,
    guard_remedy,
    half_truth,
    open_scopes,
    plan_counts,
    plan_sentence,
    rare_counts,
    scope_error,
    unplaced_notes,
)
from reconciler.tasks.observation import Completeness
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import PolicyPlan, ScopePlan


def render_plan_html(
    plan: Plan,
    *,
    now: int,
    saved_to: Sequence[str] = (),
    paths: Sequence[str] | None = None,
    job: tuple[str, str] | None = None,
) -> str:
    """The plan as one HTML file. `now` (seconds since the epoch) is what the ages of its chart are reckoned from.

    `saved_to` are the paths that the plan, or its parts, were saved under, `paths` are those it was made from (None:
    not known). `job` is the address and the name of the job that makes it, if one does.
    """
    counts, tally = plan_counts(plan), Tally.of(plan)
    parts = [
        masthead("reconciler plan", plan.outcome, counts, plan_sentence(plan) or ""),
        *alerts(plan),
        _facts(plan, job),
        section("apply", "How to apply", *_steps(plan, apply_saved(plan, saved_to, paths), known=bool(saved_to))),
        _policies(plan, tally),
        plan_ages(plan, now),
        tasks(plan, tally),
        _scopes(plan),
        footer(plan.tool_version),
    ]
    return document(f"reconciler plan: {counts}", page(parts))


def alerts(plan: Plan) -> Iterator[Markup]:
    """What speaks against the plan, the worst first; then the warnings."""
    errors = [*_unseen(plan), *(note_item(note) for note in unplaced_notes(plan) if note.severity is Severity.ERROR)]
    if errors:
        title = "Errors" if plan.complete else half_truth(plan)
        yield callout("danger", title, errors)
    if plan.breached:
        title = f"Guards refuse {counted(len(plan.refused), 'task')}, which will not be changed"
        yield callout("danger", title, list(_breaches(plan)))
    intolerant = [policy.name for policy in plan.policies if policy.blocked_fails]
    if intolerant:
        yield callout("danger", INTOLERANT, [codes(intolerant)])
    warned = [note_item(note) for note in unplaced_notes(plan) if note.severity is not Severity.ERROR]
    if warned:
        yield callout("warning", counted(len(warned), "warning").capitalize(), warned)


def _unseen(plan: Plan) -> Iterator[Markup]:
    for scope in open_scopes(plan):
        what, consequence = scope_error(scope)
        yield joined([element("b", what), element("p", consequence)])


def _breaches(plan: Plan) -> Iterator[Markup]:
    together = needed_together(plan)
    for policy, verdict in plan.breaches:
        flag, limit, place = guard_remedy(policy, verdict, together)
        remedy = joined(["To allow it: ", element("code", flag), " or ", element("code", limit), f" {place}."])
        yield joined([element("b", guard_breach(policy, verdict)), element("p", remedy)])
    yield joined([f"{ALLOW_ALL} ", element("code", enough_for(plan).flags)])


def _facts(plan: Plan, job: tuple[str, str] | None) -> Markup:
    tasks = sum(sum(scope.tasks.values()) for scope in plan.scopes)
    requests = sum(scope.requests for scope in plan.scopes)
    listed = f"{counted(len(plan.scopes), 'scope')}, {counted(tasks, 'task')} seen with {counted(requests, 'request')}"
    return facts(
        [
            ("digest", element("code", plan.digest)),
            ("made", moment(plan.created_at)),
            ("expires", moment(plan.expires_at)),
            ("job", job_link(job)),
            ("listed", listed),
            ("to apply it takes", estimate_words(plan)),
            ("limits overridden by", _code(plan.overrides.flags)),
            ("shard", plan.part.shard.told if plan.part else ""),
            (
                "configuration",
                joined([codes(plan.configuration.files), " ", element("small", plan.configuration.digest)]),
            ),
            ("reconciler", plan.tool_version),
        ]
    )


def _code(text: str) -> str:
    return element("code", text) if text else ""


def _steps(plan: Plan, line: str, *, known: bool) -> list[Markup]:
    if not plan.changes:
        return [element("p", "There is nothing to apply.")]
    expires_at = format_timestamp(plan.expires_at)
    return [
        element(
            "p", "This plan has expired: apply refuses it (exit 5). Make it again.", data_from=expires_at, hidden=""
        ),
        element("p", "Nothing has been changed so far, and nothing will be without this command:"),
        command(f"{line} {approval(plan)}"),
        element(
            "p",
            *(() if known else (element("code", "FILE"), " is where the plan was saved. ")),
            "Each task is read again first: the plan can shrink, and never grow. To refuse the plan, do nothing; ",
            "it expires by itself.",
            class_="aside",
        ),
    ]


_POLICY_COUNTS = (*KINDS.values(), "blocked", "protected", "kept", "unknown")
_UNKNOWN = f"; unknown tasks {LACKING}"

SCOPE_COLUMNS = (
    Column("resource"),
    Column("target"),
    Column("tasks", Sort.NUMBER),
    Column("by status"),
    Column("requests", Sort.NUMBER),
    Column("observed"),
)
_OBSERVED = {
    Completeness.COMPLETE: "whole",
    Completeness.UNSTABLE: "not whole",
    Completeness.FAILED: "could not be listed",
}


def _policies(plan: Plan, tally: Tally) -> Markup:
    """What each policy would do and found, in tasks; those that do most come first."""
    if not plan.policies:
        return Markup()
    caption = f"What each would do and found, in tasks{_UNKNOWN if plan.summary.unknown else ''}"
    numbers = (Column(title, Sort.NUMBER) for title in (*_POLICY_COUNTS, *rare_counts(plan)))
    columns = (Column("policy"), *numbers, Column("oldest", Sort.AGE))
    return section("policies", "Policies", table("policies", caption, columns, _policy_rows(plan, tally)))


def _policy_rows(plan: Plan, tally: Tally) -> Iterator[list[str]]:
    rare = rare_counts(plan)
    for policy in tally.ranked(plan.policies):
        counts = [*tally.counts(policy.name), policy.blocked, policy.protected, policy.kept, policy.unknown]
        counts += [getattr(policy, name) for name in rare]
        first = created({"created_at": tally.oldest.get(policy.name, "")})
        age = "" if first is None else moment(first)
        name = element("a", element("code", policy.name), href=f"#policy={quote(policy.name, safe='')}")
        yield [joined([name, *_traits(policy, tally)]), *map(str, counts), age]


def _traits(policy: PolicyPlan, tally: Tally) -> Iterator[Markup]:
    if policy.suspended:
        yield element("em", "suspended")
    if policy.restraint:
        yield element("em", policy.restraint)
    if policy.breaches:
        yield element("em", "refused by a guard", class_="bad")
    if policy.blocked_fails:
        yield element("em", "blocked tasks fail it", class_="bad")
    if policy.description:
        yield element("p", policy.description)
    if policy.name in tally.reasons:
        yield element("p", tally.reasons[policy.name], class_="aside")


def _scopes(plan: Plan) -> Markup:
    """What was listed, and how that went."""
    caption = f"{counted(len(plan.scopes), 'scope')}: what was listed, and how that went"
    return section("scopes", "Scopes", table("scopes", caption, SCOPE_COLUMNS, map(scope_row, plan.scopes)))


def scope_row(scope: ScopePlan) -> list[str]:
    observed = _OBSERVED[scope.completeness]
    return [
        element("code", scope.resource),
        scope.target,
        str(sum(scope.tasks.values())),
        joined((f"{count} {status}" for status, count in scope.tasks.items() if count), Markup(", ")),
        str(scope.requests),
        observed if scope.complete else joined([element("em", observed, class_="bad"), f" {scope.error or ''}"]),
    ]
