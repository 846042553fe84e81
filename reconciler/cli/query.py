"""`reconciler query RESOURCE`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import argument, flag, paths_argument, resource_types
from reconciler.cli.output import Flags, run_flags
from reconciler.cli.places import write
from reconciler.cli.progress import Progress
from reconciler.cli.running import run_work
from reconciler.engine.queries import resource_type
from reconciler.engine.session import Session
from reconciler.exceptions import ExitCode, UsageError
from reconciler.providers.registry import catalogue
from reconciler.reports.task_list import TASK_LIST, render_tasks, task_list
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.syntax import Everything
from reconciler.tasks.task import FieldType

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.engine.queries import QueryResult
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import ResourceType

_WHOLE = re.compile("-?[0-9]{1,18}")


@click.command("query")
@argument("resource", shell_complete=resource_types)
@paths_argument
@flag("--where", "conditions", multiple=True, metavar="FIELD=VALUE", help="Only tasks with this value (repeatable).")
@run_flags("text", "json", policies=False, color=False)
def command(
    resource: str,
    paths: tuple[Path, ...],
    conditions: tuple[str, ...],
    **shared: Any,  # noqa: ANN401 - what `run_flags` adds
) -> int:
    """List tasks of one resource type, as the targets of the configuration report them. Reads only.

    Several --where are ANDed; a status is filtered by the cloud itself.
    """
    flags = Flags.of(**shared)
    session = Session.open(paths, target=flags.targets)
    row = resource_type(catalogue(), resource)
    selector = _selector(conditions, row)
    found = run_work(_asked(session, row, selector))
    tasks = task_list(found, row)
    as_json = flags.output_format == "json"
    write(TASK_LIST.text(tasks) if as_json else render_tasks(tasks, session.now), flags.output_format)
    for observation in found.incomplete:
        scope = observation.scope
        how = "" if observation.complete else "could not be listed whole: "
        sys.stderr.write(f"Error: {scope.target}: {how}{observation.fault}\n")
    return ExitCode.ERROR if found.incomplete else ExitCode.OK


async def _asked(session: Session, row: ResourceType, selector: Selector) -> QueryResult:
    progress = Progress()
    async with session:
        with progress.stage("Listing", len(session.configuration.targets), "targets"):
            return await session.query(row, selector, progress.listed)


def _selector(conditions: tuple[str, ...], row: ResourceType) -> Selector:
    parts: list[dict[str, object]] = []
    for condition in conditions:
        name, separator, value = condition.partition("=")
        if not separator:
            raise UsageError(f"--where {condition}: expected FIELD=VALUE")
        field = row.fields.get(name)
        if field is not None and field.type is FieldType.STRINGS:
            parts.append({name: {"contains": value}})
        else:
            whole = field is not None and field.type is FieldType.INTEGER and _WHOLE.fullmatch(value)
            parts.append({name: int(value) if whole else value})
    if not parts:
        return Everything()
    selector, problems = parse_selector({"all": parts}, (row,))
    if selector is None:
        raise UsageError("; ".join(f"--where: {problem.message}" for problem in problems), problems[0].hint)
    return selector
