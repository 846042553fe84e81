"""What a supervisor is told: readiness, a sign of life, and the end (sd_notify).

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


class Supervisor:
    """Whoever listens at `NOTIFY_SOCKET`; nobody, where that is not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        period, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        mine = process in {"", str(os.getpid())}
        self._period = int(period) / 1e6 if mine and period.isascii() and period.isdecimal() else 0.0

    def tell(self, *states: str) -> None:
        """Send states such as `READY=1`. Nothing depends on whether they arrive."""
        if not self._address.startswith(("/", "@")):
            return
        address = self._address if self._address.startswith("/") else f"\0{self._address[1:]}"
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.connect(address)
            channel.send("\n".join(states).encode())

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Meanwhile give a sign of life twice in each period of the watchdog: it comes while the event loop turns."""
        signs = asyncio.ensure_future(self._signs()) if self._period else None
        try:
            yield
        finally:
            if signs is not None:
                signs.cancel()
            self.tell("STOPPING=1")

    async def _signs(self) -> None:
        while True:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self._period / 2)
