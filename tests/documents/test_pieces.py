"""Writing in pieces, and reading what is to the byte as it was written: quick, and as careful as value by value."""

import hashlib
import json
from copy import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents import document
from reconciler.documents.files import PLAN_FILE
from reconciler.documents.strict_json import dump
from reconciler.exceptions import InvalidPlan
from reconciler.planning.canonical import BATCH, canonical_json, sha256
from reconciler.planning.plan import Plan
from reconciler.redaction import is_presentable_json, presentable, seen_as_a_whole
from reconciler.tasks.resource_type import Action
from tests.documents.test_plan import plans
from tests.reports.examples import PLANS

SIGNS = [
    ":",
    "/",
    "\\",
    "?",
    "#",
    "@",
    '"',
    "~",
    " ",
    "a",
    "0",
    "\n",
    "\x7f",
    "\u200b",
    "\xa0",
    "\u0301",
    "é",
    "中",
    "😀",
]
odd = st.lists(st.sampled_from([*SIGNS, "://", "?~0123abcd", "u:p@"]), max_size=12).map("".join) | st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | odd,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(odd, inner, max_size=4),
    max_leaves=12,
)


def many(count: int, **altered: Any) -> Plan:  # noqa: ANN401 - fields of a change
    """A plan of so many changes."""
    change = replace(PLANS["five_kinds"].changes[0], **altered)
    return replace(PLANS["five_kinds"], changes=tuple(replace(change, task_id=str(number)) for number in range(count)))


@given(JSON)
def test_what_is_said_to_be_presentable_is(data: object) -> None:
    def texts(value: object) -> list[str]:
        if isinstance(value, dict):
            return [*value, *texts(list(value.values()))]
        return [text for item in value for text in texts(item)] if isinstance(value, list) else [str(value)]

    written = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    if is_presentable_json(written):
        assert all(presentable(text) == text for text in texts(data))


@pytest.mark.parametrize("text", ["ascii", "中文 é", "https://h/p?~0123abcd", "a: b, c/d?e#f", "e\u0301"])
def test_what_is_presentable_is_seen_to_be_but_for_marks(text: str) -> None:
    assert presentable(text) == text
    assert is_presentable_json(json.dumps({"a": text}, ensure_ascii=False).encode()) is ("\u0301" not in text)


@given(JSON.filter(lambda data: isinstance(data, dict)))
def test_canonical_json_is_that_of_the_standard_library(data: dict[str, Any]) -> None:
    """Digests that were approved, and checksums of files that were saved, stay what they are."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if all(key.isascii() for key in data):
        assert canonical_json(data) == text.encode()


def test_a_long_list_has_the_digest_that_it_has_as_a_whole() -> None:
    record = {"b": list(range(3 * BATCH + 1)), "a": [{"y": 1, "x": "é"}] * (BATCH + 1), "c": []}
    assert sha256(record) == f"sha256:{hashlib.sha256(canonical_json(record)).hexdigest()}"


@given(plans, odd)
def test_the_text_is_that_of_the_keys_and_values(plan: Plan, text: str) -> None:
    """Also of text that slipped in unseen."""
    assert PLAN_FILE.text(plan) == dump(PLAN_FILE.document(plan))
    with seen_as_a_whole():
        hostile = many(2, reason=text, observed={"status": "pending", "input.object": text})
    assert PLAN_FILE.text(hostile) == dump(PLAN_FILE.document(hostile))


def test_no_piece_is_large_whatever_the_plan() -> None:
    pieces = list(PLAN_FILE.pieces(many(20 * BATCH)))
    assert len(pieces) > 20
    assert max(map(len, pieces)) < 2 * sum(map(len, pieces)) / 20


def test_a_file_as_it_was_written_is_not_read_value_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is any of its texts looked at alone: that took five times as long."""
    plan = many(BATCH + 1, observed={"status": "pending", "upload_url": "https://h/a.mp4?~0123abcd"})
    text = PLAN_FILE.text(plan)

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(document, "load", refuse)
    monkeypatch.setattr("reconciler.redaction.presentable", refuse)
    monkeypatch.setattr("reconciler.documents.pieces.document_of", refuse)
    assert PLAN_FILE.read(text) == plan
    assert PLAN_FILE.read(text.encode()) == plan


def test_what_many_changes_share_is_held_once() -> None:
    """A policy may be called as a step is: an enum that is equal to its text is not taken for it."""
    plan = many(
        3, policies=("delete",), steps=(Action.DELETE,), observed={"status": "failed", "input.object": "delete"}
    )
    first, second, _ = PLAN_FILE.read(PLAN_FILE.text(plan)).changes
    assert (first.policies, first.steps) == (("delete",), (Action.DELETE,))
    assert [type(value) for value in (*first.policies, *first.steps, first.observed["input.object"])] == [
        str,
        Action,
        str,
    ]
    for name in ("target", "resource", "policies", "reason", "steps"):
        assert getattr(first, name) is getattr(second, name)
    assert first.observed["status"] is second.observed["status"]


def test_a_digest_is_worked_out_once_and_anew_for_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = many(2)
    asked: list[object] = []

    def counted(record: dict[str, object]) -> str:
        asked.append(record)
        return sha256(record)

    monkeypatch.setattr("reconciler.planning.plan.sha256", counted)
    text = PLAN_FILE.text(plan)
    assert plan.digest in text
    assert len(asked) == 1
    assert replace(plan, changes=plan.changes[1:]).digest != plan.digest == copy(plan).digest
    assert len(asked) == 3


@pytest.mark.parametrize("text", ["https://h/a?token=1", "a\u202eb", "https://u:p@h/", "a\x1bb", "\x7f"])
def test_a_file_with_text_that_nobody_writes_is_refused_however_it_is_sealed(text: str) -> None:
    with seen_as_a_whole():
        plan = many(1, reason=text)
    record = PLAN_FILE.document(plan)
    for change in record["changes"]:
        change["reason"] = text
    record["checksum"] = document.checksum(record)
    with pytest.raises(InvalidPlan):
        PLAN_FILE.read(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


@given(st.data())
def test_a_file_that_was_altered_is_read_as_what_it_says_or_not_at_all(data: st.DataObject) -> None:
    text = PLAN_FILE.text(PLANS["five_kinds"])
    at = data.draw(st.integers(0, len(text) - 1))
    altered = text[:at] + data.draw(st.sampled_from([*SIGNS, "", "1", "0", "{}", "[]", ","])) + text[at + 1 :]
    try:
        read = PLAN_FILE.read(altered)
    except InvalidPlan:
        return
    assert read == PLANS["five_kinds"]  # blanks between tokens may be others
