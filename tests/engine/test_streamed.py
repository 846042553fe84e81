"""A plan made while pages come and go is the plan of all that they showed, whatever the list does meanwhile."""

import asyncio
import json
import weakref
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, cast

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.model import AtMost, Configuration, Keep, Limits, RunLimits, Target
from reconciler.engine.clouds import Clouds
from reconciler.engine.queries import query, why
from reconciler.engine.world import World
from reconciler.planning.judgement import Judgements, statuses_wanted
from reconciler.planning.plan import Plan
from reconciler.planning.planner import Planner
from reconciler.planning.sieve import Sieve
from reconciler.providers.columns import Records
from reconciler.providers.huaweicloud import PROVIDER
from reconciler.providers.huaweicloud.mpc import PACKAGING as WHOLE_PAGES
from reconciler.providers.listing import Listed, list_scope
from reconciler.providers.pages import Page, page_in
from reconciler.selectors.compile import compile_selector
from reconciler.selectors.syntax import Truth
from reconciler.tasks.observation import Completeness, Fault, Observation, Scope
from reconciler.tasks.resource_type import Catalogue, ResourceType
from reconciler.tasks.sink import Collected, Sink
from reconciler.tasks.task import Status, Task
from tests.planning.world import NOW, configuration, policy
from tests.providers.huaweicloud.cloud import KEYS, target
from tests.providers.loopback import around

PACKAGING = replace(WHOLE_PAGES, listing=replace(WHOLE_PAGES.listing, page_size=2))
CATALOGUE = Catalogue({PACKAGING.name: PACKAGING}, {})
SCOPE = Scope("here", PACKAGING.name)
CLIENT = PROVIDER.client(replace(target("http://127.0.0.1:1"), name="here"), concurrency=1, surroundings=around(KEYS))

Row = dict[str, Any]
NONE = ["", None, "soon", True]
"""Ways to have no time."""
NOWHERE = [{}, None, "drafts", {"bucket": ""}, {"bucket": "x" * 17_000}]
"""Ways to have no bucket."""
CREATED = ["20270115070000", "2027-01-15T07:30:00Z", NOW - 60, 19990101000000.0, 22990101000000.0]
STATUSES = ["WAITING", "WAITING", "NO_TASK", "PROCESSING", "SUCCEED", "FAILED", "NO_TASK", "NEVER_SEEN", 7, None, ["x"]]
BUCKETS = ["drafts", "legal", "caf\u00e9", 5, ["drafts"]]
CREATIONS, PLACES, WORDS = st.integers(0, len(CREATED)), st.integers(0, 10), st.integers(0, len(STATUSES) - 1)


def row(number: int, created: int, place: int, status: int) -> Row:
    """Each task spells what it does not have in a way of its own."""
    place_of = {"bucket": BUCKETS[place // 2 % 5], "object": ["stale/a", "new/b"][place % 2]}
    return {
        "task_id": str(number) if number % 3 else number,
        "status": STATUSES[status],
        "create_time": CREATED[created] if created < len(CREATED) else NONE[number % 4],
        "input": place_of if place < 10 else NOWHERE[number % 5],
        "unheard": {"of": [number]},
    }


NUMBERS = st.integers(1, 5)
ROWS = st.lists(st.builds(row, NUMBERS, CREATIONS, PLACES, WORDS), max_size=9)
EVENTS = st.lists(
    st.one_of(
        st.none(),
        st.tuples(st.just("leaves"), NUMBERS),
        st.tuples(st.just("joins"), st.builds(row, NUMBERS, CREATIONS, PLACES, WORDS)),
        st.tuples(st.just("moves on"), NUMBERS, WORDS),
    ),
    max_size=12,
)
"""What happens to the list before each request."""

MATCHES = st.sampled_from(
    [
        "all",
        {"status": "pending"},
        {"status": ["succeeded", "failed"], "input.bucket": "drafts"},
        {"status": "pending", "input.object": {"glob": "stale/*"}, "created_at": {"older_than": "1h"}},
        {"not": {"input.bucket": "legal"}},
        {"input.bucket": {"exists": False}},
        {"created_at": {"exists": False}},
        {"any": [{"created_at": {"newer_than": "1h"}}, {"id": ["1", "2", "3"]}]},
        {"all": [{"input.bucket": ["5", "drafts", "caf\u00e9"]}, {"not": {"provider_status": "FAILED"}}]},
    ]
)
ENSURES = st.one_of(
    st.none(),
    st.builds(AtMost, st.integers(0, 1), st.sampled_from([(), ("input.bucket",)]), st.sampled_from(list(Keep))),
)
RULES = st.lists(st.tuples(MATCHES, ENSURES, st.integers(0, 100)), min_size=1, max_size=3)


def configured(rules: Sequence[tuple[object, AtMost | None, int]]) -> Configuration:
    policies = [
        policy(f"p{number}", match, ensure, PACKAGING, limits=Limits(max_actions=50, max_percent=percent))
        for number, (match, ensure, percent) in enumerate(rules)
    ]
    made = configuration(*policies, run_limits=RunLimits())
    held = {"input.bucket": "legal"}
    protections = configuration(protect={"legal": held, "none": {"id": "none"}}).protections
    return replace(
        made, protections={name: replace(each, resources=(PACKAGING.name,)) for name, each in protections.items()}
    )


class Both:
    """A sink that shows all to two others, which have to agree."""

    def __init__(self, sieve: Sieve) -> None:
        self.held, self.sieve = Collected(), sieve
        self.text = self.total = self.contradicted = 0

    def see(self, tasks: Collection[Task]) -> None:
        self.held.see(tasks)
        self.sieve.see(tasks)

    def end_pass(self) -> tuple[int, int]:
        ended = self.held.end_pass()
        assert self.sieve.end_pass() == ended
        return ended


def answer(rows: list[Row], parameters: Sequence[tuple[str, str]]) -> Page | Fault:
    """A page as the vendor's server makes it of the rows that there are."""
    asked = dict(parameters)
    wanted = [each for each in rows if asked.get("status") in {None, str(each["status"])}]
    first = int(asked["page"]) * int(asked["size"])
    body = {"tasks": wanted[first : first + int(asked["size"])], "total": len(wanted)}
    return page_in(httpx.Response(200, content=json.dumps(body).encode()), CLIENT, PACKAGING)


async def plans(
    made: Configuration, rows: list[Row], events: list[Any], together: int
) -> tuple[Observation, Plan, Plan]:
    """What was held, the plan of that, and the plan of what was sifted."""
    happening = iter(events)

    async def ask(parameters: Sequence[tuple[str, str]]) -> Page | Fault:
        match next(happening, None):
            case "leaves", number:
                rows[:] = [each for each in rows if int(each["task_id"]) != number]
            case "joins", each:
                rows.insert(0, each)
            case "moves on", number, status:
                rows[:] = [
                    each | {"status": STATUSES[status]} if int(each["task_id"]) == number else each for each in rows
                ]
        return answer(rows, parameters)

    judgements = Judgements(made, CATALOGUE, NOW)
    both = Both(Sieve(lambda: replace(judgements.rules(SCOPE, made.policies_on(SCOPE)), together=together)))
    listed = await list_scope(ask, PACKAGING, statuses_wanted(made, CATALOGUE)[SCOPE], both)
    assert not isinstance(listed, Fault)
    completeness = Completeness.UNSTABLE if listed.unsettled else Completeness.COMPLETE
    seen = Observation(SCOPE, (), 1, completeness, listed.unsettled)
    held = replace(seen, tasks=both.held.tasks, rows=both.held.rows)

    def planned(observation: Observation, sieves: dict[Scope, Sieve]) -> Plan:
        planner = Planner(made, CATALOGUE, NOW)
        return planner.plan({SCOPE: observation}, sieves, tool_version="1", expires_at=NOW)

    return held, planned(held, {}), planned(seen, {SCOPE: both.sieve})


@settings(max_examples=150)
@given(RULES, ROWS, EVENTS, st.integers(1, 3))
def test_a_streamed_plan_is_that_of_all_tasks(
    rules: list[Any], rows: list[Row], events: list[Any], together: int
) -> None:
    """Pages shift, tasks come, go and move on between pages and passes, stand twice, contradict themselves, and have
    what no schema allows: changes, counts, guards, what is unknown and what is noted come out alike, however many pages
    are looked at together."""
    made = configured(rules)
    seen, held, streamed = asyncio.run(plans(made, rows, events, together))
    waiting = [each.created_at for each in (*seen.tasks, *seen.rows) if each.status is Status.PENDING]
    oldest, exact = streamed.scopes[0].oldest_pending, held.scopes[0].oldest_pending
    assert exact == min((created for created in waiting if created is not None), default=None)
    assert exact is None or (oldest is not None and oldest <= exact)  # that of a task may count which went meanwhile
    assert replace(streamed, scopes=held.scopes) == held
    assert replace(streamed.scopes[0], oldest_pending=exact) == held.scopes[0]
    contradicted = len({each.id for each in seen.rows})
    for one in streamed.policies:
        truths = [compile_selector(made.policies[one.name].match, NOW)(task.values) for task in seen.tasks]
        assert one.matched == truths.count(Truth.TRUE)
        assert one.unknown == truths.count(Truth.UNKNOWN) + contradicted
    assert sum(streamed.scopes[0].tasks.values()) == seen.total


class Let(dict[str, Any]):
    """A row that tells whether somebody holds it."""

    __slots__ = ("__weakref__",)


class Counted(Records):
    """Rows that count the tasks that are made of them."""

    made = 0

    def task(self, place: int) -> Task:
        Counted.made += 1
        return super().task(place)


async def test_pages_are_let_go_and_few_of_their_rows_become_tasks() -> None:
    """However many pages there are: as many at once as are asked for side by side, and a few that wait to be looked at
    together; one request each, and a task for each row that a policy selects."""
    made = configured([({"status": "pending", "input.object": "stale/3"}, None, 100)])
    judgements = Judgements(made, CATALOGUE, NOW)
    sieve = Sieve(lambda: judgements.rules(SCOPE, made.policies_on(SCOPE)))
    pages: list[weakref.ref[Records]] = []
    each_row: list[weakref.ref[Let]] = []
    alive = rows_alive = 0

    async def ask(parameters: Sequence[tuple[str, str]]) -> Page:
        nonlocal alive, rows_alive
        await asyncio.sleep(0)
        first = 2 * int(dict(parameters)["page"])
        rows = [
            Let(task_id=str(number), status="WAITING", input={"object": f"stale/{number % 100}"})
            for number in range(first, first + 2)
        ]
        shown = Counted("here", PACKAGING, rows, [str(each["task_id"]) for each in rows])
        pages.append(weakref.ref(shown))
        each_row.extend(map(weakref.ref, rows))
        alive = max(alive, sum(page() is not None for page in pages))
        rows_alive = max(rows_alive, sum(row() is not None for row in each_row))
        return Page(shown, 2_000)

    assert await list_scope(ask, PACKAGING, frozenset({"WAITING"}), sieve) == Listed()
    assert (len(pages), sieve.total, len(sieve.selected("p0"))) == (1_000, 2_000, 20)
    assert alive <= 5  # three that are looked at together, the first, and the one that comes
    assert not any(page() for page in pages)
    assert rows_alive <= 10
    assert not any(row() for row in each_row)
    assert Counted.made == 20


class Shows:
    """A client whose lists are of one page after another, of a hundred rows each."""

    skews = ()
    requests = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what is never asked here
        raise AssertionError(name)

    async def __aenter__(self) -> "Shows":
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    def client(self, target: object, *, concurrency: int) -> "Shows":
        del target, concurrency
        return self

    async def observe(self, resource: ResourceType, statuses: object, sink: Sink) -> Observation:
        del statuses
        for first in range(0, 1_000, 100):
            rows = [
                {"task_id": str(number), "status": "WAITING", "input": {"bucket": "b", "object": f"stale/{number}"}}
                for number in range(first, first + 100)
            ]
            sink.see(Counted("here", resource, rows, [str(each["task_id"]) for each in rows]))
        sink.end_pass()
        return Observation(SCOPE, (), 10)


async def test_questions_make_tasks_of_what_they_are_about_alone() -> None:
    made = configured([({"input.object": "stale/77"}, None, 100)])
    made = replace(made, targets={"here": Target("here", "huaweicloud", "region")})
    world = World(made, CATALOGUE, NOW)
    Counted.made = 0
    async with Clouds(made, CATALOGUE, {"huaweicloud": cast("Any", Shows())}) as clouds:
        found = await query(world, clouds, PACKAGING, made.policies["p0"].match, ["here"], lambda _: None)
        assert [task.id for task in found.tasks] == ["77"]
        assert Counted.made == 1
        answer = await why(world, clouds, "77", lambda _: None)
        assert [(account.key.id, account.steps) for account in answer.tasks] == [("77", ("cancel", "delete"))]
        assert (answer.plan.scopes[0].tasks, answer.observations[0].total) == ({"pending": 1_000}, 1_000)
        assert Counted.made < 100
        missing = await why(world, clouds, "99999", lambda _: None)
        assert (missing.tasks, missing.near) == ((), ())
        assert (await why(world, clouds, "99", lambda _: None)).near == ()
        assert (await why(world, clouds, f"here/{PACKAGING.name}/99", lambda _: None)).tasks[0].key.id == "99"
