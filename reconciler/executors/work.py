"""What goes out to a worker, what it does, and what comes back: plain bytes, so that any executor will do.

A worker opens a session of its own: it reads the files that were sent, expands the variables of its own environment,
and finds its own credentials. None travels, in neither direction: what comes back is a plan or a report, as a document.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from reconciler import __version__
from reconciler.backends.entries import RunOver, RunPart
from reconciler.config.checkout import Checkout
from reconciler.documents.files import PLAN_FILE, REPORT_FILE
from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.approval import Approval
from reconciler.engine.clouds import log_bug
from reconciler.engine.interruption import Interruption, run
from reconciler.engine.session import Session
from reconciler.exceptions import LockedError, ReconcilerError, bug, innermost
from reconciler.planning.limits import Overrides
from reconciler.planning.part import Shard
from reconciler.tasks.observation import Fault, Meaning


@dataclass(frozen=True, slots=True)
class Opening:
    """What one session is opened for, wherever that is: as `Session.open` takes it."""

    targets: tuple[str, ...]
    policies: tuple[str, ...]
    tasks: tuple[str, ...]
    lock_timeout: int
    now: int | None
    fingerprint: str
    """Of the configuration: a worker that reads another one has other variables."""


@dataclass(frozen=True, slots=True)
class Order:
    """The work on one unit. With a `plan`, its changes are made, as the `part` of a run; else one is made.

    `until` is when to stop sending: seconds since the epoch; None: never.
    """

    opening: Opening
    targets: tuple[str, ...]
    shard: Shard
    overrides: Overrides
    expires_in: int | None = None
    plan: bytes = b""
    part: RunPart | None = None
    until: float | None = None
    stop_on_error: bool = False
    left_out: tuple[tuple[str, str, str], ...] = ()
    """Targets that are sent nothing, with what their faults mean and say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it: a document or, where it came to none, an `error`.

    `locked`: another apply is at work there; `over`: the run was told to stop before this was begun.
    """

    worker: str
    version: str
    document: bytes = b""
    error: str = ""
    locked: bool = False
    over: bool = False
    traffic: tuple[tuple[str, str, int, int, int], ...] = ()
    """Target, service, requests, throttled, retried."""


def sent(order: Order | Checkout) -> bytes:
    """The order, or the files for all of them, as it goes out."""
    held = msgspec.msgpack.encode(order, enc_hook=dict)  # of the proxies that stand for an empty mapping
    return msgspec.msgpack.encode((__version__, held))


def answered(data: bytes) -> Answer:
    """An answer as it came back. Raises ValueError for what is none."""
    return msgspec.msgpack.decode(data, type=Answer)


def worked(order: bytes, checkout: bytes) -> bytes:
    """What a worker does, in any thread of any process. Never raises for what goes wrong with the work."""
    return msgspec.msgpack.encode(_answer(order, checkout))


def _answer(order: bytes, checkout: bytes) -> Answer:
    worker = f"{socket.gethostname()}, process {os.getpid()}"
    version, held = msgspec.msgpack.decode(order, type=tuple[str, bytes])
    if version != __version__:
        wrong = f"has reconciler {__version__}, and the one that hands out the work {version}"
        return Answer(worker, __version__, error=f"worker {worker} {wrong}")
    try:
        return _carried_out(msgspec.msgpack.decode(held, type=Order), checkout, worker)
    except ReconcilerError as error:
        told = f"{error.message} ({error.hint.rstrip('.')})" if error.hint else error.message
        locked, over = isinstance(error, LockedError), isinstance(error, RunOver)
        return Answer(worker, __version__, error=f"worker {worker}: {told}", locked=locked, over=over)
    except Exception as error:  # noqa: BLE001 - what goes wrong with one unit is the error of its targets
        log_bug("the work of a fleet", error)
        told = f"bug in reconciler: {bug(innermost(error))}; please report it"
        return Answer(worker, __version__, error=f"worker {worker}: {told}")


def _carried_out(order: Order, checkout: bytes, worker: str) -> Answer:
    opened = _opened(order.opening, checkout)
    session = opened.part(order.targets, order.shard, interruption=Interruption())
    session.leave_out({name: Fault(Meaning(meaning), said) for name, meaning, said in order.left_out})

    async def work() -> bytes:
        async with session:
            if not order.plan:
                return PLAN_FILE.text(await session.plan(order.overrides, expires_in=order.expires_in)).encode()
            left = None if order.until is None else time.monotonic() + order.until - time.time()
            options = ApplyOptions(stop_on_error=order.stop_on_error, stop_at=left)
            plan, approval = PLAN_FILE.read(order.plan), Approval.automatic()
            report = await session.apply(plan, approval, options, overrides=order.overrides, part=order.part)
            return REPORT_FILE.text(report).encode()

    document = run(work())
    traffic = tuple(
        (target, service, sent.requests, sent.throttled, sent.retried)
        for (target, service), sent in session.traffic.items()
    )
    return Answer(worker, __version__, document, traffic=traffic)


_KEPT = 4
"""Configurations that a worker remembers: of thousands of units all have the same one."""

_sessions: OrderedDict[tuple[bytes, Opening], Session] = OrderedDict()
_opening = threading.Lock()


def _opened(opening: Opening, checkout: bytes) -> Session:
    """A session of the files that were sent, which is read once. Raises ReconcilerError."""
    key = (sha256(checkout).digest(), opening)
    with _opening:
        if key not in _sessions:
            _, held = msgspec.msgpack.decode(checkout, type=tuple[str, bytes])
            try:
                with msgspec.msgpack.decode(held, type=Checkout).unpacked() as paths:
                    session = Session.open(
                        paths,
                        target=opening.targets,
                        policy=opening.policies,
                        task=opening.tasks,
                        lock_timeout=opening.lock_timeout,
                        now=opening.now,
                    )
            except OSError as error:
                raise ReconcilerError(
                    f"the configuration cannot be unpacked: {error.strerror or error}",
                    "the worker needs room in its directory of temporary files, and may write there",
                ) from error
            if session.configuration.fingerprint != opening.fingerprint:
                raise ReconcilerError(
                    "the configuration reads otherwise here than where the work is handed out",
                    "the variables that it names must have the same values in the environment of all workers",
                )
            _sessions[key] = session
            while len(_sessions) > _KEPT:
                _sessions.popitem(last=False)
        return _sessions[key]
