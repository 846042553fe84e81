"""A test run as a JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.documents.strict_json import dump
from reconciler.policy_tests.results import (
    Ambiguous,
    NoSuchTask,
    Unexpected,
    Unseen,
    WrongCount,
    WrongFate,
    WrongSteps,
)
from reconciler.redaction import presentable
from reconciler.reports.policy_tests.words import failure_reasons, failure_sentence, missing_cases
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from reconciler.diagnostics import Location
    from reconciler.documents.strict_json import Document
    from reconciler.policy_tests.results import Failure, PolicyCoverage, Result, Results
    from reconciler.tasks.task import TaskKey

__all__ = ["render_results_json"]


def render_results_json(results: Results, *, passed: bool) -> str:
    """The run as one document. `passed` is the verdict that the exit code gives."""
    failed = len(results.failed)
    covered = results.coverage
    return dump(
        {
            "format": "reconciler.test",
            "format_version": "1.0",
            "outcome": "ok" if passed else "failed",
            "summary": {"tests": len(results.results), "passed": len(results.results) - failed, "failed": failed},
            "files": [presentable(file) for file in results.files],
            "tests": [_test(result) for result in results.results],
            "coverage": None if covered is None else [_policy(policy) for policy in covered],
            "uncovered": [policy.policy for policy in results.uncovered],
            "idle_protections": list(results.idle),
        }
    )


def _test(result: Result) -> Document:
    test = result.test
    return {
        "name": test.name,
        "description": presentable(test.description),
        **_place(test.location),
        "now": format_timestamp(test.now),
        "passed": result.passed,
        "failures": [_failure(failure, test.now) for failure in result.failures],
    }


def _failure(failure: Failure, now: int) -> Document:
    return {
        "message": failure_sentence(failure),
        "reasons": list(failure_reasons(failure, now)),
        **_place(failure.location),
        **_facts(failure),
    }


def _facts(failure: Failure) -> Document:
    """What a program wants to know: the kind of failure, and about which policy and task it is."""
    match failure:
        case WrongFate(policy=policy, expected=expected, found=found, task=task):
            return {"kind": "fate", "policy": policy, **_task(task.key), "expected": expected, "found": found}
        case WrongSteps(policy=policy, task=key, expected=steps, found=planned):
            return {"kind": "steps", "policy": policy, **_task(key), "expected": [*steps], "found": [*planned]}
        case WrongCount(policy=policy, fate=fate, expected=number, found=keys):
            return {"kind": "count", "policy": policy, "fate": fate, "expected": number, "found": len(keys)}
        case Unexpected(policy=policy, found=found, task=task):
            return {"kind": "unexpected", "policy": policy, **_task(task.key), "found": found}
        case NoSuchTask(policy=policy, id=task_id):
            return {"kind": "no_such_task", "policy": policy, "task_id": presentable(task_id)}
        case Ambiguous(policy=policy, id=task_id):
            return {"kind": "ambiguous", "policy": policy, "task_id": presentable(task_id)}
        case Unseen(scope=scope):
            return {"kind": "unseen", "target": scope.target, "resource": scope.resource}
        case _:
            assert_never(failure)


def _task(key: TaskKey) -> Document:
    return {"target": key.target, "resource": key.resource, "task_id": presentable(key.id)}


def _place(location: Location) -> Document:
    return {"file": presentable(location.file), "line": location.line, "column": location.column}


def _policy(policy: PolicyCoverage) -> Document:
    return {
        "policy": policy.policy,
        **(_place(policy.location) if policy.location else {"file": None, "line": None, "column": None}),
        "matching": policy.matching,
        "near_miss": policy.near_miss,
        "needs_near_miss": policy.needs_near_miss,
        "covered": policy.covered,
        "missing": missing_cases(policy),
    }
