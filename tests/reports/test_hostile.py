"""Whatever a task is called, it is shown as the characters it is made of, and does nothing."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.engine.report import Outcome, Report, Result
from reconciler.planning.plan import Note, Plan
from reconciler.redaction import presentable
from reconciler.reports.escape import code, marker
from reconciler.reports.registry import PLAN_FORMATS, View, render
from reconciler.tasks.fault import Fault, Meaning
from tests.reports.examples import EMPTY, EVERY_OUTCOME, EVIL, NOW, change, scope, spared

hostile = st.one_of(
    st.sampled_from([EVIL, "</code></details>", "\u202e", "a\nb", "|", "`", "www.evil.com", "\x9b31m", "\u2028"]),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "P", "S", "L", "N"]), max_size=40),
    st.builds(
        "see https://h/{}?token={}".format, st.just("v.mp4"), st.from_regex(r"s3cret[a-z0-9&=%]*", fullmatch=True)
    ),
)


def plan_of(text: str) -> Plan:
    shown = presentable(text)
    return replace(
        EMPTY,
        changes=(change(shown, reason=shown, observed={"status": shown, shown: shown, "list": (shown, shown)}),),
        blocked=(replace(spared(shown, shown), observed={"created_at": shown}),),
        protected=(spared(shown, shown, "legal-hold"),),
        scopes=(*EMPTY.scopes, scope(error=Fault(Meaning.PERMANENT, shown, shown, 400, shown))),
        notes=(Note("error", shown, shown, shown, shown), Note("warning", shown)),
        files=(shown,),
    )


def report_of(text: str) -> Report:
    shown = presentable(text)
    fault = Fault(Meaning.PERMANENT, shown, shown, 400, shown)
    task = plan_of(text).changes[0]
    return replace(EVERY_OUTCOME, results=(Result(task, Outcome.FAILED, shown, shown, shown, fault),), run_id=shown)


def renderings(text: str) -> dict[str, str]:
    view = View(now=NOW, saved_to="plan.json")
    return {
        f"{type(item).__name__} {form}": render(item, form, view)
        for item in (plan_of(text), report_of(text))
        for form in PLAN_FORMATS
    }


@given(hostile)
@settings(deadline=None)  # a busy machine is no defect
def test_no_control_characters_and_no_queries(text: str) -> None:
    for name, rendered in renderings(text).items():
        rendered.encode("utf-8")
        live = {char for char in rendered if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\n"}
        assert not live, name
        assert "s3cret" not in rendered, name


@given(hostile)
@settings(deadline=None)  # a busy machine is no defect
def test_colour_brings_escape_sequences_of_our_own_only(text: str) -> None:
    painted = render(plan_of(text), "text", View(now=NOW, color=True, saved_to="plan.json"))
    assert re.sub(r"\x1b\[(?:0|1|2|31|32|33)m", "", painted) == renderings(text)["Plan text"]


TAGS = {"code", "/code", "details", "/details", "summary", "/summary", "b", "/b", "br"}


@given(hostile)
@settings(deadline=None)  # a busy machine is no defect
def test_markdown_holds_no_markup_of_strangers(text: str) -> None:
    for name, rendered in renderings(text).items():
        if not name.endswith("markdown"):
            continue
        _, body = rendered.split("\n", 1)
        assert set(re.findall(r"<([^>]*)>", body)) <= TAGS
        assert body.count("<code>") == body.count("</code>")
        assert "@" not in body
        assert not set("@|`<>[]!*_~:#\\$") & set("".join(re.findall(r"<code>(.*?)</code>", body)).replace("&#", ""))
        for row in re.findall(r"^\|.*$", body, re.MULTILINE):
            assert row.count("|") in {4, 8, 9}


@given(hostile)
@settings(deadline=None)  # a busy machine is no defect
def test_markdown_parses_to_nothing_live(text: str) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    for item in (plan_of(text), report_of(text)):
        blocks = parser.parse(render(item, "markdown", View(now=NOW)))
        found = {token.type for block in blocks for token in (block, *(block.children or ()))}
        assert not found & {"link_open", "image", "em_open", "code_inline", "code_block", "fence", "hr"}


@given(st.text())
def test_code_survives_as_text(text: str) -> None:
    """What a browser shows is what was meant."""
    shown = re.sub(
        r"&#(\d+);", lambda match: chr(int(match[1])), code(text, 10**9).removeprefix("<code>").removesuffix("</code>")
    )
    assert shown == presentable(text)


@pytest.mark.parametrize("fact", ["-->", "--!>", "<script>", "\n"])
def test_a_marker_cannot_be_ended_early(fact: str) -> None:
    text = marker("plan", {"fact": fact})
    assert text.endswith(" -->")
    assert text.count(">") == 1
    assert "\n" not in text
