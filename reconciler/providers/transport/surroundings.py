"""What a client takes from the machine it runs on, in one place, so that tests replace it and patch nothing."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from reconciler.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping

T = TypeVar("T")

NO_HOME = Path(os.devnull)
"""Below it no file can exist."""


def _now() -> datetime:
    return datetime.now(UTC)


def trimmed(text: str) -> str:
    """`text` without white space around it, nor a byte order mark, which is none to Python and which editors write."""
    return text.strip().strip("\ufeff").strip()


def _environment() -> Mapping[str, str]:
    """Line ends come along from files of variables, and belong to no key, address, path or name."""
    return {name: trimmed(text) for name, text in os.environ.items()}


def _home() -> Path:
    """The home directory; NO_HOME for a user without any, as in a container with a uid of its own."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    return home if home.is_absolute() else NO_HOME  # a relative one would be read in any repository


def allow_list(variable: str, environment: Mapping[str, str]) -> list[str] | None:
    """What a variable lists as allowed, separated by commas or blanks: nothing for `none`. None, for anything, where it
    is unset.

    Raises UsageError where it is empty: what a step of a job should have found out, and did not, is never "anything".
    """
    text = environment.get(variable)
    if text is None:
        return None
    words = text.replace(",", " ").split()
    named = [word for word in words if word.lower() != "none"]
    if not words:
        raise UsageError(f"{variable} is empty; leave it out to go without it", "`none` allows none")
    if named and len(named) < len(words):
        raise UsageError(f"{variable}: `none` stands alone", "name what is allowed, or write none")
    return named


class Turns:
    """One at a time, first come first served, in each event loop: one lock would be bound to the first of them."""

    def __init__(self) -> None:
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    def lock(self) -> asyncio.Lock:
        """That of the running event loop."""
        loop = asyncio.get_running_loop()
        found = self._locks.get(loop)
        if found is None:
            found = self._locks[loop] = asyncio.Lock()
        return found


class Shared:
    """What the clients of one run have in common, so that one login and one look-up serve them all. Never shown."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Any] = {}

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made first under `key`, which says all that it depends on."""
        found: T = self._made[key] if key in self._made else self._made.setdefault(key, make())
        return found


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clocks, chance, environment and home directory, and what the clients of a run share.

    `now` is UTC, for signatures; `monotonic` in seconds, for pacing and deadlines; `uniform(low, high)` draws jitter;
    `nonce` a value never used before. The environment is read when this is made, not when it is imported, and never
    shown: it holds secrets. `metadata_url` and `sts_url` stand in for the addresses of the machine's
    metadata service and of the vendor's token service. `home` is NO_HOME where there is none. Clients
    that get the same surroundings share a login.
    """

    now: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    uniform: Callable[[float, float], float] = random.uniform
    nonce: Callable[[], str] = lambda: secrets.token_hex(16)
    environment: Mapping[str, str] = field(default_factory=_environment, repr=False)
    home: Path = field(default_factory=_home)
    metadata_url: str | None = None
    sts_url: str | None = None
    shared: Shared = field(default_factory=Shared, repr=False)
