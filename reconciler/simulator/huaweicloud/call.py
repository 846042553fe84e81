"""One call as its operation sees it: checked parameters, the project's tasks, and what it changed; and the errors.

Sources of the errors: devg-apisign/api-sign-errorcode (APIGW), api-mpc/ErrorCode and the pages of the single calls
(MPC), api-vod/ErrorCode (VOD). Where a page documents a status for one call, the caller passes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from uuid import uuid4

from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.options import HuaweicloudAccount, Options
from reconciler.simulator.store import Task, TaskStore
from reconciler.simulator.wire import Answer, Refusal, WireRequest, json_answer, json_object

ERRORS: Mapping[str, tuple[int, str]] = {
    "APIGW.0101": (404, "The API does not exist or has not been published in the environment."),
    "APIGW.0301": (401, "Incorrect IAM authentication information"),
    "APIGW.0303": (401, "Incorrect app authentication information: x-sdk-date expired"),
    "APIGW.0307": (401, "The token must be updated."),
    "APIGW.0308": (
        429,
        "The throttling threshold has been reached: policy user over ratelimit,limit:100,time:1 minute.",
    ),
    "MPC.10202": (400, "Invalid request parameter"),
    "MPC.10205": (400, "Invalid content type."),
    "MPC.10208": (403, "Failed to check the tenant ID."),
    "MPC.10211": (403, "The task does not exist."),
    "MPC.10212": (400, "Operation failed."),
    "MPC.10213": (400, "Operation failed. The task is not in the final state."),
    "VOD.10053": (400, "The request parameter is illegal."),
    "VOD.10057": (403, "Failed to check the tenant ID."),
    "VOD.10062": (403, "The media asset or resource does not exist."),
    "VOD.10083": (400, "The current media asset status does not support this operation."),
    "VOD.10127": (403, "Flow control: too many requests."),
}


def refusal(
    code: str, detail: str = "", status: int | None = None, headers: Mapping[str, str] | None = None
) -> Refusal:
    """The refusal of a documented code; `status` overrides the usual one, `detail` is appended to the message."""
    usual, message = ERRORS[code]
    body = {"error_code": code, "error_msg": f"{message} {detail}".strip()}
    if code.startswith("APIGW."):
        body["request_id"] = uuid4().hex
    return Refusal(json_answer(status or usual, body, headers))


def iam_refusal(status: int, title: str, message: str) -> Refusal:
    """An error in the form of IAM, which wraps it."""
    return Refusal(json_answer(status, {"error": {"code": status, "message": message, "title": title}}))


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
