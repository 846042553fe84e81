"""`protect`: tasks that no policy may touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.entries import text
from reconciler.config.model import Protection
from reconciler.config.quoting import quoted
from reconciler.config.schema_parts import LONGEST_GLOB
from reconciler.diagnostics import Problem, Rule, suggestion
from reconciler.selectors.parse import parse_selector

if TYPE_CHECKING:
    from reconciler.config.entries import Entry, Findings
    from reconciler.tasks.catalogue import Catalogue

__all__ = ["protection_of"]


def protection_of(entry: Entry, catalogue: Catalogue, findings: Findings) -> Protection | None:
    """The protection that `entry` describes; None where there is too little to make one."""
    pattern = text(entry.body, "resource")
    if not pattern or len(pattern) > LONGEST_GLOB:
        return None
    resources = catalogue.matching(pattern)
    if not resources:
        names = tuple(catalogue.resource_types)
        meant = suggestion(pattern, names)
        hint = f"did you mean `{meant}`?" if meant else ""
        message = f"{quoted(pattern)} matches no resource type"
        problem = Problem((*entry.path, "resource"), message, hint, names, rule=Rule.UNKNOWN_REFERENCE)
        findings.problem(entry.document, problem)
        return None
    if "match" not in entry.body:
        return None
    selector, problems = parse_selector(entry.body["match"], resources, (*entry.path, "match"))
    for problem in problems:
        findings.problem(entry.document, problem)
    if selector is None:
        return None
    return Protection(entry.name, tuple(sorted(row.name for row in resources)), selector, entry.location)
