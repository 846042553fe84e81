"""The kinds of tasks that are harmed: what their requests look like, and what became of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.simulator import RequestRecord
from tests.terminal import ALIYUN, HEAD, Finished, Terminal

SNAPSHOT = "huaweicloud.mpc.snapshot"
PACKAGING = "huaweicloud.mpc.packaging"
TRANSCODING = "huaweicloud.mpc.transcoding"
PROJECT = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Kind:
    """One kind. `call` and `read` select requests for a fault; `listings` is how many requests list the scope."""

    resource: str
    ids: Sequence[str]
    call: Mapping[str, str]
    read: Mapping[str, str]
    throttled: str
    permission: Mapping[str, Any]
    listings: int = 1
    deletes: bool = False

    @property
    def before(self) -> str:
        return "succeeded" if self.deletes else "pending"

    @property
    def policy(self) -> str:
        return f"{{resource: {self.resource}, match: {{status: {self.before}}}, ensure: absent}}"

    def add(self, terminal: Terminal) -> None:
        for task_id in self.ids:
            fields = {"UploadURL": f"https://h/{task_id}.mp4"} if self.vendor == "aliyun" else {}
            terminal.simulator.store(self.resource).add(
                self.resource, id=task_id, status=self.before, created="1d", **fields
            )

    @property
    def vendor(self) -> str:
        return self.resource.partition(".")[0]

    def changed(self, terminal: Terminal) -> set[str]:
        """What the cloud itself says is canceled, or gone."""
        store = terminal.simulator.store(self.resource)
        statuses = {task_id: store.status(self.resource, task_id) for task_id in self.ids}
        return {task_id for task_id, status in statuses.items() if status is None or status.startswith("CANCEL")}

    def fail(self, terminal: Terminal, to: str, *, fault: str, **rule: Any) -> None:  # noqa: ANN401 - as Fault has them
        """A fault of its calls, of its lists, or (`read`) from the first reading on, the listing skipped."""
        nth = self.listings + 1 if to == "read" else 1
        terminal.simulator.faults.add(fault, **(self.call if to == "call" else self.read), nth=nth, **rule)

    def called_unread(self, terminal: Terminal) -> set[str]:
        """The tasks that were called again before any was read."""
        unread: set[str] = set()
        found: set[str] = set()
        for record in terminal.simulator.requests:
            if record.destructive:
                ids = named(record) & {*self.ids}
                found |= unread & ids
                unread |= ids
            elif re.search(self.read["path"], record.action or record.path):
                unread.clear()
        return found


def prepare(terminal: Terminal, *kinds: Kind) -> None:
    """Three tasks of each kind, and policies that want none of them."""
    terminal.write(configured(*(kind.policy for kind in kinds)))
    for kind in kinds:
        kind.add(terminal)


def configured(*policies: str, settings: str = "", head: str = HEAD) -> str:
    """A configuration with these policies, whose guards let everything pass."""
    listed = "".join(f"  p{number}: {policy}\n" for number, policy in enumerate(policies, start=1))
    limits = "limits: {max_actions: 100000, max_percent: 100}"
    return (
        f"{head}{ALIYUN}\nsettings: {{{', '.join(part for part in (settings, limits) if part)}}}\npolicies:\n{listed}"
    )


def _of_huawei(resource: str, ids: str, path: str, *, deletes: bool = False) -> Kind:
    vod = ".vod." in resource
    return Kind(
        resource,
        ids.split(),
        {"method": "DELETE", "path": f"{path}/task$" if deletes else f"{path}$"},
        {"method": "GET", "path": f"{path}$"},
        "VOD.10127" if vod else "APIGW.0308",
        {"status": 403, "body": {"error_code": "VOD.10056" if vod else "APIGW.0302", "error_msg": "not allowed"}},
        deletes=deletes,
    )


UPLOAD = Kind(
    "aliyun.vod.url_upload",
    ("a1", "a2", "a3"),
    {"path": "^CancelUrlUploadJobs$"},
    {"path": "^GetURLUploadInfos$"},
    "Throttling.User",
    {"status": 403, "body": {"RequestId": "1", "Code": "Forbidden.RAM", "Message": "not allowed"}},
    listings=2,
)
KINDS = (
    _of_huawei("huaweicloud.vod.editing", "e1 e2 e3", "/asset/editing/tasks"),
    _of_huawei(TRANSCODING, "201 202 203", "/transcodings"),
    _of_huawei(PACKAGING, "301 302 303", "/remux", deletes=True),
    _of_huawei(SNAPSHOT, "101 102 103", "/thumbnails"),
    UPLOAD,
)
"""Those of the five documented calls."""


@dataclass(frozen=True)
class Applied:
    """An apply that ended: its exit code, its results by task id, and all that it printed."""

    finished: Finished

    @property
    def code(self) -> int:
        return self.finished.code

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        return {result["task_id"]: result for result in self.finished.json.get("results", [])}

    @property
    def outcomes(self) -> dict[str, str]:
        return {task_id: result["outcome"] for task_id, result in self.results.items()}

    @property
    def kinds(self) -> set[str]:
        return set(self.outcomes.values())

    @property
    def text(self) -> str:
        return self.finished.out + self.finished.err

    def ids(self, outcome: str) -> set[str]:
        return {task_id for task_id, found in self.outcomes.items() if found == outcome}


def applied(terminal: Terminal, *words: str) -> Applied:
    """Apply, and check what holds for every run: the outcomes add up to the plan."""
    finished = terminal.run("apply", "--auto-approve", "--format", "json", *words)
    if finished.json["format"] == "reconciler.report":
        assert sum(finished.json["summary"].values()) == len(finished.json["results"])
        assert finished.json["exit_code"] == finished.code
    return Applied(finished)


def calls_by_task(terminal: Terminal) -> dict[str, list[bool]]:
    """For each task the destructive requests that named it, in order: whether each one changed it."""
    found: dict[str, list[bool]] = {}
    for record in terminal.simulator.destructive_requests:
        for task_id in named(record):
            found.setdefault(task_id, []).append(task_id in record.changed)
    return found


def named(record: RequestRecord) -> set[str]:
    """The tasks that a destructive request is about."""
    query = dict(record.query)
    return {*(query.get("task_id") or query.get("JobIds") or "").split(",")}
