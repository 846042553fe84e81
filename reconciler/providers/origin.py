"""Where the credentials in use come from, for the message about their refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.tasks.fault import Meaning

if TYPE_CHECKING:
    from reconciler.tasks.fault import Fault

__all__ = ["Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """`source` is where they were found, `tried` the places before it, each with its reason. No value of either."""

    source: str
    tried: tuple[str, ...] = ()

    def explained(self, fault: Fault) -> Fault:
        """The fault, with what was tried where it is about credentials."""
        if fault.meaning is not Meaning.CREDENTIALS or "; tried: " in fault.message:
            return fault
        before = f"; tried before: {'; '.join(self.tried)}" if self.tried else ""
        return replace(fault, message=f"{fault.message}; credentials from {self.source}{before}")
