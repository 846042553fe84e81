"""`reconciler schema`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import flag
from reconciler.cli.places import write
from reconciler.config import schema as configuration_schema
from reconciler.documents.files import DIFFERENCE, PLAN_FILE, REPORT_FILE
from reconciler.documents.schema import schema_text
from reconciler.documents.snapshot import SNAPSHOT_FILE
from reconciler.exceptions import ExitCode
from reconciler.policy_tests import schema as test_schema
from reconciler.providers.registry import catalogue
from reconciler.reports.diagnostics import FAILURE, VALIDATION
from reconciler.reports.explanation.document import EXPLANATION
from reconciler.reports.permissions import PERMISSIONS
from reconciler.reports.policy_tests.document import RESULTS
from reconciler.reports.run_history import PRUNING, RUN, RUNS, UNLOCKING
from reconciler.reports.task_list import TASK_LIST
from reconciler.reports.why.document import WHY
from reconciler.review.wording import COMMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.documents.document import Format
    from reconciler.tasks.resource_type import Catalogue

_INPUT: Mapping[str, Callable[[Catalogue], str]] = MappingProxyType(
    {"configuration": configuration_schema.render_schema, "tests": test_schema.render_schema}
)
OUTPUT: Mapping[str, tuple[Format[Any], ...]] = MappingProxyType(
    {
        "plan": (PLAN_FILE,),
        "report": (REPORT_FILE,),
        "snapshot": (SNAPSHOT_FILE,),
        "diff": (DIFFERENCE,),
        "why": (WHY,),
        "query": (TASK_LIST,),
        "history": (RUNS, RUN, PRUNING, UNLOCKING),
        "explain": (EXPLANATION,),
        "permissions": (PERMISSIONS,),
        "test": (RESULTS,),
        "validate": (VALIDATION,),
        "comment": (COMMENT,),
        "error": (FAILURE,),
    }
)
"""By the command that writes them, or by what they are: several where it writes one or the other."""


@click.command("schema")
@flag(
    "--of",
    "what",
    type=click.Choice([*_INPUT, *OUTPUT]),
    default="configuration",
    show_default=True,
    help="Which files: those of the configuration, *.reconciler-test.yaml, or the JSON of a command.",
)
def command(what: str) -> int:
    """Print a JSON Schema, for editors and linters: of configuration, of tests, or of a command's JSON."""
    write(_INPUT[what](catalogue()) if what in _INPUT else schema_text(what, *OUTPUT[what]), "json")
    return ExitCode.OK
