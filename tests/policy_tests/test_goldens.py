"""Every format of some test runs, compared as whole text."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reconciler.policy_tests.model import Results
from reconciler.policy_tests.runner import Selection
from reconciler.reports.policy_tests.document import render_results_json, render_results_junit
from reconciler.reports.policy_tests.text import render_results_text
from tests.goldens import golden
from tests.policy_tests.repository import Repository

GOLDENS = Path(__file__).parent / "goldens"
EVIL = '"\\e]0;owned\\a\\u202egnp.</failure>]]>@team #1 <script>x</script> https://h/v?token=s3cret"'
RUNS = {
    "passed": """
version: 1
now: 2026-11-01T12:00:00Z
tests:
  drafts-go-on-b-only:
    policies: [no-drafts]
    tasks:
      - {id: "1", status: pending, input.bucket: drafts}
      - {id: "2", status: pending, input.bucket: drafts, target: huawei-a}
    expect: {no-drafts: {change: ["1"]}}
  others-stay:
    tasks: [{id: "1", status: failed, input.bucket: final}]
    expect: {no-drafts: {keep: ["1"]}}
""",
    "failed": """
version: 1
now: 2026-11-01T12:00:00Z
tests:
  everything-at-once:
    description: One failure of each kind.
    tasks:
      - {id: new, status: failed, input.bucket: b, finished_at: 29d, target: huawei-a}
      - {id: old, status: failed, input.bucket: b, finished_at: 31d, target: huawei-a}
      - {id: legal, status: failed, finished_at: 31d, target: huawei-a}
      - {id: two, status: running, input.bucket: b, target: huawei-a}
      - {id: two, status: running, input.bucket: b, target: huawei-b}
      - {id: draft, status: running, input.bucket: drafts, target: huawei-b}
      - {id: wide, status: failed, input.bucket: drafts, target: huawei-b}
    expect:
      old-records: {change: [new, legal, gone], keep: [two], blocked: 3}
      no-drafts: {blocked: [], keep: [old], change: [{id: wide, steps: [cancel]}]}
  this-passes:
    tasks: [{id: a1, status: running}]
    expect: {stale-uploads: {}}
""",
    "hostile": f"""
version: 1
now: 2026-11-01T12:00:00Z
tests:
  evil:
    description: {EVIL}
    tasks:
      - {{id: "https://u:p@h/x?a=b", status: running, upload_url: {EVIL}, created_at: 8h, description: {EVIL}}}
      - {{id: b, status: pending, upload_url: "https://legacy.example.com/?t=s3cret", created_at: 5h}}
    expect:
      stale-uploads: {{change: ["https://u:p@h/x?a=b", b, {EVIL}]}}
""",
}
FORMATS: dict[str, Callable[[Results], str]] = {
    "txt": lambda results: render_results_text(results, verbose=True),
    "json": lambda results: render_results_json(results, passed=not results.failed),
    "xml": lambda results: render_results_junit(results, require_coverage=bool(results.failed)),
}


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest, repository: Repository) -> tuple[str, Results]:
    name = request.param
    repository.write(f"{name}.reconciler-test.yaml", RUNS[name])
    return name, repository.run()


@pytest.mark.parametrize("form", FORMATS)
def test_golden(run: tuple[str, Results], form: str) -> None:
    name, results = run
    text = FORMATS[form](results)
    assert text == golden(GOLDENS / f"{name}.{form}", text)


def test_no_golden_is_left_over() -> None:
    assert {path.name for path in GOLDENS.iterdir()} == {f"{name}.{form}" for name in RUNS for form in FORMATS}


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_hostile_and_no_secret_gets_through(repository: Repository, form: str) -> None:
    repository.write("hostile.reconciler-test.yaml", RUNS["hostile"])
    text = FORMATS[form](repository.run())
    assert "s3cret" not in text
    assert "u:p@" not in text
    assert all(character == "\n" or character.isprintable() for character in text)
    if form == "xml":
        assert {element.tag for element in ElementTree.fromstring(text).iter()} <= {  # noqa: S314 - our own text
            *("testsuites", "testsuite", "testcase", "failure", "skipped")
        }
    if form == "json":
        assert json.loads(text)["outcome"] == "failed"


def test_colours_are_only_added(repository: Repository) -> None:
    repository.write("failed.reconciler-test.yaml", RUNS["failed"])
    results = repository.run()
    painted = render_results_text(results, color=True)
    assert "\x1b[31m" in painted
    plain = painted
    for code in ("0", "1", "2", "31", "32", "33"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == render_results_text(results)


def test_passed_tests_are_named_on_demand_only(repository: Repository) -> None:
    repository.write("failed.reconciler-test.yaml", RUNS["failed"])
    results = repository.run()
    assert "this-passes" not in render_results_text(results)
    assert "this-passes" in render_results_text(results, verbose=True)


def test_without_coverage_there_is_no_word_of_it(repository: Repository) -> None:
    repository.write("failed.reconciler-test.yaml", RUNS["failed"])
    results = repository.run(Selection(tests=["this-*"]))
    assert "overage" not in render_results_text(results)
    assert json.loads(render_results_json(results, passed=True))["coverage"] is None
    assert "coverage" not in render_results_junit(results, require_coverage=False)
