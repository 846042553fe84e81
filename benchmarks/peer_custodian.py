"""Ten policies' filters of Cloud Custodian on the records of a list: `python peer_custodian.py URL`."""

import json
import sys
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

from c7n.filters import FilterRegistry, ValueFilter

BUCKETS = sorted(f"bucket-{number:02d}" for number in range(1, 100, 4))
EPOCH = (datetime(2026, 11, 29, tzinfo=UTC) - timedelta(days=1)).strftime("%Y%m%d%H%M%S")


def records(url: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    page = 0
    while True:
        with urlopen(f"{url}/v1/p/remux?page={page}&size=100") as answer:  # noqa: S310 - loopback
            body = json.load(answer)
        found += body["tasks"]
        page += 1
        if len(found) >= body["total"]:
            return found


def main() -> None:
    found = records(sys.argv[1])
    registry = FilterRegistry("bench")
    registry.register("value", ValueFilter)
    selected = 0
    for number in range(10):
        filters = [
            {"type": "value", "key": "input.bucket", "op": "in", "value": BUCKETS[number::10]},
            {"type": "value", "key": "input.object", "op": "glob", "value": "stale/*"},
            {"type": "value", "key": "create_time", "op": "lt", "value": EPOCH},
        ]
        resources = found
        for each in [registry.factory(data, None) for data in filters]:
            resources = each.process(resources)
        selected += len(resources)
    assert selected == len(found) // 100, selected
    print(selected)


if __name__ == "__main__":
    main()
