"""The sieve counts as if everything were held, and holds what is selected."""

import gc
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.planning.rules import Rule, Rules
from reconciler.planning.sieve import Sieve, _of_one_form
from reconciler.selectors import syntax
from reconciler.selectors.compile import compile_selector, seen_by
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Truth
from reconciler.selectors.trace import gaps
from reconciler.tasks.sink import Collected
from reconciler.tasks.task import Field, FieldType, Status, Task
from reconciler.tasks.url_parts import UrlPart

NOW = 1_800_000_000


def old(seconds: int) -> syntax.Selector:
    return syntax.Test("created_at", Operator.OLDER_THAN, seconds)


SELECTORS: dict[str, syntax.Selector] = {
    "old": syntax.Test("created_at", Operator.OLDER_THAN, 3600),
    "waiting-drafts": AllOf(
        (syntax.Test("status", Operator.EQ, "pending"), syntax.Test("input.bucket", Operator.EQ, "drafts"))
    ),
    "not-kept": Negation(syntax.Test("user_data", Operator.CONTAINS, "keep")),
    "odd": syntax.Test("id", Operator.IN, ("1", "3", "5")),
    "all": Everything(),
    "no-bucket": syntax.Test("input.bucket", Operator.EXISTS, False),
    # Conditions that others have as well:
    "as-old": syntax.Test("created_at", Operator.OLDER_THAN, 3600),
    "old-drafts": AllOf((old(3600), syntax.Test("input.bucket", Operator.EQ, "drafts"), old(60))),
    "old-elsewhere": AllOf((Negation(syntax.Test("input.bucket", Operator.EQ, "drafts")), old(3600))),
    # Several conditions on one field, on several, and on none:
    "kept-or-none": AnyOf(
        (syntax.Test("user_data", Operator.EQ, "keep"), syntax.Test("user_data", Operator.EXISTS, False))
    ),
    "old-or-kept": AnyOf((old(3600), syntax.Test("user_data", Operator.GLOB, "k*"))),
    "neither": AllOf(
        (
            Negation(AnyOf((old(3600), syntax.Test("user_data", Operator.GLOB, "k*")))),
            syntax.Test("input.bucket", Operator.IN, ("drafts", "media")),
        )
    ),
    "nothing": Negation(Everything()),
    "anything": AllOf((AnyOf((Everything(),)), old(60))),
    # What a field is that is not there, or a part of it:
    "not-dropped": syntax.Test("user_data", Operator.NOT_CONTAINS, "drop", missing=True),
    "young": syntax.Test("created_at", Operator.NEWER_THAN, 60, missing=False),
    "from-there": syntax.Test("source", Operator.EQ, "there.example", part=UrlPart.HOST),
    "from-here": AllOf((old(3600), Negation(syntax.Test("source", Operator.GLOB, "/a*", part=UrlPart.PATH)))),
    "templates": syntax.Test("template_ids", Operator.NOT_CONTAINS, "7"),
}
FIELDS = frozenset({"created_at", "input.bucket", "source", "template_ids", "user_data"})
NAMES = st.lists(st.sampled_from(sorted(SELECTORS)), unique=True)
STATUSES = [Status.PENDING, Status.RUNNING, Status.SUCCEEDED, Status.UNKNOWN, Status.GONE]


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    number, status = draw(st.integers(0, 12)), draw(st.sampled_from(STATUSES))
    values: dict[str, str | int | tuple[str, ...]] = {"id": str(number)}
    if status is not Status.GONE:
        if status is not Status.UNKNOWN:
            values["status"] = status.value
        values |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "created_at": st.sampled_from([NOW - 7200, NOW - 100, NOW - 10]),
                    "input.bucket": st.sampled_from(["drafts", "media"]),
                    "user_data": st.sampled_from(["keep", "drop"]),
                    "source": st.sampled_from(["https://there.example/a", "https://there.example", "no url"]),
                    "template_ids": st.sampled_from([("7",), ("7", "8"), ()]),
                },
            )
        )
    return Task("here", "huaweicloud.mpc.packaging", str(number), status, values)


PASSES = st.lists(st.lists(st.lists(tasks(), max_size=6), max_size=4), min_size=1, max_size=3)
"""The pages of each pass over a list."""


def sifted(
    passes: Sequence[Sequence[Sequence[Task]]], names: Sequence[str], few: int = 256, count_by: Field | None = None
) -> tuple[Sieve, list[tuple[int, int]]]:
    rules = [Rule.of(name, SELECTORS[name], NOW) for name in names]
    hold = [Rule.of("hold", SELECTORS["not-kept"], NOW)]
    sieve = Sieve(lambda: Rules(rules, hold, FIELDS, few=few, count_by=count_by))
    ends = []
    for pages in passes:
        for page in pages:
            sieve.see(page)
        ends.append(sieve.end_pass())
    return sieve, ends


def collected(passes: Sequence[Sequence[Sequence[Task]]]) -> tuple[Collected, list[tuple[int, int]]]:
    sink, ends = Collected(), []
    for pages in passes:
        for page in pages:
            sink.see(page)
        ends.append(sink.end_pass())
    return sink, ends


@settings(max_examples=300)
@given(PASSES, NAMES, st.sampled_from([0, 256]))
def test_what_is_let_go_counts_like_what_is_held(passes: list[list[list[Task]]], names: list[str], few: int) -> None:
    """Pages shift, tasks stand on two of them, contradict themselves, move on between passes, or are gone. Values are
    remembered, or nearly none of them."""
    (sieve, ends), (held, as_before) = sifted(passes, names, few), collected(passes)
    assert ends == as_before
    assert (sieve.total, sieve.contradicted) == (held.total, held.contradicted)
    rows: dict[str, set[Status]] = {}
    for task in held.rows:
        rows.setdefault(task.id, set()).add(task.status)
    agreed = [next(iter(seen)) if len(seen) == 1 else Status.UNKNOWN for seen in rows.values()]
    assert sieve.statuses == Counter([*(task.status for task in held.tasks), *agreed])
    undecided = set(rows) if names else set()
    for name in names:
        truths = {task.id: compile_selector(SELECTORS[name], NOW)(task.values) for task in held.tasks}
        selected = sorted((task for task in held.tasks if truths[task.id] is Truth.TRUE), key=lambda task: task.id)
        assert sorted(sieve.selected(name), key=lambda task: task.id) == selected
        unknown = {task_id for task_id, truth in truths.items() if truth is Truth.UNKNOWN} | set(rows)
        assert sieve.unknown(name) == len(unknown)
        undecided |= unknown
        unsure = [task.values for task in held.tasks if truths[task.id] is Truth.UNKNOWN]
        tests = {test.name: test for test, _ in gaps(SELECTORS[name])}
        lacking = {name: sum(seen_by(test, values) is None for values in unsure) for name, test in tests.items()}
        assert sieve.lacking(name) == {name: count for name, count in lacking.items() if count}
    assert sieve.undecided() == len(undecided)
    holds = compile_selector(SELECTORS["not-kept"], NOW)
    assert ("hold" in sieve.busy) == (bool(rows) or any(holds(task.values) is not Truth.FALSE for task in held.tasks))
    assert sieve.among(map(str, range(20))) == {*(task.id for task in held.tasks), *rows}


@given(PASSES, NAMES, st.sampled_from([0, 256]), st.sampled_from(["input.bucket", "source", "status"]))
def test_what_is_counted_by_a_field_is_what_is_selected(
    passes: list[list[list[Task]]], names: list[str], few: int, name: str
) -> None:
    field = Field(name, FieldType.STRING, "")
    field = field if name != "source" else replace(field, url=True).parts["source.host"]
    (counting, _), (keeping, _) = sifted(passes, names, few, field), sifted(passes, names, few)
    assert counting.groups == Counter(field.value_in(task.values) for task in keeping.tasks)
    assert (counting.matched, counting.tasks) == (len(keeping.tasks), [])


@given(PASSES)
def test_of_rows_that_contradict_each_other_only_a_status_that_they_agree_on_is_believed(
    passes: list[list[list[Task]]],
) -> None:
    """They are selected by nothing, whoever holds them: not by `match: all`, not by `exists: false`."""
    sink, _ = collected(passes)
    last = {task.id: pages for pages in passes for page in pages for task in page}
    for task in (*sink.tasks, *sink.rows):
        seen = [row for page in last[task.id] for row in page if row.id == task.id]
        assert (task in sink.rows) == any(row != task for row in seen)
    again, _ = sifted([[[*sink.tasks, *sink.rows]]], sorted(SELECTORS))
    streamed, _ = sifted(passes, sorted(SELECTORS))
    assert (again.total, again.contradicted) == (streamed.total, streamed.contradicted)
    assert again.statuses == streamed.statuses
    for name in SELECTORS:
        assert sorted(task.id for task in again.selected(name)) == sorted(task.id for task in streamed.selected(name))


def test_what_no_policy_selects_is_let_go() -> None:
    def page(first: int) -> list[Task]:
        return [
            Task("let-go", "huaweicloud.mpc.packaging", str(number), Status.PENDING, {"id": str(number)})
            for number in range(first, first + 100)
        ]

    sieve = Sieve(lambda: Rules([Rule.of("odd", SELECTORS["odd"], NOW)], []))
    for first in range(0, 2_000, 100):
        sieve.see(page(first))
    alive = sorted(int(thing.id) for thing in gc.get_objects() if type(thing) is Task and thing.target == "let-go")
    assert alive == [1, 3, 5]
    assert sieve.end_pass() == (2_000, 0)


def test_the_rules_are_asked_for_with_the_first_page() -> None:
    asked = []

    def rules() -> Rules:
        asked.append("now")
        return Rules([], [], off=True)

    sieve = Sieve(rules)
    assert not asked
    assert not sieve.is_by_clock
    sieve.see([])
    sieve.see([])
    assert asked == ["now"]
    assert not sieve.is_by_clock


def waiting(first: int, bucket: str = "drafts") -> list[Task]:
    return [
        Task("t", "r", str(number), Status.PENDING, {"id": str(number), "input.bucket": bucket})
        for number in range(first, first + 10)
    ]


def test_only_what_is_held_counts_as_text() -> None:
    """Of the best alone, where only these are kept; and of the values of a field by which is counted."""
    everything = [Rule.of("all", SELECTORS["all"], NOW)]
    best = Sieve(lambda: Rules(everything, [], best=lambda tasks: sorted(tasks, key=lambda task: task.id)[:1], many=10))
    counting = Sieve(lambda: Rules(everything, [], count_by=Field("input.bucket", FieldType.STRING, "")))
    for first in range(0, 1_000, 10):
        best.see(waiting(first))
        counting.see(waiting(first, "x" * first))
    assert best.text == waiting(0)[0].text
    assert counting.text >= sum(range(0, 1_000, 10))


@pytest.mark.parametrize(
    "times",
    [
        [1_799_999_940, 1_500_000_000_000],
        ["1799999940", "2020-01-01"],
        ["2027-01-15 07:00:00", "2027-01-15T01:00:00"],
        ["2027-01-15T07:00:00+08:00", "2027-01-15T01:00:00-08:00"],
        [1_799_999_940, "1799999940"],
        ["1799999940", "20270115010000"],
    ],
)
def test_times_of_several_forms_are_not_ordered_as_they_came(times: list[object]) -> None:
    assert not _of_one_form(times)


@pytest.mark.parametrize(
    "times",
    [
        ["20270115070000", "20270115010000"],
        [1_799_999_940, 1_500_000_000],
        ["2027-01-15T07:00:00Z", "2026-12-15T01:59:00Z"],
    ],
)
def test_times_of_one_form_are_ordered_as_they_came(times: list[object]) -> None:
    assert _of_one_form(times)
