"""A kind of task of each service: what its requests look like, and what became of its tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.terminal import ALIYUN, HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.terminal import Finished, Terminal

SNAPSHOT = "huaweicloud.mpc.snapshot"
PACKAGING = "huaweicloud.mpc.packaging"
TRANSCODING = "huaweicloud.mpc.transcoding"
PROJECT = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Kind:
    """One kind. `cancel` and `read` select requests for a fault; `listings` is how many requests list the scope."""

    resource: str
    ids: Sequence[str]
    cancel: Mapping[str, str]
    read: Mapping[str, str]
    listings: int
    throttled: str
    permission: Mapping[str, Any]

    def prepare(self, terminal: Terminal, match: str = "{status: pending}") -> None:
        terminal.write(configured(f"{{resource: {self.resource}, match: {match}, ensure: absent}}"))
        for task_id in self.ids:
            fields = {"UploadURL": f"https://h/{task_id}.mp4"} if self.vendor == "aliyun" else {}
            terminal.simulator.store(self.resource).add(self.resource, id=task_id, created="1d", **fields)

    @property
    def vendor(self) -> str:
        return self.resource.partition(".")[0]

    def canceled(self, terminal: Terminal) -> set[str]:
        """What the cloud itself says is canceled."""
        store = terminal.simulator.store(self.resource)
        return {task_id for task_id in self.ids if str(store.status(self.resource, task_id)).startswith("CANCEL")}

    def fail_reads(self, terminal: Terminal, fault: str, *, times: int, **rule: Any) -> None:  # noqa: ANN401 - the attributes of Fault
        """A fault from the first reading on, the listing skipped."""
        terminal.simulator.faults.add(fault, **self.read, nth=self.listings + 1, times=times, **rule)


def configured(*policies: str, settings: str = "", head: str = HEAD) -> str:
    """A configuration with these policies, whose guards let everything pass."""
    listed = "".join(f"  p{number}: {policy}\n" for number, policy in enumerate(policies, start=1))
    limits = "limits: {max_actions: 100000, max_percent: 100}"
    return (
        f"{head}{ALIYUN}\nsettings: {{{', '.join(part for part in (settings, limits) if part)}}}\npolicies:\n{listed}"
    )


KINDS = [
    Kind(
        SNAPSHOT,
        ("101", "102", "103"),
        {"method": "DELETE", "path": "/thumbnails$"},
        {"method": "GET", "path": "/thumbnails$"},
        1,
        "APIGW.0308",
        {"status": 403, "body": {"error_code": "APIGW.0302", "error_msg": "not allowed"}},
    ),
    Kind(
        "huaweicloud.vod.editing",
        ("e1", "e2", "e3"),
        {"method": "DELETE", "path": "/asset/editing/tasks$"},
        {"method": "GET", "path": "/asset/editing/tasks$"},
        1,
        "VOD.10127",
        {"status": 403, "body": {"error_code": "VOD.10056", "error_msg": "not allowed"}},
    ),
    Kind(
        "aliyun.vod.url_upload",
        ("a1", "a2", "a3"),
        {"path": "^CancelUrlUploadJobs$"},
        {"path": "^GetURLUploadInfos$"},
        2,
        "Throttling.User",
        {"status": 403, "body": {"RequestId": "1", "Code": "Forbidden.RAM", "Message": "not allowed"}},
    ),
]


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
        query = dict(record.query)
        for task_id in (query.get("task_id") or query.get("JobIds") or "").split(","):
            found.setdefault(task_id, []).append(task_id in record.changed)
    return found
