"""What changed between two plans, in every format, as whole text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from reconciler.diagnostics import Severity
from reconciler.documents.schema import schema_text
from reconciler.planning.difference import PlanDifference, difference
from reconciler.planning.limits import Guard, GuardCheck, Overrides
from reconciler.planning.policy_plan import Note
from reconciler.redaction import presentable
from reconciler.reports import TaskView
from reconciler.reports.difference import DIFFERENCE
from reconciler.reports.difference.markdown import render_difference_markdown
from reconciler.reports.difference.text import render_difference
from reconciler.reports.markdown.parts import BUDGET
from reconciler.tasks.observation import Completeness, Fault, Meaning
from tests.goldens import golden
from tests.reports.examples import (
    BOTH,
    DELETE,
    EMPTY,
    EVIL,
    EVIL_ID,
    PACKAGING,
    PLANS,
    UPLOAD,
    change,
    observed,
    policy,
    scope,
    skipped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.planning.change import Change
    from reconciler.planning.plan import Plan

GOLDENS = Path(__file__).parent / "differences"
ANSI = re.compile(r"\x1b\[[0-9]+m")

BASE = replace(
    EMPTY,
    changes=(change("1"), change("2"), change("3"), change("90", PACKAGING, DELETE)),
    protected=(skipped("7", "protected by legal-hold", "legal-hold", status="pending"),),
    scopes=(scope(), scope(PACKAGING)),
    policies=(policy(matched=5, changes=3), policy("retention", PACKAGING, changes=1)),
)


def everything() -> PlanDifference:
    """Tasks added, removed, moved and changed; policies, scopes, configuration and diagnostics."""
    breach = GuardCheck(Guard.MAX_ACTIONS, limit=1, changes=2, basis=9)
    fault = Fault(Meaning.UNAVAILABLE, "the service is busy", "MPC.10211", 503)
    further = replace(
        change("3", steps=BOTH),
        policies=("one-transcode-per-object", "retention"),
        observed={**change("3").observed, "status": "succeeded", "input.object": "b.mp4"},
    )
    now = replace(
        BASE,
        created_at=BASE.created_at + 3_600,
        configuration=replace(BASE.configuration, digest="sha256:" + "decade00" * 8),
        overrides=Overrides(max_actions=9),
        changes=(further, change("4", UPLOAD)),
        blocked=(skipped("2", "a running task can be neither canceled nor deleted"),),
        protected=(skipped("7", "protected by b", "b", status="pending"),),
        scopes=(scope(), scope(PACKAGING, completeness=Completeness.FAILED, error=fault, tasks={}), scope(UPLOAD)),
        policies=(policy(matched=6, changes=2, blocked=1, guards=(breach,)), policy("fresh", UPLOAD)),
        diagnostics=(
            Note(Severity.WARNING, "2 matching tasks are kept for want of a group or time: 5, 6", policy="fresh"),
        ),
    )
    return difference(BASE, now)


def same() -> PlanDifference:
    return difference(BASE, replace(BASE, created_at=BASE.created_at + 60, tool_version="0.2.0"))


def hostile() -> PlanDifference:
    entry = replace(change("x"), observed=observed(upload_url="https://h/v.mp4?~00000000", note="plain"))
    fields = {**entry.observed, "note": EVIL, EVIL: EVIL, "upload_url": "https://h/v.mp4?~11111111"}
    notes = (Note(Severity.WARNING, EVIL, policy="p"),)
    evil = change(EVIL_ID, observed=observed(status=EVIL))
    return difference(
        replace(EMPTY, changes=(entry,)),
        replace(EMPTY, changes=(replace(entry, observed=fields), evil), diagnostics=notes),
    )


FOUND = {made.__name__: made() for made in (everything, same, hostile)}
NAMES = ("old.json", "new.json")
FORMATS: dict[str, Callable[[PlanDifference], str]] = {
    "txt": lambda found: render_difference(found, names=NAMES),
    "json": DIFFERENCE.text,
    "md": lambda found: render_difference_markdown(found, names=NAMES),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", FOUND)
def test_golden(name: str, suffix: str) -> None:
    text = FORMATS[suffix](FOUND[name])
    assert text == golden(GOLDENS / f"{name}.{suffix}", text)


def test_no_golden_is_left_over() -> None:
    assert {path.name for path in GOLDENS.iterdir()} == {f"{name}.{suffix}" for name in FOUND for suffix in FORMATS}


@pytest.mark.parametrize("name", FOUND)
def test_colour_adds_nothing_to_what_is_said(name: str) -> None:
    painted = render_difference(FOUND[name], names=NAMES, color=True)
    assert ANSI.sub("", painted) == render_difference(FOUND[name], names=NAMES)


@pytest.mark.parametrize("first", PLANS.values(), ids=PLANS)
def test_the_document_is_what_its_schema_says(first: Plan) -> None:
    schema = jsonschema.Draft7Validator(json.loads(schema_text("diff", DIFFERENCE)))
    for second in PLANS.values():
        schema.validate(json.loads(DIFFERENCE.text(difference(first, second))))


def test_nothing_hostile_reaches_a_terminal() -> None:
    text = render_difference(FOUND["hostile"], names=(EVIL, "\x1b]0;x\x07"), view=TaskView.FULL)
    assert all(line == presentable(line) for line in text.splitlines())
    assert "s3cret" not in text
    assert "\x1b" not in text + DIFFERENCE.text(FOUND["hostile"])


def test_nothing_hostile_is_live_in_markdown() -> None:
    text = render_difference_markdown(FOUND["hostile"], names=(EVIL, "new"))
    for live in ("<script", "@everyone", "](http", "<!--", "\x1b", "s3cret", ":tada:"):
        assert live not in text
    assert all(line.count("|") in (0, 5) for line in text.splitlines() if line.startswith("|"))


def many(count: int) -> PlanDifference:
    entries: list[Change] = [change(f"{number:06}") for number in range(count)]
    moved = [replace(entry, observed={**entry.observed, "status": "running"}) for entry in entries]
    return difference(replace(EMPTY, changes=tuple(entries)), replace(EMPTY, changes=tuple(moved)))


@pytest.mark.parametrize(("tasks", "named", "fields"), [(20, 20, 20), (200, 200, 0), (1_200, 3, 0)])
def test_a_long_difference_says_less_of_each_task(tasks: int, named: int, fields: int) -> None:
    text = render_difference(many(tasks))
    assert text.count("  ~ ") == named
    assert text.count("status  pending -> running") == fields
    assert ("--view full" in text) == (fields < tasks)
    assert render_difference(many(tasks), view=TaskView.FULL).count("status  pending -> running") == tasks


def test_markdown_fits_a_comment_however_many_scopes_differ() -> None:
    targets = [f"t{'-x' * 20}-{number}" for number in range(2_000)]
    new = replace(
        EMPTY,
        changes=tuple(change("7", target=target) for target in targets),
        scopes=tuple(scope(target=target) for target in targets),
    )
    text = render_difference_markdown(difference(EMPTY, new))
    assert len(text) <= BUDGET
    assert "and 1950 more tasks in 1950 more scopes" in text
    assert "- and 1953 more\n" in text  # the three of the old plan are gone


def test_markdown_fits_a_comment_and_counts_what_it_leaves_out() -> None:
    text = render_difference_markdown(many(3_000))
    assert len(text) <= BUDGET
    assert "2950 lines left out" in text
    assert "3000 changed" in text
