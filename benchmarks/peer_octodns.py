"""A plan of octoDNS over one zone, in which one record in a hundred is to go: `python peer_octodns.py RECORDS`."""

import logging
import sys

from octodns.provider.base import BaseProvider
from octodns.provider.plan import Plan
from octodns.record import Record
from octodns.zone import Zone


def zone(records: int, *, leave_out: bool) -> Zone:
    made = Zone("example.com.", [])
    for number in range(records):
        if leave_out and number % 100 == 0:
            continue
        data = {"type": "A", "ttl": 300, "values": [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"]}
        made.add_record(Record.new(made, f"host-{number}", data), lenient=True)
    return made


class Target(BaseProvider):  # type: ignore[misc]  # of an environment of its own
    """A provider without a service behind it."""

    SUPPORTS = frozenset({"A"})
    SUPPORTS_DYNAMIC = SUPPORTS_GEO = SUPPORTS_ROOT_NS = False
    log = logging.getLogger("bench")


def main() -> None:
    count = int(sys.argv[1])
    existing, desired = zone(count, leave_out=False), zone(count, leave_out=True)
    plan = Plan(existing, desired, existing.changes(desired, Target("bench")), True)
    assert len(plan.changes) == -(-count // 100), len(plan.changes)
    print(len(plan.changes))


if __name__ == "__main__":
    main()
