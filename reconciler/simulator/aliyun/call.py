"""What the actions of all services have in common: a call as an action sees it, and how times are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.simulator.aliyun.answers import refusal
from reconciler.simulator.clock import VirtualClock
from reconciler.simulator.options import Options
from reconciler.simulator.store import TaskStore
from reconciler.simulator.wire import Answer


def stamp(at: datetime) -> str:
    """`yyyy-MM-ddTHH:mm:ssZ`."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Call:
    """An authorised request of an account. `changed` and `oddities` are filled in while it is carried out."""

    parameters: Mapping[str, str]
    owner: str
    store: TaskStore
    options: Options
    clock: VirtualClock
    sessions: dict[tuple[str, str], Any]
    changed: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)

    def allow(self, *names: str) -> None:
        """Note parameters that the action does not know."""
        for name in self.parameters:
            if name not in names:
                self.oddities.append(f"unknown parameter {name!r}")

    def names(self, parameter: str, most: int) -> list[str]:
        """The members of a comma-separated parameter."""
        members = [member for member in self.parameters.get(parameter, "").split(",") if member]
        if len(members) > most:
            raise refusal(f"InvalidParameter.{parameter}", f"({len(members)} entries, at most {most})")
        return members


@dataclass(frozen=True, slots=True)
class Operation:
    """An action and what carries it out."""

    action: str
    serve: Callable[[Any], Answer]
    verb: str
    kind: str
    version: str
    call: type[Call] = Call

    @property
    def destructive(self) -> bool:
        """Whether the action cancels."""
        return self.verb == "cancel"
