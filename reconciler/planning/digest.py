"""Digests: the same work has the same digest, whenever and wherever it was planned."""

from __future__ import annotations

import hashlib
import json

__all__ = ["canonical_json", "sha256"]


def canonical_json(data: object) -> str:
    """JSON with sorted keys and no blanks. Equal to RFC 8785 for what plans hold: no floats, keys in ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(data: object) -> str:
    """`sha256:<hex>` of the canonical JSON of `data`."""
    return "sha256:" + hashlib.sha256(canonical_json(data).encode("utf-8", "surrogatepass")).hexdigest()
