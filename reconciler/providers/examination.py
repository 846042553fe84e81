"""What `doctor` learns of a list: its answers as they came, held against what the row of the kind says of them."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from reconciler.providers.base import Look
from reconciler.providers.transport.answers import parsed_object
from reconciler.providers.transport.trace import is_quota
from reconciler.tasks.observation import Fault
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import httpx

    from reconciler.providers.transport.answers import Redactor
    from reconciler.tasks.observation import Meaning
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Task

MOST = 20
"""So many new statuses, keys and headers are named."""
_TEXT = 80

_ANSWERS: ContextVar[list[httpx.Response] | None] = ContextVar("answers", default=None)


@contextmanager
def overhearing() -> Iterator[list[httpx.Response]]:
    """The answers that are noted within this context."""
    kept: list[httpx.Response] = []
    token = _ANSWERS.set(kept)
    try:
        yield kept
    finally:
        _ANSWERS.reset(token)


def note(response: httpx.Response) -> None:
    """Keep an answer for whoever is overhearing."""
    kept = _ANSWERS.get()
    if kept is not None:
        kept.append(response)


def examined(
    resource: ResourceType,
    tasks: Collection[Task] | Fault | None,
    answers: Sequence[httpx.Response],
    redactor: Redactor,
    means: Callable[[str], Meaning | None],
    requests: int,
) -> Look:
    """What a page showed, by the tasks that were read from it (or why none were) and the answers themselves."""
    quotas = {
        redactor(name, _TEXT): redactor(value, _TEXT)
        for answer in answers
        for name, value in answer.headers.items()
        if is_quota(name)
    }
    shown = dict(list(quotas.items())[:MOST])
    if isinstance(tasks, Fault):
        return Look(0, requests, tasks, bool(tasks.code) and means(str(tasks.code)) is None, quotas=shown)
    if tasks is None:
        return Look(None, requests)
    unknown = {str(task.values["provider_status"]) for task in tasks if _is_new(task)}
    return Look(
        len(tasks),
        requests,
        statuses=_named(unknown, redactor),
        keys=_named(_keys(resource, answers), redactor),
        quotas=shown,
    )


def _is_new(task: Task) -> bool:
    return task.status is Status.UNKNOWN and "provider_status" in task.values


def _keys(resource: ResourceType, answers: Iterable[httpx.Response]) -> set[str]:
    """The keys of rows that the vendor does not document."""
    if resource.unread is None:
        return set()
    known = resource.unread | {field.source[0] for field in resource.fields.values() if field.source}
    return {key for answer in answers for row in _rows(resource, answer) for key in row} - known


def _rows(resource: ResourceType, answer: httpx.Response) -> list[dict[str, object]]:
    found: object = parsed_object(answer)
    for key in resource.listing.envelope.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _named(texts: Iterable[str], redactor: Redactor) -> tuple[str, ...]:
    return tuple(sorted({redactor(text, _TEXT) for text in texts})[:MOST])
