"""A program for test_killed.py and test_shared_run.py: `apply`, killed by itself at one point of its work.

`python killed.py before|after intend|perform|record|read NUMBER [RUN]`: SIGKILL just before, or after, the call with
this number of the journal's or the client's method, so that nothing is tidied up and no later line of the run is
reached. Where a run is named, it is `plan.json` that is applied, as a part of that run.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler import Approval, Report, Session
from reconciler.backends.entries import RunPart
from reconciler.cli.main import main
from reconciler.cli.saved_file import saved_plan
from reconciler.engine.run_journal import RunJournal
from reconciler.providers.huaweicloud.client import HuaweicloudClient

OWNERS = {"intend": RunJournal, "record": RunJournal, "perform": HuaweicloudClient, "read": HuaweicloudClient}


def deadly(real: Callable[..., Any], when: str, number: int) -> Callable[..., Any]:
    """`real`, whose call with this number is the last thing that the process does."""
    left = number

    async def instead(*words: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
        nonlocal left
        left -= 1
        fatal = left == 0
        if fatal and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await real(*words, **named)
        if fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return instead


async def execute(run_id: str) -> Report:
    """Execute the one unit that there is."""
    plan = saved_plan(Path("plan.json"))
    async with Session.open() as session:
        return await session.apply(plan, Approval.of_digest(plan.digest), part=RunPart(run_id, "all"))


if __name__ == "__main__":
    when, name, number, *run = sys.argv[1:]
    owner = OWNERS[name]
    setattr(owner, name, deadly(getattr(owner, name), when, int(number)))
    if run:
        asyncio.run(execute(*run))
    else:
        main(["apply", "--auto-approve", "--format", "json"])
