"""The configuration of a run, checked and typed: what the rest of the program reads instead of YAML."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from os.path import normpath
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from reconciler.selectors.trace import fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.config.window import Window
    from reconciler.diagnostics import Diagnostic, Location
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.observation import Scope


def group_of(provider: str, account: str) -> str:
    """A stable name of an account for the journal and its locks, which does not show the account.

    What names it may have come from a variable. 128 bits of SHA-256, so that no two accounts share a name.
    """
    return f"{provider}/{sha256(account.casefold().encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


class Mode(StrEnum):
    """What a policy does about what it asks for."""

    ENFORCE = "enforce"
    REPORT = "report"
    """It is shown, and nothing more."""


class OnExcess(StrEnum):
    """What becomes of a policy that asks for more than its limits."""

    REFUSE = "refuse"
    DEFER = "defer"


@dataclass(frozen=True, slots=True)
class Limits:
    """Guards of one policy: an absolute number of changes, and a percentage per scope. 0 means 0."""

    max_actions: int = 500
    max_percent: int = 30
    on_excess: OnExcess = OnExcess.REFUSE


MOST_ACTIONS = 10**9
"""The largest limit that can be written. A plan holds it, and what reads plans refuses numbers beyond 64 bits."""

RUN_ACTIONS = 5000
"""Changes of one run that need no say of their own, whatever the policies' limits are."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Guards of all policies together: of a whole run, and of each scope. None: what the policies' own limits give."""

    max_actions: int | None = None
    max_percent: int | None = None


class DatabaseUrl(str):
    """The URL of a database. `masked` is what the variables in it hold, and what messages show in its place."""

    __slots__ = ("masked",)

    masked: Mapping[str, str]

    def __new__(cls, text: str, masked: Mapping[str, str] = MappingProxyType({})) -> Self:
        made = super().__new__(cls, text)
        made.masked = masked
        return made


class Event(StrEnum):
    """What a notification tells of a run."""

    CHANGES = "changes"
    """Tasks were canceled, or records deleted; without calls, that some would be."""
    REFUSED = "refused"
    """A guard or an approval refused."""
    FAILED = "failed"
    """Something could not be observed, locked or changed, or the run could not even begin."""
    ABOVE = "above"
    """More tasks match a policy than its `notify_above`."""
    RECOVERED = "recovered"
    """What was told before is over."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is read from when it is needed: exactly one of an environment variable or a file.

    `place` says so in messages, with `${NAME}` for what a variable gave.
    """

    env: str | None = None
    file: Path | None = None
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is told of runs: a webhook, whose `secret` signs what is sent to its `url`, or what the URLs of Apprise that
    `apprise` holds lead to."""

    name: str
    on: frozenset[Event]
    url: str = field(default="", repr=False)
    secret: Secret | None = None
    apprise: Secret | None = None
    template: str = ""
    """The text of a message, with names in braces; empty: the one of ours."""
    masked: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)
    """What the variables in it hold, and the `${NAME}` that messages show in its place."""

    @property
    def secrets(self) -> Mapping[str, Secret]:
        """Its secrets by the key that says where they are read from."""
        found = {"webhook.secret": self.secret, "apprise": self.apprise}
        return {key: secret for key, secret in found.items() if secret is not None}


@dataclass(frozen=True, slots=True)
class Settings:
    """`plan_ttl` in seconds; `concurrency` is the number of requests in flight per target.

    `unset` is what stands at keys whose variables are not set, where a command needs none: they have their defaults.
    """

    limits: Limits = Limits()
    run_limits: RunLimits = RunLimits()
    mode: Mode = Mode.ENFORCE
    backend: DatabaseUrl = field(default_factory=lambda: DatabaseUrl("sqlite:///.reconciler/history.db"))
    concurrency: int = 16
    plan_ttl: int = 86_400
    notify: Mapping[str, Receiver] = field(default_factory=lambda: MappingProxyType({}))
    unset: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where a target's credentials come from. Neither given: the vendor SDK's own variables and files."""

    profile: str | None = None
    secrets: Mapping[str, Secret] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def places(self) -> tuple[str, ...]:
        """Where they are looked for, sorted; however a file is spelled, it is one place."""
        named = [
            f"env {secret.env}" if secret.env else f"file {normpath(secret.file or '')}"
            for secret in self.secrets.values()
        ]
        return tuple(sorted({*named})) or (f"profile {self.profile}" if self.profile else "default",)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in any window of so many seconds: `50/min` is 50 in 60."""

    requests: float
    seconds: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True)
class Target:
    """One account x region x project of one provider: where tasks are looked for."""

    name: str
    provider: str
    region: str
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What only targets of this provider have."""
    endpoints: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Base URL by service, where the provider's own host is not meant."""
    rate_limits: Mapping[str, Rate] = field(default_factory=lambda: MappingProxyType({}))
    """By service, where the documented quota is not meant."""
    credentials: Credentials = Credentials()
    inventory: Mapping[str, tuple[str, ...]] | None = None
    """What to ask about, where the API cannot list: the provider's lists by key, without duplicates, in order."""
    location: Location | None = None
    """Where it is written."""
    family: str = ""
    """The name that it shares with those of the same `regions`, where it is one of several."""
    masked: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)
    """What the variables in it hold, and the `${NAME}` that messages show in its place."""

    @property
    def stated_account(self) -> str:
        """The account as the target itself names it, by what only targets of its provider have, such as a project;
        empty where only the cloud can tell whose its credentials are."""
        return "/".join(f"{key}={value.casefold()}" for key, value in sorted(self.options.items()) if value)


class Keep(StrEnum):
    """Which tasks of a group a quota keeps, by the time of their creation."""

    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class Absent:
    """No task may match."""


@dataclass(frozen=True, slots=True)
class AtMost:
    """A quota: no more than `count` matching tasks in each group."""

    count: int
    per: tuple[str, ...] = ()
    """The fields whose equal values make a group; none: all matching tasks of a scope are one group."""
    keep: Keep = Keep.NEWEST


Ensure = Absent | AtMost


class OnBlocked(StrEnum):
    """What a surplus task counts as that no operation takes out of the selector."""

    REPORT = "report"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Policy:
    """An assertion: how many tasks may match its selector in each of its scopes.

    `match: {status: pending}` with `ensure: absent` says that none may wait. What is more than that is the surplus,
    from which the planner derives changes. Each scope is judged for itself: no group and no share goes beyond it.
    """

    name: str
    resources: tuple[str, ...]
    """Names of resource types, resolved from globs and sorted."""
    scopes: tuple[Scope, ...]
    """What it looks at, sorted: each resource type on those of its targets that are of its provider."""
    match: Selector
    """Which tasks it is about. A task of which it is unknown is not."""
    ensure: Ensure
    """How many of them may be there."""
    limits: Limits
    """How much it may change in one run."""
    description: str = ""
    """Why it is there, for readers."""
    suspend: bool = False
    """It is not even looked at."""
    only: Selector | None = None
    """Of the surplus, only tasks go of which this is true; None: all do."""
    mode: Mode = Mode.ENFORCE
    window: Window | None = None
    """When it acts; outside of it, it is as in report mode."""
    on_blocked: OnBlocked = OnBlocked.REPORT
    cancel_running: bool = False
    """It cancels tasks that run as well, where the vendor does."""
    notify_above: int | None = None
    """Matches above which somebody is told; None: however many there are, nobody is."""
    location: Location | None = None
    """Where it is written."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets that it looks at, sorted."""
        return tuple(sorted({scope.target for scope in self.scopes}))

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that its selectors ask about."""
        return tuple(dict.fromkeys((*fields_of(self.match), *(fields_of(self.only) if self.only else ()))))

    def acts(self, now: int) -> bool:
        """Whether it acts at `now`, in seconds since the epoch, and does not only report."""
        return not self.suspend and self.mode is Mode.ENFORCE and (self.window is None or self.window.is_open(now))

    def within(self, kept: Callable[[Scope], bool]) -> Policy | None:
        """The same on those of its scopes that are `kept`; None where there are none."""
        scopes = tuple(filter(kept, self.scopes))
        resources = tuple(sorted({scope.resource for scope in scopes}))
        return replace(self, resources=resources, scopes=scopes) if scopes else None


@dataclass(frozen=True, slots=True)
class Protection:
    """Tasks of `resources` (names, resolved from a glob) that no policy may touch: match true *or unknown*."""

    name: str
    resources: tuple[str, ...]
    match: Selector
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """All files merged: what may exist, where to look, and how to run."""

    settings: Settings
    targets: Mapping[str, Target]
    protections: Mapping[str, Protection]
    policies: Mapping[str, Policy]
    files: tuple[Path, ...]
    fingerprint: str
    """`sha256:<hex>` over targets, policies and protections as written and expanded, not over settings, descriptions,
    file names or positions: two configurations that ask for the same have the same one."""
    warnings: tuple[Diagnostic, ...] = ()
    """What `validate` would say short of errors."""
    _on: Mapping[Scope, tuple[Policy, ...]] = field(init=False, repr=False, compare=False)
    """The active policies of each scope: asked for with each of thousands."""

    def __post_init__(self) -> None:
        on: dict[Scope, list[Policy]] = defaultdict(list)
        for _, policy in sorted(self.policies.items()):
            for scope in () if policy.suspend else policy.scopes:
                on[scope].append(policy)
        object.__setattr__(self, "_on", {scope: tuple(policies) for scope, policies in on.items()})

    def scopes(self) -> tuple[Scope, ...]:
        """What a run has to list: each (target, resource type) that an active policy looks at, sorted, once."""
        return tuple(sorted(self._on))

    def policies_on(self, scope: Scope) -> tuple[Policy, ...]:
        """The active policies that look at a scope, by name."""
        return self._on.get(scope, ())
