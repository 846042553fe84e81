"""Policy documents with the reasons for what they allow: as text to read and paste from, and as data."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.documents.document import Format
from reconciler.planning.permissions import CallKind, Role
from reconciler.redaction import Shown
from reconciler.reports.cells import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.engine.permissions import Grant
    from reconciler.planning.permissions import NeededCall

NOTHING = "Nothing to allow: no active policy looks at any target.\n"
WIDTH = 100


def render_permissions(grants: Sequence[Grant], role: Role) -> str:
    """For each document a heading, why each action is there, and the JSON to paste."""
    return "\n\n".join("\n\n".join(_sections(grant, role)) for grant in grants) + "\n" if grants else NOTHING


def _sections(grant: Grant, role: Role) -> Iterator[str]:
    yield _heading(grant, role)
    if grant.document is not None:
        yield "\n".join(f"  {line}" for line in table(_reasons(grant)))
        yield json.dumps(grant.document, indent=2)
    if grant.unnamed:
        yield "\n".join(_without_action(grant))
    if grant.document is not None:
        yield "\n".join(_wrapped(note) for note in grant.notes)


def _heading(grant: Grant, role: Role) -> str:
    kind = grant.kind or "Permissions"
    targets = grant.targets
    where = f"target {targets[0]}" if len(targets) == 1 else f"targets {', '.join(targets[:-1])} and {targets[-1]}"
    title = f"{kind} for {where} (role: {role.value})"
    return f"{title}\n{'=' * len(title)}"


def _reasons(grant: Grant) -> list[tuple[str, str, str]]:
    rows = [(call.action, call.request, call.reason) for call in grant.account_calls]
    rows += [(call.action or "", call.request, _purpose(call)) for call in grant.calls]
    return [("action", "call", "why"), *rows]


def _purpose(call: NeededCall) -> str:
    """`cancel <resource type> (no-drafts, retention)`."""
    return f"{call.call.value} {call.resource} ({', '.join(call.policies)})"


def _without_action(grant: Grant) -> Iterator[str]:
    """Calls that no document can allow, grouped by what can be granted instead."""
    if grant.kind:
        yield "Warning: no published action is known for these calls, so nothing above allows them:"
    else:
        yield "These calls are made:"
    yield from (f"  {line}" for line in table([(entry.call.request, _purpose(entry.call)) for entry in grant.unnamed]))
    yield from (_wrapped(sentence) for sentence in dict.fromkeys(entry.instead for entry in grant.unnamed))


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)


@dataclass(frozen=True, slots=True)
class AllowedAction(Shown):
    """An action, a call that needs it, and why that is made: the reason, or the policies that lead to it."""

    action: str | None
    request: str
    reason: str = ""
    resource: str | None = None
    call: CallKind | None = None
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnnamedCall(Shown):
    """A call for which the vendor publishes no action."""

    request: str
    resource: str
    call: CallKind
    policies: tuple[str, ...]
    instead: str
    """What can be granted."""


@dataclass(frozen=True, slots=True)
class GrantRecord(Shown):
    """One policy document, and the targets whose credentials need exactly this."""

    provider: str
    targets: tuple[str, ...]
    kind: str
    """What the vendor calls such a document; empty where it has none."""
    documentation: str
    document: Mapping[str, Any] | None
    """What the vendor's console takes; null where nothing can be put into one."""
    actions: tuple[AllowedAction, ...]
    without_action: tuple[UnnamedCall, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Permissions(Shown):
    """What the credentials of each target must be allowed, and no more."""

    outcome: str
    """Always `ok`."""
    role: Role
    grants: tuple[GrantRecord, ...]


PERMISSIONS = Format("reconciler.permissions", "2.0", Permissions, "What `reconciler permissions` asks for")


def render_permissions_json(grants: Sequence[Grant], role: Role) -> str:
    """The same as data."""
    return PERMISSIONS.text(Permissions("ok", role, tuple(map(_grant_record, grants))))


def _grant_record(grant: Grant) -> GrantRecord:
    account = (AllowedAction(call.action, call.request, call.reason) for call in grant.account_calls)
    named = (
        AllowedAction(call.action, call.request, "", call.resource, call.call, call.policies) for call in grant.calls
    )
    unnamed = ((entry.call, entry.instead) for entry in grant.unnamed)
    return GrantRecord(
        provider=grant.provider,
        targets=grant.targets,
        kind=grant.kind,
        documentation=grant.documentation,
        document=grant.document,
        actions=(*account, *named),
        without_action=tuple(
            UnnamedCall(call.request, call.resource, call.call, call.policies, instead) for call, instead in unnamed
        ),
        notes=grant.notes,
    )
