"""Pages in a real browser, with everything written down that they do besides being shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, Route

_PATIENCE_MS = 20_000
"""For a busy machine. Nothing here waits for a time to pass."""

_LISTEN = """
addEventListener('securitypolicyviolation', event =>
    console.error(`violation of ${event.effectiveDirective} by ${event.blockedURI || event.sourceFile}`));
"""


class Window:
    """Opens pages from files, one at a time for each kind of window.

    `incidents`: console messages, errors, violations, dialogs, and requests, which are all stopped.
    """

    def __init__(self, browser: Browser, directory: Path) -> None:
        self._browser = browser
        self._file = directory / "page.html"
        self._pages: dict[tuple[int, str, bool], Page] = {}
        self.incidents: list[str] = []

    def open(
        self, text: str, *, width: int = 1280, scheme: Literal["light", "dark"] = "light", script: bool = True
    ) -> Page:
        """The page; one that was opened before in a window of the same kind is gone."""
        self._file.write_text(text, encoding="utf-8")
        key = (width, scheme, script)
        if key not in self._pages:
            context = self._browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script
            )
            self._pages[key] = self._watched(context)
        page = self._pages[key]
        page.emulate_media(media="null", color_scheme=scheme)
        page.goto(self._file.as_uri())
        return page

    def wait_for(self, page: Page, incident: str) -> None:
        """Until it has happened: browsers report what a policy stopped a little later."""
        while not any(incident in each for each in self.incidents):
            page.wait_for_event("console")

    def settle(self) -> None:
        """Let every page report what has happened so far."""
        for (_, _, script), page in self._pages.items():
            if script:
                page.evaluate("() => new Promise(done => setTimeout(done))")

    def _watched(self, context: BrowserContext) -> Page:
        context.set_default_timeout(_PATIENCE_MS)
        context.route("**/*", self._only_the_file)
        page = context.new_page()
        page.add_init_script(_LISTEN)
        page.on("console", lambda message: self.incidents.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.incidents.append(f"error: {error}"))
        page.on("dialog", self._dismiss)
        return page

    def _only_the_file(self, route: Route) -> None:
        if route.request.url == self._file.as_uri():
            route.continue_()
        else:
            self.incidents.append(f"request: {route.request.url}")
            route.abort()

    def _dismiss(self, dialog: Dialog) -> None:
        self.incidents.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def choose(page: Page, name: str, value: str) -> None:
    """Set one of the filter's choices."""
    page.locator(".controls").get_by_role("combobox", name=name, exact=True).select_option(value)


def count(page: Page) -> str:
    """What the filter says of the rows."""
    return page.locator(".controls").get_by_role("status").inner_text()


def heading(page: Page, key: str, column: str) -> Locator:
    """The heading of one column. A search by role among all cells would take seconds in a long table."""
    return page.locator(f"#{key} thead").get_by_role("columnheader", name=column, exact=True)


def rows(page: Page, key: str) -> list[str]:
    """What names the rows in sight of a section's table, from top to bottom."""
    return page.locator(f"#{key} tbody tr:not([hidden]) th").all_text_contents()


def cells(page: Page, key: str, column: int) -> Sequence[str]:
    """The texts of one column in the rows in sight."""
    return page.locator(f"#{key} tbody tr:not([hidden]) > :nth-child({column + 1})").all_text_contents()
