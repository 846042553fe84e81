"""A resource type: one kind of task, described wholly by data; and all of them as a run knows them, with its providers.

Adding a kind that resembles an existing one is one more `ResourceType(...)` in its provider's table. The catalogue is
handed down as an argument to config, selectors and planning.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.tasks.observation import Meaning
from reconciler.tasks.task import ID_FORM, OBSERVABLE, TERMINAL, Status

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.tasks.task import Field


class Action(StrEnum):
    """What can be done to a task."""

    CANCEL = "cancel"
    DELETE = "delete"


class Paging(StrEnum):
    """How a list call hands out its rows."""

    PAGE = "page"
    """By the number of a page, from 0."""
    OFFSET = "offset"
    """By the number of rows to skip."""
    MARKER = "marker"
    """By what the answer before says, which tells a total as well."""
    TOKEN = "token"  # noqa: S105 - of a page
    """By what the answer before says. Nothing tells how many rows there are: the list is whole once no more is said."""
    INVENTORY = "inventory"
    """No list call: the user's inventory is looked up, so many entries to a call."""


Constants = tuple[tuple[str, str], ...]
"""Parameters that a call always has, with their values."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The call that shows tasks by their ids, where that is another than the list call.

    `path` may hold `{id}`, which the id takes; else ids go where the listing's `ids_parameter` says, each in one of its
    own, or `joined` by commas in a single one. `envelope` leads to the rows, or to the one task where it is `single`:
    then the call refuses an id that is not there. `missing` leads to the list of ids that are not there; one that is
    neither in it nor shown is unknown.
    """

    path: str
    envelope: str
    method: str = "GET"
    joined: bool = False
    single: bool = False
    missing: str = ""
    constants: Constants = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The call that shows the tasks of a scope.

    `path` is the request path, with what the client fills in braces, or the action name of an RPC API. `envelope`,
    `total`, `truncated` and `next_page` say where in an answer something stands: keys, joined by dots. `envelope` is
    that of the rows; an answer without it is an error. `next_page` is what `page_parameter` takes for the page after,
    where paging goes by that; `truncated` a flag that there are more rows than were shown, where there is one.
    `status_parameter` is None where the API cannot filter by status. `ids_parameter` takes up to `ids_per_call` ids in
    one call, of this call or of `reading`. `constants` are parameters of every call. `rows_merge` says that several
    rows of one id are one task, whose status is the first of the type's `statuses` that any row has (which is then not
    the lifecycle's order alone, but that of precedence).
    """

    path: str
    envelope: str
    paging: Paging
    method: str = "GET"
    total: str = "total"
    page_size: int = 100
    page_parameter: str = "page"
    size_parameter: str = "size"
    next_page: str = ""
    truncated: str = ""
    status_parameter: str | None = None
    ids_parameter: str | None = None
    ids_per_call: int = 10
    reading: Reading | None = None
    constants: Constants = ()
    rows_merge: bool = False

    def calls(self, ids: int) -> int:
        """Calls that reading so many ids takes."""
        return -(-ids // self.ids_per_call)

    def is_cheaper(self, pages: int, ids: int) -> bool:
        """Whether listing the scope, in so many pages, costs fewer calls than reading so many ids of it."""
        return pages < self.calls(ids)


@dataclass(frozen=True, slots=True)
class Operation:
    """One way out of a state: it may be called in the states of `starts`, and leads to `ends`: a delete to gone, a
    cancel to a state that tasks end in. Raises ValueError for another way.

    `path` may hold `{id}`, which the id takes instead of `id_parameter`. `refusals` gives the meaning of the vendor
    codes that are particular to this call; codes common to a provider are known to its client. `accepted` are the HTTP
    statuses that mean success; `envelope` leads to what such an answer always has, and `echo` to the id, where it
    repeats that, by keys joined by dots. `unlisted` is what HTTP 400 with a code of no table means: CHANGED where the
    vendor refuses a wrong state without publishing the code.
    """

    action: Action
    path: str
    id_parameter: str
    starts: frozenset[Status]
    ends: Status
    method: str = "DELETE"
    batch_size: int = 1
    accepted: frozenset[int] = frozenset({204})
    refusals: Mapping[str, Meaning] = field(default_factory=lambda: MappingProxyType({}))
    unlisted: Meaning = Meaning.PERMANENT
    constants: Constants = ()
    echo: str = ""
    envelope: str = ""

    def __post_init__(self) -> None:
        ends = {Status.GONE} if self.action is Action.DELETE else TERMINAL
        if not self.starts <= set(OBSERVABLE) or self.ends not in ends:
            raise ValueError(f"{self.path}: no {self.action} leads from {sorted(self.starts)} to {self.ends}")


@dataclass(frozen=True, slots=True)
class Permissions:
    """IAM or RAM actions that each call needs. None: the vendor publishes no name."""

    list: str | None = None
    cancel: str | None = None
    delete: str | None = None
    read: str | None = None
    """Of a listing's `reading`."""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One kind of task: `<provider>.<service>.<kind>`.

    `statuses` maps each vendor status to ours, in lifecycle order (a listing by status passes through them in this
    order, so that a task which moves on meanwhile is seen later, not lost). `status_filters` gives the filter value
    where it is spelt otherwise than in the answers. `id_form` narrows the form of all ids where the vendor documents
    a narrower one. `prepared` adds to a row of the vendor's what fields are made of that it has in another form. `gone`
    are the vendor statuses by which a list says that there is no such task. `unread` are the keys of a record that the
    vendor documents and no field reads, so that new ones can be told; None: not known. `object_fields` say together
    what a task works on, such as a bucket and a path: plans always show these.
    """

    name: str
    summary: str
    fields: Mapping[str, Field]
    statuses: Mapping[str, Status]
    listing: Listing
    operations: tuple[Operation, ...]
    permissions: Permissions = Permissions()
    status_filters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    documentation: str = ""
    id_form: re.Pattern[str] = ID_FORM
    prepared: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    gone: frozenset[str] = frozenset()
    unread: frozenset[str] | None = None
    object_fields: tuple[str, ...] = ()

    @property
    def provider(self) -> str:
        return self.name.split(".", 1)[0]

    @property
    def service(self) -> str:
        return self.name.split(".")[1]

    def field_named(self, name: str) -> Field | None:
        """The field that a selector means by a name: one of `fields`, a part of the URL in one, or that of a key. None:
        there is none."""
        known = self.fields.get(name)
        if known is not None:
            return None if known.prefix else known
        found = (one.of_key(name) or one.parts.get(name) for one in self.fields.values())
        return next(filter(None, found), None)

    @property
    def selectable(self) -> dict[str, Field]:
        """What a selector may name: all fields, and the parts of those that hold URLs. One that ends in `.*` stands for
        those of any key."""
        return {name: each for one in self.fields.values() for name, each in ({one.name: one} | one.parts).items()}

    def vendor_statuses(self, status: Status) -> tuple[str, ...]:
        """The vendor's spellings of `status`, in lifecycle order; none for `gone` and `unknown`."""
        return tuple(name for name, normalised in self.statuses.items() if normalised is status)

    def has_id(self, text: str) -> bool:
        """Whether `text` can be the id of such a task. What cannot be goes into no request."""
        return self.id_form.fullmatch(text) is not None

    @property
    def cancels_running(self) -> bool:
        """Whether the vendor cancels tasks that run. No policy does so unless it says `cancel_running`."""
        return any(Status.RUNNING in found.starts for found in self.operations if found.action is Action.CANCEL)

    def as_asked(self, *, cancel_running: bool) -> ResourceType:
        """The row as a policy goes by it: no cancel starts from a running task, unless it says so."""
        if cancel_running or not self.cancels_running:
            return self
        narrowed = (
            replace(found, starts=found.starts - {Status.RUNNING}) if found.action is Action.CANCEL else found
            for found in self.operations
        )
        return replace(self, operations=tuple(narrowed))

    def operation(self, action: Action) -> Operation | None:
        return next((operation for operation in self.operations if operation.action is action), None)

    def route(self, start: Status, selected: Callable[[Status], bool]) -> tuple[Operation, ...] | None:
        """Shortest path of operations from `start` to a state that is not `selected`; None where there is none.

        `selected` says whether a task in the given state still satisfies the selector; it is never asked about
        `gone`, which satisfies nothing.
        """
        waiting: deque[tuple[Status, tuple[Operation, ...]]] = deque([(start, ())])
        seen = {start}
        while waiting:
            state, steps = waiting.popleft()
            for operation in self.operations:
                if state not in operation.starts or operation.ends in seen:
                    continue
                if operation.ends is Status.GONE or not selected(operation.ends):
                    return (*steps, operation)
                seen.add(operation.ends)
                waiting.append((operation.ends, (*steps, operation)))
        return None


@dataclass(frozen=True, slots=True)
class InventoryList:
    """One list of an inventory. `entry` says what stands in it, `example` is one, and `file` the name of a file of
    them."""

    entry: str
    example: str
    file: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """Tasks that an API cannot list, as targets name them: lists, inline or from a file of one entry a line.

    `lists` has them by their keys in YAML. `list_of` says to which of them an entry belongs by its form, since a file
    may mix them. `entries_of` takes a line of a file apart, which may be more than an entry; it is given the key that
    names the file as well. Both raise ValueError, whose words say what is wrong and quote nothing of it.
    """

    lists: Mapping[str, InventoryList]
    list_of: Callable[[str], str]
    entries_of: Callable[[str, str], Iterable[str]] = lambda line, _: (line,)


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """What a provider's targets may say in YAML beyond the common keys.

    `properties` are JSON Schema (draft-07) properties, `required` the keys a target must have. `services`
    are those whose endpoint and rate limit can be set, and `regions_of` says in which regions one is that is not in all
    of them; `credentials` the keys of a credentials map,
    each with what is read there, in words. The examples of `region`, or its allowed values, show what one looks like.
    `quotas` are those that the vendor documents, so many requests in so many seconds: by service, or by the path of a
    call where each has its own. `inventory` is for an API that cannot list. `title` is what people call the provider,
    and `target` a name that examples give to a target of it.
    """

    name: str
    properties: Mapping[str, Mapping[str, object]]
    required: tuple[str, ...]
    services: tuple[str, ...]
    credentials: Mapping[str, str]
    inventory: Inventory | None = None
    title: str = ""
    target: str = "prod"
    quotas: Mapping[str, tuple[int, float]] = field(default_factory=lambda: MappingProxyType({}))
    known_regions: tuple[str, ...] = ()
    """Where its services are known to be; another region is doubted, and tried. None: that is not known."""
    regions_of: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that there are, where the provider names them all, else examples of one."""
        schema = self.properties.get("region", {})
        named = schema.get("enum") or schema.get("examples")
        return tuple(map(str, named)) if isinstance(named, list) else ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All resource types by name, and all providers by name."""

    resource_types: Mapping[str, ResourceType]
    providers: Mapping[str, ProviderOptions]

    def matching(self, pattern: str) -> tuple[ResourceType, ...]:
        """The resource types whose name matches a glob, in the catalogue's order."""
        return tuple(row for name, row in self.resource_types.items() if fnmatchcase(name, pattern))
