"""The least that planning over a list costs: `python -m benchmarks.bound URL`.

Every page once, by bare aiohttp with 16 in flight, decoded by msgspec into the fields that the policies of
`benchmarks.planning` ask about, the selected counted by comparisons written by hand. Nothing is signed, checked or
kept.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import msgspec

from benchmarks.planning import IN_FLIGHT, PAGE, SELECTED_BUCKETS


class Place(msgspec.Struct, gc=False):
    bucket: str
    object: str


class Row(msgspec.Struct, gc=False):
    task_id: str
    status: str
    create_time: str
    input: Place


class Page(msgspec.Struct, gc=False):
    total: int
    tasks: list[Row]


async def count(url: str) -> tuple[int, int]:
    """Tasks seen, and those selected."""
    decode = msgspec.json.Decoder(Page).decode
    seen = selected = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(number: int) -> Page:
            async with session.get(f"{url}/v1/p/remux?page={number}&size={PAGE}") as answer:
                return decode(await answer.read())

        async def worker() -> None:
            nonlocal seen, selected
            for number in numbers:
                page = await one(number)
                seen += len(page.tasks)
                selected += sum(
                    row.input.bucket in SELECTED_BUCKETS
                    and row.input.object.startswith("stale/")
                    and row.create_time < "20270101000000"
                    for row in page.tasks
                )

        total = (await one(0)).total
        numbers = iter(range(-(-total // PAGE)))
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return seen, selected


if __name__ == "__main__":
    print(*asyncio.run(count(sys.argv[1])))
