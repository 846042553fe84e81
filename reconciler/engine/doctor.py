"""Examines targets and changes nothing: whose the credentials are, what the clocks say, and what lists answer."""

from __future__ import annotations

import asyncio
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from reconciler import __version__
from reconciler.engine.clouds import unexpected
from reconciler.providers.base import Granting
from reconciler.redaction import Shown
from reconciler.tasks.observation import CLOCKS_APART, Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.engine.clouds import Clouds, Guarded
    from reconciler.engine.world import World
    from reconciler.providers.base import Look, Provider
    from reconciler.tasks.resource_type import ResourceType


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """Something is odd, and nothing fails because of it."""
    ERROR = "error"
    """A run would not get through here."""


class Subject(StrEnum):
    """What a check is about."""

    CREDENTIALS = "credentials"
    CLOCK = "clock"
    LISTING = "listing"


@dataclass(frozen=True, slots=True)
class Check(Shown):
    """What was found of one matter, and what to do about it."""

    subject: Subject
    verdict: Verdict
    message: str
    advice: str = ""
    """What to do; empty where all is well."""
    resource: str | None = None
    """The resource type that was listed."""
    permission: str | None = None
    """What the vendor calls the right that is missing."""
    fault: Fault | None = None
    requests: int = 0
    """Requests that were sent for it."""


@dataclass(frozen=True, slots=True)
class Examined(Shown):
    """One target."""

    DERIVED: ClassVar[tuple[str, ...]] = ("verdict",)

    target: str
    provider: str
    region: str
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """That of the check that ended worst."""
        return max((check.verdict for check in self.checks), key=list(Verdict).index, default=Verdict.OK)


@dataclass(frozen=True, slots=True)
class Examination(Shown):
    """All targets, and what they were examined with."""

    DERIVED: ClassVar[tuple[str, ...]] = ("outcome", "summary")

    tool_version: str
    python: str
    platform: str
    targets: tuple[Examined, ...]

    @property
    def outcome(self) -> Verdict:
        """`error` where some check of some target ended so."""
        return Verdict.ERROR if any(each.verdict is Verdict.ERROR for each in self.targets) else Verdict.OK

    @property
    def summary(self) -> Mapping[Verdict, int]:
        """Count of checks by verdict."""
        counts = Counter(check.verdict for target in self.targets for check in target.checks)
        return {verdict: counts[verdict] for verdict in Verdict}


_ADVICE = {
    Meaning.CREDENTIALS: "set them right, or renew them, where they come from",
    Meaning.UNREACHABLE: "check the region, `endpoints`, DNS, firewall and the proxy variables of the environment",
    Meaning.LOST: "check the network in between; --trace shows how far a request came",
    Meaning.THROTTLED: "somebody else uses up the quota: wait, or set `rate_limits` of the target lower",
    Meaning.UNAVAILABLE: "try again later; if it stays, give the request id to the vendor",
    Meaning.MALFORMED: "is it the address of the API, and no proxy or login page before it? Else report it, with a "
    "--trace file",
    Meaning.PERMANENT: "see what the cloud says; with the request id the vendor can tell more",
}


async def examine(
    world: World,
    clouds: Clouds,
    targets: Iterable[str],
    providers: Mapping[str, Provider],
    on_examined: Callable[[Examined], None],
    *,
    by_policy: bool,
) -> Examination:
    """Examine targets side by side. Never raises for what a cloud does, nor for a bug: that is the target's error.

    Listed is what the policies look at, suspended ones included; of a target that none looks at, all that there is, or
    nothing where the examination goes `by_policy`.
    """
    wanted: dict[str, set[str]] = {name: set() for name in targets}
    for policy in world.configuration.policies.values():
        for scope in policy.scopes:
            wanted.get(scope.target, set()).add(scope.resource)
    if by_policy:
        wanted = {name: kinds for name, kinds in wanted.items() if kinds}
    rows = world.catalogue.resource_types

    async def one(name: str) -> Examined:
        target = world.configuration.targets[name]
        kinds = wanted[name] or {row.name for row in rows.values() if row.provider == target.provider}
        try:
            client = await clouds.client(name)
            if isinstance(client, Fault):
                checks = [_refused(Subject.CREDENTIALS, client)]
            else:
                checks = await _checks(client, [rows[kind] for kind in sorted(kinds)], providers[target.provider])
        except Exception as error:  # noqa: BLE001 - what goes wrong in one target is its error alone
            checks = [_refused(Subject.LISTING, unexpected(name, error))]
        examined = Examined(name, target.provider, target.region, tuple(checks))
        on_examined(examined)
        return examined

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(name)) for name in wanted]
    found = tuple(task.result() for task in tasks)
    return Examination(__version__, platform.python_version(), platform.platform(), found)


async def _checks(client: Guarded, rows: Iterable[ResourceType], provider: Provider) -> list[Check]:
    owner, looked = await asyncio.gather(client.owner(), asyncio.gather(*(_look(client, row) for row in rows)))
    looks = [look for _, look in looked]
    listings = [check for row, look in looked for check in _of_list(row, look, provider)]
    return [_of_credentials(client, owner, looks), _of_clock(client.skews), *listings]


async def _look(client: Guarded, row: ResourceType) -> tuple[ResourceType, Look]:
    return row, await client.look(row)


def _of_credentials(client: Guarded, owner: str | Fault, looks: Sequence[Look]) -> Check:
    faults = [look.fault for look in looks]
    asked = client.requests - sum(look.requests for look in looks)
    asking = [owner] if isinstance(owner, Fault) else []
    for fault in (*faults, *asking):
        if fault is not None and fault.meaning is Meaning.CREDENTIALS:
            return _refused(Subject.CREDENTIALS, fault, requests=asked)
    source = client.credentials or "there are some"
    if isinstance(owner, str) and owner:
        return Check(Subject.CREDENTIALS, Verdict.OK, f"{source}, of {owner}", requests=asked)
    told = f"; no run needs to know whose they are, and asking failed: {owner}" if asking else ""
    if any(fault is None or fault.meaning is Meaning.PERMISSION for fault in faults):
        return Check(Subject.CREDENTIALS, Verdict.OK, f"{source}{told}", fault=next(iter(asking), None), requests=asked)
    return Check(Subject.CREDENTIALS, Verdict.WARNING, f"{source}; nothing has shown yet whether they are good")


_AS_TOLD = 1
"""Seconds: answers tell whole ones (RFC 9110 section 5.6.7), and take their time."""


def _of_clock(skews: tuple[int, ...]) -> Check:
    if not skews:
        return Check(Subject.CLOCK, Verdict.WARNING, "no answer told the time")
    skew = max(skews, key=abs)
    told = f"{abs(skew)} s {'behind' if skew > 0 else 'ahead of'} the cloud's"
    how = told if abs(skew) > _AS_TOLD else "in step with the cloud's"
    if abs(skew) <= CLOCKS_APART:
        return Check(Subject.CLOCK, Verdict.OK, f"this machine's clock is {how}")
    message = f"this machine's clock is {how}: no task is judged by its age, and requests may be refused"
    return Check(Subject.CLOCK, Verdict.ERROR, message, "set the clock right; a machine that runs NTP stays right")


def _refused(subject: Subject, fault: Fault, resource: str | None = None, requests: int = 0, advice: str = "") -> Check:
    advice = advice or _ADVICE.get(fault.meaning, _ADVICE[Meaning.PERMANENT])
    return Check(subject, Verdict.ERROR, str(fault), advice, resource, fault=fault, requests=requests)


def _of_list(row: ResourceType, look: Look, provider: Provider) -> Iterator[Check]:
    """What a list answered, and apart from it what the vendor does not document."""
    if look.fault is not None:
        # Of others the HTTP status says what they mean.
        is_new = look.unknown_code and look.fault.meaning is Meaning.PERMANENT
        new = f"the code {look.fault.code} is in no table of reconciler: please report it" if is_new else ""
        refused = _refused(Subject.LISTING, look.fault, row.name, look.requests, new)
        is_permission = look.fault.meaning is Meaning.PERMISSION
        yield _to_grant(refused, row, provider) if is_permission else refused
        return
    if look.rows is None:
        how = "there is no list of these, and the target's `inventory` names none"
        yield Check(Subject.LISTING, Verdict.OK, how, resource=row.name)
        return
    rows = f"{look.rows} {'task' if look.rows == 1 else 'tasks'} on the first page"
    quota = "".join(f"; {name}: {value}" for name, value in look.quotas.items())
    yield Check(Subject.LISTING, Verdict.OK, f"listed, {rows}{quota}", resource=row.name, requests=look.requests)
    if look.statuses:
        what = f"statuses of no table: {', '.join(look.statuses)}; tasks in these are never changed"
        yield Check(Subject.LISTING, Verdict.WARNING, what, "please report them", row.name)
    if look.keys:
        what = f"fields that the vendor does not document: {', '.join(look.keys)}; no selector can use them"
        yield Check(Subject.LISTING, Verdict.WARNING, what, "please report them", row.name)


def _to_grant(refused: Check, row: ResourceType, provider: Provider) -> Check:
    if row.permissions.list is not None:
        return replace(refused, permission=row.permissions.list, advice=f"grant {row.permissions.list}")
    instead = provider.policy_language.instead(row) if isinstance(provider, Granting) else ""
    return replace(refused, advice=instead or "grant the right to list these tasks")
