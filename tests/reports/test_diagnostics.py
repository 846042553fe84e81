"""Diagnostics for a terminal: the mark stands below what it is about."""

from dataclasses import replace

import pytest

from reconciler.diagnostics import Diagnostic, Location, Rule, Severity
from reconciler.reports.cells import width
from reconciler.reports.diagnostics import render_diagnostics

FOUND = Diagnostic(
    Severity.ERROR,
    "unknown key `statuss`",
    Location("x.reconciler.yaml", 12, 7),
    "policies.p.match.statuss",
    "did you mean status?",
    ("id", "status"),
    "      statuss: pending",
    7,
    Rule.UNKNOWN_KEY,
)


def test_a_whole_block() -> None:
    assert render_diagnostics([FOUND]) == (
        "x.reconciler.yaml:12:7: Error: unknown key `statuss`\n"
        "     |\n"
        "  12 |       statuss: pending\n"
        "     |       ^^^^^^^\n"
        "  at policies.p.match.statuss\n"
        "  allowed: id, status\n"
        "  did you mean status?\n"
    )


@pytest.mark.parametrize(
    ("excerpt", "column", "length"), [("bucket: 汉字 statuss", 12, 7), ("statuss: 汉字", 10, 2), ("é\u0301: 汉x", 5, 1)]
)
def test_the_mark_is_measured_in_cells(excerpt: str, column: int, length: int) -> None:
    text = render_diagnostics(
        [replace(FOUND, location=Location("x", 1, column), excerpt=excerpt, excerpt_length=length)]
    )
    line, mark = (part.partition("| ")[2] for part in text.splitlines()[2:4])
    assert line == excerpt
    assert mark.index("^") == width(excerpt[: column - 1])
    assert mark.count("^") == width(excerpt[column - 1 : column - 1 + length])


def test_a_place_beyond_the_excerpt_has_no_mark() -> None:
    """A line of megabytes is cut; the mark would stand below nothing, pages away."""
    text = render_diagnostics([replace(FOUND, location=Location("x", 1, 900_000), excerpt="x" * 400)])
    assert "^" not in text
    assert max(map(len, text.splitlines())) < 420


def test_a_mark_does_not_go_on_after_the_line() -> None:
    text = render_diagnostics([replace(FOUND, excerpt="      stat", excerpt_length=70_000)])
    assert text.splitlines()[3].endswith("|       ^^^^")
