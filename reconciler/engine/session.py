"""The front door: a session loads a configuration, and lists, plans and applies with one client for each target."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from reconciler.engine.clouds import Clouds
from reconciler.engine.interruption import Interruption, run
from reconciler.engine.world import check_overrides, load_world, looking_at, named_targets, plan_from, sifted
from reconciler.exceptions import UsageError
from reconciler.planning.change import Chosen
from reconciler.planning.judgement import statuses_wanted
from reconciler.planning.limits import Overrides
from reconciler.providers.registry import providers
from reconciler.tasks.timestamps import elapsed_clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.backends.entries import RunPart
    from reconciler.config.model import Configuration
    from reconciler.engine.apply_run import Applying, ApplyOptions
    from reconciler.engine.approval import Approval
    from reconciler.engine.doctor import Examination, Examined
    from reconciler.engine.hold import Held
    from reconciler.engine.queries import QueryResult, Wish
    from reconciler.engine.world import World
    from reconciler.planning.guards import Portion
    from reconciler.planning.part import Shard
    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report
    from reconciler.planning.why import Why
    from reconciler.providers.transport.caller import Tally
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.observation import Fault, Observation, Scope
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.sink import Sink

LOGGER = logging.getLogger("reconciler.engine")

FRESH = 60_000
"""Milliseconds until a plan that nobody approved counts as a saved one, which can shrink and never grow. A screen
of changes is read in them, and a listing may take as long."""

NO_OVERRIDES = Overrides()


def _nothing(_: object) -> None:
    return None


@contextmanager
def timed(took: dict[str, float], stage: str) -> Iterator[None]:
    """Write down how many seconds this context took."""
    begun = elapsed_clock()
    try:
        yield
    finally:
        took[stage] = (elapsed_clock() - begun) / 1000


class Session:
    """What a configuration asks for, held against the clouds: an async context manager, made by `Session.open`.

        async with Session.open(["policies/"], target=["prod-*"]) as session:
            plan = await session.plan()
            report = await session.apply(plan, Approval.of_digest("sha256:..."))

    There is one client for each target, made at its first use and closed with the session: one login, one pool of
    connections, one pace. Nothing that a cloud does is raised: it is in the plan and the report, for its target alone.
    """

    def __init__(
        self,
        world: World,
        targets: Sequence[str],
        lock_timeout: int,
        interruption: Interruption,
        on_held: Callable[[Held], None],
    ) -> None:
        self._world = world
        self._targets = tuple(targets)
        self._lock_timeout = lock_timeout
        self._interruption = interruption
        self._on_held = on_held
        self._providers = {name: provider.for_run() for name, provider in providers().items()}
        self._clouds = Clouds(world.configuration, world.catalogue, self._providers)
        self._applying = asyncio.Lock()
        self._holding = False
        self._held: Held | None = None
        self._own: Plan | None = None
        self._made_at = 0
        self.took: dict[str, float] = {}
        """Seconds that the last plan took to `list`, and what was done with one to `apply`."""
        self.listed: Mapping[Scope, Observation] = {}
        """What the last plan was made of, until it is applied."""

    @classmethod
    def open(
        cls,
        paths: str | PurePath | Iterable[str | PurePath] = ".",
        *,
        target: str | Sequence[str] = (),
        policy: str | Sequence[str] = (),
        task: str | Collection[str] = (),
        now: int | None = None,
        lock_timeout: int = 0,
        interruption: Interruption | None = None,
        on_held: Callable[[Held], None] = _nothing,
    ) -> Self:
        """A session of the configuration in `paths`: files, or directories to search.

        `target` and `policy` are names or globs, and narrow all that the session does. `task` are ids, or
        `<target>/<resource>/<id>`, and narrow what it plans and applies. `now` (seconds since the epoch,
        UTC) is the clock of ages instead of the machine's; such a session applies nothing. `lock_timeout` is how many
        seconds to wait for an account that another apply holds. `interruption` asks what is under way to stop in order;
        `on_held` is told what the session holds once it does.

        Raises InvalidConfiguration, and UsageError for a glob that names nothing, or an endpoint or a source of
        credentials that the environment does not permit.
        """
        files = [Path(path) for path in ((paths,) if isinstance(paths, str | PurePath) else paths)]
        targets, policies = ((names,) if isinstance(names, str) else names for names in (target, policy))
        chosen = Chosen(frozenset((task,) if isinstance(task, str) else task))
        world = load_world(files, targets, policies, now=now, chosen=chosen)
        names = named_targets(targets, world.configuration)
        return cls(world, names, lock_timeout, interruption or Interruption(), on_held)

    def part(
        self,
        targets: Collection[str],
        shard: Shard,
        portion: Portion | None = None,
        interruption: Interruption | None = None,
    ) -> Session:
        """A session of these targets alone: others are other processes'. Without a `portion` of the limits on actions,
        what it plans is a part of a plan of all, against which the limits are held.
        """
        configuration = looking_at(targets, self.configuration)
        world = replace(self._world, configuration=configuration, shard=shard, portion=portion)
        stopped_by = interruption or self._interruption
        return Session(world, sorted(targets), self._lock_timeout, stopped_by, self._on_held)

    def again(self) -> Session:
        """Another session of the same configuration, as it was read for this one."""
        return Session(self._world, self._targets, self._lock_timeout, self._interruption, self._on_held)

    async def __aenter__(self) -> Self:
        await self._clouds.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._clouds.__aexit__(*exc)

    @property
    def configuration(self) -> Configuration:
        """What the session works with: all targets, and those policies that it is narrowed to."""
        return self._world.configuration

    @property
    def shard(self) -> Shard | None:
        """Which part of the accounts it is about, where others are other processes'."""
        return self._world.shard

    @property
    def chosen(self) -> Chosen:
        """The tasks that what it plans and applies is narrowed to."""
        return self._world.chosen

    @property
    def commit(self) -> str | None:
        """The commit that the configuration was read from, where that is known."""
        return self._world.commit

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets that it is narrowed to."""
        return self._targets

    @property
    def now(self) -> int:
        """The clock of all ages, in seconds since the epoch (UTC), as it was when something was last begun."""
        return self._world.now

    @property
    def traffic(self) -> Mapping[tuple[str, str], Tally]:
        """The requests that it made so far, by target and service."""
        return self._clouds.traffic

    @property
    def interruption(self) -> Interruption:
        """What asks it to stop."""
        return self._interruption

    def concerned(self, plan: Plan) -> Plan:
        """A saved plan, with those of its changes that the session is about."""
        from reconciler.engine.saved_plan_run import narrowed  # noqa: PLC0415 - a plan makes no calls

        return narrowed(plan, self._world)

    def leave_out(self, faults: Mapping[str, Fault]) -> None:
        """Send nothing to these targets, for these reasons: what is listed there counts as failed."""
        self._clouds.leave_out(faults)

    def _look_at_the_clock(self) -> None:
        if not self._world.clock_set:
            self._world = replace(self._world, now=int(time.time()))

    async def plan(
        self,
        overrides: Overrides = NO_OVERRIDES,
        *,
        expires_in: int | None = None,
        on_listed: Callable[[Observation], None] = _nothing,
        beside: Mapping[Scope, Sink] = MappingProxyType({}),
    ) -> Plan:
        """List what the policies look at, and say what would be done. Reads only, and takes no lock.

        `expires_in` is how many seconds a saved plan is good for (default: `settings.plan_ttl`). Only tasks that some
        policy selects are kept; sinks `beside` that, by scope, are shown all of them.
        """
        self._look_at_the_clock()
        check_overrides(overrides, self.configuration)
        world = self._world  # the clock of the session may move on while this plan is made
        wanted = statuses_wanted(world.configuration, world.catalogue)
        with timed(self.took, "list"):
            self.listed, sieves = await sifted(world, self._clouds, wanted, on_listed, beside=beside)
            made = plan_from(world, self.listed, sieves, expires_in=expires_in, overrides=overrides)
        self._own, self._made_at = made if self._held else None, elapsed_clock()
        return made

    async def query(
        self,
        row: ResourceType,
        selector: Selector,
        on_listed: Callable[[Observation], None] = _nothing,
        wish: Wish | None = None,
    ) -> QueryResult:
        """List the tasks of one resource type that match, or count them: what is wished for, or all of them."""
        from reconciler.engine.queries import EVERY_TASK, query  # noqa: PLC0415 - a plan asks no such thing

        return await query(self._world, self._clouds, row, selector, self._targets, on_listed, wish or EVERY_TASK)

    async def why(
        self, task_id: str, resource: str | None = None, on_listed: Callable[[Observation], None] = _nothing
    ) -> Why:
        """Say what the policies (of one resource type) make of the tasks of this id."""
        from reconciler.engine.queries import narrowed, why  # noqa: PLC0415 - as above

        return await why(narrowed(self._world, resource), self._clouds, task_id, on_listed)

    async def examine(
        self, on_examined: Callable[[Examined], None] = _nothing, *, by_policy: bool = False
    ) -> Examination:
        """Check each target without changing anything: credentials, clocks, and a small page of each list.

        `by_policy` leaves out the targets that no policy of the session looks at.
        """
        from reconciler.engine.doctor import examine  # noqa: PLC0415 - of one command alone

        return await examine(
            self._world, self._clouds, self._targets, self._providers, on_examined, by_policy=by_policy
        )

    @asynccontextmanager
    async def hold(self, targets: Collection[str] | None = None, part: RunPart | None = None) -> AsyncIterator[Held]:
        """Be alone on the accounts of `targets`, of those that the policies look at (default: all of these).

        A plan that is made meanwhile can be applied meanwhile as it stands. Whoever holds them for a `part` of a run
        takes them from an earlier execution of it. Raises LockedError where other runs hold all of them, UsageError
        where the clock was set, and BackendError.
        """
        from reconciler.engine.hold import hold  # noqa: PLC0415 - a plan needs no database, which takes long to import

        if self._world.clock_set:
            raise UsageError("a session with a clock of its own only plans")
        if self._holding:
            raise UsageError("the session holds its locks already")
        wanted = {scope.target for scope in self.configuration.scopes()}
        self._holding = True
        try:
            names = sorted((wanted if targets is None else wanted.intersection(targets)) - self._clouds.left_out)
            async with hold(
                self._world, self._clouds, names, self._lock_timeout, self._interruption, part
            ) as self._held:
                self._look_at_the_clock()  # the locks may have been long in coming
                self._on_held(self._held)
                yield self._held
        finally:
            self._holding, self._held, self._own = False, None, None

    async def apply(
        self,
        plan: Plan | None,
        approval: Approval,
        options: ApplyOptions | None = None,
        *,
        overrides: Overrides = NO_OVERRIDES,
        part: RunPart | None = None,
    ) -> Report:
        """Make the calls of a plan, verify them, and report. One at a time.

        Without a `plan`, one is made. One that this session made while it held its locks is applied as it stands, once,
        if that was less than a minute ago. Any other is checked against the clouds again: it can shrink, never grow.
        `overrides` are limits instead of the policies' own; those that a plan has recorded count together with the
        approval of its digest only. As a `part` of a run it is written down in that run, which somebody else has begun
        and ends; where the part was executed before, what that has done is reported as done, and not done again.

        Raises RefusedError where the approval is not given, StalePlanError where it, or the plan, has expired or the
        plan was made from another configuration, LockedError where other applies hold all accounts, UsageError where
        a part is to be of no plan or of locks that are held already, and BackendError.
        """
        from reconciler.engine.apply_run import ApplyOptions  # noqa: PLC0415 - a plan makes no calls

        if part is not None and (plan is None or self._holding):
            raise UsageError("a part of a run is of a plan that was made before, and takes its locks itself")
        options = ApplyOptions() if options is None else options
        if plan is not None and plan.part is not None:
            raise UsageError(f"the plan is part {plan.part.shard} of one", "join all parts, and apply what they are of")
        async with self._applying:
            if plan is not None and plan is self._own and self._held is not None:
                return await self._apply_own(plan, approval, options, self._held)
            if plan is not None:
                return await self._apply_saved(plan, approval, options, overrides, part)
            async with self.hold() if self._held is None else nullcontext(self._held) as held:
                plan = await self.plan(overrides, on_listed=options.on_listed)
                return await self._apply_own(plan, approval, options, held)

    async def _apply_own(self, plan: Plan, approval: Approval, options: ApplyOptions, held: Held) -> Report:
        from reconciler.engine.apply_run import carry_out  # noqa: PLC0415 - as above
        from reconciler.engine.saved_plan_run import apply_saved_plan  # noqa: PLC0415 - as above

        # The clouds' clocks may be ahead of this one, which may have been set back.
        ahead = max((seen.ahead for seen in self.listed.values()), default=0)
        approval.check_time(int(time.time()) + (ahead if plan.applyable else 0))
        if plan.applyable or not plan.errored:  # what could not be listed weighs more than an approval
            approval.check_digest(plan)
        if plan.applyable:
            approval.check_given(plan)
        self._own, self.listed = None, {}
        if elapsed_clock() - self._made_at > FRESH:
            LOGGER.warning("the plan was made a while ago: its tasks are read again before anything is called")
            self._look_at_the_clock()
            with timed(self.took, "apply"):
                return await apply_saved_plan(self._applying_with(held, options, approval), plan, plan.overrides)
        run = self._applying_with(held, options, approval)
        with timed(self.took, "apply"):
            return await carry_out(run, plan, plan.changes, (), reviewed=plan, excluded=plan.excluded)

    async def _apply_saved(
        self, plan: Plan, approval: Approval, options: ApplyOptions, given: Overrides, part: RunPart | None
    ) -> Report:
        from reconciler.engine.saved_plan import check_agreed, limits_given  # noqa: PLC0415 - as above
        from reconciler.engine.saved_plan_run import apply_saved_plan  # noqa: PLC0415 - as above

        saved = approval.bounded(plan)
        check_overrides(given, self.configuration)
        overrides = limits_given(saved, approval, given)
        acted_on = {change.target for change in self.concerned(saved).changes}
        async with self.hold(acted_on, part) if self._held is None else nullcontext(self._held) as held:
            check_agreed(saved, approval, self.configuration.fingerprint, int(time.time()))
            with timed(self.took, "apply"):
                return await apply_saved_plan(self._applying_with(held, options, approval), saved, overrides)

    def _applying_with(self, held: Held, options: ApplyOptions, approval: Approval) -> Applying:
        from reconciler.engine.apply_run import Applying  # noqa: PLC0415 - as above

        return Applying(self._world, self._clouds, held, self._interruption, options, approval)


def plan(
    paths: str | PurePath | Iterable[str | PurePath] = ".",
    *,
    target: str | Sequence[str] = (),
    policy: str | Sequence[str] = (),
    task: str | Collection[str] = (),
    overrides: Overrides = NO_OVERRIDES,
    expires_in: int | None = None,
) -> Plan:
    """`Session.plan` in a session of its own, for code that is not asynchronous."""

    async def planned() -> Plan:
        async with Session.open(paths, target=target, policy=policy, task=task) as session:
            return await session.plan(overrides, expires_in=expires_in)

    return run(planned())


def apply(
    paths: str | PurePath | Iterable[str | PurePath] = ".",
    *,
    approval: Approval,
    plan: Plan | None = None,
    target: str | Sequence[str] = (),
    policy: str | Sequence[str] = (),
    task: str | Collection[str] = (),
    overrides: Overrides = NO_OVERRIDES,
    options: ApplyOptions | None = None,
    lock_timeout: int = 0,
) -> Report:
    """`Session.apply` in a session of its own, for code that is not asynchronous."""

    async def applied() -> Report:
        async with Session.open(paths, target=target, policy=policy, task=task, lock_timeout=lock_timeout) as session:
            return await session.apply(plan, approval, options, overrides=overrides)

    return run(applied())
