"""Editing and asset tasks of Huawei Cloud VOD, driven by the vendor's SDK."""

# ruff: noqa: ANN401 - the vendors' SDKs and the decoded answers have no types

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.simulator import Simulator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK's signer

EDITING = "huaweicloud.vod.editing"
TRANSCODING = "huaweicloud.vod.transcoding"


@pytest.fixture
def client(vod_client: Callable[..., Any], simulator: Simulator) -> Any:
    return vod_client(simulator)


def test_editing_tasks_are_listed_by_rows(simulator: Simulator, client: Any, sdk: SimpleNamespace) -> None:
    for age in range(25):
        simulator.huaweicloud.add(EDITING, created=age)
    pages = [
        client.list_asset_edit_task(sdk.vod.ListAssetEditTaskRequest(offset=offset, limit=10)) for offset in (0, 10, 20)
    ]
    ids = [task.task_id for page in pages for task in page.tasks]
    assert [len(page.tasks) for page in pages] == [10, 10, 5]
    assert (len(set(ids)), pages[0].total) == (25, 25)
    assert simulator.anomalies == []


def test_one_editing_task_by_id(simulator: Simulator, client: Any, sdk: SimpleNamespace) -> None:
    task = simulator.huaweicloud.add(EDITING, status="succeeded", created="1h")
    simulator.huaweicloud.add(EDITING)
    page = client.list_asset_edit_task(sdk.vod.ListAssetEditTaskRequest(task_id=task.id))
    (found,) = page.tasks
    assert (found.task_id, found.status, found.progress, page.total) == (task.id, "SUCCEED", 100, 1)
    assert found.end_time.endswith("Z")
    assert client.list_asset_edit_task(sdk.vod.ListAssetEditTaskRequest(task_id="nobody")).tasks == []


@pytest.mark.parametrize("arguments", [{"limit": 0}, {"limit": 101}, {"offset": -1}])
def test_editing_bounds(simulator: Simulator, client: Any, sdk: SimpleNamespace, arguments: Any) -> None:
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.list_asset_edit_task(sdk.vod.ListAssetEditTaskRequest(**arguments))
    assert (refused.value.status_code, refused.value.error_code) == (400, "VOD.10053")


def test_cancels_a_waiting_editing_task(simulator: Simulator, client: Any, sdk: SimpleNamespace) -> None:
    task = simulator.huaweicloud.add(EDITING)
    request = sdk.vod.DeleteAssetEditTaskRequest(task_id=task.id)
    client.delete_asset_edit_task(request)
    assert simulator.huaweicloud.status(EDITING, task.id) == "CANCEL"
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.delete_asset_edit_task(request)
    assert (refused.value.status_code, refused.value.error_code) == (400, "VOD.10083")


def test_unknown_editing_task(simulator: Simulator, client: Any, sdk: SimpleNamespace) -> None:
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.delete_asset_edit_task(sdk.vod.DeleteAssetEditTaskRequest(task_id="nobody"))
    assert (refused.value.status_code, refused.value.error_code) == (403, "VOD.10062")


def test_creates_an_editing_task(simulator: Simulator, client: Any, sdk: SimpleNamespace) -> None:
    body = sdk.vod.CreateAssetEditTaskReq(
        inputs=[sdk.vod.EditInput(asset_id="a" * 32, timeline_start="0", timeline_end="5")]
    )
    created = client.create_asset_edit_task(sdk.vod.CreateAssetEditTaskRequest(body=body))
    assert simulator.huaweicloud.status(EDITING, created.task_id) == "WAITING"
    assert created.asset_id != created.task_id


def test_asset_tasks_are_paged_by_marker(simulator: Simulator, client: Any, sdk: SimpleNamespace) -> None:
    for age in range(25):
        simulator.huaweicloud.add(TRANSCODING, created=age)
    seen, marker = [], None
    while True:
        page = client.list_asset_task_info(sdk.vod.ListAssetTaskInfoRequest(limit=10, marker=marker))
        seen += [row.asset_id for row in page.results]
        marker = page.next_marker
        if marker is None:
            break
        simulator.huaweicloud.remove(TRANSCODING, seen[-1])  # a marker survives the end of its row
    assert len(set(seen)) == len(seen) == 25
    assert simulator.anomalies == []


def test_asset_task_filters(simulator: Simulator, client: Any, sdk: SimpleNamespace) -> None:
    for status in ("pending", "running", "succeeded", "failed"):
        simulator.huaweicloud.add(TRANSCODING, status=status, created="1d")
    simulator.huaweicloud.add(TRANSCODING, type="THUMBNAIL")

    def statuses(**arguments: Any) -> list[str]:
        page = client.list_asset_task_info(sdk.vod.ListAssetTaskInfoRequest(**arguments))
        return sorted(row.status for row in page.results)

    assert statuses(status=["WAITING", "FAILED"]) == ["FAILED", "WAITING"]
    assert len(statuses(type="TRANSCODE")) == 4
    assert statuses(type="THUMBNAIL") == ["WAITING"]
    edge = simulator.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert statuses(create_time_after=edge) == []
    assert len(statuses(create_time_before=edge)) == 4
    with pytest.raises(sdk.HuaweicloudError):
        statuses(status=["DONE"])
    with pytest.raises(sdk.HuaweicloudError):
        statuses(marker="nonsense")


def test_cancel_takes_all_waiting_rows_of_an_asset(simulator: Simulator, client: Any, sdk: SimpleNamespace) -> None:
    simulator.huaweicloud.add(TRANSCODING, id="asset")
    simulator.huaweicloud.add(TRANSCODING, id="asset#2")
    simulator.huaweicloud.add(TRANSCODING, id="asset#3", status="running")
    request = sdk.vod.CancelAssetTranscodeTaskRequest(asset_id="asset")
    client.cancel_asset_transcode_task(request)
    assert [task.status for task in simulator.huaweicloud.tasks(TRANSCODING)] == ["PROCESSING"]
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.cancel_asset_transcode_task(request)
    assert (refused.value.status_code, refused.value.error_code) == (400, "VOD.10083")
    with pytest.raises(sdk.HuaweicloudError) as refused:
        client.cancel_asset_transcode_task(sdk.vod.CancelAssetTranscodeTaskRequest(asset_id="nobody"))
    assert (refused.value.status_code, refused.value.error_code) == (403, "VOD.10062")
