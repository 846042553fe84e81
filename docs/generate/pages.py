"""Which pages the reference has, and what makes each."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from docs.generate.commands import commands_page
from docs.generate.configuration import configuration_page
from docs.generate.markdown import page, table
from docs.generate.resource_types import resource_types_page
from docs.generate.vocabulary import exit_codes_page, formats_page, metrics_page, operators_page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REFERENCE: Final = Path(__file__).parents[1] / "reference"


def _index_page() -> str:
    rows = [
        ("[Commands](cli.md)", "every command, flag and environment variable"),
        ("[Configuration](configuration.md)", "every key of the YAML"),
        ("[Resource types](resource-types.md)", "every kind of task: statuses, lifecycle, calls, permissions, fields"),
        ("[Operators](operators.md)", "what may stand in a `match`"),
        ("[Formats](formats.md)", "what plans and reports can be written as"),
        ("[Metrics](metrics.md)", "what Prometheus is told"),
        ("[Exit codes](exit-codes.md)", "what the end of a command tells"),
    ]
    return page(
        "Reference",
        "Written from the code, and tested to be what the code says.",
        table(("page", "what is in it"), rows),
    )


PAGES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "README.md": _index_page,
        "cli.md": commands_page,
        "configuration.md": configuration_page,
        "resource-types.md": resource_types_page,
        "operators.md": operators_page,
        "formats.md": formats_page,
        "metrics.md": metrics_page,
        "exit-codes.md": exit_codes_page,
    }
)
"""The makers of the pages, by name of the file."""
