"""Each of the twelve kinds, from the vendor's SDK through our command line and back to the vendor's SDK.

The SDK creates a task, `query` shows it, a policy takes it out, and the SDK sees that it is out.
"""

# ruff: noqa: ANN401 - the vendors' SDKs have no types
# ruff: noqa: PLC0415 - importing Huawei's SDK writes into $HOME, which must be replaced first

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from reconciler.providers.registry import catalogue
from reconciler.simulator import Simulator
from reconciler.tasks.resource_type import Action
from tests.terminal import HEAD, Terminal

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK's signer

SOURCE = "https://legacy.example.com/a b,c.mp4?sig=x"


@dataclass(frozen=True)
class Kind:
    """How the SDK creates and lists one kind. `body` is a JSON body; without it the task is seeded.

    `left` is what the SDK sees of a task that was canceled: its status, or None where it is gone.
    """

    resource: str
    create: str
    listing: str
    envelope: str
    cancel_path: str
    body: Mapping[str, Any] | None = None
    id_name: str = "task_id"
    left: str | None = "CANCELED"
    method: str = "DELETE"

    @property
    def row(self) -> Any:
        return catalogue().resource_types[self.resource]

    @property
    def service(self) -> str:
        return self.resource.rsplit(".", 1)[0]


PLACE = {"bucket": "b", "location": "cn-north-4", "object": "in/x.mp4"}
INPUT = {"input": PLACE, "output": PLACE}
MPC, VOD, MPS = "huaweicloud.mpc", "huaweicloud.vod", "aliyun.mps"
AWS = "aws.mediaconvert"
KINDS = [
    Kind(
        f"{MPC}.transcoding", "create_transcoding_task", "list_transcoding_task", "task_array", "/transcodings$", INPUT
    ),
    Kind(f"{MPC}.packaging", "create_remux_task", "list_remux_task", "tasks", "/remux$", INPUT),
    Kind(f"{MPC}.snapshot", "create_thumbnails_task", "list_thumbnails_task", "task_array", "/thumbnails$", INPUT),
    Kind(
        f"{MPC}.animated_gif",
        *("create_animated_graphics_task", "list_animated_graphics_task", "tasks", "/animated-graphics$", INPUT),
    ),
    Kind(
        f"{MPC}.metadata_extraction",
        *("create_extract_task", "list_extract_task", "tasks", "/extract-metadata$", INPUT),
    ),
    Kind(
        f"{MPC}.editing",
        *("create_editing_job", "list_editing_job", "jobs", "/editing/jobs$", {"edit_type": ["CONCAT"]}),
        id_name="job_id",
    ),
    Kind(
        f"{MPC}.enhancement",
        *("create_media_process_task", "list_media_process_task", "task_array", "/enhancements$", INPUT),
    ),
    Kind(
        f"{MPC}.channel_merge",
        *("create_merge_channels_task", "list_merge_channels_task", "task_array", "/merge_channels/task$"),
        {"multi_audio": {"audio_files": [{"input": PLACE}], "output": PLACE}},
    ),
    Kind(
        f"{MPC}.track_reset",
        *("create_reset_tracks_task", "list_reset_tracks_task", "task_array", "/reset_tracks/task$"),
        {"audio_file": INPUT},
    ),
    Kind(
        f"{VOD}.editing",
        *("create_asset_edit_task", "list_asset_edit_task", "tasks", "/asset/editing/tasks$"),
        {"inputs": [{"asset_id": "a" * 32, "timeline_start": "0", "timeline_end": "5"}]},
        left="CANCEL",
    ),
    # Its task is that of an asset, which the simulator does not process: seeded, and gone once it is canceled.
    Kind(
        f"{VOD}.transcoding", *("", "list_asset_task_info", "results", "/asset/process$"), id_name="asset_id", left=None
    ),
    Kind(
        "aliyun.vod.url_upload",
        *("upload_media_by_url", "get_urlupload_infos", "URLUploadInfoList", "^CancelUrlUploadJobs$"),
        {},
        id_name="JobId",
        left=None,
        method="POST",
    ),
    Kind(f"{MPS}.transcoding", "", "", "", "^CancelJob$", id_name="JobId", left="TranscodeCancelled", method="POST"),
    Kind(f"{AWS}.job", "", "", "", "/jobs/", id_name="id"),
]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.resource)
WITH_RECORDS = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.row.operation(Action.DELETE)], ids=lambda kind: kind.resource
)


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The SDKs' modules, imported with a home of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the vendors' modules say while they are imported is theirs
            from alibabacloud_tea_openapi.models import Config
            from alibabacloud_vod20170321 import models
            from alibabacloud_vod20170321.client import Client
            from huaweicloudsdkcore.auth.credentials import BasicCredentials
            from huaweicloudsdkmpc import v1 as mpc
            from huaweicloudsdkvod import v1 as vod
        yield SimpleNamespace(
            Config=Config, models=models, AliyunClient=Client, BasicCredentials=BasicCredentials, mpc=mpc, vod=vod
        )


class Vendor:
    """The vendor's SDK, as a user of the simulator that knows nothing of us."""

    def __init__(self, foreign: SimpleNamespace, simulator: Simulator, kind: Kind) -> None:
        self._foreign, self._simulator, self._kind = foreign, simulator, kind

    def create(self) -> str:
        """A new task; its id."""
        kind = self._kind
        if kind.body is None:
            return self._simulator.store(kind.resource).add(kind.resource, id="asset").id
        if kind.resource.startswith("aliyun"):
            request = self._foreign.models.UploadMediaByURLRequest(upload_urls=quote(SOURCE))
            (job,) = self._aliyun().upload_media_by_url(request).body.to_map()["UploadJobs"]
            return str(job["JobId"])
        created = self._call(kind.create, body=kind.body)
        return str(getattr(created, kind.id_name))

    def status(self, task_id: str) -> str | None:
        """The vendor's status of a task; None where it is not listed."""
        kind = self._kind
        if kind.service in {MPS, AWS}:  # their SDKs are held against the simulator in tests of their own
            return self._simulator.store(kind.resource).status(kind.resource, task_id)
        if kind.resource.startswith("aliyun"):
            request = self._foreign.models.GetURLUploadInfosRequest(job_ids=task_id)
            rows = self._aliyun().get_urlupload_infos(request).body.to_map()[kind.envelope]
            found = {row["JobId"]: row["Status"] for row in rows}
        else:
            rows = getattr(self._call(kind.listing), kind.envelope)
            found = {str(getattr(row, kind.id_name)): row.status for row in rows}
        return found.get(task_id)

    def _call(self, name: str, **arguments: Any) -> Any:
        module, builder = (
            (self._foreign.mpc, self._foreign.mpc.MpcClient)
            if self._kind.service == MPC
            else (self._foreign.vod, self._foreign.vod.VodClient)
        )
        account = self._simulator.accounts.huaweicloud[0]
        key = self._foreign.BasicCredentials(account.access_key_id, account.secret_access_key, account.owners()[0])
        client = builder.new_builder().with_credentials(key).with_endpoint(self._simulator.url).build()
        request = "".join(part.capitalize() for part in name.split("_")) + "Request"
        return getattr(client, name)(getattr(module, request)(**arguments))

    def _aliyun(self) -> Any:
        account = self._simulator.accounts.aliyun[0]
        return self._foreign.AliyunClient(
            self._foreign.Config(
                access_key_id=account.access_key_id,
                access_key_secret=account.secret_access_key,
                endpoint=urlsplit(self._simulator.url).netloc,
                protocol="HTTP",
            )
        )


@pytest.fixture
def vendor_of(foreign: SimpleNamespace, simulator: Simulator) -> Callable[[Kind], Vendor]:
    return lambda kind: Vendor(foreign, simulator, kind)


def configure(terminal: Terminal, kind: Kind, task_id: str, status: str) -> None:
    targets = HEAD
    if kind.resource.startswith("aliyun"):
        targets = (
            "version: 1\ntargets:\n  aliyun:\n    provider: aliyun\n    region: cn-shanghai\n"
            '    endpoints: {vod: "${URL}", mps: "${URL}"}\n    rate_limits: {vod: 10000/s, mps: 10000/s}\n'
            f"    inventory: {{job_ids: [{task_id}]}}\n"
        )
    if kind.service == AWS:
        targets = (
            "version: 1\ntargets:\n  aws:\n    provider: aws\n    region: eu-west-1\n"
            '    endpoints: {mediaconvert: "${URL}"}\n    rate_limits: {mediaconvert: 10000/s}\n'
        )
    limits = "settings: {limits: {max_actions: 10, max_percent: 100}}"
    policy = f"{{resource: {kind.resource}, match: {{status: {status}}}, ensure: absent}}"
    terminal.write(f"{targets}\n{limits}\npolicies:\n  p: {policy}\n")


def queried(terminal: Terminal, kind: Kind) -> dict[str, str]:
    """Ids and statuses, as `query` shows them."""
    finished = terminal.run("query", kind.resource, "--format", "json")
    assert finished.code == 0, finished.err
    return {task["id"]: task["status"] for task in finished.json["tasks"]}


def applied(terminal: Terminal) -> tuple[int, dict[str, Any]]:
    finished = terminal.run("apply", "--auto-approve", "--format", "json")
    (result,) = finished.json["results"]
    return finished.code, result


def test_the_table_has_every_kind() -> None:
    assert {kind.resource for kind in KINDS} == set(catalogue().resource_types)
    assert len(KINDS) == 14


@EVERY_KIND
def test_a_waiting_task_is_canceled(terminal: Terminal, vendor_of: Callable[[Kind], Vendor], kind: Kind) -> None:
    vendor = vendor_of(kind)
    task_id = vendor.create()
    configure(terminal, kind, task_id, "pending")
    assert queried(terminal, kind) == {task_id: "pending"}
    code, result = applied(terminal)
    assert (code, result["outcome"], result["task_id"], result["before"]) == (0, "done", task_id, "pending")
    assert vendor.status(task_id) == kind.left
    assert queried(terminal, kind) == ({task_id: "canceled"} if kind.left else {})
    assert len(terminal.destructive()) == 1
    assert terminal.simulator.anomalies == []


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if not kind.row.cancels_running], ids=lambda kind: kind.resource
)
def test_one_that_started_meanwhile_is_missed(
    terminal: Terminal, vendor_of: Callable[[Kind], Vendor], kind: Kind
) -> None:
    vendor = vendor_of(kind)
    task_id = vendor.create()
    configure(terminal, kind, task_id, "pending")
    terminal.simulator.faults.add("start_task", method=kind.method, path=kind.cancel_path)
    code, result = applied(terminal)
    assert (code, result["outcome"], result["before"], result["now"]) == (0, "missed", "pending", "running")
    assert kind.row.statuses[vendor.status(task_id)].value == "running"
    assert queried(terminal, kind) == {task_id: "running"}
    assert len(terminal.destructive()) == 1


@WITH_RECORDS
@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled"])
def test_a_record_is_deleted(terminal: Terminal, vendor_of: Callable[[Kind], Vendor], kind: Kind, status: str) -> None:
    vendor = vendor_of(kind)
    task_id = vendor.create()
    terminal.simulator.store(kind.resource).set_status(kind.resource, task_id, status)
    configure(terminal, kind, task_id, status)
    assert queried(terminal, kind) == {task_id: status}
    code, result = applied(terminal)
    assert (code, result["outcome"], result["now"]) == (0, "done", "gone")
    assert vendor.status(task_id) is None
    assert queried(terminal, kind) == {}
    assert terminal.simulator.anomalies == []
