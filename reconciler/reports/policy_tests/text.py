"""A test run for a terminal: failures with their reasons, then what is not covered, the counts last."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.reports.cells import Palette, counted
from reconciler.reports.policy_tests.words import (
    NEAR_MISS,
    coverage_sentence,
    failure_reasons,
    failure_sentence,
    results_counts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.policy_tests.model import Result, Results


def render_results_text(results: Results, *, color: bool = False, verbose: bool = False) -> str:
    """The run as text. `verbose` names the tests that passed as well."""
    paint = Palette(color)
    blocks = [
        "\n".join(_file(file, list(ran), paint, verbose=verbose))
        for file, ran in groupby(results.results, key=lambda result: result.test.file)
    ]
    coverage = "\n".join(_coverage(results, paint))
    counts = f"{counted(len(results.results), 'test')}: {results_counts(results)}."
    total = paint.bold(paint.red(counts) if results.failed else paint.green(counts))
    return "\n\n".join(block for block in ("\n".join(blocks), coverage, total) if block) + "\n"


def _file(file: str, ran: list[Result], paint: Palette, *, verbose: bool) -> Iterator[str]:
    failed = sum(not result.passed for result in ran)
    counts = f"{len(ran) - failed} passed" + (f", {failed} failed" if failed else "")
    yield f"{paint.bold(file)}: {counts}"
    for result in ran:
        if not result.passed:
            yield from _failed(result, paint)
        elif verbose:
            yield paint.green(f"  pass {result.test.name}")


def _failed(result: Result, paint: Palette) -> Iterator[str]:
    yield paint.red(f"  FAIL {result.test.name}")
    if result.test.description:
        yield paint.faint(f"    {result.test.description}")
    for failure in result.failures:
        yield f"    {failure.location}: {failure_sentence(failure)}"
        yield from (f"      {reason}" for reason in failure_reasons(failure, result.test.now))


def _coverage(results: Results, paint: Palette) -> Iterator[str]:
    sentence = coverage_sentence(results)
    if sentence:
        yield sentence
    for policy in results.uncovered:
        yield paint.yellow(f"  ! {policy.policy}: {policy.missing}")
    if any(policy.near_miss is None for policy in results.uncovered):
        yield paint.faint(f"  {NEAR_MISS}")
    for name in results.idle:
        yield paint.yellow(f"  ! protection {name}: no test has a task that it protects")
