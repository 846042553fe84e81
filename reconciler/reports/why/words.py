"""The sentences of `why`: what becomes of a task, what each policy and protection makes of it, or that it was not seen.

Everything that comes back is fit for a terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.config.model import Absent, AtMost
from reconciler.planning.why import Verdict
from reconciler.redaction import bounded, presentable
from reconciler.reports.cells import counted
from reconciler.reports.text.tasks import dated
from reconciler.reports.wording import guard_breach, steps_words, value_text
from reconciler.selectors.syntax import Test, Truth
from reconciler.selectors.trace import describe, leaves
from reconciler.tasks.observation import Completeness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.planning.change import Observed
    from reconciler.planning.plan import Plan
    from reconciler.planning.why import PolicyAccount, ProtectionAccount, TaskAccount, Why
    from reconciler.selectors.trace import Trace
    from reconciler.tasks.observation import Observation, Scope

_ALONE = "A plan leaves it alone:"
CLOCK_OFF = "outside its window, as far as can be told by a clock that is off"
ONLY = "and of those that are too many, lets only these go:"
_LONG = 300
_ID = 120
"""Characters of an id in a sentence."""


def truth_word(truth: Truth) -> str:
    return truth.name.lower()


def outcome_words(task: TaskAccount) -> str:
    """What a plan does to the task, in a sentence."""
    by = {
        verdict: [account.policy.name for account in task.policies if account.verdict is verdict] for verdict in Verdict
    }
    if task.steps:
        return f"A plan does this to it: {steps_words(task.steps)} ({_policies(by[Verdict.CHANGED])})."
    if by[Verdict.REFUSED]:
        return f"{_ALONE} it is surplus to {_policies(by[Verdict.REFUSED])}, but a guard refuses so many changes."
    if by[Verdict.DEFERRED]:
        return f"{_ALONE} it is surplus to {_policies(by[Verdict.DEFERRED])}, but left to a later run."
    if by[Verdict.REPORTED]:
        return f"{_ALONE} it is surplus to {_policies(by[Verdict.REPORTED])}, but only reported."
    if by[Verdict.PROTECTED]:
        holding = ", ".join(account.name for account in task.protections if account.holds)
        return f"{_ALONE} it is surplus to {_policies(by[Verdict.PROTECTED])}, but protected by {holding}."
    if by[Verdict.BLOCKED]:
        return f"{_ALONE} it is surplus to {_policies(by[Verdict.BLOCKED])}, but blocked."
    if by[Verdict.NOT_ACTING]:
        return f"{_ALONE} the at_most of {_policies(by[Verdict.NOT_ACTING])} does not act on an incomplete listing."
    if by[Verdict.SPARED]:
        return f"{_ALONE} it is surplus to {_policies(by[Verdict.SPARED])}, which let only others go."
    if by[Verdict.KEPT] or by[Verdict.UNDECIDED]:
        return f"{_ALONE} it is within the quota of {_policies(by[Verdict.KEPT] + by[Verdict.UNDECIDED])}."
    if by[Verdict.UNKNOWN]:
        return f"{_ALONE} no policy is known to match it, and what is not known never counts as a match."
    active = "active " if by[Verdict.SUSPENDED] else ""
    return f"{_ALONE} no {active}policy matches it."


def breaches_of(task: TaskAccount, plan: Plan) -> Iterator[str]:
    """The guards that keep policies from changing it."""
    refused = {account.policy.name for account in task.policies if account.verdict is Verdict.REFUSED}
    for policy, check in plan.breaches:
        here = check.target in {None, task.key.target} and check.resource in {None, task.key.resource}
        if policy.name in refused if policy else refused and here:
            yield guard_breach(policy, check)


def _policies(names: Sequence[str]) -> str:
    return f"{'policy' if len(names) == 1 else 'policies'} {', '.join(names)}"


def verdict_words(account: PolicyAccount) -> str:
    """What one policy makes of the task."""
    match account.verdict:
        case Verdict.CHANGED:
            return f"matches, so it must go: {steps_words(account.steps)}{_place(account)}"
        case Verdict.REFUSED:
            return f"matches, but a guard refuses so many changes{_place(account)}"
        case Verdict.DEFERRED:
            return f"matches, and is left to a later run, since the limits allow no more{_place(account)}"
        case Verdict.REPORTED:
            return f"matches, and is only reported: the policy is {account.reason or CLOCK_OFF}{_place(account)}"
        case Verdict.BLOCKED:
            return f"matches, but it is blocked: {account.reason}"
        case Verdict.PROTECTED:
            return f"matches, but it is {account.reason}"
        case Verdict.SPARED:
            condition = describe(account.policy.only) if account.policy.only else ""
            lacks = f", and {fields}" if account.only and (fields := _lacking(account.only)) else ""
            return f"matches, and stays{_place(account)}: only those go whose {bounded(condition, _LONG)}{lacks}"
        case Verdict.KEPT:
            return f"matches, and is kept{_place(account)}"
        case Verdict.UNDECIDED:
            return "matches, and is kept, since its group or its place in it is not known"
        case Verdict.NOT_ACTING:
            return "matches, but the listing is incomplete, so this at_most policy does not act"
        case Verdict.NOT_MATCHED:
            return "does not match"
        case Verdict.UNKNOWN:
            return ": ".join(filter(None, ("not known to match", _lacking(account.trace))))
        case Verdict.SUSPENDED:
            return f"suspended, so not checked{_otherwise(account.trace.truth)}"
        case _:
            assert_never(account.verdict)


def _place(account: PolicyAccount) -> str:
    """` (number 2 of 3 for uploads, a.mp4, oldest first)`, where a quota counts the task."""
    standing, ensure = account.place, account.policy.ensure
    if standing is None or not isinstance(ensure, AtMost):
        return ""
    group = bounded(", ".join(str(value) for value in standing.group), _ID)
    each = f" for {group}" if ensure.per else ""
    return f" (number {standing.rank} of {standing.size}{each}, {ensure.keep.value} first)"


def _lacking(node: Trace) -> str:
    """`the task lacks upload_url`, of the conditions that decide; empty where it is a clock that does not tell."""
    deciding = (leaf for leaf in leaves(node) if leaf.decides and leaf.truth is Truth.UNKNOWN and leaf.value is None)
    names = dict.fromkeys(leaf.selector.name for leaf in deciding if isinstance(leaf.selector, Test))
    return f"the task lacks {', '.join(names)}" if names else ""


def _otherwise(truth: Truth) -> str:
    match truth:
        case Truth.TRUE:
            return "; its conditions hold"
        case Truth.FALSE:
            return "; its conditions do not hold anyway"
        case Truth.UNKNOWN:
            return "; whether its conditions hold is not known"
        case _:
            assert_never(truth)


def ensure_words(account: PolicyAccount) -> str:
    """What the policy asserts of the tasks that match."""
    ensure = account.policy.ensure
    match ensure:
        case Absent():
            return "asserts that no task matches"
        case AtMost(number, per, keep):
            each = f" for each {', '.join(per)}" if per else ""
            return f"asserts that at most {number} match{each}, and keeps the {keep.value}"
        case _:
            assert_never(ensure)


def protection_words(account: ProtectionAccount) -> str:
    """What one protection makes of the task."""
    if not account.holds:
        return "does not hold it"
    if account.trace.truth is Truth.UNKNOWN:
        holds = ": ".join(filter(None, ("holds it", _lacking(account.trace))))
        return f"{holds}, and what is not known is protected"
    return "holds it"


def value_words(leaf: Trace, fields: Observed, now: int) -> str:
    """What a condition found: the task's value, with its age where it is a time."""
    if not isinstance(leaf.selector, Test):
        return ""
    name = leaf.selector.name
    if leaf.value is None:
        if name == "status" and "provider_status" in fields:
            return f"(not set: {value_text(fields['provider_status'])} is not documented)"
        return "(not set)"
    return presentable(dated(name, fields.get(name, leaf.value), now))


def listing_error(seen: Observation) -> str:
    """How a listing failed."""
    if seen.complete and seen.fault:
        return f"{_scope_name(seen.scope)}: {seen.fault}"
    how = "listed" if seen.completeness is Completeness.FAILED else "listed whole"
    why = str(seen.fault) if seen.fault else "no reason was given"
    return f"{_scope_name(seen.scope)} could not be {how}: {why}"


def not_seen(answer: Why) -> tuple[str, list[str]]:
    """That no task of the id was seen, never more than that; and what may be behind it."""
    name, total, missing = bounded(answer.name, _ID), len(answer.observations), len(answer.incomplete)
    tasks = counted(sum(seen.total for seen in answer.observations), "task")
    if missing:
        message = (
            f"no task {name} was seen, but {missing} of {counted(total, 'scope')} could not be listed whole: "
            "it may be there all the same"
        )
    else:
        where = "that policies look at" if answer.taken_at is None else "of the snapshot that policies look at"
        message = f"there is no task {name} among the {tasks} of the {counted(total, 'scope')} {where}"
    hints = [f"did you mean {', '.join(bounded(near, _ID) for near in answer.near)}?"] if answer.near else []
    hints += [f"the snapshot holds some statuses only of {_scope_name(scope)}" for scope in answer.partial]
    hints += [_inventory_hint(scope, named=named) for scope, named in answer.by_inventory]
    hints.append("a scope that no policy names is not listed: `reconciler query RESOURCE` lists any")
    return message, hints


def _scope_name(scope: Scope) -> str:
    return f"{scope.resource} on {scope.target}"


def _inventory_hint(scope: Scope, *, named: bool) -> str:
    where = _scope_name(scope)
    if named:
        return f"{where}: the inventory of the target names it, but the cloud shows no such job (any more)"
    return f"{where} shows only what the inventory of the target names, and it does not name this"
