"""What a listing leaves of the pages that a client shows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from reconciler.engine.clouds import Clouds
from reconciler.engine.world import World, plan_from, sifted
from reconciler.planning.judgement import statuses_wanted
from reconciler.planning.limits import Overrides
from reconciler.planning.plan import Plan
from reconciler.tasks.observation import Completeness, Observation, Scope
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.sink import Sink
from reconciler.tasks.task import Status, Task
from tests.planning.world import CATALOGUE, NOW, TWO_STEP, configuration, policy, task

NONE = Overrides()
END = "the pass ends"
Step = Sequence[Task] | str | int
"""A page, the end of a pass, or the skew that an answer shows."""


class Scripted:
    """A client whose listings go by a script, each from the start."""

    def __init__(self, *listings: Sequence[Step]) -> None:
        self._listings = list(listings)
        self._skews: list[int] = []
        self.requests = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what is never asked here
        raise AssertionError(name)

    @property
    def skews(self) -> tuple[int, ...]:
        return (min(self._skews), max(self._skews)) if self._skews else ()

    async def __aenter__(self) -> "Scripted":
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    def client(self, target: object, *, concurrency: int) -> "Scripted":
        del target, concurrency
        return self

    async def observe(
        self, resource: ResourceType, statuses: frozenset[str] | None, sink: Sink | None = None
    ) -> Observation:
        del statuses
        assert sink is not None
        self.requests += 1
        listing = self._listings.pop(0) if len(self._listings) > 1 else self._listings[0]
        for step in listing:
            match step:
                case int():
                    self._skews.append(step)
                case str():
                    sink.end_pass()
                case page:
                    sink.see(page)
        return Observation(Scope("here", resource.name), (), 1)


OLD = policy("old", {"status": "pending", "created_at": {"older_than": "1h"}})


async def planned(client: Scripted, *policies: Any, clock_set: bool = False) -> tuple[Plan, list[str]]:  # noqa: ANN401
    """The plan, and each listing that was told."""
    world = World(configuration(*(policies or (OLD,))), CATALOGUE, NOW, clock_set)
    told: list[str] = []
    note: Callable[[Observation], None] = lambda seen: told.append(seen.scope.resource)  # noqa: E731
    wanted: Mapping[Scope, frozenset[str] | None] = statuses_wanted(world.configuration, CATALOGUE)
    async with Clouds(world.configuration, CATALOGUE, {"cloud": cast("Any", client)}) as opened:
        observations, sieves = await sifted(world, opened, wanted, note)
    return plan_from(world, observations, sieves, expires_in=60, overrides=NONE), told


PAGE = [task("1", age=7200), task("2", age=60)]


async def test_what_is_selected_becomes_a_change() -> None:
    plan, told = await planned(Scripted([PAGE, END]))
    assert [change.task_id for change in plan.changes] == ["1"]
    assert plan.scopes[0].tasks == {"pending": 2}
    assert told == [TWO_STEP.name]


async def test_a_pass_that_a_client_leaves_open_is_ended() -> None:
    plan, _ = await planned(Scripted([PAGE]))
    assert [change.task_id for change in plan.changes] == ["1"]


async def test_a_clock_that_turns_out_to_be_off_is_believed_about_no_age() -> None:
    """The scope is listed again, once told and each request counted."""
    client = Scripted([PAGE, 3600, [], END], [PAGE, END])
    plan, told = await planned(client)
    assert (plan.changes, plan.scopes[0].tasks, plan.scopes[0].unknown) == ((), {"pending": 2}, 2)
    assert plan.scopes[0].error is not None
    assert (plan.scopes[0].requests, client.requests, told) == (2, 2, [TWO_STEP.name])


async def test_a_clock_that_was_set_on_purpose_is_believed() -> None:
    plan, _ = await planned(Scripted([PAGE, 3600, [], END]), clock_set=True)
    assert [change.task_id for change in plan.changes] == ["1"]


class Forgetful(Scripted):
    """Shows by its skew that the clock is off after each listing, and has forgotten it when the next begins."""

    async def observe(self, *words: Any, **named: Any) -> Observation:  # noqa: ANN401 - as above
        self._skews = []
        return await super().observe(*words, **named)


async def test_clocks_that_change_their_mind_each_time_end_in_a_failed_scope() -> None:
    client = Forgetful([PAGE, 3600, END])
    plan, _ = await planned(client)
    assert (plan.changes, plan.scopes[0].completeness) == ((), Completeness.FAILED)
    assert client.requests == 3


@pytest.mark.parametrize("odd", ["", "a,b", "x" * 257])
@pytest.mark.parametrize("before", [True, False])
async def test_an_id_that_is_none_fails_the_scope_wherever_it_stands(odd: str, before: bool) -> None:
    none = Task("here", TWO_STEP.name, odd, Status.PENDING, {"id": odd, "status": "pending"})
    pages = [[PAGE[0], none], [PAGE[1]]] if before else [PAGE, [none], []]
    plan, _ = await planned(Scripted([*pages, END]))
    assert (plan.changes, plan.scopes[0].completeness) == ((), Completeness.FAILED)


@pytest.mark.parametrize("match", ["all", {"upload_url": {"exists": False}}, {"input.bucket": {"exists": False}}])
@pytest.mark.parametrize("sifting", [True, False])
async def test_rows_that_contradict_each_other_are_selected_by_nothing(match: Any, sifting: bool) -> None:  # noqa: ANN401
    """Listed into a sieve or held as a whole: what they differ in is not missing, and to act takes to know."""
    rows = [task("1"), task("2", input__bucket="drafts"), task("2", input__bucket="media")]
    world = World(configuration(policy("p", match)), CATALOGUE, NOW)
    wanted: Mapping[Scope, frozenset[str] | None] = statuses_wanted(world.configuration, CATALOGUE)
    async with Clouds(world.configuration, CATALOGUE, {"cloud": cast("Any", Scripted([rows, END]))}) as opened:
        if sifting:
            plan = plan_from(world, *await sifted(world, opened, wanted, lambda _: None), expires_in=60, overrides=NONE)
        else:
            plan = plan_from(world, await opened.observe(wanted), expires_in=60, overrides=NONE)
    assert [change.task_id for change in plan.changes] == ["1"]
    assert (plan.scopes[0].tasks, plan.scopes[0].unknown) == ({"pending": 2}, 1)
    assert plan.scopes[0].completeness is Completeness.UNSTABLE


async def test_rows_that_contradict_each_other_count_for_guards_by_the_status_that_they_agree_on() -> None:
    """Else the share would be of fewer tasks than are there, or of so few that it does not count."""
    drafts = policy("drafts", {"status": "pending", "input.bucket": "drafts"})
    rows = [task(str(number), input__bucket="drafts") for number in range(9)]
    rows += [task("9", input__bucket="drafts"), task("9", input__bucket="media")]
    plan, _ = await planned(Scripted([rows, END]), drafts)
    assert plan.scopes[0].tasks == {"pending": 10}
    assert [check.basis for check in plan.policies[0].guards] == [10, 10]
    assert "9" not in [change.task_id for change in plan.changes]
