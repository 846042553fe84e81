"""Plans as JSON documents: what is written is read back, what was altered or torn is refused."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.model import OnBlocked
from reconciler.diagnostics import Severity
from reconciler.documents.document import checksum
from reconciler.documents.files import PLAN_FILE
from reconciler.documents.strict_json import MAX_BYTES
from reconciler.exceptions import ExitCode, InvalidPlan
from reconciler.planning.change import Change, Skipped
from reconciler.planning.estimate import Estimate
from reconciler.planning.limits import Guard, GuardCheck, Overrides
from reconciler.planning.plan import Plan, Sources
from reconciler.planning.policy_plan import Note, PolicyPlan, ScopePlan, Source
from reconciler.redaction import presentable
from reconciler.tasks.observation import Completeness, Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import EARLIEST, ID_FORM
from reconciler.tasks.timestamps import Timestamp
from tests.reports.examples import EVIL, KINDS, PLANS, refused

names = st.sampled_from(["a", "huawei-prod", "0-9--"])
resources = st.sampled_from(["huaweicloud.mpc.snapshot", "aliyun.vod.url_upload"])
texts = st.text(max_size=12).map(presentable).filter(lambda text: presentable(text) == text)
maybe = st.none() | texts
counts = st.integers(0, 10**9)
times = st.integers(EARLIEST, 253_402_300_799)  # up to the year 9999
policy_names = st.lists(names, max_size=2).map(tuple)
observations = st.dictionaries(
    texts, st.one_of(texts, st.integers(-(10**17), 10**17), st.lists(texts, max_size=2).map(tuple)), max_size=3
).map(lambda fields: {**fields, "status": "pending"})
steps = st.sampled_from([(Action.CANCEL,), (Action.DELETE,), (Action.CANCEL, Action.DELETE)])
faults = st.builds(Fault, st.sampled_from(Meaning), texts, maybe, st.none() | st.integers(100, 599), maybe)
ids = st.from_regex(ID_FORM, fullmatch=True)
changes = st.builds(Change, names, resources, ids, policy_names, texts, observations, steps)
skipped = st.builds(Skipped, names, resources, ids, policy_names, texts, observations, policy_names)
complete_or_unstable = st.sampled_from([Completeness.COMPLETE, Completeness.UNSTABLE])
COUNTS = (
    *("matched", "surplus", "changes", "kept", "blocked", "protected", "unknown"),
    *("spared", "refused", "deferred", "reported"),
)
plans = st.builds(
    Plan,
    tool_version=texts,
    created_at=times.map(Timestamp),
    expires_at=times.map(Timestamp),
    configuration=st.builds(
        Sources,
        st.sampled_from(["sha256:" + "0" * 64, "sha256:" + "c0ffee00" * 8]),
        st.lists(texts, max_size=2).map(tuple),
    ),
    scopes=st.lists(
        st.builds(
            ScopePlan,
            names,
            resources,
            st.dictionaries(texts, counts, max_size=2),
            counts,
            complete_or_unstable,
            st.none() | faults,
            counts,
        ),
        max_size=2,
    ).map(tuple),
    policies=st.lists(
        st.builds(
            PolicyPlan,
            names,
            st.lists(resources, max_size=2).map(tuple),
            policy_names,
            **dict.fromkeys(COUNTS, counts),
            suspended=st.booleans(),
            on_blocked=st.sampled_from(OnBlocked),
            source=st.none() | st.builds(Source, texts, st.integers(1, 10**6)),
        ),
        max_size=2,
    ).map(tuple),
    changes=st.lists(changes, max_size=3, unique_by=lambda change: change.key).map(tuple),
    blocked=st.lists(skipped, max_size=1).map(tuple),
    protected=st.lists(skipped, max_size=1).map(tuple),
    diagnostics=st.lists(st.builds(Note, st.sampled_from(Severity), texts, maybe, maybe, maybe), max_size=2).map(tuple),
    refused=st.lists(
        st.builds(
            lambda change, guard, limit, more: refused(change, GuardCheck(guard, limit, limit + 1 + more, 10**9 + 1)),
            changes,
            st.just(Guard.MAX_ACTIONS),
            counts,
            counts,
        ),
        max_size=2,
    ).map(tuple),
    deferred=counts,
    excluded=counts,
    estimate=st.builds(Estimate, st.dictionaries(resources, counts, max_size=2), counts, counts),
    reported=st.lists(changes, max_size=2).map(tuple),
    overrides=st.builds(
        Overrides, st.none() | counts, st.none() | counts, *(st.dictionaries(names, counts, max_size=2),) * 2
    ),
).filter(
    # No planner changes what is protected or refused, and no reader believes a file that says so.
    lambda plan: {change.id for change in plan.changes}.isdisjoint(
        entry.id for entry in (*plan.protected, *plan.refused, *plan.reported)
    )
)


@given(plans)
def test_round_trip(plan: Plan) -> None:
    text = PLAN_FILE.text(plan)
    text.encode("utf-8")
    again = PLAN_FILE.read(text)
    assert again == plan
    assert PLAN_FILE.text(again) == text


@pytest.mark.parametrize("plan", [plan for name, plan in PLANS.items() if name != "hostile"])
def test_examples_round_trip(plan: Plan) -> None:
    assert PLAN_FILE.read(PLAN_FILE.text(plan)) == plan


def sealed(document: dict[str, Any]) -> str:
    """The text of a document with a checksum to match, which anybody can make."""
    return json.dumps({**document, "checksum": checksum(document)})


@pytest.mark.parametrize("source", [{"file": "x"}, {"file": 1, "line": 1}, {"file": "x", "line": 0}, "x:1", []])
def test_a_source_that_is_none_is_refused(source: object) -> None:
    document = PLAN_FILE.document(PLANS["guard_breach"])
    document["policies"][0]["source"] = source
    with pytest.raises(InvalidPlan):
        PLAN_FILE.read(json.dumps(document))


def test_keys_are_those_of_the_contract() -> None:
    document = PLAN_FILE.document(PLANS["five_kinds"])
    assert " ".join(document) == (
        "format format_version outcome causes complete errored applyable digest summary tool_version created_at "
        "expires_at configuration scopes policies changes blocked protected refused deferred reported estimate "
        "excluded diagnostics run_guards overrides part checksum"
    )
    assert " ".join(document["changes"][0]) == "id target resource task_id policies reason observed steps"


PLAN = replace(
    PLANS["guard_breach"],
    blocked=PLANS["blocked"].blocked,
    overrides=Overrides(max_actions=500),
    run_guards=PLANS["run_breach"].run_guards,
)


def _set(*path: str | int, to: object) -> Callable[[Any], None]:
    def alter(document: Any) -> None:  # noqa: ANN401 - a JSON document
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return alter


def _forget(document: Any) -> None:  # noqa: ANN401 - a JSON document
    document["changes"].pop()


def _repeat(document: Any) -> None:  # noqa: ANN401 - a JSON document
    document["changes"].append(document["changes"][0])


MUTATIONS = {
    "target": _set("changes", 0, "target", to="elsewhere"),
    "resource": _set("changes", 0, "resource", to="aliyun.vod.other"),
    "task_id": _set("changes", 0, "task_id", to="another"),
    "id": _set("changes", 0, "id", to="another"),
    "steps": _set("changes", 0, "steps", to=["delete"]),
    "no steps": _set("changes", 0, "steps", to=[]),
    "steps in the wrong order": _set("changes", 0, "steps", to=["delete", "cancel"]),
    "status": _set("changes", 0, "observed", "status", to="running"),
    "configuration": _set("configuration", "digest", to="sha256:00"),
    "max_actions": _set("overrides", "max_actions", to=9000),
    "max_percent": _set("overrides", "max_percent", to=100),
    "digest": _set("digest", to="sha256:00"),
    "a change less": _forget,
    "a change twice": _repeat,
    "applyable": _set("applyable", to=False),
    "errored": _set("errored", to=True),
    "complete": _set("complete", to=False),
    "outcome": _set("outcome", to="ok"),
    "causes": _set("causes", to=[]),
    "summary": _set("summary", "delete", to=0),
    "breached": _set("policies", 0, "guards", 0, "breached", to=False),
    "unknown": _set("scopes", 0, "unknown", to=9),
    "scope complete": _set("scopes", 0, "complete", to=False),
    "negative count": _set("policies", 0, "matched", to=-1),
    "flag as a number": _set("complete", to=1),
    "time": _set("expires_at", to="2026-13-01T00:00:00Z"),
    "time with a zone": _set("expires_at", to="2026-01-01T00:00:00+08:00"),
    "null": _set("changes", to=None),
    "observed null": _set("changes", 0, "observed", "title", to=None),
    "float": _set("scopes", 0, "requests", to=1.5),
    "huge number": _set("scopes", 0, "requests", to=10**30),
    "unknown completeness": _set("scopes", 0, "completeness", to="splendid"),
    "a name with a line behind it": _set("policies", 0, "targets", to=["aliyun-shanghai\n"]),
    "a version with a line behind it": _set("format_version", to="2.0\n"),
    "format": _set("format", to="reconciler.report"),
    "version": _set("format_version", to="1.1"),
    "later version": _set("format_version", to="3.0"),
    "odd version": _set("format_version", to=1),
}


REVIEWED = {
    "bucket": _set("changes", 0, "observed", "upload_url", to="https://elsewhere/v.mp4"),
    "a field more": _set("changes", 0, "observed", "title", to="x"),
    "reason": _set("changes", 0, "reason", to="p: nobody needs it"),
    "policies of a change": _set("changes", 0, "policies", to=["another"]),
    "limit of a guard": _set("policies", 0, "guards", 0, "limit", to=10**6),
    "basis of a guard": _set("policies", 0, "guards", 1, "basis", to=10**6),
    "changes of a guard": _set("policies", 0, "guards", 0, "changes", to=1),
    "target of a guard": _set("policies", 0, "guards", 1, "target", to="elsewhere"),
    "no guards": _set("policies", 0, "guards", to=[]),
    "limit of the run": _set("run_guards", 0, "limit", to=10**6),
    "no guards of the run": _set("run_guards", to=[]),
}
"""What a reviewer reads of the changes, and what stands guard over them: all of it is in the digest."""


@pytest.mark.parametrize("name", [*MUTATIONS, *REVIEWED])
@pytest.mark.parametrize("resealed", [False, True], ids=["torn", "with a checksum to match"])
def test_altered_plans_are_refused(name: str, resealed: bool) -> None:
    document = PLAN_FILE.document(PLAN)
    (MUTATIONS | REVIEWED)[name](document)
    with pytest.raises(InvalidPlan) as caught:
        PLAN_FILE.read(sealed(document) if resealed else json.dumps(document), "plan.json")
    assert caught.value.exit_code is ExitCode.INVALID
    assert caught.value.message.startswith("plan.json")
    assert caught.value.hint


TIMES_AND_FIGURES = {
    "created_at": _set("created_at", to="2020-01-01T00:00:00Z"),
    "expires_at": _set("expires_at", to="2999-01-01T00:00:00Z"),
    "requests": _set("scopes", 0, "requests", to=10_000),
    "tasks": _set("scopes", 0, "tasks", to={"pending": 10**6}),
    "matched": _set("policies", 0, "matched", to=0),
    "own": _set("policies", 0, "guards", 0, "own", to=10**6),
    "a diagnostic": _set("diagnostics", to=[]),
    "a key of a later version": _set("new", to=1),
}


@pytest.mark.parametrize("name", TIMES_AND_FIGURES)
def test_the_checksum_covers_what_the_digest_does_not(name: str) -> None:
    document = PLAN_FILE.document(replace(PLAN, diagnostics=(Note(Severity.WARNING, "w"),)))
    TIMES_AND_FIGURES[name](document)
    with pytest.raises(InvalidPlan, match="checksum"):
        PLAN_FILE.read(json.dumps(document), "plan.json")


@pytest.mark.parametrize("key", PLAN_FILE.document(PLAN))
def test_every_key_is_required(key: str) -> None:
    document = PLAN_FILE.document(PLAN)
    del document[key]
    with pytest.raises(InvalidPlan):
        PLAN_FILE.read(json.dumps(document))


def test_a_forged_plan_cannot_change_a_task_twice() -> None:
    """Forged plans come with a digest to match: whoever writes one knows how it is made."""
    with pytest.raises(InvalidPlan, match="changed twice"):
        PLAN_FILE.read(PLAN_FILE.text(replace(PLAN, changes=(KINDS[0], KINDS[0]))))


def test_a_forged_plan_cannot_touch_a_scope_that_failed() -> None:
    failed = ScopePlan(KINDS[0].target, KINDS[0].resource, {}, 1, Completeness.FAILED)
    with pytest.raises(InvalidPlan, match="could not be listed"):
        PLAN_FILE.read(PLAN_FILE.text(replace(PLAN, scopes=(failed,))))


def test_a_forged_plan_cannot_call_protected_what_it_changes() -> None:
    target, resource, task_id = KINDS[0].key
    protected = replace(PLANS["protected"].protected[0], target=target, resource=resource, task_id=task_id)
    with pytest.raises(InvalidPlan, match="although it is protected"):
        PLAN_FILE.read(PLAN_FILE.text(replace(PLAN, protected=(protected,))))


@pytest.mark.parametrize("observed", [{}, {"status": "waiting"}, {"status": 1}, {"status": ("pending",)}])
def test_a_forged_plan_cannot_hide_what_status_a_task_was_seen_in(observed: dict[str, Any]) -> None:
    with pytest.raises(InvalidPlan, match="not what status it was seen in"):
        PLAN_FILE.read(PLAN_FILE.text(replace(PLAN, changes=(replace(KINDS[0], observed=observed),))))


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize(("name", "value"), [("breached", False), ("needed", 1)])
def test_a_forged_plan_cannot_hide_a_breach(index: int, name: str, value: object) -> None:
    document = PLAN_FILE.document(PLAN)
    _set("policies", 0, "guards", index, name, to=value)(document)
    with pytest.raises(InvalidPlan, match=rf"guards\[{index}\].{name} is .*, but its content gives"):
        PLAN_FILE.read(sealed(document))


@pytest.mark.parametrize(("version", "said"), [("1.1", "an older"), ("3.0", "a newer"), ("10.0", "a newer")])
def test_other_versions_are_refused_in_words(version: str, said: str) -> None:
    with pytest.raises(InvalidPlan, match=f"format_version {version} is of {said} reconciler"):
        PLAN_FILE.read(sealed(PLAN_FILE.document(PLAN) | {"format_version": version}))


def test_what_a_later_minor_version_adds_is_ignored() -> None:
    document = PLAN_FILE.document(PLAN)
    document |= {"format_version": "2.7", "new": {"a": [1]}}
    document["changes"][0]["new"] = document["summary"]["new"] = 1
    assert PLAN_FILE.read(sealed(document)) == PLAN


@pytest.mark.parametrize(
    "alter",
    [
        _set("changes", 0, "reason", to=EVIL),
        _set("changes", 0, "observed", "title", to=EVIL),
        _set("changes", 0, "observed", "a\x00", to=1),
        _set("changes", 0, "observed", to="\ud800"),
        _set("policies", 0, "description", to="\u202egnp.exe"),
        _set("tool_version", to="1\n2"),
        _set("scopes", 0, "tasks", to={"pending": 1, "a\x1b[31m": 1}),
        _set("scopes", 0, "tasks", to={"a\\x00": 1, "a\x00": 1}),
        _set("configuration", "files", to=["https://h/v.mp4?token=s3cret"]),
    ],
)
def test_text_that_is_never_written_is_refused(alter: Callable[[Any], None]) -> None:
    document = PLAN_FILE.document(PLAN)
    alter(document)
    with pytest.raises(InvalidPlan) as caught:
        PLAN_FILE.read(sealed(document))
    assert caught.value.message.isprintable()
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("task_id", [EVIL, "", "1,2", "1 ", "1\n", "\uff11", "../1", "1&task_id=2", "9" * 257])
def test_what_can_be_no_id_makes_no_call(task_id: str) -> None:
    plan = replace(PLAN, changes=(replace(KINDS[0], task_id=task_id),))
    with pytest.raises(InvalidPlan, match=r"changes\[0\].task_id"):
        PLAN_FILE.read(PLAN_FILE.text(plan))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "plan.json:1:1: not JSON"),
        ("{", "plan.json:1:2: not JSON"),
        ('{"a": 1,\n "a": 2}', "the key 'a' stands twice"),
        ('{"a": 1.0}', "1.0 is not a whole number"),
        ('{"a": 1e3}', "1e3 is not a whole number"),
        ('{"a": NaN}', "NaN is not a whole number"),
        ('{"a": -Infinity}', "-Infinity is not a whole number"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("1" * 10_000, "is too large"),
        ("{}", "format is missing"),
        ('{"format": "\\u001b[31m"}', r"format is '\x1b[31m'"),
        (" " * (MAX_BYTES + 1), "larger than 64 MiB"),
    ],
    ids=lambda value: value[:20].strip() or "blank",
)
def test_torn_files(text: str, said: str) -> None:
    with pytest.raises(InvalidPlan) as caught:
        PLAN_FILE.read(text, "plan.json")
    assert said in caught.value.message


def test_deep_values_in_a_sound_plan() -> None:
    text = PLAN_FILE.text(PLAN).replace('"reason": "', '"reason": ' + "[" * 900 + "]" * 900 + ', "x": "', 1)
    with pytest.raises(InvalidPlan):
        PLAN_FILE.read(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(InvalidPlan):
        PLAN_FILE.read(text)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["cancel", "pending", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in children for found in _paths(child, (*path, key)))]


PATHS = [path for path in _paths(PLAN_FILE.document(PLAN)) if path]


@given(st.sampled_from(PATHS), json_values)
def test_any_value_anywhere_is_read_or_refused(path: tuple[str | int, ...], value: object) -> None:
    document = json.loads(PLAN_FILE.text(PLAN))
    _set(*path, to=value)(document)
    text = json.dumps(document)
    if path != ("checksum",):
        with suppress(ValueError):  # NaN has no checksum
            text = sealed(document)
    try:
        plan = PLAN_FILE.read(text)
    except InvalidPlan as refusal:
        message, digest = refusal.message, PLAN.digest
    else:
        message, digest = "", plan.digest
    assert message.isprintable()
    assert digest == PLAN.digest
