"""Every kind of MPC task, driven by Huawei's own SDK."""

# ruff: noqa: ANN401 - the vendors' SDKs and the decoded answers have no types

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.simulator import Simulator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK's signer


@dataclass(frozen=True)
class Sdk:
    """How the SDK calls one kind: operation names, and the codes that its refusals carry."""

    kind: str
    listing: str
    cancel: str
    envelope: str
    running: str
    succeeded: str
    create: str = ""
    body: str = ""
    delete: str = ""
    id_name: str = "task_id"
    number: bool = False
    refused: str = "MPC.10202"
    no_task: bool = False
    running_filter: str = ""


OPERATIONS = [
    Sdk(
        *("huaweicloud.mpc.transcoding", "list_transcoding_task", "delete_transcoding_task", "task_array"),
        *("TRANSCODING", "SUCCEEDED", "create_transcoding_task", "CreateTranscodingReq"),
        delete="delete_transcoding_task_by_console",
        number=True,
        refused="MPC.10212",
        no_task=True,
    ),
    Sdk(
        *("huaweicloud.mpc.packaging", "list_remux_task", "cancel_remux_task", "tasks", "PROCESSING", "SUCCEED"),
        *("create_remux_task", "CreateRemuxTaskReq"),
        delete="delete_remux_task",
    ),
    Sdk(
        *("huaweicloud.mpc.snapshot", "list_thumbnails_task", "delete_thumbnails_task", "task_array"),
        *("PROCESSING", "SUCCEEDED", "create_thumbnails_task", "CreateThumbReq"),
        no_task=True,
    ),
    Sdk(
        *("huaweicloud.mpc.animated_gif", "list_animated_graphics_task", "delete_animated_graphics_task", "tasks"),
        *("PROCESSING", "SUCCEED", "create_animated_graphics_task", "CreateAnimatedGraphicsTaskReq"),
        running_filter="PREPROCESSING",
    ),
    Sdk(
        *("huaweicloud.mpc.metadata_extraction", "list_extract_task", "delete_extract_task", "tasks"),
        *("PROCESSING", "SUCCEED", "create_extract_task", "CreateExtractTaskReq"),
        running_filter="PREPROCESSING",
    ),
    Sdk(
        *("huaweicloud.mpc.editing", "list_editing_job", "delete_editing_job", "jobs", "PROCESSING", "SUCCEED"),
        id_name="job_id",
        running_filter="PREPROCESSING",
    ),
    Sdk(
        *("huaweicloud.mpc.enhancement", "list_media_process_task", "delete_media_process_task", "task_array"),
        *("PROCESSING", "SUCCEEDED"),
        no_task=True,
    ),
    Sdk(
        *("huaweicloud.mpc.channel_merge", "list_merge_channels_task", "delete_merge_channels_task", "task_array"),
        *("PROCESSING", "SUCCEEDED"),
        no_task=True,
    ),
    Sdk(
        *("huaweicloud.mpc.track_reset", "list_reset_tracks_task", "delete_reset_tracks_task", "task_array"),
        *("PROCESSING", "SUCCEEDED"),
        no_task=True,
    ),
]
EVERY_KIND = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.kind)
WITH_RECORDS = pytest.mark.parametrize(
    "operation", [row for row in OPERATIONS if row.delete], ids=lambda operation: operation.kind
)
CREATED = pytest.mark.parametrize(
    "operation", [row for row in OPERATIONS if row.create], ids=lambda operation: operation.kind
)


class Client:
    """The SDK's client, called by the names in the table."""

    def __init__(self, sdk: SimpleNamespace, client: Any, operation: Sdk) -> None:
        self._sdk, self._client, self._operation = sdk, client, operation

    def call(self, name: str, **arguments: Any) -> Any:
        request = "".join(part.capitalize() for part in name.split("_")) + "Request"
        return getattr(self._client, name)(getattr(self._sdk.mpc, request)(**arguments))

    def page(self, **arguments: Any) -> Any:
        return self.call(self._operation.listing, **arguments)

    def items(self, **arguments: Any) -> list[Any]:
        found: list[Any] = getattr(self.page(**arguments), self._operation.envelope)
        return found

    def ids(self, **arguments: Any) -> list[str]:
        return [getattr(item, self._operation.id_name) for item in self.items(**arguments)]

    def named(self, verb: str, identifier: str) -> Any:
        name: str = getattr(self._operation, verb)
        number: Any = int(identifier) if self._operation.number else identifier
        return self.call(name, **{self._operation.id_name: number})


@pytest.fixture
def client(sdk: SimpleNamespace, mpc_client: Callable[..., Any], simulator: Simulator, operation: Sdk) -> Client:
    return Client(sdk, mpc_client(simulator), operation)


@EVERY_KIND
def test_pages_cover_every_task_once(simulator: Simulator, client: Client, operation: Sdk) -> None:
    for number in range(25):
        simulator.huaweicloud.add(operation.kind, created=number)
    pages = [client.ids(page=page, size=10) for page in range(4)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert len({identifier for page in pages for identifier in page}) == 25
    assert client.page(size=10).total == 25
    assert len(client.items()) == 10, "the default size is ten"
    assert simulator.anomalies == []


@EVERY_KIND
def test_filters_by_status(simulator: Simulator, client: Client, operation: Sdk) -> None:
    for status in ("pending", "running", "succeeded", "failed", "canceled"):
        simulator.huaweicloud.add(operation.kind, status=status)
    for word, answered in (
        ("WAITING", "WAITING"),
        (operation.running_filter or operation.running, operation.running),
        (operation.succeeded, operation.succeeded),
        ("FAILED", "FAILED"),
        ("CANCELED", "CANCELED"),
    ):
        assert [item.status for item in client.items(status=word)] == [answered]


@EVERY_KIND
def test_unknown_status_is_refused(simulator: Simulator, client: Client, operation: Sdk, sdk: SimpleNamespace) -> None:
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.page(status="DONE")
    assert (refused.value.status_code, refused.value.error_code) == (400, "MPC.10202")


@EVERY_KIND
@pytest.mark.parametrize("arguments", [{"size": 0}, {"size": 101}, {"page": -1}, {"start_time": "2024-01-01"}])
def test_parameters_out_of_range_are_refused(
    simulator: Simulator, client: Client, operation: Sdk, sdk: SimpleNamespace, arguments: dict[str, Any]
) -> None:
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.page(**arguments)
    assert (refused.value.status_code, refused.value.error_code) == (400, "MPC.10202")


@EVERY_KIND
def test_reads_tasks_by_id(simulator: Simulator, client: Client, operation: Sdk, sdk: SimpleNamespace) -> None:
    ids = [simulator.huaweicloud.add(operation.kind).id for _ in range(11)]
    wanted: list[Any] = [int(text) if operation.number else text for text in ids]
    assert client.ids(**{operation.id_name: wanted[:10]}) == ids[:10]
    with pytest.raises(sdk.HuaweicloudError):
        client.page(**{operation.id_name: wanted})


@EVERY_KIND
def test_unknown_id_is_no_task_where_documented(simulator: Simulator, client: Client, operation: Sdk) -> None:
    found = client.items(**{operation.id_name: [4711 if operation.number else "4711"]})
    assert [item.status for item in found] == (["NO_TASK"] if operation.no_task else [])
    simulator.configure(unknown_ids="omit")
    assert client.items(**{operation.id_name: [4711 if operation.number else "4711"]}) == []


@EVERY_KIND
def test_cancels_a_waiting_task_and_keeps_its_record(simulator: Simulator, client: Client, operation: Sdk) -> None:
    task = simulator.huaweicloud.add(operation.kind)
    client.named("cancel", task.id)
    assert simulator.huaweicloud.status(operation.kind, task.id) == "CANCELED"
    assert [item.status for item in client.items()] == ["CANCELED"]
    (record,) = simulator.destructive_requests
    assert (record.operation, record.status, record.changed) == (f"{operation.kind}.cancel", 204, (task.id,))


@EVERY_KIND
@pytest.mark.parametrize("status", ["running", "succeeded", "failed", "canceled"])
def test_refuses_to_cancel_what_does_not_wait(
    simulator: Simulator, client: Client, operation: Sdk, sdk: SimpleNamespace, status: str
) -> None:
    task = simulator.huaweicloud.add(operation.kind, status=status)
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.named("cancel", task.id)
    assert (refused.value.status_code, refused.value.error_code) == (400, operation.refused)
    assert refused.value.request_id


@EVERY_KIND
def test_cancelling_an_unknown_task(simulator: Simulator, client: Client, operation: Sdk, sdk: SimpleNamespace) -> None:
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.named("cancel", "4711")
    assert (refused.value.status_code, refused.value.error_code) == (403, "MPC.10211")


@WITH_RECORDS
@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled"])
def test_deletes_the_record_of_a_finished_task(
    simulator: Simulator, client: Client, operation: Sdk, sdk: SimpleNamespace, status: str
) -> None:
    task = simulator.huaweicloud.add(operation.kind, status=status)
    client.named("delete", task.id)
    assert simulator.huaweicloud.get(operation.kind, task.id) is None
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.named("delete", task.id)
    assert (refused.value.status_code, refused.value.error_code) == (403, "MPC.10211")


@WITH_RECORDS
@pytest.mark.parametrize("status", ["pending", "running"])
def test_refuses_to_delete_the_record_of_an_active_task(
    simulator: Simulator, client: Client, operation: Sdk, sdk: SimpleNamespace, status: str
) -> None:
    task = simulator.huaweicloud.add(operation.kind, status=status)
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.named("delete", task.id)
    assert (refused.value.status_code, refused.value.error_code) == (400, "MPC.10213")
    assert simulator.huaweicloud.get(operation.kind, task.id) is not None


@CREATED
def test_creates_a_waiting_task(simulator: Simulator, client: Client, operation: Sdk, sdk: SimpleNamespace) -> None:
    place = sdk.mpc.ObsObjInfo(bucket="b", location="cn-north-4", object="in/x.mp4")
    body = getattr(sdk.mpc, operation.body)(input=place, output=place)
    created = client.call(operation.create, body=body)
    (item,) = client.items()
    assert str(created.task_id) == item.task_id
    assert (item.status, item.input.object) == ("WAITING", "in/x.mp4")


def test_equal_ids_of_two_kinds_are_two_tasks(simulator: Simulator) -> None:
    kinds = ("huaweicloud.mpc.packaging", "huaweicloud.mpc.transcoding")
    for kind in kinds:
        simulator.huaweicloud.add(kind, id=10743)
    simulator.huaweicloud.set_status(kinds[0], 10743, "failed")
    assert [simulator.huaweicloud.status(kind, 10743) for kind in kinds] == ["FAILED", "WAITING"]


@pytest.fixture
def packaging(sdk: SimpleNamespace, mpc_client: Callable[..., Any], simulator: Simulator) -> Client:
    return Client(sdk, mpc_client(simulator), OPERATIONS[1])


def test_packaging_filters_by_input(simulator: Simulator, packaging: Client) -> None:
    for name in ("in/a b+c~d/é.mp4", "other.mp4"):
        simulator.huaweicloud.add("huaweicloud.mpc.packaging", input={"bucket": "my bucket", "object": name})
    found = packaging.items(input_bucket="my bucket", input_object="in/a b+c~d/é.mp4")
    assert [item.input.object for item in found] == ["in/a b+c~d/é.mp4"]


def test_packaging_filters_by_creation_time(simulator: Simulator, packaging: Client) -> None:
    old = simulator.huaweicloud.add("huaweicloud.mpc.packaging", created="7d")
    simulator.huaweicloud.add("huaweicloud.mpc.packaging", created="1h")
    until = (simulator.clock.now).strftime("%Y%m%d000000")
    assert old.id in packaging.ids(end_time=until)
    assert packaging.items(start_time="20990101000000") == []


def test_failed_packaging_can_be_retried(simulator: Simulator, packaging: Client, sdk: SimpleNamespace) -> None:
    task = simulator.huaweicloud.add("huaweicloud.mpc.packaging", status="failed")
    body = sdk.mpc.RemuxRetryReq(task_id=task.id)
    packaging.call("create_retry_remux_task", body=body)
    assert simulator.huaweicloud.status(task.kind, task.id) == "WAITING"
    with pytest.raises(sdk.HuaweicloudError) as refused:
        packaging.call("create_retry_remux_task", body=body)
    assert (refused.value.status_code, refused.value.error_code) == (403, "MPC.10212")


def test_transcoding_details(simulator: Simulator, packaging: Client) -> None:
    task = simulator.huaweicloud.add("huaweicloud.mpc.transcoding")
    found = packaging.call("list_transcode_detail", task_id=[int(task.id)])
    assert [item.task_id for item in found.task_array] == [task.id]


def test_init_is_not_cancellable_unless_told(simulator: Simulator, packaging: Client, sdk: SimpleNamespace) -> None:
    task = simulator.huaweicloud.add("huaweicloud.mpc.packaging", status="INIT")
    with pytest.raises(sdk.HuaweicloudError):
        packaging.named("cancel", task.id)
    simulator.configure(init_cancellable=True)
    packaging.named("cancel", task.id)
    assert simulator.huaweicloud.status(task.kind, task.id) == "CANCELED"


def test_a_task_that_must_be_audited_neither_waits_nor_ended(
    simulator: Simulator, sdk: SimpleNamespace, mpc_client: Callable[..., Any]
) -> None:
    client = Client(sdk, mpc_client(simulator), OPERATIONS[0])
    task = simulator.huaweicloud.add("huaweicloud.mpc.transcoding", status="NEED_TO_BE_AUDIT")
    for verb, code in (("cancel", "MPC.10212"), ("delete", "MPC.10213")):
        with pytest.raises(sdk.HuaweicloudError) as refused:
            client.named(verb, task.id)
        assert refused.value.error_code == code
