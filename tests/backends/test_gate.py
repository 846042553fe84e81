"""However requests are cut into groups, the journal answers as if each had been written by itself."""

import tempfile
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.backends.connect import connect
from reconciler.backends.entries import (
    ActionResult,
    ActionState,
    AlreadyDone,
    AlreadyIntended,
    Intent,
    NoOpenIntent,
    RunStart,
)
from reconciler.backends.fencing import Fence
from reconciler.backends.gate import write_group
from reconciler.backends.history import History
from reconciler.backends.requests import Beginning, Intents, Request, Results
from reconciler.tasks.resource_type import Action

START = RunStart("apply", "0.1.0", "digest", "fingerprint")
INTENTS = st.builds(
    lambda task_id, attempt: Intent("prod", "r", task_id, Action.CANCEL, attempt),
    st.sampled_from("abc"),
    st.integers(1, 3),
)
STATES = st.sampled_from([ActionState.DONE, ActionState.REFUSED, ActionState.UNCERTAIN])
REQUESTS = st.one_of(
    st.lists(INTENTS, min_size=1, max_size=3).map(lambda intents: Intents("run", tuple(intents), 1, Fence(()))),
    st.builds(
        lambda intents, state: Results(tuple(("run", ActionResult(intent, state)) for intent in intents), 2),
        st.lists(INTENTS, min_size=1, max_size=2),
        STATES,
    ),
)
States = dict[tuple[str, int], ActionState]


def expected(rows: States, request: Request) -> type[Exception] | None:
    """What the journal should answer, by the letter; changes `rows` where the request is accepted."""
    after = dict(rows)
    verdict: type[Exception] | None = None
    if isinstance(request, Intents):
        if any(_states(rows, intent).count(ActionState.DONE) for intent in request.entries):
            return AlreadyDone
        for intent in request.entries:
            name = (intent.key.id, intent.attempt)
            if name in after or ActionState.INTENT in _states(after, intent):
                return AlreadyIntended
            after[name] = ActionState.INTENT
    elif isinstance(request, Results):
        for _, result in request.entries:
            name = (result.intent.key.id, result.intent.attempt)
            state = after.get(name)
            if state not in {ActionState.INTENT, ActionState.UNCERTAIN, result.state}:
                return NoOpenIntent
            others = [after[other] for other in after if other[0] == name[0] and other != name]
            if result.state is ActionState.DONE and {ActionState.INTENT, ActionState.DONE} & set(others):
                return NoOpenIntent  # two attempts at one operation cannot both be in flight or done
            after[name] = result.state
    rows.clear()
    rows.update(after)
    return verdict


def _states(rows: States, intent: Intent) -> list[ActionState]:
    return [state for (task_id, _), state in rows.items() if task_id == intent.key.id]


@settings(max_examples=60)
@given(groups=st.lists(st.lists(REQUESTS, min_size=1, max_size=6), max_size=5))
def test_groups_answer_as_single_requests_would(groups: Sequence[Sequence[Request]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        backend = connect(f"sqlite:///{directory}/history.db")
        rows: States = {}
        with backend.writing() as connection:
            assert write_group(connection, backend, [Beginning("run", START, 0, "host", 1)]) == [None]
        for group in groups:
            with backend.writing() as connection:
                refusals = write_group(connection, backend, group)
            for request, refusal in zip(group, refusals, strict=True):
                verdict = expected(rows, request)
                assert (refusal is None) == (verdict is None)
                assert verdict is None or isinstance(refusal, verdict)
        written = {(row.key.id, row.attempt): row.state for row in History(backend).actions("run")}
        assert written == rows
