"""All formats tell of the same plan: the same numbers, in the same order."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.planning.plan import Plan
from reconciler.planning.report import Outcome, Report, Result
from reconciler.reports.registry import View, render
from reconciler.reports.wording import KINDS, plan_counts, report_counts
from tests.reports.examples import (
    BOTH,
    CANCEL,
    DELETE,
    EMPTY,
    EVERY_OUTCOME,
    GUARDS,
    NOW,
    PACKAGING,
    TRANSCODING,
    change,
    policy,
    scope,
    skipped,
)
from tests.reports.html.strict_page import parsed

VIEW = View(now=NOW, saved_to=("plan.json",))
NAMES = ("p-one", "p-two", "p-three")
few = st.integers(0, 12)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    wanted = draw(st.lists(st.tuples(st.sampled_from([CANCEL, DELETE, BOTH]), st.sampled_from(NAMES)), max_size=12))
    changes = [change(str(index), PACKAGING, steps, policies=(name,)) for index, (steps, name) in enumerate(wanted)]
    verdicts = [
        policy(
            name,
            PACKAGING,
            matched=draw(few),
            changes=sum(asking == name for _, asking in wanted),
            kept=draw(few),
            unknown=draw(few),
            guards=draw(st.sampled_from([(), GUARDS])),
        )
        for name in NAMES
    ]
    return replace(
        EMPTY,
        changes=tuple(changes),
        blocked=tuple(skipped(f"b{index}", "no way out") for index in range(draw(few))),
        protected=tuple(skipped(f"p{index}", "protected by h", "h") for index in range(draw(few))),
        policies=tuple(verdicts),
        scopes=(scope(PACKAGING, unknown=draw(few)), scope(unknown=draw(few))),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    outcomes = draw(st.lists(st.sampled_from(Outcome), max_size=12))
    results = (
        Result.of(change(str(index), TRANSCODING, draw(st.sampled_from([CANCEL, BOTH]))), outcome)
        for index, outcome in enumerate(outcomes)
    )
    return replace(EVERY_OUTCOME, results=tuple(results))


def rendered(item: Plan | Report) -> dict[str, str]:
    return {
        name: render(item, name, VIEW) for name in ("text", "markdown", "html", "github", "outputs", "gitlab", "junit")
    }


def outputs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def markdown_rows(text: str, head: str) -> dict[str, list[int]]:
    """The numbers of a table, by what is named in the first column."""
    body = text.partition(f"| {head}")[2].splitlines()[2:]
    found = {}
    for line in body:
        if not line.startswith("| "):
            break
        name, *cells = (re.sub(r"<[^>]*>", "", cell).strip() for cell in line.strip("|").split("|"))
        found[name] = [int(cell) for cell in cells if cell.isdigit()]
    return found


@given(plans())
@settings(max_examples=40)  # seven documents each
def test_the_formats_of_a_plan_agree(plan: Plan) -> None:
    found, counts, summary = rendered(plan), plan_counts(plan), plan.summary
    page = parsed(found["html"])
    assert f"\nPlan: {counts}.\nDigest: {plan.digest}\n" in found["text"]
    assert f"\n## reconciler plan: {counts}\n" in found["markdown"]
    assert page.all("h1")[0].text == counts
    assert f"Plan: {counts}." in found["github"].replace("%0A", "\n")
    said = outputs(found["outputs"])
    for key in ("changes", "cancel", "delete", "cancel_then_delete", "blocked", "protected"):
        assert said[key] == str(getattr(summary, key))
    assert summary.changes == summary.cancel + summary.delete + summary.cancel_then_delete
    gone = summary.delete + summary.cancel_then_delete
    assert json.loads(found["gitlab"]) == {"create": 0, "update": summary.cancel, "delete": gone}
    assert (said["outcome"], said["digest"], said["applyable"]) == (
        plan.outcome,
        plan.digest,
        "true" if plan.applyable else "false",
    )


@given(plans())
@settings(max_examples=40)
def test_so_do_their_tables_of_policies(plan: Plan) -> None:
    found = rendered(plan)
    comment = markdown_rows(
        found["markdown"], "policy | cancel | delete | cancel then delete | blocked | protected | kept | unknown |"
    )
    page = {
        row[0].all("code")[0].text: [int(cell.text) for cell in row[1:8]]
        for row in parsed(found["html"]).rows("policies")
    }
    head, *rows = found["text"].partition("Policies, in tasks:\n")[2].partition("\n\n")[0].splitlines()
    lines = {row.split()[0]: dict(zip(head.split()[1:], map(int, row.split()[1:]), strict=True)) for row in rows}
    junit = ElementTree.fromstring(found["junit"])  # noqa: S314 - our own text
    cases = {case.get("name"): "".join(case.itertext()) for case in junit.iter("testcase")}
    for verdict in plan.policies:
        steps = [one.steps for one in plan.changes if verdict.name in one.policies]
        rest = [verdict.blocked, verdict.protected, verdict.kept, verdict.unknown]
        assert comment[verdict.name] == [*map(steps.count, KINDS), *rest]
        assert page[verdict.name] == comment[verdict.name]
        counts = (verdict.matched, verdict.changes, *rest)
        names = ("matched", "changes", "blocked", "protected", "kept", "unknown")
        assert [lines[verdict.name].get(name, 0) for name in names] == list(counts)
        assert f"{verdict.matched} matched, {verdict.changes} to change, {rest[0]} blocked" in cases[verdict.name]


@given(reports())
@settings(max_examples=40)
def test_the_formats_of_a_report_agree(report: Report) -> None:
    found, counts = rendered(report), report_counts(report)
    assert f"Apply: {counts}." in found["text"]
    assert f"## reconciler apply: {counts}\n" in found["markdown"]
    assert parsed(found["html"]).all("h1")[0].text == counts
    assert f"Apply: {counts}." in found["github"]
    said = outputs(found["outputs"])
    assert {key: int(said[key]) for key in report.summary} == report.summary
    assert int(said["changes"]) == len(report.results) == sum(report.summary.values())
    by_outcome = markdown_rows(found["markdown"], "outcome | changes | meaning |")
    assert {name.replace(" ", "_"): numbers[0] for name, numbers in by_outcome.items()} == report.summary
    suites = ElementTree.fromstring(found["junit"]).findall("testsuite")  # noqa: S314 - our own text
    assert suites[0].get("tests") == str(len(report.results))
