"""What a snapshot leaves out of URLs, and the verdicts that may hang on it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.config.model import AtMost
from reconciler.diagnostics import Severity
from reconciler.planning.policy_plan import Note
from reconciler.redaction import holds_url, presentable, strip_queries
from reconciler.selectors.compile import compile_selector
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Test, Truth
from reconciler.selectors.trace import fields_of
from reconciler.tasks.task import OBSERVABLE, composed, id_order
from reconciler.tasks.url_parts import UrlPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.config.model import Configuration
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.observation import Observation, Scope
    from reconciler.tasks.task import Task, Value

_USER_MARK = "~@"
_USER = re.compile(rf"(?<=/){_USER_MARK}")
_MARK = re.compile(rf"{_USER.pattern}|(?<=\?)~[0-9a-f]{{8}}")
_WILDCARD = re.compile(r"[*?\[]")
_UNKNOWN = Test("", Operator.EQ, "")
"""Of a field that no task has."""
_NAMED = 3
"""Tasks that a warning names."""


def cut(text: str, *, whole: bool = False) -> str:
    """Text without the queries and user parts of its URLs, each with a mark in its place, and otherwise whole.

    Where nothing was cut from it yet (`whole`), a query that reads like a mark is cut as well.
    A control character could hide where a URL goes on, so that a text which has both is escaped as well.
    """
    if not holds_url(text):
        return text
    stripped = strip_queries(text, user_mark=_USER_MARK, whole=whole)
    return stripped if text.isprintable() else presentable(stripped if whole else text)


def doubts(configuration: Configuration, observations: Mapping[Scope, Observation], now: int) -> tuple[Note, ...]:
    """A warning for each policy and target where the verdict on some task may hang on what was cut from it.

    `now` is the clock of ages, in seconds since the epoch (UTC).
    """
    found = []
    for _, policy in sorted(configuration.policies.items()):
        if policy.suspend:
            continue
        per = [_held(name) for name in policy.ensure.per] if isinstance(policy.ensure, AtMost) else []
        for scope in policy.scopes:
            protections = [entry for entry in configuration.protections.values() if scope.resource in entry.resources]
            only = [policy.only] if policy.only else []
            selectors = [policy.match, *only, *(protection.match for protection in protections)]
            names = {name for selector in selectors for name in fields_of(selector)} | set(per)
            tasks = observations[scope].tasks if scope in observations else ()
            marked = (task for task in tasks if any(_is_cut(task.values.get(name)) for name in names))
            if doubted := [task for task in marked if _in_doubt(selectors, per, task.values, now)]:
                found.append(Note(Severity.WARNING, _sentence(doubted), scope.target, scope.resource, policy.name))
    return tuple(found)


def _held(name: str) -> str:
    """The field that a part of a URL is in, of the name of one."""
    base, _, part = name.rpartition(".")
    return base if part in set(UrlPart) else name


def _is_cut(value: Value | None, mark: re.Pattern[str] = _MARK) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(text, str) and mark.search(text) for text in texts)


def _in_doubt(selectors: Sequence[Selector], per: Iterable[str], values: Mapping[str, Value], now: int) -> bool:
    """Whether a selector may come out otherwise for the whole values, or the task be of another group.

    The first selector is the policy's own: where it is false in any case, nothing else matters. Where it is true, the
    operations that lead out of it hang on what it is after them.
    """
    blurred = [_blurred(selector, values) for selector in selectors]
    truths = [compile_selector(selector, now)(values) for selector in blurred]
    if truths[0] is Truth.FALSE:
        return False
    if selectors[0] != blurred[0] and _may_be_unknown_later(blurred[0], values, now):
        return True
    open_ones = zip(selectors, blurred, truths, strict=True)
    return any(own != other and truth is Truth.UNKNOWN for own, other, truth in open_ones) or any(
        # Queries are told apart by their hashes, user parts are not.
        _is_cut(values.get(name), _USER)
        for name in per
    )


def _may_be_unknown_later(selector: Selector, values: Mapping[str, Value], now: int) -> bool:
    """Whether the selector is unknown of the same task in some other status, however the vendor spells it."""
    selects = compile_selector(selector, now)
    rest = {name: value for name, value in values.items() if name != "provider_status"}
    return any(selects(rest | {"status": status.value}) is Truth.UNKNOWN for status in OBSERVABLE)


def _blurred(selector: Selector, values: Mapping[str, Value]) -> Selector:
    """The selector with each condition unknown that may come out otherwise for the whole values."""
    match selector:
        case Everything():
            return selector
        case Test():
            value = values.get(selector.field)
            return _UNKNOWN if value is not None and _is_cut(value) and _is_open(selector, value) else selector
        case AllOf(parts):
            return AllOf(tuple(_blurred(part, values) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_blurred(part, values) for part in parts))
        case Negation(part):
            return Negation(_blurred(part, values))


def _is_open(test: Test, value: Value) -> bool:
    """Whether a condition on a text, or texts, with marks may come out otherwise for the whole of it."""
    if test.part:
        return False  # nothing is cut from host and path
    value = tuple(map(composed, value)) if isinstance(value, tuple) else composed(str(value))
    operands = [str(one) for one in (test.operand if isinstance(test.operand, tuple) else (test.operand,))]
    match test.operator, value:
        case Operator.EXISTS, _:
            return False
        case ((Operator.CONTAINS | Operator.NOT_CONTAINS), tuple()):
            return any(cut(one, whole=True) in value or (one in value and _is_cut(one)) for one in operands)
        case ((Operator.CONTAINS | Operator.NOT_CONTAINS), str()):
            return any(one not in _beginning(value) for one in operands)
        case ((Operator.GLOB | Operator.NOT_GLOB), str()):
            return any(not _is_settled_early(one, _beginning(value)) for one in operands)
        case ((Operator.EQ | Operator.NE | Operator.IN | Operator.NOT_IN), _):
            return value in {cut(one, whole=True) for one in operands} or value in operands
        case _:
            return True


def _beginning(text: str) -> str:
    """What stands before the first mark, which the whole text begins with as well: a fragment comes after `#`."""
    mark = _MARK.search(text)
    return text[: mark.start()].removesuffix("?") if mark else text


def _is_settled_early(glob: str, beginning: str) -> bool:
    """Whether all texts of this beginning match the glob, or none does."""
    wildcard = _WILDCARD.search(glob)
    literal = glob[: wildcard.start()] if wildcard else glob
    if not beginning.startswith(literal):
        return not literal.startswith(beginning)
    return glob == f"{literal}*"


def _sentence(tasks: list[Task]) -> str:
    some = ", ".join(sorted((task.id for task in tasks), key=id_order)[:_NAMED])
    more = ", ..." if len(tasks) > _NAMED else ""
    which = "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"
    return f"the verdict on {which} hangs on a part of a URL that the snapshot does not hold: {some}{more}"
