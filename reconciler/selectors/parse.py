"""`match` as loaded from YAML, to the tree of `syntax.py`: every mistake at once, each with the path to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Problem, Rule, Severity
from reconciler.selectors.conditions import COMBINATORS, Conditions
from reconciler.selectors.contradictions import check_together
from reconciler.selectors.mistake import Mistake, TooManyError, described, no_lists, noting
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.diagnostics import DocumentPath
    from reconciler.selectors.mistake import Lists
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import ResourceType

MAX_DEPTH = 50
"""Levels of combinators within one another."""

MAX_CONDITIONS = 10_000
"""Keys of one selector, fields and combinators; a bound on what aliases in YAML can unfold to."""


def parse_selector(
    match: object,
    types: Sequence[ResourceType],
    path: DocumentPath = (),
    *,
    shared: bool = False,
    lists: Lists = no_lists,
) -> tuple[Selector | None, list[Problem]]:
    """The selector that a `match` writes, and all that is wrong with it; never raises on plain data.

    No selector comes back where a problem is an error. `types` are the resource types that it is for. A field must
    exist in one of them. One that others lack is a warning, as a protection has it; where only what is `shared` may be
    named, as in a policy, it is an error, and so is a status that one of them does not have. `lists` reads what stands
    in a file. Without any type there is nothing to check against, and the answer is empty: the caller reports that.
    """
    if not types:
        return None, []
    problems: list[Problem] = []
    selector: Selector | None = None
    try:
        with noting(problems, path):
            selector = _Parser(Conditions(types, problems, lists, shared=shared)).match(match, path)
    except TooManyError as error:
        problems.append(Problem(path, str(error), rule=Rule.SELECTOR))
    failed = any(problem.severity is Severity.ERROR for problem in problems)
    return (None if failed else selector), problems


class _Parser:
    """One pass over one match.

    A method raises Mistake about the very value it was given. What is wrong further down is noted in `problems`, and
    the part left out of the result, which is discarded in the end.
    """

    def __init__(self, conditions: Conditions) -> None:
        self.problems = conditions.problems
        self._conditions = conditions
        self._seen = 0

    def match(self, data: object, path: DocumentPath) -> Selector:
        match data:
            case "all":
                return Everything()
            case dict() if data:
                return self._mapping(data, path, 0)
            case None | "" | dict():
                raise Mistake("an empty match selects nothing", "write `match: all` to select every task")
            case list():
                raise Mistake("a match is a mapping, not a list", "write `any: [...]` or `all: [...]`")
            case _:
                message = f"a match is a mapping of fields to conditions, or `all`, but this is {described(data)}"
                raise Mistake(message, "write `match: all` to select every task")

    def _mapping(self, data: Mapping[object, object], path: DocumentPath, depth: int) -> Selector:
        """Fields and combinators, ANDed."""
        parts: list[Selector] = []
        for key, value in data.items():
            if not isinstance(key, str):
                # At the mapping, since places are known for keys of text only.
                message = f"a key must be text, but this is {described(key)}"
                self.problems.append(Problem(path, message, "put it in quotes", rule=Rule.SELECTOR))
                continue
            self._seen += 1
            if self._seen > MAX_CONDITIONS:
                raise TooManyError(f"a match may not have more than {MAX_CONDITIONS} conditions")
            with noting(self.problems, (*path, key)):
                parts.append(self._entry(key, value, (*path, key), depth))
        check_together(parts)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _entry(self, key: str, data: object, path: DocumentPath, depth: int) -> Selector:
        if key not in COMBINATORS:
            return self._conditions.on(key, data, path)
        if key == "not":
            if isinstance(data, list):
                raise Mistake("`not` takes one match, not a list", "write `not: {any: [...]}`")
            return Negation(self._nested(data, path, depth + 1))
        if not isinstance(data, list):
            raise Mistake(f"`{key}` takes a list of matches, but this is {described(data)}", f"write `{key}: [...]`")
        if not data:
            raise Mistake(f"`{key}` needs at least one match in its list")
        parts: list[Selector] = []
        for index, item in enumerate(data):
            with noting(self.problems, (*path, index)):
                parts.append(self._nested(item, (*path, index), depth + 1))
        return AllOf(tuple(parts)) if key == "all" else AnyOf(tuple(parts))

    def _nested(self, data: object, path: DocumentPath, depth: int) -> Selector:
        """A match within a combinator."""
        if depth > MAX_DEPTH:
            raise Mistake(f"combinators are nested more than {MAX_DEPTH} levels deep")
        if data == "all":
            raise Mistake("`all` selects everything and is allowed only as the whole match: `match: all`")
        if not isinstance(data, dict):
            raise Mistake(f"a mapping of fields to conditions belongs here, but this is {described(data)}")
        if not data:
            raise Mistake("an empty mapping sets no condition", "name a field, or leave it out")
        return self._mapping(data, path, depth)
