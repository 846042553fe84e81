"""Workflow commands as GitHub's runner reads them: one line each, nothing of a text gets out of its place."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic, Location, Rule, Severity
from reconciler.planning.policy_plan import PolicyPlan, Source
from reconciler.planning.report import Outcome
from reconciler.reports.ci.github import (
    SHOWN,
    Annotation,
    Level,
    render_annotations,
    render_diagnostics_github,
    render_plan_github,
    render_report_github,
)
from tests.reports.examples import DELETE, EMPTY, EVERY_OUTCOME, GUARDS, PLANS, change, policy, result, scope
from tests.reports.hostile_texts import hostile, plan_of, report_of

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::([^\r\n]*)")


def parsed(line: str) -> Annotation:
    """What the runner makes of a line: https://github.com/actions/runner, ActionCommand.TryParseV2."""
    match = COMMAND.fullmatch(line)
    assert match, line
    properties = dict(pair.split("=", 1) for pair in match[2].split(","))

    def plain(text: str) -> str:
        for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(code, character)
        return text

    values = {name: plain(value) for name, value in properties.items()}
    message = match[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    numbers = [int(values[name]) if name in values else None for name in ("line", "col")]
    return Annotation(
        Level(match[1]),
        values["title"].removeprefix("reconciler: "),
        message,
        values.get("file"),
        numbers[0],
        numbers[1],
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["a\nb", "::error::x", "%0A::error::x", "%25", "x,line=9", "\r\n::stop-commands::x", "100%: a, b"]
)


@given(
    st.lists(st.builds(Annotation, st.sampled_from(Level), texts, texts, st.none() | texts.filter(bool)), max_size=3)
)
def test_a_text_comes_back_as_it_was(annotations: list[Annotation]) -> None:
    text = render_annotations(annotations, "look there")
    lines = re.split(r"\r\n|\r|\n", text)[:-1]
    assert [parsed(line) for line in lines] == sorted(annotations, key=lambda one: list(Level).index(one.level))


@given(hostile)
def test_hostile_tasks_make_no_line_of_their_own(text: str) -> None:
    calm = [line.split("::")[1].split(" ")[0] for line in render_plan_github(plan_of("x")).splitlines()]
    lines = render_plan_github(plan_of(text)).split("\n")[:-1]
    assert [parsed(line).level.value for line in lines] == calm
    for line in render_report_github(report_of(text)).split("\n")[:-1]:
        parsed(line)


def diagnostics(count: int, severity: Severity = Severity.ERROR, files: int = 1) -> list[Diagnostic]:
    return [
        Diagnostic(severity, f"mistake {index}", Location(f"{index % files}.yaml", index + 1, 3), rule=Rule.STRUCTURE)
        for index in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "files", "last"),
    [
        (SHOWN, 1, "mistake 9"),
        (SHOWN + 1, 1, "2 more errors in 0.yaml: run `reconciler validate` to see them all"),
        (500, 7, "491 more errors in 7 files: run `reconciler validate` to see them all"),
    ],
)
def test_github_shows_ten_of_a_level_so_the_last_one_says_how_many_more(count: int, files: int, last: str) -> None:
    found = [*diagnostics(3, Severity.WARNING), *diagnostics(count, files=files)]
    annotations = [parsed(line) for line in render_diagnostics_github(found).splitlines()]
    assert [one.level for one in annotations] == [Level.ERROR] * SHOWN + [Level.WARNING] * 3
    assert annotations[SHOWN - 1].message == last
    assert annotations[0] == Annotation(Level.ERROR, "structure", "mistake 0", "0.yaml", 1, 3)


def test_a_refusal_stands_on_the_line_of_the_policy() -> None:
    first, *_ = map(parsed, render_plan_github(PLANS["guard_breach"]).splitlines())
    assert (first.level, first.file, first.line) == (Level.ERROR, "a directory, 100%: odd/x.reconciler.yaml", 3)
    flag = "--max-actions one-transcode-per-object=812"
    assert first.message.endswith(f"To allow it: {flag}, or limits: {{max_actions: 812}} in the policy")


def test_the_policies_that_delete_most_come_first() -> None:
    def named(name: str, steps: int, *, line: int) -> PolicyPlan:
        return policy(name, changes=steps, source=Source("x.yaml", line))

    plan = replace(
        EMPTY,
        changes=(
            *(change(str(index), policies=("cancels",)) for index in range(30)),
            *(change(f"d{index}", steps=DELETE, policies=("deletes",)) for index in range(2)),
        ),
        policies=(named("cancels", 30, line=1), named("deletes", 2, line=9)),
    )
    summary, *rest = map(parsed, render_plan_github(plan).splitlines())
    assert summary.message.startswith("Plan: 32 changes: 30 cancel, 2 delete;")
    assert [(one.line, one.message) for one in rest] == [
        (9, "policy deletes: 2 to delete for good"),
        (1, "policy cancels: 30 to cancel"),
    ]


def test_many_failures_leave_room_for_the_summary() -> None:
    results = tuple(result(str(index), Outcome.FAILED, "pending") for index in range(40))
    first, *rest = map(parsed, render_report_github(replace(EVERY_OUTCOME, results=results)).splitlines())
    assert first.message.startswith("Apply: 0 done, 0 satisfied, 0 missed, 40 failed")
    assert len(rest) == SHOWN - 1
    assert rest[-1].message == "32 more errors: `reconciler show FILE` lists all of the saved report"


def test_a_plan_with_many_policies_refused_stays_within_the_limits() -> None:
    policies = tuple(policy(f"p{index}", changes=1, guards=GUARDS) for index in range(50))
    lines = render_plan_github(replace(EMPTY, policies=policies, scopes=(scope(),))).splitlines()
    assert len([line for line in lines if line.startswith("::error ")]) == SHOWN
