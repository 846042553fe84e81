"""JUnit XML: well-formed whatever the texts are, of the shape that its readers expect, and the same each time."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.redaction import presentable
from reconciler.reports.ci.junit_document import Case, Suite, Verdict, render_junit
from tests.reports.junit_schema import check_junit

_texts = st.text(st.characters(), max_size=40) | st.sampled_from(
    [
        "]]>",
        "<![CDATA[",
        "\x00",
        "\ud800",
        "\ufffe",
        "\uffff",
        "a\r\nb",
        "&amp;",
        "\x1b[31m",
        "\u2028",
        "'\"<>&",
        "\x85",
    ]
)
anything = _texts.map(presentable)
lines = st.lists(anything).map("\n".join)
cases = st.builds(Case, anything, anything, st.sampled_from(Verdict), lines, lines)
suites = st.builds(Suite, anything, st.lists(cases, max_size=4).map(tuple), st.none() | st.integers(0, 253_402_300_799))


def test_a_name_is_cut_where_a_database_would_refuse_it() -> None:
    text = render_junit([Suite("s", (Case("x" * 9_000, "y" * 9_000, Verdict.FAILED, "why"),))])
    case = ElementTree.fromstring(text).find(".//testcase")  # noqa: S314 - our own document
    assert case is not None
    assert (len(case.get("classname", "")), len(case.get("name", ""))) == (500, 500)


def test_a_whole_document() -> None:
    suite = Suite(
        "uploads",
        (
            Case("stale", "is canceled", Verdict.PASSED),
            Case("stale", "is kept", Verdict.FAILED, "a1 is kept", "expected: change\nfound: keep <b> & ]]>"),
            Case("old", "is read", Verdict.ERROR, "cannot be read"),
            Case("old", "later", Verdict.SKIPPED, "suspended"),
            Case("old", "counted", Verdict.PASSED, "3 tasks"),
        ),
        1_767_325_445,
    )
    assert render_junit([suite]) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites name="reconciler" tests="5" failures="1" errors="1" time="0">\n'
        '  <testsuite name="uploads" tests="5" failures="1" errors="1" skipped="1" time="0"'
        ' timestamp="2026-01-02T03:44:05">\n'
        '    <testcase classname="stale" name="is canceled" time="0"/>\n'
        '    <testcase classname="stale" name="is kept" time="0">\n'
        '      <failure message="a1 is kept" type="failed">a1 is kept\n'
        "expected: change\n"
        "found: keep &lt;b&gt; &amp; ]]&gt;</failure>\n"
        "    </testcase>\n"
        '    <testcase classname="old" name="is read" time="0">\n'
        '      <error message="cannot be read" type="error">cannot be read</error>\n'
        "    </testcase>\n"
        '    <testcase classname="old" name="later" time="0">\n'
        '      <skipped message="suspended" type="skipped">suspended</skipped>\n'
        "    </testcase>\n"
        '    <testcase classname="old" name="counted" time="0">\n'
        "      <system-out>3 tasks</system-out>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


@given(st.lists(suites, max_size=3))
def test_any_text_survives_as_it_is_shown(given_suites: list[Suite]) -> None:
    text = render_junit(given_suites)
    root = ElementTree.fromstring(text.encode("utf-8"))  # noqa: S314 - our own document; the test is that it parses
    check_junit(root)
    found = [(suite.get("name"), len(suite)) for suite in root]
    assert found == [(suite.name, len(suite.cases)) for suite in given_suites]
    for element, case in zip(
        root.iter("testcase"), (case for suite in given_suites for case in suite.cases), strict=True
    ):
        assert element.get("classname") == case.classname
        assert element.get("name") == case.name
        told = "".join(element.itertext()).strip("\n ")
        assert all(line.strip("\n ") in told for line in case.message.split("\n"))


@pytest.mark.parametrize("verdict", Verdict)
def test_counts_are_those_of_the_cases(verdict: Verdict) -> None:
    suite = Suite("s", (Case("c", "n", verdict),) * 3 + (Case("c", "n", Verdict.PASSED),))
    root = ElementTree.fromstring(render_junit([suite, suite]))  # noqa: S314 - as above
    names = {Verdict.FAILED: "failures", Verdict.ERROR: "errors", Verdict.SKIPPED: "skipped"}
    for element, times in ((root, 2), (root[0], 1), (root[1], 1)):
        assert element.get("tests") == str(4 * times)
        for kind, name in names.items():
            if name == "skipped" and element is root:
                continue
            assert element.get(name) == str(3 * times if kind is verdict else 0)
