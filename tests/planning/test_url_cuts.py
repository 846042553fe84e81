"""What a snapshot leaves out of URLs changes no verdict without a word about it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.config.model import AtMost, Configuration, Keep
from reconciler.documents.snapshot import read_snapshot, render_snapshot
from reconciler.planning.planner import Planner
from reconciler.planning.snapshot import snapshot_of
from reconciler.planning.url_cuts import cut, doubts
from reconciler.redaction import presentable, strip_queries
from reconciler.selectors.parse import parse_selector
from reconciler.tasks.observation import Observation, Scope
from reconciler.tasks.task import Task
from tests.planning.world import CATALOGUE, NOW, TWO_STEP, configuration, policy, seen, task

BY_URL = AtMost(1, ("upload_url",), Keep.OLDEST)


def kept(*tasks: Task) -> Mapping[Scope, Observation]:
    """The tasks as a snapshot gives them back."""
    listed = seen(*tasks)
    snapshot = snapshot_of(listed, dict.fromkeys(listed), CATALOGUE, tool_version="1", taken_at=NOW)
    return read_snapshot(render_snapshot(snapshot, CATALOGUE), CATALOGUE).observations(dict.fromkeys(listed))


def doubted(configured: Configuration, *tasks: Task) -> list[str]:
    return [note.message for note in doubts(configured, kept(*tasks), NOW)]


def in_doubt(condition: object, url: str) -> bool:
    return bool(doubted(configuration(policy(match={"upload_url": condition})), task("1", upload_url=url)))


def test_what_is_cut_leaves_a_mark() -> None:
    assert cut("https://me:pw@h/v.mp4?token=s3cret") == "https://~@h/v.mp4?~a67312e0"
    assert cut(cut("https://me:pw@h/v.mp4?token=s3cret")) == cut("https://me:pw@h/v.mp4?token=s3cret")
    assert presentable(cut("https://me:pw@h/v.mp4")) == strip_queries("https://me:pw@h/v.mp4")


@pytest.mark.parametrize(
    ("condition", "url", "expected"),
    [
        ({"glob": "https://h/*"}, "https://h/a.mp4?k=1", False),  # matches, whatever the query is
        ({"glob": "https://other/*"}, "https://h/a.mp4?k=1", False),  # matches in no case
        ({"glob": "https://h/*.mp4"}, "https://h/a.mp4?k=1", True),
        ({"glob": "https://h/a.mp4?k=*"}, "https://h/a.mp4?k=1", True),
        ({"glob": "https://h/*"}, "https://me:pw@h/a.mp4", True),
        ({"glob": "https://h/*"}, "https://h/a.mp4", False),
        ({"contains": "h/a"}, "https://h/a.mp4?k=1", False),
        ({"contains": "k="}, "https://h/a.mp4?k=1", True),
        ({"contains": "?"}, "https://h/a.mp4#k", True),
        ({"exists": True}, "https://h/a.mp4?k=1", False),
        ({"regex": "k=1$"}, "https://h/a.mp4?k=1", True),
        ("https://h/a.mp4?k=1", "https://h/a.mp4?k=1", True),
        ("https://h/a.mp4?k=2", "https://h/a.mp4?k=1", False),
        ({"not_in": ["https://h/a.mp4?k=1", "https://h/b.mp4"]}, "https://h/a.mp4?k=1", True),
    ],
)
def test_a_condition_is_in_doubt_where_the_rest_of_the_url_could_decide(
    condition: object, url: str, expected: bool
) -> None:
    assert in_doubt(condition, url) is expected


def test_another_condition_may_settle_it() -> None:
    match = {"status": "running", "upload_url": {"contains": "k="}}
    assert doubted(configuration(policy(match=match)), task("1", upload_url="https://h/a?k=1")) == []


def test_a_protection_may_hang_on_it_and_a_suspended_policy_asks_nothing() -> None:
    world = configuration(policy(), protect={"signed": {"upload_url": {"contains": "k="}}})
    tasks = [task(str(number), upload_url="https://h/a?k=1") for number in range(4)]
    assert doubted(world, *tasks) == [
        "the verdict on 4 tasks hangs on a part of a URL that the snapshot does not hold: 0, 1, 2, ..."
    ]
    assert doubted(replace(world, policies={"p": policy(suspend=True)}), *tasks) == []


def test_groups_are_told_apart_by_query_but_not_by_user() -> None:
    world = configuration(policy(ensure=BY_URL))
    assert doubted(world, task("1", upload_url="https://h/a?k=1")) == []
    assert doubted(world, task("1", upload_url="https://me:pw@h/a")) == [
        "the verdict on 1 task hangs on a part of a URL that the snapshot does not hold: 1"
    ]


LITERAL = cut("https://h/a.mp4?k=1")
"""A URL whose query is what stands for that of another."""

URLS = st.sampled_from(
    [
        LITERAL,
        f"{LITERAL})",
        LITERAL.replace("h/", "me@h/"),
        "https://h/a.mp4",
        "https://h/a.mp4?k=1",
        "https://h/a.mp4?k=2",
        "https://h/a.mp4#k=1",
        "https://h/a.mp4?#k=1",
        "https://me:pw@h/a.mp4",
        "https://you:pw@h/a.mp4?k=1",
        "see https://h/a.mp4?k=1 and https://h/b.mp4?k=2",
        "k=1",
    ]
)
CONDITIONS = st.one_of(
    st.builds(
        lambda operator, operand: {operator: operand},
        st.sampled_from(["glob", "contains", "eq", "ne"]),
        URLS | st.sampled_from(["https://h/*", "https://h/a.mp4[?]*", "*k=1", "*mp4", "h/", "?", "#", "@"]),
    ),
    st.builds(lambda pattern: {"regex": pattern}, st.sampled_from(["k=1$", "^https://h/", "mp4$", "[?#]"])),
    st.builds(lambda there: {"exists": there}, st.booleans()),
)
MATCHES = st.recursive(
    CONDITIONS.map(lambda condition: {"upload_url": condition}) | st.just({"status": "pending"}),
    lambda part: st.one_of(
        part.map(lambda inner: {"not": inner}),
        st.lists(part, min_size=1, max_size=2).map(lambda inner: {"any": inner}),
        st.lists(part, min_size=1, max_size=2).map(lambda inner: {"all": inner}),
    ),
    max_leaves=4,
).filter(lambda match: parse_selector(match, (TWO_STEP,))[0] is not None)  # none that contradicts itself


@settings(max_examples=150)
@given(MATCHES, st.sampled_from([None, BY_URL]), MATCHES, st.lists(st.none() | URLS, max_size=5))
@example({"upload_url": {"glob": "https://h/*"}}, None, {"upload_url": {"contains": "#"}}, ["https://me:pw@h/a.mp4"])
@example(
    {"any": [{"upload_url": {"regex": "k=1$"}}, {"status": "pending"}]}, None, {"status": "failed"}, ["https://h/a?k=1"]
)
@example({"upload_url": {"exists": True}}, BY_URL, {"status": "running"}, [LITERAL, "https://h/a.mp4?k=1"])
@example({"upload_url": LITERAL}, None, {"status": "running"}, [LITERAL])
@example({"upload_url": LITERAL}, None, {"status": "running"}, ["https://h/a.mp4?k=1"])
@example({"not": {"upload_url": LITERAL}}, None, {"status": "running"}, ["https://h/a.mp4?k=1"])
@example({"upload_url": {"exists": True}}, BY_URL, {"status": "running"}, ["https://h/a?k=1", "https://h/a#k=1"])
def test_without_a_warning_the_plan_is_that_of_the_clouds(
    match: object, ensure: AtMost | None, protected: object, urls: list[str | None]
) -> None:
    tasks = [
        task(str(number), age=number, **({"upload_url": url} if url else {}))  # type: ignore[arg-type]  # text
        for number, url in enumerate(urls)
    ]
    world = configuration(policy("p", match, ensure), protect={"held": protected})
    observations = kept(*tasks)
    if doubts(world, observations, NOW):
        return
    live, offline = (
        Planner(world, CATALOGUE, NOW).plan(listed, tool_version="1", expires_at=NOW)
        for listed in (seen(*tasks), observations)
    )
    assert offline.policies == live.policies
    assert [change.key for change in offline.changes] == [change.key for change in live.changes]
    if not any("?~" in url for url in urls if url):  # a plan of the clouds shows these as they are
        assert offline.digest == live.digest
