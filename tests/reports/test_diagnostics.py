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


def test_many_mistakes_of_one_kind_are_told_once() -> None:
    """With their count and lines; the same words about other values are the same kind."""
    literal = replace(FOUND, severity=Severity.WARNING, rule=Rule.SELECTOR, excerpt="", path="", allowed=(), hint="")
    found = [
        replace(literal, message=f"`legal-{line}*` compares literally", location=Location("x", line, 3))
        for line in range(1, 31)
    ]
    text = render_diagnostics([*found[:15], FOUND, *found[15:]])
    first, _, rest = text.partition("\n\n")
    lines = ", ".join(map(str, range(2, 22)))
    assert first == (
        f"x:1:3: Warning: `legal-1*` compares literally\n  and 29 more of this kind, on lines {lines}, ..."
    )
    assert rest == render_diagnostics([FOUND])
    assert render_diagnostics(found[:3]).count("compares literally") == 3
    elsewhere = [replace(one, location=Location(f"{number}", 1, 1)) for number, one in enumerate(found)]
    assert render_diagnostics(elsewhere).count("compares literally") == 30


def test_wrong_values_of_other_keys_are_mistakes_of_other_kinds() -> None:
    wrong = [
        replace(FOUND, message=f"`{word}` is not an allowed value", allowed=allowed, location=Location("x", line, 3))
        for line in range(1, 6)
        for word, allowed in [("reprot", ("enforce", "report")), ("ignore", ("refuse", "defer"))]
    ]
    text = render_diagnostics(wrong)
    assert (text.count("`reprot` is not"), text.count("`ignore` is not"), text.count("and 4 more")) == (1, 1, 2)
