"""Comments on pull requests: within GitHub's limit, whole, and found again."""

import json
import re
from dataclasses import replace

import pytest

from reconciler.config.model import OnBlocked
from reconciler.diagnostics import Severity
from reconciler.planning.plan import Plan
from reconciler.planning.policy_plan import Note
from reconciler.reports.markdown.parts import BUDGET
from reconciler.reports.markdown.plan import render_plan_markdown
from reconciler.reports.markdown.report import render_report_markdown
from reconciler.reports.wording import plan_counts
from reconciler.tasks.observation import Completeness, Fault, Meaning
from reconciler.tasks.timestamps import Timestamp
from tests.reports.examples import (
    BIG,
    BOTH,
    DELETE,
    EMPTY,
    EVERY_OUTCOME,
    GUARDS,
    NOW,
    PACKAGING,
    PLANS,
    REPORTS,
    change,
    observed,
    policy,
    scope,
    skipped,
)

WIDE = "@" * 300
HUGE = replace(
    BIG,
    changes=tuple(
        change(f"{index}{WIDE}", policies=(f"policy-{index}",), reason=WIDE, observed={"status": WIDE, "x": WIDE})
        for index in range(600)
    ),
    policies=tuple(policy(f"policy-{index}-" + "x" * 300, changes=1, guards=GUARDS) for index in range(600)),
    scopes=tuple(
        scope(target=f"t{index}", completeness=Completeness.FAILED, error=Fault(Meaning.PERMANENT, WIDE))
        for index in range(300)
    ),
    diagnostics=tuple(Note(Severity.WARNING, WIDE, WIDE, WIDE, WIDE) for _ in range(300)),
)


def marker_of(text: str) -> dict[str, object]:
    first = text.split("\n", 1)[0]
    match = re.fullmatch(r"<!-- reconciler:(?:plan|report) v1 (\{.*\}) -->", first)
    assert match
    facts: dict[str, object] = json.loads(match[1])
    return facts


@pytest.mark.parametrize("plan", [*PLANS.values(), BIG, HUGE], ids=[*PLANS, "big", "huge"])
def test_a_plan_fits_and_is_whole(plan: Plan) -> None:
    text = render_plan_markdown(plan, now=NOW)
    facts = marker_of(text)
    assert len(text) <= BUDGET
    assert text.count("<details>") == text.count("</details>")
    assert text.count("<code>") == text.count("</code>")
    assert "| policy | cancel | delete |" in text
    assert facts["digest"] == plan.digest
    assert plan.digest.removeprefix("sha256:") in text.split("\n", 1)[1]
    assert facts["outcome"] == plan.outcome
    assert facts["truncated"] == ("Shortened to fit a comment" in text)


def test_a_large_report_fits_and_is_whole() -> None:
    results = tuple(
        replace(result, task_id=str(index), target="t", detail=WIDE)
        for index in range(300)
        for result in EVERY_OUTCOME.results
    )
    text = render_report_markdown(replace(EVERY_OUTCOME, results=results))
    assert len(text) <= BUDGET
    assert marker_of(text)["truncated"] is True
    assert text.count("<details>") == text.count("</details>")


def test_marks_that_pile_up_take_their_place() -> None:
    """They take no cells, so that a name of nothing else would be as long as it likes."""
    name = "a" + "\u0301" * 100_000
    text = render_plan_markdown(replace(EMPTY, changes=(change(name, reason=name),)), now=NOW)
    assert len(text) <= BUDGET
    assert text.count("\u0301") <= 8


def test_a_field_is_left_out_only_where_the_object_says_it() -> None:
    both = observed(input__bucket="uploads", input__object="a.mp4", input__location="cn-north-4", media_id="m-77")
    text = render_plan_markdown(replace(EMPTY, changes=(change("1", observed=both),)), now=NOW)
    assert "<code>uploads/a.mp4</code>" in text
    assert "m-77" in text
    assert "cn-north-4" in text


def test_a_long_plan_says_that_it_was_cut() -> None:
    text = render_plan_markdown(BIG, now=NOW)
    assert marker_of(text)["truncated"] is True
    assert "## reconciler plan: 3000 changes: 3000 cancel;" in text


def test_breaches_are_not_cut_before_the_number_to_pass() -> None:
    assert "--max-actions 812 --max-percent 41" in render_plan_markdown(HUGE, now=NOW)


def test_the_key_is_that_of_the_targets() -> None:
    again = replace(PLANS["five_kinds"], created_at=Timestamp(NOW + 999))
    elsewhere = replace(again, scopes=(scope(target="other"),))
    keys = [marker_of(render_plan_markdown(plan, now=NOW))["key"] for plan in (EMPTY, again, elsewhere)]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("name", ["guard_breach", "failed_scope", "unstable_scope"])
def test_what_must_not_be_overlooked_is_a_caution(name: str) -> None:
    assert "> [!CAUTION]" in render_plan_markdown(PLANS[name], now=NOW)


def test_no_caution_where_all_is_well() -> None:
    assert "> [!" not in render_plan_markdown(EMPTY, now=NOW)
    assert "> [!" not in render_report_markdown(REPORTS["all_done"])


HOSTILE = "[`|<&@#!~$%*_" * 25


def many(changes: int, policies: int, text: str = "") -> Plan:
    """A plan of that size; with `text`, every name in it is made of that."""
    names = [f"p{index}{text}" for index in range(policies)]
    return replace(
        EMPTY,
        scopes=(scope(), *(scope(PACKAGING, f"t{index}{text}") for index in range(40))),
        changes=tuple(
            change(
                f"{index}{text}",
                PACKAGING,
                DELETE if index % 3 else BOTH,
                target=f"t{index % 40}{text}",
                policies=(names[index % policies],),
                reason=f"{names[index % policies]}: {text or 'finished_at is older than 30d'}",
                observed={"status": text or "succeeded", "input.object": text or "a.mp4", text or "title": text},
            )
            for index in range(changes)
        ),
        blocked=tuple(skipped(f"{index}{text}", f"{text}{index % 500}") for index in range(changes // 10)),
        protected=tuple(skipped(f"{index}", text, f"q{index % 300}{text}") for index in range(changes // 10)),
        policies=tuple(
            policy(name, PACKAGING, changes=1, blocked=1, guards=GUARDS if text else (), on_blocked=OnBlocked.FAIL)
            for name in names
        )
        + tuple(policy(f"s{index}{text}", suspended=True) for index in range(policies)),
    )


TEXTS = {"plain": "", "markup": HOSTILE, "at": "@" * 300, "wide": "\u6c49" * 300, "astral": "\U0001f600" * 300}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(("changes", "policies"), [(1_000, 400), (1_000, 1), (400, 400), (60, 20)])
def test_any_plan_fits_and_says_what_counts(changes: int, policies: int, text: str) -> None:
    plan = many(changes, policies, text)
    rendered = render_plan_markdown(plan, now=NOW)
    assert len(rendered.encode("utf-16-le")) // 2 <= BUDGET
    assert f"## reconciler plan: {plan_counts(plan)}\n" in rendered
    gone = plan.summary.delete + plan.summary.cancel_then_delete
    assert f"**{gone} task records" in rendered
    assert f"**Blocked: {changes // 10} tasks**" in rendered
    assert f"**Protected: {changes // 10} tasks**" in rendered
    assert "**To refuse it:**" in rendered
    assert marker_of(rendered)["truncated"] is ("Shortened to fit" in rendered)
    assert rendered.count("<details>") == rendered.count("</details>")


def test_the_less_fits_the_fewer_tasks_are_shown_never_the_reasons() -> None:
    for changes, policies in ((100, 1), (5_000, 20), (48_000, 400)):
        rendered = render_plan_markdown(many(changes, policies), now=NOW)
        assert rendered.count("by <code>p") == min(policies, 20)
        assert "finished&#95;at is older than 30d</code>" in rendered


def between(text: str, start: str, end: str) -> str:
    return text.split(start, 1)[1].split(end, 1)[0]


class TestWhatAReviewerIsTold:
    def test_deletes_first_with_their_reason_and_without_a_click(self) -> None:
        text = render_plan_markdown(PLANS["five_kinds"], now=NOW)
        warning = between(text, "> [!WARNING]\n", "\n\n")
        assert warning.splitlines()[0] == "> **1 task record will be deleted for good**"
        assert "by <code>packaging-record-retention</code>: <code>finished&#95;at is older than 30d</code>" in warning
        assert text.index("[!WARNING]") < text.index("waiting tasks will be canceled") < text.index("<details>")

    def test_a_task_that_is_canceled_and_deleted_counts_as_deleted(self) -> None:
        text = render_plan_markdown(PLANS["two_step"], now=NOW)
        assert "**2 task records will be deleted for good**" in text
        assert "1 of them canceled first" in text
        assert "will be canceled**" not in text

    def test_what_a_guard_refuses_is_not_said_to_happen(self) -> None:
        text = render_plan_markdown(PLANS["run_breach"], now=NOW)
        assert "**Refused: 2 tasks**" in text
        assert "will be canceled" not in text
        assert "To apply it" not in text
        assert "plan again with <code>--max-actions 2 --max-percent 20</code>" in text

    def test_what_it_does_not_refuse_goes_ahead(self) -> None:
        text = render_plan_markdown(PLANS["guard_breach"], now=NOW)
        assert "**1 waiting task will be canceled**" in text
        assert "Guards refuse 4 tasks, which will not be changed." in between(text, "[!CAUTION]", "\n\n")
        assert "**Deferred: 40 tasks**" in text
        assert "To apply it" in text

    def test_what_is_blocked_why_and_by_which_policy(self) -> None:
        text = render_plan_markdown(PLANS["blocked"], now=NOW)
        assert "1 blocked task counts as a failure (on&#95;blocked&#58; fail)" in between(text, "[!CAUTION]", "\n\n")
        blocked = between(text, "**Blocked: 1 task**", "\n\n")
        assert "by <code>one-transcode-per-object</code>" in blocked
        assert "<code>a running task can be neither canceled nor deleted</code>" in blocked

    def test_what_is_protected_and_by_what(self) -> None:
        assert "by <code>legal-hold</code>" in between(
            render_plan_markdown(PLANS["protected"], now=NOW), "**Protected: 1 task**", "\n\n"
        )

    def test_how_to_apply_or_refuse_it(self) -> None:
        plan = PLANS["five_kinds"]
        steps = between(render_plan_markdown(plan, now=NOW), "\n- **To apply it**", "\n\n")
        assert plan.digest.removeprefix("sha256:") in steps
        assert "\n- **To refuse it:** close this request, or change the policies" in steps

    def test_an_expired_plan_is_not_offered(self) -> None:
        plan = PLANS["five_kinds"]
        text = render_plan_markdown(plan, now=plan.expires_at)
        assert "It has expired" in text
        assert "--approved-digest" not in text

    def test_suspended_policies_are_named(self) -> None:
        assert "Suspended, so not checked: <code>someday</code>" in render_plan_markdown(PLANS["five_kinds"], now=NOW)

    def test_nothing_to_do_is_short(self) -> None:
        plan = replace(EMPTY, policies=tuple(policy(f"p{index}") for index in range(50)))
        opened, folded = render_plan_markdown(plan, now=NOW).split("<details>")
        assert len(opened.splitlines()) <= 7
        assert "50 policies" in folded
        assert "To apply" not in opened


def test_each_group_says_how_much_of_it_is_shown() -> None:
    text = render_plan_markdown(many(60, 1), now=NOW)
    assert "<code>huaweicloud.mpc.packaging</code>: 60 changes (the first 50)</summary>" in text
