"""How the page adapts: dark, narrow, printed, long; measured in a real Chromium."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Literal

import pytest

from reconciler.reports.html import render_plan_html
from reconciler.reports.html.histograms import Fill
from reconciler.tasks.timestamps import format_timestamp
from tests.reports.examples import EMPTY, NOW, change, observed, skipped
from tests.reports.html.opened_page import Window, cells, choose, count, heading, rows
from tests.reports.html.pages import PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from reconciler.planning.change import Change


@cache
def long() -> tuple[Change, ...]:
    """Ten thousand."""
    return tuple(
        change(
            f"task-{number}",
            policies=(f"policy-{number % 9}",),
            observed=observed("pending", format_timestamp(NOW - (number * 7919) % 10_000_000)),
        )
        for number in random.Random(7).sample(range(10_000), 10_000)  # noqa: S311 - an order, not a secret
    )


@cache
def long_enough() -> str:
    """A page for what is done for the sake of long tables."""
    return render_plan_html(replace(EMPTY, changes=long()[:1_000]), now=NOW)


def colours(page: Page, *names: str) -> list[float]:
    """Relative luminance of the style sheet's colours, as WCAG 2.2 has it."""
    values = page.evaluate("names => names.map(name => getComputedStyle(document.body).getPropertyValue(name))", names)
    return [_luminance(value) for value in values]


def _luminance(colour: str) -> float:
    digits = colour.strip().removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    light, dark = max(one, other), min(one, other)
    return (light + 0.05) / (dark + 0.05)


def test_dark_mode_is_dark(window: Window) -> None:
    page, ink = colours(window.open(PAGES["plan_blocked"], scheme="dark"), "--page", "--ink")
    assert page < ink
    page, ink = colours(window.open(PAGES["plan_blocked"], scheme="light"), "--page", "--ink")
    assert page > ink


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_fills_stand_out(scheme: Literal["light", "dark"], window: Window) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for text, 3 for graphics."""
    page = window.open(PAGES["plan_blocked"], scheme=scheme)
    for ground in ("--page", "--raised"):
        (behind,) = colours(page, ground)
        for ink in colours(page, "--ink", "--muted", "--danger", "--warning", "--calm", "--fine", "--accent"):
            assert contrast(ink, behind) >= 4.5
        for fill in colours(page, *(f"--{fill}" for fill in Fill)):
            assert contrast(fill, behind) >= 3
    for tone in ("danger", "warning", "calm", "fine"):
        ink, behind, text = colours(page, f"--{tone}", f"--{tone}-ground", "--ink")
        assert contrast(ink, behind) >= 4.5
        assert contrast(text, behind) >= 4.5


def test_on_a_phone_a_task_is_a_card(window: Window) -> None:
    page = window.open(PAGES["plan_blocked"], width=390)
    for key in ("changes", "blocked"):
        box = page.locator(f"#{key} .box")
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
        assert page.locator(f"#{key} tbody :is(th, td)").evaluate_all(
            "all => all.every(cell => !cell.textContent || cell.getBoundingClientRect().right <= innerWidth)"
        )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_fill_has_a_colour_of_its_own(window: Window) -> None:
    page = window.open(PAGES["report_every_outcome"])
    drawn = page.locator("pattern .fill").evaluate_all("all => all.map(one => getComputedStyle(one).fill)")
    assert len(set(drawn)) == len(drawn) == len(Fill)


@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_page_does_not_scroll_sideways(name: str, window: Window) -> None:
    page = window.open(PAGES[name], width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    for box in page.locator(".box").all():
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth || getComputedStyle(box).overflowX === 'auto'")


def test_heads_stay_in_sight_while_rows_scroll(window: Window) -> None:
    box = window.open(long_enough()).get_by_role("region", name="1000 changes")
    before = box.locator("thead").bounding_box()
    box.evaluate("box => box.scrollTo(0, 20000)")
    after = box.locator("thead").bounding_box()
    top = box.bounding_box()
    assert before and after and top  # noqa: PT018 - one thing: all three are laid out
    assert abs(after["y"] - top["y"]) <= 2
    assert after["y"] < before["y"]


def test_ten_thousand_rows_are_filtered_and_sorted(window: Window) -> None:
    page = window.open(render_plan_html(replace(EMPTY, changes=long()), now=NOW))
    page.locator(".controls").get_by_label("filter").fill("task-99")
    assert rows(page, "changes") == [each.task_id for each in long() if "task-99" in each.task_id]
    heading(page, "changes", "age").get_by_role("button").click()
    assert rows(page, "changes") == [
        each.task_id
        for each in sorted(long(), key=lambda each: str(each.observed["created_at"]), reverse=True)
        if "task-99" in each.task_id
    ]
    page.locator(".controls").get_by_label("filter").fill("")
    choose(page, "policy", "policy-4")
    number = sum("policy-4" in each.policies for each in long())
    assert count(page) == f"{number} of 10000 rows"
    choose(page, "policy", "")
    heading(page, "changes", "task").get_by_role("button").click()
    assert cells(page, "changes", 1) == [f"task-{number}" for number in range(10_000)]


def test_a_table_stays_one_for_who_cannot_see_it(window: Window) -> None:
    """Rows are laid out as grids: Chromium must still call them rows, those out of sight too."""
    page = window.open(long_enough())
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert roles.count("row") >= 1_000
    assert {"table", "columnheader", "rowheader", "cell", "image", "search"} <= set(roles)


class TestPrint:
    plan = replace(
        EMPTY,
        changes=tuple(change(f"task-{number}") for number in range(310)),
        blocked=(skipped("blocked-1", "it runs"),),
    )

    @pytest.fixture
    def page(self, window: Window) -> Page:
        """A page whose filter hides all but one row, in dark mode: paper must show neither."""
        page = window.open(render_plan_html(self.plan, now=NOW), scheme="dark")
        page.locator(".controls").get_by_label("filter").fill("task-309")
        assert rows(page, "changes") == ["task-309"]
        return page

    def test_every_row_is_printed_and_the_heads_repeat(self, page: Page) -> None:
        reader = pytest.importorskip("pypdf", reason="pypdf is not installed: pip install pypdf")
        sheets = [sheet.extract_text() for sheet in reader.PdfReader(io.BytesIO(page.pdf())).pages]
        text = "\n".join(sheets)
        assert [task for task in (*(f"task-{number}" for number in range(310)), "blocked-1") if task not in text] == []
        with_rows = [sheet for sheet in sheets if "task-" in sheet]
        assert len(with_rows) > 3
        assert all("policies" in sheet for sheet in with_rows)
        assert "Clear" not in text

    def test_paper_is_light_and_has_no_controls_and_cuts_nothing_off(self, page: Page) -> None:
        page.emulate_media(media="print")
        assert page.locator("tr[hidden]").count() == 310
        assert page.locator("#changes tbody tr").evaluate_all("all => all.every(row => row.checkVisibility())")
        assert not page.locator(".controls").is_visible()
        ground, ink = colours(page, "--page", "--ink")
        assert ground > ink
        boxes = "all => all.map(box => [getComputedStyle(box).overflowY, getComputedStyle(box).maxHeight].join(' '))"
        assert set(page.locator(".box").evaluate_all(boxes)) == {"visible none"}
