"""A test run as a JSON document, and as JUnit XML: a suite for each file, and one for the coverage of the policies."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, assert_never

from reconciler.documents.document import Format
from reconciler.planning.change import Count
from reconciler.policy_tests.model import (
    Ambiguous,
    NoSuchTask,
    PolicyCoverage,
    Unexpected,
    Unseen,
    WrongCount,
    WrongFate,
    WrongSteps,
)
from reconciler.redaction import Shown
from reconciler.reports.ci.junit import Case, CaseStatus, Suite, render_junit
from reconciler.reports.policy_tests.words import NEAR_MISS, failure_reasons, failure_sentence
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.policy_tests.model import Failure, PolicyCoverage, Result, Results
    from reconciler.tasks.task import TaskKey


@dataclass(frozen=True, slots=True)
class TestCounts:
    """Tests by what became of them."""

    tests: Count
    passed: Count
    failed: Count


@dataclass(frozen=True, slots=True)
class FailureRecord(Shown):
    """One expectation that does not hold, at its place; what it is about stands in the keys that are not null."""

    message: str
    reasons: tuple[str, ...]
    file: str
    line: int
    column: int
    kind: str
    """`fate`, `steps`, `count`, `unexpected`, `no_such_task`, `ambiguous` or `unseen`."""
    policy: str | None = None
    target: str | None = None
    resource: str | None = None
    task_id: str | None = None
    fate: str | None = None
    expected: str | int | tuple[str, ...] | None = None
    found: str | int | tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TestRecord(Shown):
    """One test, at its place."""

    name: str
    description: str
    file: str
    line: int
    column: int
    now: Timestamp
    """The clock of all ages."""
    passed: bool
    failures: tuple[FailureRecord, ...]


@dataclass(frozen=True, slots=True)
class ResultsRecord(Shown):
    """A run of policy tests."""

    outcome: str
    """`ok` or `failed`, as the exit code says."""
    summary: TestCounts
    files: tuple[str, ...]
    tests: tuple[TestRecord, ...]
    coverage: tuple[PolicyCoverage, ...] | None
    """null: not asked for."""
    uncovered: tuple[str, ...]
    """Policies."""
    idle_protections: tuple[str, ...]
    """Protections that hold no task of any test."""


RESULTS = Format("reconciler.test", "2.0", ResultsRecord, "What `reconciler test` found")


def render_results_json(results: Results, *, passed: bool) -> str:
    """The run as one document. `passed` is the verdict that the exit code gives."""
    count, failed = len(results.results), len(results.failed)
    return RESULTS.text(
        ResultsRecord(
            outcome="ok" if passed else "failed",
            summary=TestCounts(count, count - failed, failed),
            files=results.files,
            tests=tuple(_test(result) for result in results.results),
            coverage=results.coverage,
            uncovered=tuple(policy.policy for policy in results.uncovered),
            idle_protections=results.idle,
        )
    )


def _test(result: Result) -> TestRecord:
    test, at = result.test, result.test.location
    failures = tuple(_failure(failure, test.now) for failure in result.failures)
    place = (at.file, at.line, at.column)
    return TestRecord(test.name, test.description, *place, Timestamp(test.now), result.passed, failures)


def _failure(failure: Failure, now: int) -> FailureRecord:
    at = failure.location
    said = (failure_sentence(failure), tuple(failure_reasons(failure, now)))
    return FailureRecord(*said, at.file, at.line, at.column, **_facts(failure))


def _facts(failure: Failure) -> Mapping[str, Any]:
    """What a program wants to know: the kind of failure, and about which policy and task it is."""
    match failure:
        case WrongFate(policy=policy, expected=expected, found=found, task=task):
            return {"kind": "fate", "policy": policy, **_key(task.key), "expected": expected, "found": found}
        case WrongSteps(policy=policy, task=key, expected=steps, found=planned):
            return {"kind": "steps", "policy": policy, **_key(key), "expected": (*steps,), "found": (*planned,)}
        case WrongCount(policy=policy, fate=fate, expected=number, found=keys):
            return {"kind": "count", "policy": policy, "fate": fate, "expected": number, "found": len(keys)}
        case Unexpected(policy=policy, found=found, task=task):
            return {"kind": "unexpected", "policy": policy, **_key(task.key), "found": found}
        case NoSuchTask(policy=policy, id=task_id):
            return {"kind": "no_such_task", "policy": policy, "task_id": task_id}
        case Ambiguous(policy=policy, id=task_id):
            return {"kind": "ambiguous", "policy": policy, "task_id": task_id}
        case Unseen(scope=scope):
            return {"kind": "unseen", "target": scope.target, "resource": scope.resource}
        case _:
            assert_never(failure)


def _key(key: TaskKey) -> Mapping[str, str]:
    return {"target": key.target, "resource": key.resource, "task_id": key.id}


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
