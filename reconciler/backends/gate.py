"""Writing a group of requests in one transaction, each accepted or refused by itself.

The rule that nothing is sent twice is kept by a unique index (see `schema`), so that it holds for every process that
works on the same run. The usual group, in which nothing is refused, costs one statement per kind of request; only
where something is refused is each request of the group written alone, to see whose it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from sqlalchemy import bindparam, case, insert, or_, select, update
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from reconciler.backends.chain import seal
from reconciler.backends.entries import ActionState, AlreadyDone, AlreadyIntended, IntentRefused, NoOpenIntent
from reconciler.backends.failures import backend_error, exceeds_limits
from reconciler.backends.fencing import free_parts, verify, verify_untaken
from reconciler.backends.requests import NO_FAULT, Beginning, End, Intents, Outcomes, Results, storable
from reconciler.backends.schema import actions, insert_ignoring, insert_replacing, outcomes, runs
from reconciler.exceptions import BackendError, LockedError, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from reconciler.backends.backend import Backend
    from reconciler.backends.entries import Intent
    from reconciler.backends.requests import Request, Row, Subject

_OPERATION = ("run_id", "target", "resource", "task_id", "action")

_RESULT = ("state", "result_at", "settled_by", *NO_FAULT)
_CERTAIN = or_(actions.c.state == ActionState.DONE.value, actions.c.state == ActionState.REFUSED.value)

_RECORD = (
    update(actions)
    .where(
        *(actions.c[name] == bindparam(f"of_{name}") for name in (*_OPERATION, "attempt")),
        # Whoever re-executes a unit may say again what is already known, which changes nothing of what was written.
        or_(~_CERTAIN, actions.c.state == bindparam("of_state")),
    )
    .values({name: case((_CERTAIN, actions.c[name]), else_=bindparam(name)) for name in _RESULT})
)

# A value that the database cannot take (a foreign run, a NUL in an id) speaks against one request, not the database.
_UNWRITABLE = (IntegrityError, DataError, UnicodeError)


class _Apart(Exception):  # noqa: N818 - a signal between two functions of this file, never seen outside
    """Some row was refused, so that the requests must be written one by one."""


def write_group(connection: Connection, backend: Backend, requests: Sequence[Request]) -> list[ReconcilerError | None]:
    """Write `requests` as if one after the other; the refusal of each, or None where it was written.

    To be called within a transaction, which the caller commits. Raises SQLAlchemy's errors where the database fails:
    then nothing of the group may count as written.
    """
    refusals: list[ReconcilerError | None] = []
    for segment in _segments(requests):
        if _written_together(connection, backend, segment):
            refusals += [None] * len(segment)
        else:
            refusals += [_write_alone(connection, backend, request) for request in segment]
    return refusals


def took_effect(
    connection: Connection, requests: Sequence[Request], refusals: Sequence[ReconcilerError | None]
) -> bool:
    """Whether a group is written whose transaction is over, by a row of it. `refusals`, none of them where it was not
    written to its end, are what it came to. Where no row tells, it does no harm to write it again.

    A row of an intent is ours, and no other's of the same attempt: while the fence holds nobody else writes any, and
    once it does not the intent is refused in any case.
    """
    for request, refusal in zip(requests, refusals, strict=False):
        if refusal is not None:
            continue
        match request:
            case Beginning():
                query = select(runs.c.run_id).where(runs.c.run_id == request.run_id)
            case End():
                query = select(runs.c.run_id).where(runs.c.run_id == request.run_id, runs.c.finished_at == request.at)
            case Intents() if request.entries:
                row = request.rows[0]
                written = (actions.c[name] == row[name] for name in (*_OPERATION, "attempt"))
                query = select(actions.c.sequence).where(*written)
            case _:
                continue
        return connection.execute(query).first() is not None
    return False


def _segments(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """`requests` in runs in which no two are about the same subject, so that order does not matter within one."""
    segment: list[Request] = []
    seen: set[Subject] = set()
    for request in requests:
        if isinstance(request, Beginning | End):  # everything of a run lies between the two
            if segment:
                yield segment
            yield [request]
            segment, seen = [], set()
            continue
        subjects = request.subjects
        if not seen.isdisjoint(subjects):
            yield segment
            segment, seen = [], set()
        segment.append(request)
        seen |= subjects
    if segment:
        yield segment


def _written_together(connection: Connection, backend: Backend, segment: Sequence[Request]) -> bool:
    """Write a segment with as few statements as possible; False, with nothing written, where something is refused."""
    intents = [request for request in segment if isinstance(request, Intents)]
    results = [request for request in segment if isinstance(request, Results)]
    concluded = [request for request in segment if isinstance(request, Outcomes)]
    if len(intents) + len(results) + len(concluded) < len(segment):
        return False
    try:
        with connection.begin_nested():
            for fence in {request.fence for request in intents}:
                verify(connection, backend, fence)
            for fence in {*(request.fence for request in results), *(request.fence for request in concluded)}:
                verify_untaken(connection, fence)
            _insert_intents(connection, [row for request in intents for row in request.rows])
            _update_results(connection, [row for request in results for row in request.rows])
            _insert_outcomes(connection, [row for request in concluded for row in request.rows])
    except (_Apart, LockedError, *_UNWRITABLE):
        return False
    except OperationalError as error:
        if not exceeds_limits(error):
            raise
        return False
    return True


def _write_alone(connection: Connection, backend: Backend, request: Request) -> ReconcilerError | None:
    """Write one request; why it was refused, or None."""
    try:
        with connection.begin_nested():
            _write(connection, backend, request)
    except _Apart:
        return _refusal(connection, request)
    except IntegrityError as error:
        # Of an operation that is done, or in flight again, no other attempt can turn out to be done as well.
        return _refusal(connection, request) if isinstance(request, Results) else backend_error(error, backend.where)
    except LockedError as lost:
        return lost
    except _UNWRITABLE as error:
        return backend_error(error, backend.where)
    except OperationalError as error:
        if not exceeds_limits(error):
            raise
        return backend_error(error, backend.where)
    return None


def _write(connection: Connection, backend: Backend, request: Request) -> None:
    match request:
        case Beginning():
            connection.execute(insert(runs), request.row)
        case End():
            this = (runs.c.run_id == request.run_id, runs.c.finished_at.is_(None))
            if not connection.execute(update(runs).where(*this).values(request.row)).rowcount:
                raise _Apart
            free_parts(connection, request.run_id)
            seal(connection, request.run_id, request.at)
        case Intents():
            verify(connection, backend, request.fence)
            _insert_intents(connection, request.rows)
        case Results():
            verify_untaken(connection, request.fence)
            _update_results(connection, request.rows)
        case Outcomes():
            verify_untaken(connection, request.fence)
            _insert_outcomes(connection, request.rows)
        case _:
            assert_never(request)


def _insert_intents(connection: Connection, rows: Sequence[Row]) -> None:
    if rows and connection.execute(insert_ignoring(connection, actions), rows).rowcount != len(rows):
        raise _Apart


def _update_results(connection: Connection, rows: Sequence[Row]) -> None:
    if rows and connection.execute(_RECORD, rows).rowcount != len(rows):
        raise _Apart


def _insert_outcomes(connection: Connection, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(insert_replacing(connection, outcomes), rows)


def _refusal(connection: Connection, request: Request) -> ReconcilerError:
    """Why a request whose rows the tables did not take is refused. Reads what is there now, without the request."""
    match request:
        case Intents():
            return _intent_refusal(connection, request)
        case Results():
            run_id, result = request.entries[0]
            return NoOpenIntent(
                f"{storable(str(result.intent))}: run {run_id} has no open intent that this result could belong to"
            )
        case End():
            return BackendError(f"there is no run {request.run_id} in this database that has not ended")
        case Beginning() | Outcomes():
            return BackendError(f"there is no run {request.run_id} in this database")
        case _:
            assert_never(request)


def _intent_refusal(connection: Connection, request: Intents) -> IntentRefused:
    """Names the operations that are done; where there are none, those that are in flight or attempted."""
    found = [(intent, _attempts(connection, request.run_id, intent)) for intent in request.entries]
    done = [intent for intent, attempts in found if ActionState.DONE in attempts.values()]
    if done:
        return AlreadyDone(request.run_id, done)
    intended = [
        intent for intent, attempts in found if intent.attempt in attempts or ActionState.INTENT in attempts.values()
    ]
    # None left: the request names an operation twice, or another process recorded a result just now.
    return AlreadyIntended(request.run_id, intended or request.entries)


def _attempts(connection: Connection, run_id: str, intent: Intent) -> dict[int, str]:
    values = (run_id, *intent.key, intent.action.value)
    conditions = (actions.c[name] == value for name, value in zip(_OPERATION, values, strict=True))
    rows = connection.execute(select(actions.c.attempt, actions.c.state).where(*conditions))
    return {row.attempt: row.state for row in rows}
