"""What to grant: the vendors' policy documents for a configuration, with the calls that each action is for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.planning.permissions import Role, needed_calls
from reconciler.providers.base import Granting
from reconciler.redaction import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.config.model import Configuration, Target
    from reconciler.planning.permissions import NeededCall
    from reconciler.providers.base import AccountCall, Provider
    from reconciler.tasks.resource_type import Catalogue


@dataclass(frozen=True, slots=True)
class Unnamed(Shown):
    """A call for which the vendor publishes no action, and what the user can grant instead."""

    call: NeededCall
    instead: str


@dataclass(frozen=True, slots=True)
class Grant(Shown):
    """One policy document, and the targets whose credentials need exactly this.

    `document` is None where no call has a published action. `kind` is what the vendor calls such a document; empty for
    a provider that has no policy language, whose calls are all in `unnamed` then.
    """

    provider: str
    targets: tuple[str, ...]
    kind: str
    documentation: str
    document: Mapping[str, object] | None
    actions: tuple[str, ...]
    account_calls: tuple[AccountCall, ...]
    calls: tuple[NeededCall, ...]
    unnamed: tuple[Unnamed, ...]
    notes: tuple[str, ...]


def grants(
    configuration: Configuration, catalogue: Catalogue, providers: Mapping[str, Provider], role: Role
) -> tuple[Grant, ...]:
    """The documents that `role` needs, sorted by provider and target; those that are equal are one."""
    merged: dict[tuple[object, ...], Grant] = {}
    for name, calls in needed_calls(configuration, catalogue, role).items():
        target = configuration.targets[name]
        found = _grant(target, calls, catalogue, providers[target.provider])
        key = (found.provider, found.account_calls, tuple((call.resource, call.call) for call in calls))
        merged[key] = _together(merged[key], found) if key in merged else found
    return tuple(sorted(merged.values(), key=lambda grant: (grant.provider, grant.targets)))


def _grant(target: Target, calls: Sequence[NeededCall], catalogue: Catalogue, provider: Provider) -> Grant:
    if not isinstance(provider, Granting):
        missing = f"The provider {provider.name} does not say how its calls are granted: see its documentation."
        unnamed = tuple(Unnamed(replace(call, action=None), missing) for call in calls)
        return Grant(provider.name, (target.name,), "", "", None, (), (), (), unnamed, ())
    language = provider.policy_language
    account_calls = language.account_calls(target)
    named = tuple(call for call in calls if call.action is not None)
    actions = sorted({call.action for call in account_calls} | {call.action for call in named if call.action})
    return Grant(
        provider=provider.name,
        targets=(target.name,),
        kind=language.kind,
        documentation=language.documentation,
        document=language.document(actions) if actions else None,
        actions=tuple(actions),
        account_calls=account_calls,
        calls=named,
        unnamed=tuple(
            Unnamed(call, language.instead(catalogue.resource_types[call.resource]))
            for call in calls
            if call.action is None
        ),
        notes=language.notes(target, {catalogue.resource_types[call.resource].service for call in calls}),
    )


def _together(first: Grant, second: Grant) -> Grant:
    """Two grants for the same calls as one: all targets, and for each call the policies of both."""
    return replace(
        first,
        targets=(*first.targets, *second.targets),
        calls=tuple(map(_united, first.calls, second.calls)),
        unnamed=tuple(
            replace(ours, call=_united(ours.call, theirs.call))
            for ours, theirs in zip(first.unnamed, second.unnamed, strict=True)
        ),
        notes=tuple(dict.fromkeys((*first.notes, *second.notes))),
    )


def _united(ours: NeededCall, theirs: NeededCall) -> NeededCall:
    return replace(ours, policies=tuple(sorted({*ours.policies, *theirs.policies})))
