"""Logs for code scanning: valid, within GitHub's limits, and the same finding has the same fingerprint."""

import gzip
import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic, Location, Rule, Severity
from reconciler.reports.ci.sarif import MAX_RESULTS, RULES, render_diagnostics_sarif
from tests.reports.hostile_texts import hostile
from tests.reports.sarif_schema import SARIF

validate = jsonschema.Draft7Validator(SARIF).validate
FOUND = Diagnostic(
    Severity.ERROR,
    "key `a` is defined twice: first at x.reconciler.yaml:3:5",
    Location("team a/100%/x.reconciler.yaml", 7, 5),
    "policies.a",
    "remove one of the two",
    excerpt="    a: 1",
    excerpt_length=1,
    rule=Rule.DUPLICATE,
)


def run_of(*diagnostics: Diagnostic) -> dict[str, Any]:
    log = json.loads(render_diagnostics_sarif(diagnostics))
    validate(log)
    run: dict[str, Any] = log["runs"][0]
    return run


def fingerprints(*diagnostics: Diagnostic) -> list[str]:
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run_of(*diagnostics)["results"]]


def test_a_result() -> None:
    [result] = run_of(FOUND)["results"]
    assert result["message"]["text"] == f"{FOUND.message}; {FOUND.hint}"
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "team%20a/100%25/x.reconciler.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 7, "startColumn": 5, "endColumn": 6},
            }
        }
    ]


def test_a_file_elsewhere_is_named_whole() -> None:
    [result] = run_of(replace(FOUND, location=Location("/etc/x y.yaml", 1, 1)))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///etc/x%20y.yaml"}


def test_no_results_is_a_log_all_the_same() -> None:
    assert run_of()["results"] == []


def test_every_rule_is_described_and_found_by_its_index() -> None:
    assert set(RULES) == set(Rule)
    run = run_of(*(replace(FOUND, rule=rule) for rule in Rule))
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_errors_come_first() -> None:
    warning = replace(FOUND, severity=Severity.WARNING)
    assert [result["level"] for result in run_of(warning, FOUND, warning)["results"]] == ["error", "warning", "warning"]


def test_a_finding_keeps_its_fingerprint_when_lines_move() -> None:
    moved = replace(
        FOUND, location=Location("team a/100%/x.reconciler.yaml", 99, 1), message=FOUND.message.replace(":3:5", ":90:1")
    )
    assert fingerprints(FOUND) == fingerprints(moved)


@pytest.mark.parametrize(
    "other", [replace(FOUND, path="policies.b"), replace(FOUND, message="else"), replace(FOUND, rule=Rule.STRUCTURE)]
)
def test_another_finding_has_another_fingerprint(other: Diagnostic) -> None:
    assert len(set(fingerprints(FOUND, other))) == 2


def test_the_same_finding_twice_in_a_file_is_two() -> None:
    once, again = fingerprints(FOUND, FOUND)
    assert (once.split(":")[1], again.split(":")[1]) == ("1", "2")
    assert fingerprints(FOUND, replace(FOUND, location=Location("y.yaml", 1, 1))) == [once, once]


def test_what_a_file_holds_makes_no_link() -> None:
    [result] = run_of(replace(FOUND, message="`[click](https://e.vil)` is not a status"))["results"]
    assert result["message"]["text"].startswith("`\\[click](https://e.vil)`")


def test_more_results_than_github_takes() -> None:
    wordy = replace(FOUND, allowed=tuple(f"field-{index}" for index in range(300)))
    found = [replace(wordy, path=f"policies.p{index}", severity=Severity.WARNING) for index in range(MAX_RESULTS)]
    text = render_diagnostics_sarif([*found, FOUND])
    run = json.loads(text)["runs"][0]
    assert len(run["results"]) == MAX_RESULTS
    assert run["results"][0]["level"] == "error"
    [notice] = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("1 more result left out")
    assert len(gzip.compress(text.encode(), 1)) < 10_000_000


@given(hostile.filter(bool), st.sampled_from(Rule), st.sampled_from(Severity))
def test_any_text_gives_a_valid_log(text: str, rule: Rule, severity: Severity) -> None:
    run_of(Diagnostic(severity, text, Location(text, 1, 1), text, text, (text,), text, 3, rule))
