"""Comments as GitHub's and GitLab's own parsers read them: whatever a task is called, it is text in a code element."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import product

import cmarkgfm
import comrak
import pytest
from cmarkgfm.cmark import Options
from hypothesis import example, given

from reconciler.planning.plan import Plan
from reconciler.planning.report import Report
from reconciler.reports.registry import View, render
from tests.reports.examples import EVIL, NOW, PLANS, REPORTS
from tests.reports.hostile_texts import REFERENCES, hostile, plan_of, report_of

VIEW = View(now=NOW, saved_to=("plan.json",))


def by_github(text: str) -> str:
    """cmark-gfm, which GitHub runs, with the raw HTML that its sanitizer is given."""
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    html: str = cmarkgfm.github_flavored_markdown_to_html(text, options=options)
    return html


def by_gitlab(text: str) -> str:
    """comrak, which GitLab runs, with the extensions of GitLab Flavored Markdown."""
    extensions = comrak.ExtensionOptions()
    for name in (
        *("alerts", "autolink", "description_lists", "footnotes", "inline_footnotes", "math_code", "math_dollars"),
        *("multiline_block_quotes", "shortcodes", "strikethrough", "table", "tasklist", "wikilinks_title_before_pipe"),
    ):
        assert hasattr(extensions, name)
        setattr(extensions, name, True)
    rendering = comrak.RenderOptions()
    rendering.unsafe_ = True
    html: str = comrak.render_markdown(text, extension_options=extensions, render_options=rendering)
    return html


PARSERS = {"github": by_github, "gitlab": by_gitlab}
ELEMENTS = {
    *("h2", "p", "blockquote", "ul", "li", "strong", "code", "br", "wbr", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    "div",  # GitLab's alerts
}


class Page(HTMLParser):
    """The elements of a page, the texts in `code`, and those outside of it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: set[tuple[str, str | None]] = set()
        self.codes: list[str] = []
        self.prose: list[str] = []
        self._in_code = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes.update(attrs)
        if tag == "code":
            assert not self._in_code, "code within code"
            self._in_code = 1
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self._in_code = 0

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.codes[-1] += data
        else:
            self.prose.append(data)


ALERTS = re.compile(r"markdown-alert(-\w+| \S+|-title)?")
LIVE = re.compile(r"[@#~$&%][\w\"]|!\d|\[\[|\[\w+:\d|\{[+-]|\bhttps?:|\bwww\.|\b[0-9a-f]{7,}\b|:[a-z_]+:|^/\w")
"""What GitHub and GitLab would make a reference, a link or a commit of, outside of code."""


def check(item: Plan | Report, parse: Callable[[str], str]) -> Page:
    text = render(item, "markdown", VIEW)
    first, body = text.split("\n", 1)
    assert first.startswith("<!-- reconciler:")
    page = Page(parse(text))
    assert set(page.elements) <= ELEMENTS
    assert all(name == "class" and ALERTS.match(value or "") for name, value in page.attributes)
    assert not [prose for prose in page.prose if LIVE.search(prose)]
    assert not [line for line in body.splitlines() if line.lstrip(" >").startswith("/")], "a quick action of GitLab"
    for block in body.split("\n\n"):  # the parsers cut and fill rows silently
        if block.startswith("| "):
            assert len({row.count("|") for row in block.splitlines()}) == 1
    return page


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@given(hostile)
@example(EVIL)
@example(" ".join(REFERENCES))
@example("\n\n".join(REFERENCES))
def test_hostile_texts_are_code_and_nothing_else(parse: Callable[[str], str], text: str) -> None:
    calm = check(plan_of("x"), parse)
    page = check(plan_of(text), parse)
    assert len(page.codes) == len(calm.codes) or not text
    assert [prose for prose in page.prose if prose.strip()] == [
        prose for prose in calm.prose if prose.strip()
    ] or not text
    check(report_of(text), parse)


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@pytest.mark.parametrize("item", [*PLANS.values(), *REPORTS.values()], ids=[*PLANS, *REPORTS])
def test_every_example_is_read_as_it_is_meant(parse: Callable[[str], str], item: Plan | Report) -> None:
    page = check(item, parse)
    assert "h2" in page.elements
    assert not [prose for prose in page.prose if "|" in prose or "**" in prose or "---" in prose], "markup as text"


CONTEXTS = ("x {}", "{}", "| a | b |\n| - | - |\n| {} | x |")


@pytest.mark.parametrize("text", REFERENCES)
def test_the_check_is_able_to_fail(text: str) -> None:
    """Each of the texts, as it is, changes the page for one of the two, is a reference, or is not shown as it is."""
    for parse, context in product(PARSERS.values(), CONTEXTS):
        found, calm = (Page(parse(context.format(inner))) for inner in (text, "x"))
        shown = "".join(found.prose)
        if found.elements != calm.elements or LIVE.search(shown) or text.strip() not in shown:
            return
    pytest.fail("nothing comes of it")
