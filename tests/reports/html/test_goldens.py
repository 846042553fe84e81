"""The content of every example's page, compared as whole text. What is around it is the same on every page.

After a wanted change: `UPDATE_GOLDENS=1 pytest tests/reports/html`, then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.reports.html.pages import PAGES

GOLDENS = Path(__file__).parent / "goldens"


@pytest.mark.parametrize("name", PAGES)
def test_golden(name: str) -> None:
    page = PAGES[name]
    main = page[page.index("<main>") : page.index("</main>")] + "</main>\n"
    golden = GOLDENS / f"{name}.html"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(main, encoding="utf-8")
    assert main == golden.read_text(encoding="utf-8")


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == set(PAGES)
