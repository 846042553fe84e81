"""Digests: the same work has the same digest, whenever and wherever it was planned."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.planning.plan import Change, Overrides

__all__ = ["canonical_json", "plan_digest", "sha256"]


def canonical_json(data: object) -> str:
    """JSON with sorted keys and no blanks. Equal to RFC 8785 for what plans hold: no floats, keys in ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(data: object) -> str:
    """`sha256:<hex>` of the canonical JSON of `data`."""
    return "sha256:" + hashlib.sha256(canonical_json(data).encode("utf-8", "surrogatepass")).hexdigest()


def plan_digest(fingerprint: str, changes: Iterable[Change], overrides: Overrides) -> str:
    """Digest of what a plan would do: targets and policies (their fingerprint), each task with its steps and the
    status it was seen in, and the guards that were overridden. Times and reasons are left out."""
    return sha256(
        {
            "configuration": fingerprint,
            "overrides": {"max_actions": overrides.max_actions, "max_percent": overrides.max_percent},
            "changes": sorted([*change.key, ",".join(change.steps), change.status] for change in changes),
        }
    )
