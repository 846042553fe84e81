"""How a cloud writes down who may call what: what `reconciler permissions` needs of a provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.config.model import Target
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["AccountCall", "Granting", "PolicyLanguage"]


@dataclass(frozen=True, slots=True)
class AccountCall:
    """A call of the client that belongs to no resource type, such as looking up an id. `reason` says what it is for.

    `action` is the vendor's name for the right to make it.
    """

    request: str
    action: str
    reason: str


class PolicyLanguage(Protocol):
    """The vendor's policy documents. `kind` is what the vendor calls one, `documentation` the page that defines it."""

    kind: str
    documentation: str

    def account_calls(self, target: Target) -> tuple[AccountCall, ...]:
        """The calls that every run makes on `target` before it can list anything."""
        ...

    def document(self, actions: Sequence[str]) -> Mapping[str, object]:
        """A document, as data for JSON, that allows exactly `actions` (sorted, at least one)."""
        ...

    def instead(self, row: ResourceType) -> str:
        """What a user can grant for a call on `row` that has no published action. One sentence."""
        ...

    def notes(self, target: Target, services: Collection[str]) -> tuple[str, ...]:
        """What must be known to use the document for `target`, whose tasks are of these services. A sentence or two
        each."""
        ...


@runtime_checkable
class Granting(Protocol):
    """A provider that has a policy language. Optional: `permissions` says of others that it cannot tell."""

    policy_language: PolicyLanguage
