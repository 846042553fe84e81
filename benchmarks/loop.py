"""What one writes first with the vendor's SDK: `python -m benchmarks.loop list|whole|cancel URL`.

Lists all packaging records by the SDK's own page size, or by the largest (`whole`); or cancels all snapshots that wait
and looks at each afterwards.
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

# Importing the SDK writes into the home directory.
os.environ["HOME"] = tempfile.mkdtemp()

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkmpc import v1 as mpc

PROJECT = "0123456789abcdef0123456789abcdef"


def pages(call: Any, request: Any, envelope: str) -> list[Any]:  # noqa: ANN401 - the SDK has no types
    """All rows of a list."""
    found: list[Any] = []
    request.page = 0
    while True:
        rows = getattr(call(request), envelope) or []
        found += rows
        if len(rows) < (request.size or 10):
            return found
        request.page += 1


def main() -> None:
    what, url = sys.argv[1:]
    key, secret = os.environ["HUAWEICLOUD_SDK_AK"], os.environ["HUAWEICLOUD_SDK_SK"]
    client = (
        mpc.MpcClient.new_builder()
        .with_credentials(BasicCredentials(key, secret, PROJECT))
        .with_region(Region("cn-north-4", url))
        .build()
    )
    if what != "cancel":
        request = mpc.ListRemuxTaskRequest(size=100 if what == "whole" else None)
        print(len(pages(client.list_remux_task, request, "tasks")))
        return
    waiting = pages(client.list_thumbnails_task, mpc.ListThumbnailsTaskRequest(status="WAITING"), "task_array")
    for task in waiting:
        client.delete_thumbnails_task(mpc.DeleteThumbnailsTaskRequest(task_id=task.task_id))
        client.list_thumbnails_task(mpc.ListThumbnailsTaskRequest(task_id=[task.task_id]))
    print(len(waiting))


if __name__ == "__main__":
    main()
