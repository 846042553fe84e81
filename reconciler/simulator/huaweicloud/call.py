"""One call as its operation sees it: checked parameters, the project's tasks, and what it changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from reconciler.simulator.accounts import HuaweicloudAccount
from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.huaweicloud.errors import refusal
from reconciler.simulator.options import Options
from reconciler.simulator.store import TaskStore
from reconciler.simulator.tasks import Task
from reconciler.simulator.wire import Answer, WireRequest, json_object

MAXIMUM_IDS = 10
MAXIMUM_SIZE = 100
DEFAULT_SIZE = 10


@dataclass(frozen=True, slots=True)
class Route:
    """An operation of the API: where it is found and what carries it out."""

    method: str
    path: str
    kind: str
    verb: str
    serve: Callable[["Call"], Answer]
    id_name: str = ""

    @property
    def service(self) -> str:
        """`mpc` or `vod`: the quota group and the family of error codes."""
        return self.kind.split(".")[1]

    @property
    def destructive(self) -> bool:
        """Whether the call cancels or deletes."""
        return self.method == "DELETE"


@dataclass(frozen=True, slots=True)
class Call:
    """An authorised request. `changed` and `oddities` are filled in while it is carried out."""

    request: WireRequest
    route: Route
    query: tuple[tuple[str, str], ...]
    account: HuaweicloudAccount
    project: str
    store: TaskStore
    options: Options
    clock: VirtualClock
    changed: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)

    def allow(self, *names: str) -> None:
        """Note parameters that the page does not know: the cloud ignores them, a good client does not send them."""
        for name, _ in self.query:
            if name not in names:
                self.oddities.append(f"unknown query parameter {name!r}")

    def many(self, name: str) -> list[str]:
        """Every value of a repeatable parameter."""
        return [text for key, text in self.query if key == name]

    def one(self, name: str) -> str | None:
        """The value of a parameter that may be given once."""
        texts = self.many(name)
        if len(texts) > 1:
            self.invalid(f"{name} is given {len(texts)} times")
        return texts[0] if texts else None

    def required(self, name: str) -> str:
        """The value of a mandatory parameter."""
        text = self.one(name)
        if not text:
            self.invalid(f"{name} is mandatory")
        return text

    def integer(self, name: str, default: int, lowest: int, highest: int | None = None) -> int:
        """A number within bounds."""
        text = self.one(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit():
            self.invalid(f"{name}={text} is not a number")
        number = int(text)
        if number < lowest or (highest is not None and number > highest):
            self.invalid(f"{name}={number} is out of range")
        return number

    def body(self) -> dict[str, Any]:
        """The JSON object in the body."""
        if not self.request.header("content-type").startswith("application/json"):
            self.oddities.append("a body without the content type application/json")
        parsed = json_object(self.request.body)
        if parsed is None:
            self.invalid("the body is no JSON object")
        return parsed

    def invalid(self, detail: str) -> NoReturn:
        """Refuse for a parameter."""
        raise refusal("MPC.10202" if self.route.service == "mpc" else "VOD.10053", f"({detail})")

    def tasks(self) -> list[Task]:
        """The project's tasks of this kind, newest first."""
        return self.store.tasks(self.route.kind, self.project)

    def task(self, identifier: str) -> Task | None:
        """One of them by id."""
        return self.store.get(self.route.kind, identifier, self.project)

    def move(self, task: Task, status: str) -> None:
        """Put a task into another status and say so in the log."""
        self.store.set_status(task.kind, task.id, status, task.owner)
        self.changed.append(task.id)

    def remove(self, task: Task) -> None:
        """Take a task out of the cloud and say so in the log."""
        self.store.remove(task.kind, task.id, task.owner)
        self.changed.append(task.id)
