"""The page in a real Chromium: it opens quietly, filters, sorts, and keeps hostile text in its place."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.redaction import presentable
from reconciler.reports.ages import duration
from reconciler.reports.html import render_plan_html
from reconciler.tasks.timestamps import Timestamp
from tests.reports.examples import CANCEL, DELETE, EMPTY, EVIL, NOW, change, observed, policy, skipped
from tests.reports.html.opened_page import Window, cells, choose, count, heading, rows
from tests.reports.html.pages import PAGES, TREES
from tests.reports.html.test_hostile import BENIGN, plan_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

PLAN = replace(
    EMPTY,
    changes=(
        change("10", observed=observed("pending", "2026-01-01T00:00:00Z", input__object="Trailer.mp4")),
        change("9", policies=("a", "b"), observed=observed("failed", "2025-06-01T00:00:00Z"), steps=DELETE),
        change("100", policies=("b",), observed=observed("pending", "not a time"), steps=CANCEL),
        change("20", target="huawei-test", observed=observed("pending", "2026-01-02T03:44:00Z")),
    ),
    blocked=(skipped("30", "it runs"),),
    protected=(replace(skipped("40", "kept for the trailer", "legal-hold", status="pending"), policies=("b",)),),
)
PAGE = render_plan_html(PLAN, now=NOW)
POLICIES = render_plan_html(replace(PLAN, policies=(policy("a"), policy("b"))), now=NOW)


def shown(page: Page) -> list[str]:
    """The tasks in sight, of all three tables."""
    return [*rows(page, "changes"), *rows(page, "blocked"), *rows(page, "protected")]


@pytest.mark.parametrize("name", PAGES)
def test_every_example_opens_quietly_and_as_it_was_written(name: str, window: Window) -> None:
    """Without the script, the browser's tree is the one that was written: it had nothing to mend."""
    page = window.open(PAGES[name])
    assert page.title() == TREES[name].all("title")[0].text
    plain = window.open(PAGES[name], script=False)
    found = plain.locator("*").evaluate_all("all => all.map(one => one.localName)")
    assert found == [node.name for node in TREES[name].walk()]


class TestFilter:
    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ("trailer", ["10", "40"]),
            ("  TRAILER  mp4 ", ["10"]),
            ("trailer legal-hold", ["40"]),
            ("it runs", ["30"]),
            ("no such words", []),
            ("", ["10", "9", "100", "20", "30", "40"]),
        ],
    )
    def test_all_words_must_occur(self, window: Window, words: str, found: list[str]) -> None:
        page = window.open(PAGE)
        page.locator(".controls").get_by_label("filter").fill(words)
        assert shown(page) == found
        assert count(page) == f"{len(found)} of 6 rows"

    @pytest.mark.parametrize(
        ("label", "value", "found"),
        [
            ("policy", "b", ["9", "100", "40"]),
            ("target", "huawei-test", ["20"]),
            ("do", "delete", ["9"]),
            ("status", "pending", ["10", "100", "20", "40"]),
        ],
    )
    def test_by_choice(self, window: Window, label: str, value: str, found: list[str]) -> None:
        page = window.open(PAGE)
        choose(page, label, value)
        assert shown(page) == found

    def test_choices_are_the_values_that_there_are(self, window: Window) -> None:
        page = window.open(PAGE)
        choices = {
            name: page.locator(f"select[data-choice={name}] option").all_inner_texts() for name in ("do", "status")
        }
        assert choices == {"do": ["all", "cancel", "delete"], "status": ["all", "failed", "pending", "running"]}

    def test_words_and_choices_are_taken_together_and_cleared_together(self, window: Window) -> None:
        page = window.open(PAGE)
        page.locator(".controls").get_by_label("filter").fill("transcoding")
        choose(page, "policy", "one-transcode-per-object")
        choose(page, "status", "pending")
        assert shown(page) == ["10", "20"]
        assert page.locator("#changes caption").inner_text() == "4 changes, 2 shown"
        page.get_by_role("button", name="Clear").click()
        assert len(shown(page)) == 6
        assert page.locator("#changes caption").inner_text() == "4 changes"
        assert page.locator(".controls").get_by_label("filter").evaluate("field => field === document.activeElement")

    def test_a_report_is_filtered_by_outcome(self, window: Window) -> None:
        page = window.open(PAGES["report_every_outcome"])
        choose(page, "outcome", "not attempted")
        assert rows(page, "results") == ["24015"]

    def test_a_click_on_a_policy_shows_its_tasks(self, window: Window) -> None:
        page = window.open(POLICIES)
        page.locator("#policies").get_by_role("link", name="a", exact=True).click()
        assert shown(page) == ["9"]
        assert page.evaluate("location.hash") == "#policy=a"

    def test_what_is_chosen_stands_in_the_address_that_is_passed_on(self, window: Window) -> None:
        page = window.open(PAGE)
        page.locator(".controls").get_by_label("filter").fill("transcoding & more")
        choose(page, "status", "pending")
        address = page.evaluate("location.href")
        assert address.endswith("#filter=transcoding+%26+more&status=pending")
        page.goto("about:blank")
        page.goto(address.replace("+%26+more", ""))
        assert shown(page) == ["10", "100", "20", "40"]
        assert page.locator(".controls").get_by_label("filter").input_value() == "transcoding"

    @pytest.mark.parametrize(
        "fragment", ["#policy=no-such", "#status=<b>", "#=&=", "#__proto__=x", "#policies", "#a=%ff"]
    )
    def test_any_other_address_shows_everything(self, window: Window, fragment: str) -> None:
        page = window.open(PAGE)
        page.evaluate("fragment => { location.hash = fragment; }", fragment)
        page.evaluate("() => new Promise(done => setTimeout(done))")
        assert len(shown(page)) == 6

    def test_the_rows_in_sight_can_be_taken_along_and_none_is_a_formula(self, window: Window) -> None:
        evil = change("=2+3", target="huawei-test", observed=observed("pending", input__object='=cmd|"/c calc"!A0'))
        page = window.open(render_plan_html(replace(PLAN, changes=(*PLAN.changes, evil)), now=NOW))
        choose(page, "target", "huawei-test")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download CSV").click()
        assert download.value.suggested_filename == "tasks.csv"
        head, *lines = csv.reader(download.value.path().read_text(encoding="utf-8").splitlines())
        assert head[:3] == ["list", "do", "task"]
        found = [dict(zip(head, line, strict=True)) for line in lines]
        assert [(line["list"], line["task"], line["age"]) for line in found] == [
            ("changes", "20", "2026-01-02T03:44:00Z"),
            ("changes", "'=2+3", "2026-01-01T00:00:00Z"),
        ]
        assert found[1]["fields"] == 'input.object =cmd|"/c calc"!A0'
        assert all(not cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)


def test_ages_are_those_of_the_day_on_which_it_is_read(window: Window) -> None:
    page = window.open(PAGE)
    created = datetime(2026, 1, 1, tzinfo=UTC)
    days = (datetime.now(UTC) - created).days
    time = page.locator("#changes time").first
    assert time.text_content() == "2026-01-01T00:00:00Z"
    assert str(time.get_attribute("data-age")).split("d")[0] in {str(days), str(days + 1)}
    assert page.get_by_text("This plan has expired").is_visible()
    later = replace(PLAN, expires_at=Timestamp(4_000_000_000))
    assert not window.open(render_plan_html(later, now=NOW)).get_by_text("This plan has expired").is_visible()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (86_400, "1d"), (90_061, "1d 1h"), (86_460, "1d")],
)
def test_durations_are_those_of_the_text(window: Window, seconds: int, text: str) -> None:
    assert window.open(PAGE).evaluate("seconds => duration(seconds)", seconds) == text == duration(seconds)


def test_a_command_is_copied_by_a_click(window: Window) -> None:
    page = window.open(PAGE)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("pre").text_content()


def test_the_job_is_linked(window: Window) -> None:
    page = window.open(render_plan_html(PLAN, now=NOW, job=("https://ci.example.com/octo/runs/12", "run 12")))
    link = page.get_by_role("link", name="run 12")
    assert link.get_attribute("href") == "https://ci.example.com/octo/runs/12"


class TestSort:
    @pytest.mark.parametrize(
        ("column", "ascending", "descending"),
        [
            ("task", ["9", "10", "20", "100"], ["100", "20", "10", "9"]),
            ("age", ["20", "10", "9", "100"], ["9", "10", "20", "100"]),
            ("status", ["9", "10", "100", "20"], ["10", "100", "20", "9"]),
        ],
    )
    def test_by_click(self, window: Window, column: str, ascending: list[str], descending: list[str]) -> None:
        """Up, down, and back to the order of the plan. A task of unknown age comes last either way."""
        page = window.open(PAGE)
        head = heading(page, "changes", column)
        for order, direction in (
            (ascending, "ascending"),
            (descending, "descending"),
            (["10", "9", "100", "20"], None),
        ):
            head.get_by_role("button").click()
            assert rows(page, "changes") == order
            assert head.get_attribute("aria-sort") == direction

    def test_by_keyboard(self, window: Window) -> None:
        page = window.open(PAGE)
        page.get_by_role("region", name="4 changes").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert rows(page, "changes") == ["9", "10", "20", "100"]
        page.keyboard.press("Space")
        assert rows(page, "changes") == ["100", "20", "10", "9"]

    def test_one_column_at_a_time(self, window: Window) -> None:
        page = window.open(PAGE)
        for column in ("age", "status"):
            heading(page, "changes", column).get_by_role("button").click()
        assert page.locator("#changes th[aria-sort]").all_inner_texts() == ["status"]

    def test_numbers_are_sorted_as_numbers(self, window: Window) -> None:
        names = ("some", "most", "few")
        numbers = (9, 100, 20)
        changes = [
            change(f"{name}-{index}", policies=(name,))
            for name, number in zip(names, numbers, strict=True)
            for index in range(number)
        ]
        policies = tuple(replace(EMPTY.policies[0], name=name) for name in names)
        page = window.open(render_plan_html(replace(EMPTY, changes=tuple(changes), policies=policies), now=NOW))
        heading(page, "policies", "cancel").get_by_role("button").click()
        assert cells(page, "policies", 1) == ["9", "20", "100"]

    def test_a_sorted_table_is_filtered_and_the_other_way_round(self, window: Window) -> None:
        page = window.open(PAGE)
        choose(page, "status", "pending")
        heading(page, "changes", "task").get_by_role("button").click()
        assert rows(page, "changes") == ["10", "20", "100"]
        choose(page, "status", "")
        assert rows(page, "changes") == ["9", "10", "20", "100"]


def test_without_javascript_everything_is_there_and_nothing_pretends(window: Window) -> None:
    page = window.open(PAGE, script=False)
    assert shown(page) == ["10", "9", "100", "20", "30", "40"]
    assert all(
        row.is_visible() for row in page.locator("tbody tr").all() if not row.locator("xpath=ancestor::details").count()
    )
    assert not page.get_by_role("searchbox").count()
    assert not page.get_by_role("button").count()


HOSTILE = (
    EVIL,
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><img src=https://evil.example/x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</textarea></title></table><iframe src=https://evil.example>",
    "<base href=https://evil.example/><a href=javascript:alert(1)>x</a>",
    "<meta http-equiv=refresh content='0;https://evil.example'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--",
    "]]>",
    "\0<b>\0",
    "constructor",
    "__proto__",
    "{{7*7}}",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text: str, window: Window) -> None:
    """No element, no script, no request, no dialog: the window would have written it down."""
    names = "all => all.map(one => [one.localName, ...one.getAttributeNames()].join(' '))"
    plain = window.open(render_plan_html(plan_of(BENIGN), now=NOW)).locator("*").evaluate_all(names)
    page = window.open(render_plan_html(plan_of(text), now=NOW))
    assert page.locator("*").evaluate_all(names) == plain
    assert page.locator("#changes tbody th").text_content() == presentable(text)
    choose(page, "policy", presentable(text))
    page.locator(".controls").get_by_label("filter").fill(presentable(text))
    assert count(page) == "3 of 3 rows"
    heading(page, "changes", "task").get_by_role("button").click()
    page.locator("#changes tbody th").hover()


@pytest.mark.parametrize(
    ("tampered", "directive"),
    [
        ("<script>document.title = 'owned'</script>", "script-src-elem"),
        ("<img src='data:,' onerror=\"document.title = 'owned'\">", "img-src"),
        ("<b onclick=\"document.title = 'owned'\">x</b>", "script-src-attr"),
        ("<b style='color: red'>x</b>", "style-src-attr"),
        ("<style>b { color: red }</style>", "style-src-elem"),
        ("<iframe src='https://evil.example'></iframe>", "frame-src"),
        ("<base href='https://evil.example/'>", "base-uri"),
    ],
)
def test_were_the_escaping_to_fail_the_policy_would_hold(tampered: str, directive: str, window: Window) -> None:
    page = window.open(PAGE.replace("</main>", f"{tampered}</main>"))
    if "onclick" in tampered:
        page.locator("b", has_text="x").last.click()
    window.wait_for(page, f"violation of {directive}")
    window.settle()
    assert page.title() != "owned"
    window.incidents.clear()
