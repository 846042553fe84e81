"""Comments on pull requests: within GitHub's limit, whole, and found again."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from reconciler.planning.plan import Note, Plan
from reconciler.reports.budget import BUDGET
from reconciler.reports.markdown import render_plan_markdown
from reconciler.reports.markdown_report import render_report_markdown
from reconciler.tasks.fault import Fault, Meaning
from reconciler.tasks.observation import Completeness
from tests.reports.examples import BIG, EMPTY, EVERY_OUTCOME, GUARDS, NOW, PLANS, REPORTS, change, policy, scope

WIDE = "[" * 300
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
    notes=tuple(Note("warning", WIDE, WIDE, WIDE, WIDE) for _ in range(300)),
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
    assert "| policy | cancel |" in text
    assert facts["digest"] == plan.digest
    assert plan.digest.removeprefix("sha256:") in text.split("\n", 1)[1]
    assert facts["outcome"] == plan.outcome
    assert facts["truncated"] == ("Shortened to fit a comment" in text)


def test_a_large_report_fits_and_is_whole() -> None:
    results = tuple(
        replace(result, change=change(str(index), target="t"), detail=WIDE)
        for index in range(300)
        for result in EVERY_OUTCOME.results
    )
    text = render_report_markdown(replace(EVERY_OUTCOME, results=results))
    assert len(text) <= BUDGET
    assert marker_of(text)["truncated"] is True
    assert text.count("<details>") == text.count("</details>")


def test_a_long_plan_says_that_it_was_cut() -> None:
    text = render_plan_markdown(BIG, now=NOW)
    assert marker_of(text)["truncated"] is True
    assert "## reconciler plan: 3000 to cancel" in text


def test_breaches_are_not_cut_before_the_number_to_pass() -> None:
    assert "--max-actions 812 --max-percent 41" in render_plan_markdown(HUGE, now=NOW)


def test_the_key_is_that_of_the_targets() -> None:
    again = replace(PLANS["five_kinds"], created_at=NOW + 999)
    elsewhere = replace(again, scopes=(scope(target="other"),))
    keys = [marker_of(render_plan_markdown(plan, now=NOW))["key"] for plan in (EMPTY, again, elsewhere)]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("name", ["guard_breach", "failed_scope", "unstable_scope"])
def test_what_must_not_be_overlooked_is_a_caution(name: str) -> None:
    assert "> [!CAUTION]" in render_plan_markdown(PLANS[name], now=NOW)


def test_no_caution_where_all_is_well() -> None:
    assert "> [!" not in render_plan_markdown(EMPTY, now=NOW)
    assert "> [!" not in render_report_markdown(REPORTS["all_done"])
