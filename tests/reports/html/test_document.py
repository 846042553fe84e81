"""What is around the content: well-formed, shut off from the world, and the same bytes every time."""

import base64
import hashlib
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.redaction import presentable
from reconciler.reports.html import render_plan_html, render_report_html
from reconciler.reports.html.elements import Markup, element, joined, void
from reconciler.reports.html.histograms import Fill
from tests.reports.examples import BIG, EVIL, NOW, PLANS, REPORTS
from tests.reports.hostile_texts import hostile
from tests.reports.html.pages import PAGES, TREES
from tests.reports.html.strict_page import Node, parsed

every_page = pytest.mark.parametrize("tree", TREES.values(), ids=TREES.keys())

ATTRIBUTES = {
    *("id", "class", "lang", "role", "tabindex", "hidden", "scope", "charset", "name", "content"),
    *("http-equiv", "type", "value", "placeholder", "autocomplete", "spellcheck", "data-sort", "data-choice"),
    *("data-from", "href", "rel"),
    *("aria-hidden", "aria-labelledby", "viewbox", "width", "height", "x", "y", "d", "fill", "text-anchor"),
    "patternunits",
}
"""None of them loads anything, runs anything or leads anywhere."""


def test_the_head_is_the_same_on_every_page_but_for_the_title() -> None:
    heads = {re.sub("<title>.*?</title>", "", page.partition("<main>")[0]) for page in PAGES.values()}
    assert len(heads) == 1


@every_page
def test_the_head(tree: Node) -> None:
    head, _ = tree.children
    metas = {meta.attributes.get("name") or meta.attributes.get("http-equiv"): meta for meta in head.all("meta")}
    assert tree.attributes == {"lang": "en"}
    assert head.children[0].attributes == {"charset": "utf-8"}
    assert {name: metas[name].attributes["content"] for name in ("referrer", "viewport", "color-scheme")} == {
        "referrer": "no-referrer",
        "viewport": "width=device-width, initial-scale=1",
        "color-scheme": "light dark",
    }
    assert head.children[1] is metas["Content-Security-Policy"], "it holds from where it stands"


@every_page
def test_the_policy_admits_the_style_and_the_script_and_nothing_else(tree: Node) -> None:
    (policy,) = (node.attributes["content"] for node in tree.all("meta") if "http-equiv" in node.attributes)
    (style,), (script,) = tree.all("style"), tree.all("script")
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(node.text.encode()).digest()).decode() for node in (style, script)
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )


@every_page
def test_nothing_is_loaded_and_nothing_needs_leave(tree: Node) -> None:
    for node in tree.walk():
        assert set(node.attributes) <= ATTRIBUTES
        fill = node.attributes.get("fill")
        assert fill is None or fill in {f"url(#fill-{name})" for name in Fill}
        assert re.fullmatch("#policy=[a-z0-9-]+", node.attributes.get("href") or "#policy=none")
    style = tree.all("style")[0].text
    assert "@import" not in style
    assert "url(" not in style


@every_page
def test_what_names_another_element_names_one_that_is_there(tree: Node) -> None:
    ids = {node.attributes["id"] for node in tree.walk() if "id" in node.attributes}
    for node in tree.walk():
        assert set((node.attributes.get("aria-labelledby") or "").split()) <= ids
        fill = node.attributes.get("fill")
        assert fill is None or fill[len("url(#") : -1] in ids


@every_page
def test_tables_say_what_they_are(tree: Node) -> None:
    tables = tree.all("table")
    assert tables
    for table in tables:
        caption, head, body = table.children
        assert caption.name == "caption"
        assert caption.text
        assert all(cell.attributes["scope"] == "col" and cell.text for cell in head.children[0].children)
        for row in body.children:
            assert len(row.children) == len(head.children[0].children)
            assert [cell.attributes["scope"] for cell in row.children if cell.name == "th"] == ["row"]


@every_page
def test_pictures_say_what_they_show(tree: Node) -> None:
    for picture in tree.all("svg"):
        if picture.attributes.get("aria-hidden") != "true":
            title, description, *_ = picture.children
            assert (picture.attributes["role"], title.name, description.name) == ("img", "title", "desc")
            assert title.text
            assert description.text


@every_page
def test_a_caption_is_the_first_or_the_last_in_its_figure(tree: Node) -> None:
    for figure in tree.all("figure"):
        places = [place for place, child in enumerate(figure.children) if child.name == "figcaption"]
        assert places in ([0], [len(figure.children) - 1])


@every_page
def test_headings_are_in_order(tree: Node) -> None:
    levels = [int(node.name[1]) for node in tree.walk() if re.fullmatch("h[1-6]", node.name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_same_input_gives_the_same_bytes() -> None:
    for name, plan in PLANS.items():
        assert render_plan_html(plan, now=NOW) == PAGES[f"plan_{name}"]
    for name, report in REPORTS.items():
        assert render_report_html(report, now=NOW) == PAGES[f"report_{name}"]


def test_every_task_of_a_large_plan_is_in_the_page() -> None:
    rows = parsed(render_plan_html(BIG, now=NOW)).rows("changes")
    assert [row[1].text for row in rows] == [change.task_id for change in BIG.changes]


# -- elements --------------------------------------------------------------------------------------------------


anything = st.one_of(hostile, st.text(), st.just(EVIL)).map(presentable)


def test_an_element() -> None:
    assert element("p", "1 < 2", class_="a b", data_sort="age", hidden="") == (
        '<p class="a b" data-sort="age" hidden>1 &lt; 2</p>'
    )


def test_an_attribute_that_is_none_is_left_out() -> None:
    assert void("input", type="search", placeholder=None) == '<input type="search">'


def test_markup_passes_as_it_is() -> None:
    assert element("p", element("b", "&"), Markup("<br>")) == "<p><b>&amp;</b><br></p>"


def test_joining_escapes_text_and_not_markup() -> None:
    assert joined(["<", Markup("<br>")], Markup(", ")) == "&lt;, <br>"


def test_an_attribute_is_text_even_if_it_is_markup() -> None:
    assert element("p", title=Markup('"<b>')) == '<p title="&quot;&lt;b&gt;"></p>'


@given(anything)
def test_text_comes_back_as_it_is(text: str) -> None:
    assert parsed(element("p", text)).text == text


@given(anything)
def test_an_attribute_comes_back_likewise(text: str) -> None:
    node = parsed(element("p", title=text))
    assert (node.attributes["title"] or "") == text
    assert (node.children, node.text) == ([], "")


@pytest.mark.parametrize(
    "broken", ["<p>", "<p></b>", "<p><b></p></b>", '<p id="a"><b id="a"></b></p>', "<p/>", "<p><!-- --></p>"]
)
def test_the_strict_reader_refuses(broken: str) -> None:
    with pytest.raises(AssertionError):
        parsed(broken)
