"""`reconciler schema`."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import flag
from reconciler.cli.places import write
from reconciler.exceptions import ExitCode
from reconciler.providers.registry import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.documents.document import Format

_INPUT: Mapping[str, str] = MappingProxyType({"configuration": "config.schema", "tests": "policy_tests.schema"})
"""The modules that make them."""

OUTPUT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "plan": ("documents.files.PLAN_FILE",),
        "report": ("documents.files.REPORT_FILE",),
        "snapshot": ("documents.snapshot.SNAPSHOT_FILE",),
        "diff": ("reports.difference.DIFFERENCE",),
        "why": ("reports.why.document.WHY",),
        "query": ("reports.task_list.TASK_LIST",),
        "history": tuple(
            f"reports.run_history.{name}" for name in ("RUNS", "RUN", "CHANGE", "VERIFICATION", "PRUNING", "UNLOCKING")
        ),
        "explain": ("reports.explanation.document.EXPLANATION",),
        "permissions": ("reports.permissions.PERMISSIONS",),
        "doctor": ("reports.doctor.DOCTOR",),
        "test": ("reports.policy_tests.document.RESULTS",),
        "validate": ("reports.diagnostics.VALIDATION",),
        "comment": ("review.wording.COMMENT",),
        "notification": ("notifications.message.NOTIFICATION",),
        "error": ("reports.diagnostics.FAILURE",),
    }
)
"""By the command that writes them, or by what they are: several where it writes one or the other."""


def formats(what: str) -> tuple[Format[Any], ...]:
    """The formats under a name of `OUTPUT`."""
    homes = (path.rpartition(".") for path in OUTPUT[what])
    return tuple(getattr(import_module(f"reconciler.{home}"), name) for home, _, name in homes)


@click.command("schema")
@flag(
    "--of",
    "what",
    type=click.Choice([*_INPUT, *OUTPUT]),
    default="configuration",
    show_default=True,
    metavar="WHAT",
    help=f"Which files: {', '.join([*_INPUT, *OUTPUT])}.",
)
def command(what: str) -> int:
    """Print a JSON Schema, for editors and linters: of configuration, of tests, or of a command's JSON."""
    if what in _INPUT:
        text = import_module(f"reconciler.{_INPUT[what]}").render_schema(catalogue())
    else:
        text = import_module("reconciler.documents.schema").schema_text(what, *formats(what))
    write(text, "json")
    return ExitCode.OK
