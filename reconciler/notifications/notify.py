"""Telling all receivers of a run: what each knows is read from the database, and written there once it was told."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

from reconciler.backends.connect import connect
from reconciler.backends.notices import MESSAGE, Told, read_told, write_told
from reconciler.diagnostics import Severity
from reconciler.engine.clouds import log_bug
from reconciler.engine.interruption import Interruption
from reconciler.exceptions import BackendError, ReconcilerError, bug
from reconciler.notifications.apprise import tell
from reconciler.notifications.judging import found, news
from reconciler.notifications.webhook import post
from reconciler.notifications.wording import notification
from reconciler.planning.canonical import sha256
from reconciler.planning.policy_plan import Note
from reconciler.providers.transport.surroundings import Surroundings
from reconciler.redaction import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.backends.backend import Backend
    from reconciler.backends.notices import Subject
    from reconciler.config.model import Policy, Receiver, Settings
    from reconciler.notifications.judging import Found, Run
    from reconciler.notifications.message import Notification

LOGGER = logging.getLogger("reconciler.notifications")

LONGEST: Final = 20.0
"""Seconds that telling takes at most."""
PARTING: Final = 2.0
"""The same once somebody asked the program to stop."""


async def notify(
    settings: Settings,
    run: Run,
    policies: Mapping[str, Policy],
    *,
    interruption: Interruption | None = None,
    surroundings: Surroundings | None = None,
) -> tuple[Note, ...]:
    """Tell each receiver of `settings.notify` what is new to it, and what is over. Returns what a reader of the report
    should know: who could not be told, and why. Never raises for that, and takes 20 s at most, 2 s once `interruption`
    was asked to stop.

    `policies` are those of the configuration, for their `notify_above`.
    """
    if not settings.notify:
        return ()
    untold = dict.fromkeys(settings.notify, "not sent: there was no time for it")
    try:
        work = _told(settings, run, policies, surroundings or Surroundings(), untold)
        with suppress(TimeoutError):
            await (interruption or Interruption()).cut_off(asyncio.wait_for(work, LONGEST), PARTING)
    except Exception as error:  # noqa: BLE001 - what was done must be reported, whatever became of telling it
        untold = dict.fromkeys(settings.notify, _of_bug("notifications", error))
    return tuple(
        Note(Severity.WARNING, f"notification {name}: {masked(why, settings.notify[name].masked)}")
        for name, why in untold.items()
        if why
    )


def _of_bug(where: str, error: Exception) -> str:
    log_bug(where, error)
    return f"not sent: bug in reconciler: {bug(error)}; please report it: -v shows more"


async def _told(
    settings: Settings, run: Run, policies: Mapping[str, Policy], surroundings: Surroundings, untold: dict[str, str]
) -> None:
    """Leaves in `untold` what there is to say of some."""
    what = found(run, policies)
    with ExitStack() as stack:
        backend: Backend | None = None
        try:
            # Where nothing could begin, no database is made that was not there.
            backend = await asyncio.to_thread(connect, settings.backend, create=run.error is None)
            stack.callback(backend.engine.dispose)
        except BackendError as error:
            LOGGER.info("what was told before is not known: %s", error.message)
        async with asyncio.TaskGroup() as group:
            for receiver in settings.notify.values():
                group.create_task(_one(receiver, backend, run, what, surroundings, untold))


async def _one(
    receiver: Receiver,
    backend: Backend | None,
    run: Run,
    what: Found,
    surroundings: Surroundings,
    untold: dict[str, str],
) -> None:
    try:
        untold[receiver.name] = await _tried(receiver, backend, run, what, surroundings)
    except ReconcilerError as error:
        untold[receiver.name] = f"not sent: {error.message}" + (f" ({error.hint})" if error.hint else "")
    except Exception as error:  # noqa: BLE001 - one receiver keeps no other from being told
        untold[receiver.name] = _of_bug(f"notification {receiver.name}", error)


async def _tried(receiver: Receiver, backend: Backend | None, run: Run, what: Found, surroundings: Surroundings) -> str:
    """Tell one receiver what is new to it; what there is to say of that, or empty."""
    now = time.time_ns() // 1_000_000
    known: dict[Subject, Told] = {}
    why = ""
    try:
        known = await asyncio.to_thread(read_told, backend, receiver.name) if backend else {}
    except BackendError as error:  # better twice than never
        backend, why = None, f"what it was told before is not known: {error.message}"
    last = known.pop(MESSAGE, Told("", now))
    told = news(run, what, known, receiver.on, now)
    if told.events:
        # One that may have arrived is known again; the same news of another time comes behind another message.
        follows = sha256({"receiver": receiver.name, "last": last.digest, "news": told.key}).partition(":")[2]
        message_id = follows[:32] if backend else secrets.token_hex(16)
        message = notification(
            run, what, told, receiver.name, receiver.template, message_id=message_id, time=now // 1000
        )
        arrived, fault = await _sent(message, receiver, surroundings)
        if not arrived:
            return f"not sent: {fault}"
        why = why or fault
        LOGGER.info("notification %s: sent: %s", receiver.name, message.title)
        last = Told(message_id, now)
    if backend is not None and (told.events or told.told or told.over):
        there = {**told.told, MESSAGE: last}
        try:
            await asyncio.to_thread(write_told, backend, receiver.name, there, told.over, now)
        except BackendError as error:
            return f"it will be told the same again: {error.message}"
    return why


async def _sent(message: Notification, receiver: Receiver, surroundings: Surroundings) -> tuple[bool, str]:
    """Whether it arrived, and why not everywhere."""
    if receiver.apprise is not None:
        return await tell(message, receiver, surroundings)
    if not receiver.url:
        return False, "its URL is empty"
    fault = await post(message, receiver, surroundings)
    return fault is None, str(fault) if fault else ""
