"""What a cloud made of a request."""

from dataclasses import dataclass

from reconciler.simulator.wire import Answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, which tasks it changed, and what was odd about the request."""

    answer: Answer
    changed: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()
