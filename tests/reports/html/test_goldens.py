"""The content of every example's page, compared as whole text. What is around it is the same on every page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.goldens import golden
from tests.reports.html.pages import PAGES

GOLDENS = Path(__file__).parent / "goldens"


@pytest.mark.parametrize("name", PAGES)
def test_golden(name: str) -> None:
    page = PAGES[name]
    main = page[page.index("<main>") : page.index("</main>")] + "</main>\n"
    assert main == golden(GOLDENS / f"{name}.html", main)


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == set(PAGES)
