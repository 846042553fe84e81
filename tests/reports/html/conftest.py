"""Chromium, driven by playwright: the system's own browser, started once for a module."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.reports.html.opened_page import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
"""Without a sandbox, since it may run as root; what it opens are our own pages. The rest keeps it from calling home."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: the driver's event loop, which it leaves running in this thread, ends with it."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        pytest.skip(f"no Chromium on PATH, by any of the names {', '.join(_NAMES)} (Debian: apt-get install chromium)")
    with driver.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def windows(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Window:
    return Window(browser, tmp_path_factory.mktemp("pages"))


@pytest.fixture
def window(windows: Window) -> Iterator[Window]:
    """Opens pages, and fails the test if one of them does what a page must not do."""
    windows.incidents.clear()
    yield windows
    windows.settle()
    assert windows.incidents == []
