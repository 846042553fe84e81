"""Snapshots: what was listed comes back whole, and never passes for more than it was."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.documents.schema import schema_text
from reconciler.documents.snapshot import SNAPSHOT_FILE, Recording, read_snapshot, render_snapshot
from reconciler.documents.strict_json import MAX_BYTES
from reconciler.exceptions import InvalidPlan
from reconciler.planning.planner import Planner
from reconciler.planning.snapshot import Snapshot, SnapshotScope, snapshot_of
from reconciler.providers.registry import catalogue
from reconciler.redaction import strip_queries
from reconciler.tasks.observation import Completeness, Fault, Meaning, Observation, Scope
from reconciler.tasks.task import EARLIEST, FieldType, Status, Task, Value, composed, task_order
from tests.planning.test_planner_properties import WORLDS, build
from tests.planning.world import CATALOGUE, NOW, TWO_STEP, seen, task

ROWS = catalogue().resource_types
validate = jsonschema.Draft202012Validator(json.loads(schema_text("Snapshot", SNAPSHOT_FILE))).validate
SCOPE = Scope("here", TWO_STEP.name)


def taken(*tasks: Task, statuses: frozenset[str] | None = None, **more: Any) -> Snapshot:  # noqa: ANN401 - passed on
    observation = Observation(SCOPE, tasks, 3, **more)
    return Snapshot("1.2.3", NOW, {SCOPE: SnapshotScope(observation, statuses)})


def written(*tasks: Task) -> dict[str, Any]:
    return json.loads(render_snapshot(taken(*tasks), CATALOGUE))  # type: ignore[no-any-return]  # an object


def read(document: dict[str, Any]) -> Snapshot:
    return read_snapshot(json.dumps(document), CATALOGUE, "s.json")


# -- round trips --------------------------------------------------------------------------------------------

texts = st.text(min_size=1, max_size=20).map(strip_queries).filter(lambda text: "://" not in text and text != "")
keys = texts.map(composed).filter(lambda key: key != "*")
VALUES: dict[FieldType, st.SearchStrategy[Value]] = {
    FieldType.STRING: texts,
    FieldType.STATUS: texts,
    FieldType.INTEGER: st.integers(-(10**18) + 1, 10**18 - 1),
    FieldType.TIMESTAMP: st.integers(EARLIEST, 253_402_300_799),
    FieldType.STRINGS: st.lists(texts, min_size=1, max_size=3).map(tuple),
}


@st.composite
def tasks_of_every_kind(draw: st.DrawFn) -> Task:
    row = ROWS[draw(st.sampled_from(sorted(ROWS)))]
    values = {
        f"{field.prefix}{draw(keys)}" if field.prefix else field.name: draw(VALUES[field.type])
        for field in row.fields.values()
        if field.name not in {"id", "status", "provider_status"} and draw(st.booleans())
    }
    word = draw(st.one_of(st.none(), st.sampled_from(sorted(row.statuses)), st.just("NEVER_SEEN")))
    status = row.statuses.get(word or "", Status.UNKNOWN)
    values["id"] = draw(st.from_regex(row.id_form, fullmatch=True))
    if word is not None:
        values["provider_status"] = word
    if status is not Status.UNKNOWN:
        values["status"] = status.value
    return Task("here", row.name, str(values["id"]), status, values)


faults = st.builds(Fault, st.sampled_from(Meaning), st.just("it did not work"), st.none(), st.none(), st.none())


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    tasks = draw(st.lists(tasks_of_every_kind(), max_size=8, unique_by=lambda made: made.key))
    scopes = {}
    for resource in {made.resource for made in tasks}:
        scope = Scope("here", resource)
        mine = tuple(
            sorted(
                (made for made in tasks if made.resource == resource),
                key=lambda made: task_order(made.key, made.created_at),
            )
        )
        completeness = draw(st.sampled_from([Completeness.COMPLETE, Completeness.UNSTABLE]))
        statuses = draw(st.none() | st.frozensets(st.sampled_from(sorted(ROWS[resource].statuses))))
        skews = draw(st.just(()) | st.tuples(st.integers(301, 10**11) | st.integers(-(10**11), -301)))
        unfound = draw(st.lists(st.sampled_from(["341c92e6", "https://h/v.mp4"]), max_size=2))
        observation = Observation(scope, mine, 0, completeness, draw(st.none() | faults), skews, tuple(unfound))
        scopes[scope] = SnapshotScope(observation, statuses)
    return Snapshot("1.2.3", draw(st.integers(EARLIEST, 253_402_300_799)), scopes)


@given(snapshots())
def test_what_is_written_is_read_back(snapshot: Snapshot) -> None:
    text = render_snapshot(snapshot, catalogue())
    again = read_snapshot(text, catalogue())
    assert again == snapshot
    assert render_snapshot(again, catalogue()) == text
    validate(json.loads(text))


@settings(max_examples=150)
@given(WORLDS)
def test_a_snapshot_leads_to_the_plan_of_the_listing(world: object) -> None:
    """Changes, counts and digest; only the number of requests is another."""
    configured, tasks = build(world)  # type: ignore[arg-type]  # drawn from WORLDS
    listed = seen(*tasks)
    snapshot = Snapshot("1", NOW, {scope: SnapshotScope(found, None) for scope, found in listed.items()})
    replayed = read_snapshot(render_snapshot(snapshot, CATALOGUE), CATALOGUE)
    wanted = dict.fromkeys(listed)
    live = Planner(configured, CATALOGUE, NOW).plan(listed, tool_version="1", expires_at=NOW)
    offline = Planner(configured, CATALOGUE, replayed.taken_at).plan(
        replayed.observations(wanted), tool_version="1", expires_at=NOW
    )
    assert offline.digest == live.digest
    assert (offline.changes, offline.blocked, offline.protected) == (live.changes, live.blocked, live.protected)
    assert (offline.policies, offline.summary) == (live.policies, live.summary)


def test_the_order_of_the_listing_changes_nothing() -> None:
    first, second = task("1", Status.PENDING, age=5), task("2", Status.PENDING, age=9)
    assert render_snapshot(taken(first, second), CATALOGUE) == render_snapshot(taken(second, first), CATALOGUE)


# -- what does not leave ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    [
        "https://h/v.mp4?token=s3cret",
        "https://user:s3cret@h/v.mp4",
        "https://h/v.mp4?a=\u200bs3cret",
        "https://h/v.mp4?a=\x1cs3cret",
        "https://h/v.mp4#s3cret",
    ],
)
def test_no_query_and_no_user_part_is_written(url: str) -> None:
    text = render_snapshot(taken(task("1", Status.PENDING, upload_url=url)), CATALOGUE)
    assert "s3cret" not in text
    assert "h/v.mp4" in text


def test_a_long_value_stays_whole() -> None:
    found = read(written(task("1", Status.PENDING, input__bucket="b" * 5_000)))
    assert found.scopes[SCOPE].observation.tasks[0].values["input.bucket"] == "b" * 5_000


def test_control_characters_are_escaped_in_the_file_and_come_back() -> None:
    hostile = "\x1b]0;x\x07\u202e\u2066</script>\x00\x7f\n"
    text = render_snapshot(taken(task("1", Status.PENDING, input__bucket=hostile)), CATALOGUE)
    assert all(character == "\n" or character.isprintable() for character in text)
    assert read_snapshot(text, CATALOGUE).scopes[SCOPE].observation.tasks[0].values["input.bucket"] == hostile


def test_a_time_that_no_one_can_write_is_left_out() -> None:
    found = read(written(task("1", Status.PENDING, finished_at=-62_135_596_801)))
    assert "finished_at" not in found.scopes[SCOPE].observation.tasks[0].values


# -- what a snapshot can stand for --------------------------------------------------------------------------
def test_a_scope_that_is_not_there_counts_as_failed() -> None:
    other = Scope("there", TWO_STEP.name)
    observation = taken().observations({other: None})[other]
    assert observation.completeness is Completeness.FAILED
    assert str(observation.fault) == "not in the snapshot"


@pytest.mark.parametrize(
    ("held", "wanted", "whole"),
    [
        (None, None, True),
        (None, {"WAITING"}, True),
        ({"WAITING", "FAILED"}, {"WAITING"}, True),
        ({"WAITING"}, {"WAITING", "FAILED"}, False),
        ({"WAITING"}, None, False),
        (set(), set(), True),
    ],
)
def test_a_scope_of_too_few_statuses_is_incomplete(held: set[str] | None, wanted: set[str] | None, whole: bool) -> None:
    snapshot = taken(task("1", Status.PENDING), statuses=None if held is None else frozenset(held))
    observation = snapshot.observations({SCOPE: None if wanted is None else frozenset(wanted)})[SCOPE]
    assert observation.complete is whole
    assert len(observation.tasks) == 1
    assert whole or "some statuses only" in str(observation.fault)


@pytest.mark.parametrize("completeness", list(Completeness))
def test_how_a_listing_went_is_carried_over(completeness: Completeness) -> None:
    fault = None if completeness is Completeness.COMPLETE else Fault(Meaning.LOST, "no answer", "X.1", 502)
    snapshot = read_snapshot(render_snapshot(taken(completeness=completeness, fault=fault), CATALOGUE), CATALOGUE)
    observation = snapshot.observations({SCOPE: None})[SCOPE]
    assert (observation.completeness, observation.fault) == (completeness, fault)


@pytest.mark.parametrize(
    ("resource", "kept"), [("huaweicloud.vod.editing", None), ("huaweicloud.mpc.snapshot", {"WAITING"})]
)
def test_only_an_api_that_filters_lists_some_statuses_only(resource: str, kept: set[str] | None) -> None:
    scope = Scope("here", resource)
    snapshot = snapshot_of(
        {scope: Observation(scope, (), 1)}, {scope: frozenset({"WAITING"})}, catalogue(), tool_version="1", taken_at=NOW
    )
    assert snapshot.scopes[scope].statuses == kept


# -- what is refused ----------------------------------------------------------------------------------------
def first(document: dict[str, Any]) -> dict[str, Any]:
    return document["scopes"][0]["tasks"][0]  # type: ignore[no-any-return]  # an object


REFUSED: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda d: d.update(format="reconciler.plan"), "format is 'reconciler.plan', not 'reconciler.snapshot'"),
    (lambda d: d.pop("format"), "format is missing"),
    (lambda d: d.update(format_version="1.1"), "format_version 1.1 is of an older reconciler"),
    (lambda d: d.update(taken_at="yesterday"), "taken_at: not a timestamp"),
    (lambda d: d.update(taken_at="2026-13-01T00:00:00Z"), "taken_at: no such time: month must be in 1..12"),
    (lambda d: d["scopes"].append(d["scopes"][0]), "scopes[1]: cloud.media.packaging on here stands twice"),
    (lambda d: d["scopes"][0].update(resource="cloud.media.new"), "scopes[0]: there is no resource type"),
    (lambda d: d["scopes"][0].update(completeness="maybe"), "scopes[0].completeness: invalid enum value 'maybe'"),
    (lambda d: d["scopes"][0].update(completeness="failed"), "scopes[0]: it failed, and yet has tasks"),
    (lambda d: d["scopes"][0].update(statuses="WAITING"), "scopes[0].statuses: expected `array | null`, got `str`"),
    (lambda d: d["scopes"][0]["tasks"].append(first(d)), "scopes[0]: the task id `1` stands twice"),
    (lambda d: first(d).update(id=""), "scopes[0].tasks[0].id: expected `str` of length >= 1"),
    (lambda d: first(d).update(id=1), "scopes[0].tasks[0].id: expected `str`, got `int`"),
    (lambda d: first(d).update(id="a\x1b[2J"), "scopes[0].tasks[0].id: `a\\x1b[2J` is no id of a"),
    (lambda d: first(d).update(status="gone"), "status: gone, but the provider status `WAITING` means pending"),
    (lambda d: first(d).update(status="running"), "running, but the provider status `WAITING` means pending"),
    (lambda d: first(d)["values"].pop("provider_status"), "pending, but no provider status means unknown"),
    (lambda d: first(d)["values"].update(colour="red"), "values.colour: not a field of cloud.media.packaging"),
    (lambda d: first(d)["values"].update(status="pending"), "values.status: not a field of"),
    (lambda d: first(d)["values"].update(created_at=5), "values.created_at: must be a time in RFC 3339"),
    (lambda d: first(d)["values"].update(created_at="8h"), "values.created_at: `8h`: not a timestamp"),
    (lambda d: first(d)["values"].update({"input.bucket": 5}), "values.input.bucket: must be text"),
    (lambda d: first(d)["values"].update({"input.bucket": ""}), "values[...]: expected `str` of length >= 1"),
    (lambda d: first(d)["values"].update({"input.bucket": ["a"]}), "values.input.bucket: must be text"),
    (lambda d: first(d)["values"].update({"input.bucket": None}), ", got `null`"),
    (lambda d: first(d)["values"].update({"input.bucket": True}), ", got `bool`"),
]


@pytest.mark.parametrize(("alter", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_an_altered_file_is_refused_with_its_place(alter: Callable[[dict[str, Any]], object], message: str) -> None:
    document = written(task("1", Status.PENDING))
    alter(document)
    with pytest.raises(InvalidPlan) as refused:
        read(document)
    assert f"s.json: {message}" in refused.value.message or message in refused.value.message
    assert refused.value.message.startswith("s.json")
    assert refused.value.hint


@settings(max_examples=200)
@given(st.integers(0, 2_000), st.text(max_size=3))
def test_a_torn_file_is_refused_and_never_a_crash(where: int, put: str) -> None:
    text = render_snapshot(taken(task("1", Status.PENDING, age=5), task("2", "NEVER_SEEN")), CATALOGUE)
    place = where % len(text)
    with contextlib.suppress(InvalidPlan):  # where the change makes no difference, it is read
        read_snapshot(text[:place] + put + text[place + 1 :], CATALOGUE, "s.json")


# -- what is recorded while pages come ----------------------------------------------------------------------
def test_what_is_recorded_page_by_page_is_what_would_be_held() -> None:
    """A later pass takes back; what is gone, or contradicts itself, is no task of the file."""
    one, two, three = (task(name, Status.PENDING, age=int(name)) for name in ("1", "2", "3"))
    recording = Recording(CATALOGUE.resource_types[one.resource])
    for pages in (
        [[one, two], [two, three]],
        [[task("2", Status.RUNNING)], [Task.gone(three.key)], [one, task("1", Status.PENDING, input__bucket="b")]],
    ):
        for page in pages:
            recording.see(page)
        ended = recording.end_pass()
    assert (ended, recording.total, recording.contradicted) == ((3, 1), 1, 1)
    assert b"".join(recording.pieces()).count(b'"provider_status": "PROCESSING"') == 1


def test_no_more_is_recorded_than_is_read_back() -> None:
    recording = Recording(CATALOGUE.resource_types[task("1").resource])
    text = "x" * 16_000
    for number in range(MAX_BYTES // 16_000 + 100):
        recording.see([task(str(number), Status.PENDING, input__bucket=text)])
    assert recording.is_too_large
    assert recording.size < MAX_BYTES + 20_000
    recording.end_pass()
    assert recording.total == 0
