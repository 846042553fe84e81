"""A test run as JUnit XML: a suite for each file, and one of the policies with their coverage."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.reports.ci.junit import Case, CaseStatus, Suite, render_junit
from reconciler.reports.policy_tests.words import NEAR_MISS, failure_reasons, failure_sentence

if TYPE_CHECKING:
    from reconciler.policy_tests.model import PolicyCoverage, Result, Results

__all__ = ["render_results_junit"]

_COVERAGE = "policy coverage"


def render_results_junit(results: Results, *, require_coverage: bool) -> str:
    """The run as XML. A policy that is not covered counts as failed where coverage is required, else as skipped."""
    suites = [
        Suite(file, tuple(map(_case, ran)))
        for file, ran in groupby(results.results, key=lambda result: result.test.file)
    ]
    if results.coverage:
        cases = (_covered(policy, required=require_coverage) for policy in results.coverage)
        suites.append(Suite(_COVERAGE, tuple(cases)))
    return render_junit(suites)


def _case(result: Result) -> Case:
    test = result.test
    if result.passed:
        return Case(test.file, test.name, CaseStatus.PASSED)
    first, *others = (
        "\n".join([f"{failure.location}: {failure_sentence(failure)}", *_indented(failure_reasons(failure, test.now))])
        for failure in result.failures
    )
    message, _, reasons = first.partition("\n")
    return Case(
        test.file, test.name, CaseStatus.FAILED, message, "\n".join(part for part in (reasons, *others) if part)
    )


def _indented(lines: tuple[str, ...]) -> list[str]:
    return [f"  {line}" for line in lines]


def _covered(policy: PolicyCoverage, *, required: bool) -> Case:
    if policy.covered:
        return Case(_COVERAGE, policy.policy, CaseStatus.PASSED)
    status = CaseStatus.FAILED if required else CaseStatus.SKIPPED
    return Case(_COVERAGE, policy.policy, status, policy.missing, NEAR_MISS)
