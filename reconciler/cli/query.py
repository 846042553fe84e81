"""`reconciler query RESOURCE`."""

from __future__ import annotations

import csv
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.logs import say
from reconciler.cli.options import argument, flag, paths_argument, resource_types
from reconciler.cli.output import Flags, run_flags
from reconciler.cli.places import write
from reconciler.cli.progress import Progress
from reconciler.cli.running import run_work
from reconciler.config.files import Roots
from reconciler.config.inventory import lists_in
from reconciler.config.yaml_document import parse
from reconciler.diagnostics import did_you_mean
from reconciler.engine.queries import TARGET, Wish
from reconciler.engine.session import Session
from reconciler.exceptions import ExitCode, UsageError
from reconciler.providers.registry import catalogue, resource_type
from reconciler.reports.task_list import RENDERERS, task_list
from reconciler.selectors.operators import APPLICABLE, OPERATORS, Form
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.syntax import Everything, Operator
from reconciler.tasks.task import FieldType, composed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.engine.queries import QueryResult
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import ResourceType

_WHOLE = re.compile("-?[0-9]{1,18}")
_CONDITION = re.compile(
    r"\s*(?P<field>[^\s=!<>~]+)\s*(?P<operator>[=!<>~]+|(?<=\s)[A-Za-z_]+(?=\s|\Z))\s*(?P<value>.*?)\s*", re.DOTALL
)


@click.command("query")
@argument("resource", shell_complete=resource_types)
@paths_argument
@flag(
    "--where",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Only tasks of which this holds: 'created_at older_than 6h', status=pending, 'id in [1, 2]' (repeatable).",
)
@flag("--match", metavar="YAML", help="Only tasks that this selector matches, as policies have it.")
@flag("--columns", metavar="FIELD,...", help="The fields to show, in this order.")
@flag("--sort", metavar="FIELD", help="Order by this field; -FIELD: the greatest first. Tasks without it come last.")
@flag("--limit", type=click.IntRange(min=1), metavar="N", help="No more tasks, or counts, than these.")
@flag("--count-by", metavar="FIELD", help="How many tasks there are of each value of this field, instead of the tasks.")
@run_flags(*RENDERERS, policies=False, color=False)
def command(
    resource: str,
    paths: tuple[Path, ...],
    conditions: tuple[str, ...],
    match: str | None,
    columns: str | None,
    sort: str | None,
    limit: int | None,
    count_by: str | None,
    **shared: Any,  # noqa: ANN401 - what `run_flags` adds
) -> int:
    """List tasks of one resource type, as the targets of the configuration report them. Reads only.

    Several --where are ANDed, with --match as well; a status is filtered by the cloud itself. --count-by and --limit
    hold no more tasks in memory than they show.
    """
    flags = Flags.of(**shared)
    session = Session.open(paths, target=flags.targets)
    row = resource_type(catalogue().resource_types, resource)
    selector = _selector(match, conditions, row)
    shown = tuple(_known(name, "--columns", row) for name in columns.split(",")) if columns else ()
    order = None if sort is None else _known(sort.removeprefix("-"), "--sort", row)
    by = None if count_by is None else _known(count_by, "--count-by", row)
    if by and (shown or order):
        raise UsageError("--count-by counts tasks, and shows none", f"leave out {'--columns' if shown else '--sort'}")
    wish = Wish(order, sort is not None and sort.startswith("-"), limit, by)
    found = run_work(_asked(session, row, selector, wish))
    tasks = task_list(found, row, by, shown)
    write(RENDERERS[flags.output_format](tasks, session.now, shown), flags.output_format)
    for observation in found.incomplete:
        scope = observation.scope
        how = "" if observation.complete else "could not be listed whole: "
        say(f"Error: {scope.target}: {how}{observation.fault}", logging.ERROR)
    return ExitCode.ERROR if found.incomplete else ExitCode.OK


async def _asked(session: Session, row: ResourceType, selector: Selector, wish: Wish) -> QueryResult:
    progress, targets = Progress(), session.configuration.targets
    async with session:
        with progress.stage("Listing", sum(targets[name].provider == row.provider for name in session.targets)):
            return await session.query(row, selector, progress.listed, wish)


def _known(name: str, flag: str, row: ResourceType) -> str:
    """A field that may be named there."""
    name = composed(name.strip())
    names = (TARGET, *row.selectable)
    if name != TARGET and row.field_named(name) is None:
        raise UsageError(f"{flag} {name}: {row.name} has no such field", _hint(did_you_mean(name, names), names))
    return name


def _selector(match: str | None, conditions: tuple[str, ...], row: ResourceType) -> Selector:
    parts: list[Any] = [_condition(condition, row) for condition in conditions]
    written = _written(match) if match is not None else "all"
    if written != "all":
        parts.append(written)
    if not parts:
        return Everything()
    data = parts[0] if len(parts) == 1 else {"all": parts}
    lists = lists_in(Path(), Roots.of([Path()]), {})
    selector, problems = parse_selector(data, (row,), lists=lists)
    flag = " ".join(name for name, given in (("--where", conditions), ("--match", match)) if given)
    for problem in problems:
        if selector is not None:
            say(f"Warning: {flag}: {problem.message}")
    if selector is None:
        said = "; ".join(f"{flag}: {problem.message}" for problem in problems)
        raise UsageError(said, _hint(problems[0].hint, problems[0].allowed))
    return selector


def _hint(hint: str, allowed: Sequence[str]) -> str:
    """What to do; where that is not known, what is allowed."""
    return hint or (f"allowed: {', '.join(allowed)}" if allowed else "")


def _written(match: str) -> Any:  # noqa: ANN401 - YAML may hold anything
    document, problems = parse(match.encode(), Path("--match"), "--match", beginning="write `status: pending`, say")
    if problems:
        raise UsageError(f"--match: {problems[0].message}", problems[0].hint)
    return document.data


def _condition(written: str, row: ResourceType) -> dict[str, object]:
    """`FIELD OPERATOR VALUE` as a selector has it. A list stands in brackets; after `in` it needs none."""
    found = _CONDITION.fullmatch(written)
    if found is None:
        raise UsageError(f"--where {written}: expected FIELD OPERATOR VALUE, or FIELD=VALUE")
    name, word, text = found["field"], found["operator"], found["value"]
    field = row.field_named(name)
    if field is None:
        return {name: text}  # which the parser refuses
    operator = next(_operators(word, field.type), word)
    if operator == Operator.EQ and field.type is FieldType.STRINGS:
        operator = Operator.CONTAINS
    if operator not in set(Operator):
        return {name: {str(operator): text}}  # likewise
    spec = OPERATORS[Operator(operator)]
    texts = _listed(text, least=1 if spec.form is Form.VALUES else 2)
    if spec.form is Form.FLAG:
        return {name: {str(operator): {"": True, "true": True, "false": False}.get(text, text)}}
    if texts and spec.plural:
        spec = OPERATORS[spec.plural]
    if spec.form is Form.VALUES and not texts:
        texts = [part.strip() for part in text.split(",")]
    whole = field.type is FieldType.INTEGER and spec.form in (Form.VALUE, Form.VALUES)
    values = [int(value) if whole and _WHOLE.fullmatch(value) else value for value in texts or [text]]
    return {name: {str(spec.operator): values if spec.form is Form.VALUES or texts else values[0]}}


def _listed(text: str, least: int) -> list[str]:
    """The members of `[a, b]`, each as it is or in double quotes; none where that is no list but, say, a set of a
    pattern: fewer members than `least`, or a bracket that is closed outside of its member."""
    if not (text.startswith("[") and text.endswith("]")):
        return []
    try:
        members = next(csv.reader([text[1:-1]], skipinitialspace=True), [])
    except csv.Error:  # the end of a line in the middle of it
        return []
    whole = all(member.count("[") == member.count("]") for member in members)
    return [member.strip() for member in members] if whole and len(members) >= least else []


def _operators(word: str, kind: FieldType) -> Iterator[str]:
    """The operator that a word, or a sign, means on a field of this type."""
    for operator in (*APPLICABLE[kind], Operator.EQ):
        if word == operator or (not word[0].isalpha() and word in OPERATORS[operator].synonyms):
            yield operator
