"""Whatever a task is called, it is shown as the characters it is made of, and does nothing."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from reconciler.redaction import presentable
from reconciler.reports.markdown.parts import code
from reconciler.reports.registry import PLAN_FORMATS, View, render
from tests.reports.examples import NOW
from tests.reports.hostile_texts import hostile, plan_of, report_of


def renderings(text: str) -> dict[str, str]:
    view = View(now=NOW, saved_to="plan.json")
    return {
        f"{type(item).__name__} {form}": render(item, form, view)
        for item in (plan_of(text), report_of(text))
        for form in PLAN_FORMATS
    }


@given(hostile)
def test_no_control_characters_and_no_queries(text: str) -> None:
    for name, rendered in renderings(text).items():
        rendered.encode("utf-8")
        live = {char for char in rendered if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\n"}
        assert not live, name
        assert "s3cret" not in rendered, name


@given(hostile)
def test_colour_brings_escape_sequences_of_our_own_only(text: str) -> None:
    painted = render(plan_of(text), "text", View(now=NOW, color=True, saved_to="plan.json"))
    assert re.sub(r"\x1b\[(?:0|1|2|31|32|33)m", "", painted) == renderings(text)["Plan text"]


@given(st.text().map(presentable))
def test_code_survives_as_text(text: str) -> None:
    """What a browser shows is what was meant."""
    shown = re.sub(
        r"&#(\d+);", lambda match: chr(int(match[1])), code(text, 10**9).removeprefix("<code>").removesuffix("</code>")
    )
    assert shown.replace("<wbr>@", "@") == text.replace("<wbr>@", "@")
