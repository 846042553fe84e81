"""Plain text never becomes more than text, wherever it is put."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.redaction import presentable
from reconciler.reports.html.elements import Markup, element, joined, void
from tests.reports.examples import EVIL
from tests.reports.hostile_texts import hostile
from tests.reports.html.strict_page import parsed

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
