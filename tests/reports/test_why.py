"""The answer of `why` as whole text."""

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.model import AtMost, Configuration, Keep, Limits, Policy
from reconciler.diagnostics import Location
from reconciler.documents.schema import schema_text
from reconciler.planning.why import Inquiry, Why
from reconciler.redaction import presentable
from reconciler.reports.why.document import WHY, render_why_json
from reconciler.reports.why.text import render_why
from reconciler.reports.why.words import listing_error, not_seen
from reconciler.tasks.observation import Completeness, Fault, Meaning, Observation
from reconciler.tasks.task import Status, Task
from tests.goldens import golden
from tests.planning.world import CATALOGUE, NOW, configuration, policy, seen, selector, task
from tests.reports.examples import EVIL

GOLDENS = Path(__file__).parent / "whys"

ANSI = re.compile(r"\x1b\[[0-9]+m")


def answer(configured: Configuration, *tasks: Task, name: str = "1", **rest: object) -> Why:
    return Inquiry(configured, CATALOGUE, seen(*tasks, **rest), NOW).answer(name)  # type: ignore[arg-type] # completeness


def placed(made: Policy, line: int) -> Policy:
    return replace(made, location=Location("reconciler.yaml", line, 3))


def several() -> Why:
    """Every shape of a condition, with policies of four verdicts and two protections."""
    old = {"created_at": {"older_than": "30m", "newer_than": "3d"}}
    nested = {
        "any": [old, {"all": [{"input.bucket": {"glob": "tmp-*"}}, {"not": {"upload_url": {"contains": "keep"}}}]}]
    }
    policies = (
        placed(policy("nested", nested), 10),
        placed(policy("not-this", {"status": ["succeeded", "failed"], "finished_at": {"older_than": "30d"}}), 14),
        placed(policy("lacks-it", {"upload_url": {"regex": "^https://legacy"}}), 18),
        placed(policy("some-day", "all", suspend=True), 22),
        policy("other-target", targets=("there",)),
    )
    protect = {"legal-hold": {"input.bucket": {"glob": "legal-*"}}, "ended": {"finished_at": {"exists": True}}}
    return answer(configuration(*policies, protect=protect), task("1", input__bucket="uploads"))


def quota() -> Why:
    ensure = AtMost(1, ("input.bucket",), Keep.OLDEST)
    configured = configuration(policy("one-each", {"status": "pending"}, ensure))
    return answer(configured, *(task(str(age), age=age, input__bucket="uploads") for age in (1, 2, 3)), name="3")


def spared() -> Why:
    """One of two policies does not let a task go that is too many, and of the other that is not known."""
    old = {"all": [{"created_at": {"older_than": "1h"}}, {"finished_at": {"older_than": "30d"}}]}
    one = replace(policy("one-each", {"status": "pending"}, AtMost(1)), only=selector(old))
    none = replace(policy("none", {"status": "pending"}), only=selector({"input.bucket": {"glob": "tmp-*"}}))
    tasks = (task(str(age), age=age * 3_600, input__bucket="b") for age in (1, 2))
    return answer(configuration(one, none), *tasks, name="2")


def blocked() -> Why:
    return answer(configuration(policy("all-gone")), task("1", Status.RUNNING))


def protected() -> Why:
    return answer(configuration(policy("all-gone"), protect={"legal-hold": {"input.bucket": "legal"}}), task("1"))


def refused() -> Why:
    """A guard would hold the change back."""
    return answer(configuration(policy("all-gone", limits=Limits(0, 100))), task("1", Status.FAILED))


def undocumented() -> Why:
    return answer(configuration(policy("waiting", {"status": "pending"})), task("1", "BRAND_NEW"))


def incomplete() -> Why:
    ensure = AtMost(0, (), Keep.NEWEST)
    found = answer(configuration(policy("none", ensure=ensure)), task("1"), completeness=Completeness.UNSTABLE)
    return replace(found, taken_at=NOW - 60)


def hostile() -> Why:
    match = {"any": [{"input.bucket": EVIL}, {"upload_url": {"glob": "https://h/*?token=s3cret"}}]}
    configured = configuration(policy("p", match), protect={"legal-hold": {"input.bucket": {"contains": EVIL}}})
    fields = {"input__bucket": EVIL, "upload_url": "https://me:pw@h/v.mp4?token=s3cret"}
    return answer(configured, task(presentable(EVIL), **fields), name=presentable(EVIL))  # type: ignore[arg-type] # fields by name


ANSWERS = {
    made.__name__: made()
    for made in (several, quota, spared, blocked, protected, refused, undocumented, incomplete, hostile)
}
FORMATS = {"txt": render_why, "json": render_why_json}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", ANSWERS)
def test_golden(name: str, suffix: str) -> None:
    text = FORMATS[suffix](ANSWERS[name])
    assert text == golden(GOLDENS / f"{name}.{suffix}", text)


def test_no_golden_is_left_over() -> None:
    assert {path.name for path in GOLDENS.iterdir()} == {f"{name}.{suffix}" for name in ANSWERS for suffix in FORMATS}


@pytest.mark.parametrize("name", ANSWERS)
def test_colour_adds_nothing_to_what_is_said(name: str) -> None:
    painted = render_why(ANSWERS[name], color=True)
    assert ANSI.sub("", painted) == render_why(ANSWERS[name])
    assert painted != render_why(ANSWERS[name])


@pytest.mark.parametrize("name", ANSWERS)
def test_the_document_is_what_its_schema_says(name: str) -> None:
    document = json.loads(render_why_json(ANSWERS[name]))
    jsonschema.validate(document, json.loads(schema_text("why", WHY)))
    assert document["found"]


@pytest.mark.parametrize("verbose", [False, True])
def test_nothing_hostile_reaches_a_terminal(verbose: bool) -> None:
    text = render_why(ANSWERS["hostile"], verbose=verbose)
    assert all(line == presentable(line) for line in text.splitlines())
    for form in (text, render_why_json(ANSWERS["hostile"])):
        assert "s3cret" not in form.replace(json.dumps(EVIL)[1:-1], "")
        assert not any(character in form for character in "\x1b\u202e\u200b")


@settings(max_examples=50)
@given(st.text(), st.text(min_size=1))
def test_whatever_a_task_holds_the_page_keeps_its_lines(bucket: str, name: str) -> None:
    protect = {"legal-hold": {"input.bucket": "legal"}}
    configured = configuration(policy("p", {"input.bucket": "a"}), protect=protect)
    fields = {"input__bucket": bucket} if bucket else {}
    text = render_why(answer(configured, task(name, **fields), name=name))  # type: ignore[arg-type] # fields by name
    plain = render_why(answer(configured, task("1", **({"input__bucket": "b"} if bucket else {}))))  # type: ignore[arg-type] # likewise
    if bucket != "a" and bucket != "legal":
        assert text.count("\n") == plain.count("\n")
    assert all(line == presentable(line) for line in text.split("\n"))


def _found_nothing(*observations: Observation, **rest: object) -> str:
    made = Inquiry(configuration(policy()), CATALOGUE, {one.scope: one for one in observations}, NOW).answer("10")
    message, hints = not_seen(replace(made, **rest))  # type: ignore[arg-type] # fields of the answer
    return "\n".join([message, *hints])


def test_unseen_is_never_absent() -> None:
    (whole,) = seen(task("100")).values()
    assert "there is no task 10 among the 1 task of the 1 scope" in _found_nothing(whole)
    assert "did you mean 100?" in _found_nothing(whole)
    (torn,) = seen(completeness=Completeness.FAILED).values()
    text = _found_nothing(torn)
    assert "there is no" not in text
    assert "1 of 1 scope could not be listed whole: it may be there all the same" in text


def test_an_upload_job_may_be_outside_the_inventory() -> None:
    (whole,) = seen().values()
    assert "it does not name this" in _found_nothing(whole, by_inventory=((whole.scope, False),))
    assert "the cloud shows no such job" in _found_nothing(whole, by_inventory=((whole.scope, True),))


def test_a_listing_error_is_presentable() -> None:
    (torn,) = seen(completeness=Completeness.FAILED).values()
    text = listing_error(replace(torn, fault=Fault(Meaning.MALFORMED, "\x1b[31m https://h/?token=s3cret")))
    assert text == presentable(text)
    assert "s3cret" not in text


def test_an_id_that_is_asked_for_is_presentable() -> None:
    evil = "\x1b[31m https://h/?token=s3cret"
    made = replace(ANSWERS["hostile"], name=evil, near=(evil,), tasks=())
    message, hints = not_seen(made)
    for text in (message, *hints, json.loads(render_why_json(made))["task_id"]):
        assert text.isprintable()
        assert "s3cret" not in text
