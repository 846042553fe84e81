"""A receiver on loopback, which keeps what it is told, and a configuration that tells it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, Self

import pytest

from reconciler.provider.loopback import Received, Reply, serving
from tests.terminal import HEAD, Terminal

SECRET = "correct horse battery staple".replace(" ", "-")
KIND = "huaweicloud.mpc.packaging"
POLICY = f"""
policies:
  none-waits:
    resource: {KIND}
    match: {{status: pending}}
    ensure: absent
    limits: {{max_percent: 100}}
    notify_above: 2
"""


class Hook:
    """A webhook in a thread of its own. `replies` are what it answers, then 204; `got` the bodies that it was sent."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[Received] = []
        self.url = ""
        self._ready: Future[None] = Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        async with serving(self._answer) as server:
            self.url = f"{server.url}/hooks/reconciler"
            self._ready.set_result(None)
            await self._ended.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # connections are closed in the next turn of the loop

    def _answer(self, request: Received) -> Reply:
        self.requests.append(request)
        return self.replies.pop(0) if self.replies else Reply(204)

    @property
    def got(self) -> list[Any]:
        return [json.loads(request.body) for request in self.requests]

    @property
    def events(self) -> list[list[str]]:
        return [message["events"] for message in self.got]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with Hook() as made:
        monkeypatch.setenv("OPS_HOOK", made.url)
        monkeypatch.setenv("OPS_HOOK_SECRET", SECRET)
        yield made


def notify(**keys: object) -> str:
    """Settings that tell the hook."""
    receiver = {"webhook": {"url": "${OPS_HOOK}", "secret": {"env": "OPS_HOOK_SECRET"}}, **keys}
    return f"settings:\n  notify:\n    ops: {json.dumps(receiver)}\n"


@pytest.fixture
def told(terminal: Terminal, hook: Hook) -> Terminal:
    """A terminal whose runs tell the hook."""
    terminal.write(HEAD + notify() + POLICY)
    return terminal
