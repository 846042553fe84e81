"""Policy documents with the reasons for what they allow: as text to read and paste from, and as data."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

from reconciler.documents.strict_json import dump
from reconciler.redaction import presentable
from reconciler.reports.cells import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.engine.permissions import Grant, Role, Unnamed
    from reconciler.planning.permissions import NeededCall

__all__ = ["permissions_document", "render_permissions", "render_permissions_json"]

FORMAT = "reconciler.permissions"
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
    targets = [presentable(name) for name in grant.targets]
    where = f"target {targets[0]}" if len(targets) == 1 else f"targets {', '.join(targets[:-1])} and {targets[-1]}"
    title = f"{kind} for {where} (role: {role.value})"
    return f"{title}\n{'=' * len(title)}"


def _reasons(grant: Grant) -> list[tuple[str, str, str]]:
    rows = [(call.action, call.request, call.reason) for call in grant.account_calls]
    rows += [(call.action or "", call.request, _purpose(call)) for call in grant.calls]
    return [("action", "call", "why"), *rows]


def _purpose(call: NeededCall) -> str:
    """`cancel huaweicloud.mpc.packaging (no-drafts, retention)`."""
    return f"{call.call.value} {call.resource} ({', '.join(map(presentable, call.policies))})"


def _without_action(grant: Grant) -> Iterator[str]:
    """Calls that no document can allow, grouped by what can be granted instead."""
    if grant.kind:
        yield "Warning: no published action is known for these calls, so nothing above allows them:"
    else:
        yield "These calls are made:"
    yield from (f"  {line}" for line in table([(entry.call.request, _purpose(entry.call)) for entry in grant.unnamed]))
    yield from (_wrapped(sentence) for sentence in dict.fromkeys(entry.instead for entry in grant.unnamed))


def _wrapped(sentence: str) -> str:
    return textwrap.fill(presentable(sentence), WIDTH, break_long_words=False, break_on_hyphens=False)


def render_permissions_json(grants: Sequence[Grant], role: Role) -> str:
    return dump(permissions_document(grants, role))


def permissions_document(grants: Sequence[Grant], role: Role) -> dict[str, object]:
    """The same as data. `document` is what the vendor's console takes; null where nothing can be put into one."""
    return {
        "format": FORMAT,
        "format_version": "1.0",
        "outcome": "ok",
        "role": role.value,
        "grants": [_grant_document(grant) for grant in grants],
    }


def _grant_document(grant: Grant) -> dict[str, object]:
    return {
        "provider": grant.provider,
        "targets": list(grant.targets),
        "kind": grant.kind,
        "documentation": grant.documentation,
        "document": grant.document,
        "actions": [
            *({"action": call.action, "request": call.request, "reason": call.reason} for call in grant.account_calls),
            *({"action": call.action, **_call_document(call)} for call in grant.calls),
        ],
        "without_action": [_unnamed_document(entry) for entry in grant.unnamed],
        "notes": list(grant.notes),
    }


def _call_document(call: NeededCall) -> dict[str, object]:
    return {
        "request": call.request,
        "resource": call.resource,
        "call": call.call.value,
        "policies": list(call.policies),
    }


def _unnamed_document(entry: Unnamed) -> dict[str, object]:
    return {**_call_document(entry.call), "instead": entry.instead}
