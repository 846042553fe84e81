"""The sentences about failed policy tests and uncovered policies. Everything that comes back is fit for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.policy_tests.model import (
    Ambiguous,
    Fate,
    NoSuchTask,
    Unexpected,
    Unseen,
    WrongCount,
    WrongFate,
    WrongSteps,
)
from reconciler.redaction import bounded
from reconciler.reports.cells import counted
from reconciler.reports.why.words import protection_words, truth_word, value_words, verdict_words
from reconciler.reports.wording import steps_words
from reconciler.selectors.trace import describe, leaves

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.planning.why import PolicyAccount, TaskAccount
    from reconciler.policy_tests.model import Failure, Results
    from reconciler.tasks.task import TaskKey

_ID = 120
_CONDITION = 200
"""Characters."""
_SHOWN = 5
"""Conditions, or tasks, of one failure that are written out."""

NEAR_MISS = "A near miss is a task that one condition alone, or the quota, leaves alone."

_EXPECTED = {
    Fate.CHANGE: "to be changed by",
    Fate.KEEP: "to be left alone by",
    Fate.BLOCKED: "to be blocked for",
    Fate.PROTECTED: "to be protected from",
    Fate.REFUSED: "to be refused by a guard for",
    Fate.DEFERRED: "to be left to a later run by",
    Fate.REPORTED: "to be only reported by",
}
_COUNTED = {
    Fate.CHANGE: "changed by",
    Fate.KEEP: "left alone by",
    Fate.BLOCKED: "blocked for",
    Fate.PROTECTED: "protected from",
    Fate.REFUSED: "refused by a guard for",
    Fate.DEFERRED: "left to a later run by",
    Fate.REPORTED: "only reported by",
}


def failure_sentence(failure: Failure) -> str:
    """What was expected and what is, without a final stop."""
    match failure:
        case WrongFate(policy=policy, expected=expected, found=found, task=task):
            return f"{_task(task.key)}: expected {_EXPECTED[expected]} {policy}, but {_found(found, task)}"
        case WrongSteps(policy=policy, task=task, expected=expected_steps, found=found_steps):
            return (
                f"{_task(task)}: expected {steps_words(expected_steps)} by {policy}, "
                f"but the steps are {steps_words(found_steps)}"
            )
        case WrongCount(policy=policy, fate=fate, expected=number, found=tasks):
            return (
                f"expected {counted(number, 'task')} to be {_COUNTED[fate]} {policy}, "
                f"but there {'is' if len(tasks) == 1 else 'are'} {len(tasks) or 'none'}"
            )
        case Unexpected(policy=policy, found=found, task=task):
            return f"{_task(task.key)}: not expected of {policy}, but {_found(found, task)}"
        case NoSuchTask(policy=policy, id=task_id, target=target):
            where = f" on {target}" if target else ""
            return f"there is no task {bounded(task_id, _ID)}{where} for {policy} to look at"
        case Ambiguous(policy=policy, id=task_id, targets=targets):
            return f"{policy} looks at a task {bounded(task_id, _ID)} on each of {', '.join(targets)}"
        case Unseen(scope=scope):
            return f"the snapshot does not show {scope.resource} on {scope.target} whole"
        case _:
            assert_never(failure)


def failure_reasons(failure: Failure, now: int) -> tuple[str, ...]:
    """Why it came out so, a line each; `now` is the clock of the test."""
    match failure:
        case WrongFate(found=found, task=task, account=account) | Unexpected(found=found, task=task, account=account):
            return tuple(_account(found, task, account, now))
        case WrongSteps():
            return ("the steps are those of all policies together: `policies` narrows a test to one",)
        case WrongCount(found=tasks):
            return (_some([_task(key) for key in tasks]),) if tasks else ()
        case NoSuchTask():
            return tuple(_missing_task(failure))
        case Ambiguous(id=task_id, targets=targets):
            return (f"write {{id: {bounded(task_id, _ID)}, target: {targets[0]}}}",)
        case Unseen(fault=fault):
            why = str(fault) if fault else "it could not be listed"
            return (why, "take the snapshot again, or narrow the test by `policies`")
        case _:
            assert_never(failure)


def coverage_sentence(results: Results) -> str:
    """How many policies are covered; empty where that was not looked at."""
    if results.coverage is None:
        return ""
    total, open_ones = len(results.coverage), len(results.uncovered)
    policies = "1 policy" if total == 1 else f"{total} policies"
    return f"Coverage: {total - open_ones} of {policies} with a matching task and a near miss."


def results_counts(results: Results) -> str:
    """`12 passed, 1 failed`."""
    failed = len(results.failed)
    return f"{len(results.results) - failed} passed, {failed} failed"


def _found(found: Fate, task: TaskAccount) -> str:
    match found:
        case Fate.CHANGE:
            return f"it would be changed: {steps_words(task.steps)}"
        case Fate.KEEP:
            return "it is left alone"
        case Fate.BLOCKED:
            return "it is blocked"
        case Fate.PROTECTED:
            return "it is protected"
        case Fate.REFUSED:
            return "a guard refuses that"
        case Fate.DEFERRED:
            return "it is left to a later run"
        case Fate.REPORTED:
            return "it is only reported"
        case _:
            assert_never(found)


def _account(found: Fate, task: TaskAccount, account: PolicyAccount, now: int) -> Iterator[str]:
    yield f"{account.policy.name}: {verdict_words(account)}"
    deciding = [leaf for leaf in leaves(account.trace) if leaf.decides]
    for leaf in deciding[:_SHOWN]:
        value = value_words(leaf, task.fields, now)
        condition = bounded(describe(leaf.selector), _CONDITION)
        yield f"{condition} is {truth_word(leaf.truth)}" + (f": {value}" if value else "")
    if len(deciding) > _SHOWN:
        yield f"and {counted(len(deciding) - _SHOWN, 'more condition')}"
    if found is Fate.PROTECTED:
        for protection in task.protections:
            if protection.holds:
                yield f"{protection.name}: {protection_words(protection)}"


def _missing_task(failure: NoSuchTask) -> Iterator[str]:
    policy = failure.policy
    if failure.elsewhere is not None:
        where = f"{failure.elsewhere.resource} on {failure.elsewhere.target}"
        yield f"{bounded(failure.id, _ID)} is a task of {where}"
    if failure.others:
        yield f"it looks at {_some([bounded(task_id, _ID) for task_id in failure.others])}"
    else:
        yield f"no task of the test is of the resource type and on a target of {policy}"


def _task(key: TaskKey) -> str:
    return f"{bounded(key.id, _ID)} on {key.target}"


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
