"""What a configuration asks for, as one hash."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, assert_never

from reconciler.config.entries import mapping, number, text
from reconciler.config.environment import Unexpanded
from reconciler.config.model import Absent, AtMost
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.entries import Entry
    from reconciler.config.model import Ensure, Policy, Protection, Target
    from reconciler.config.window import Window
    from reconciler.selectors.syntax import Selector

_LIMITS = {"max_actions": number, "max_percent": number, "on_excess": text}


def fingerprint(
    targets: Mapping[str, Target],
    protections: Mapping[str, Protection],
    policies: Mapping[str, Policy],
    entries: Mapping[str, Mapping[str, Entry]],
) -> str:
    """`sha256:<hex>`, the same for two configurations that ask for the same.

    `entries` are the sections as written: paths of secrets count as they stand there, so that the hash is the same
    in every checkout. Of limits, only a policy's own count, not those inherited from the settings.
    """
    asked = {
        "targets": {name: _target(target, entries["targets"][name]) for name, target in targets.items()},
        "protect": {
            name: [protection.resources, canonical(protection.match)] for name, protection in protections.items()
        },
        "policies": {name: _policy(policy, entries["policies"][name]) for name, policy in policies.items()},
    }
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def canonical(selector: Selector) -> object:
    """A selector as JSON data, the same for selectors that differ in the order of their parts only."""
    match selector:
        case Everything():
            return "all"
        case Test(operator=operator, operand=operand, missing=missing):
            values = sorted(set(operand), key=str) if isinstance(operand, tuple) else operand
            return [selector.name, operator.value, values, *([] if missing is None else [missing])]
        case AllOf(parts):
            return {"all": _sorted(parts)}
        case AnyOf(parts):
            return {"any": _sorted(parts)}
        case Negation(part):
            return {"not": canonical(part)}
        case _:
            assert_never(selector)


def _sorted(parts: tuple[Selector, ...]) -> list[object]:
    return sorted((canonical(part) for part in parts), key=lambda part: json.dumps(part, sort_keys=True))


def _target(target: Target, entry: Entry) -> object:
    return {
        "provider": target.provider,
        "region": target.region,
        "options": dict(target.options),
        "endpoints": dict(target.endpoints),
        "rate_limits": {service: str(rate.per_second) for service, rate in target.rate_limits.items()},
        "credentials": _as_written(mapping(entry.body, "credentials")),
        "inventory": None if target.inventory is None else [entries for _, entries in sorted(target.inventory.items())],
    }


def _as_written(value: object) -> object:
    match value:
        case Unexpanded(written):
            return written
        case dict():
            return {key: _as_written(inner) for key, inner in value.items()}
        case _:
            return value


def _policy(policy: Policy, entry: Entry) -> object:
    own = mapping(entry.body, "limits")
    # What later versions added counts where it is there, so that what was approved before still is.
    more = {
        "cancel_running": policy.cancel_running,
        "only": policy.only and canonical(policy.only),
        "mode": text(entry.body, "mode"),
        "window": _window(policy.window),
    }
    return {
        "resources": policy.resources,
        "scopes": policy.scopes,
        "match": canonical(policy.match),
        "ensure": _ensure(policy.ensure),
        "limits": {key: read(own, key) for key, read in _LIMITS.items() if key in own},
        "suspend": policy.suspend,
        "on_blocked": policy.on_blocked.value,
    } | {key: value for key, value in more.items() if value}


def _window(window: Window | None) -> object:
    return None if window is None else [sorted(window.days), window.start, window.end, window.timezone]


def _ensure(ensure: Ensure) -> object:
    match ensure:
        case Absent():
            return "absent"
        case AtMost(count, per, keep):
            return {"at_most": count, "per": sorted(per), "keep": keep.value}
        case _:
            assert_never(ensure)
