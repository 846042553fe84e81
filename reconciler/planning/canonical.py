"""Canonical JSON, and what is said of it: sorted keys and no blanks.

Equal to RFC 8785 for what plans hold: no floats, keys in ASCII.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCH = 256
"""Items of a long list that stand as JSON at one time."""


def _unknown(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


_PLAIN, _CANONICAL = (msgspec.json.Encoder(enc_hook=_unknown, order=order) for order in (None, "deterministic"))


def canonical_json(data: object) -> bytes:
    """JSON with sorted keys and no blanks."""
    return json_bytes(data, in_order=True)


def json_bytes(data: object, *, in_order: bool = False) -> bytes:
    """JSON without blanks."""
    try:
        return (_CANONICAL if in_order else _PLAIN).encode(data)
    except (UnicodeEncodeError, OverflowError, TypeError):  # half a character, say, which Python writes nevertheless
        text = json.dumps(data, sort_keys=in_order, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "surrogatepass")


def batches(value: object) -> Iterator[list[object]] | None:
    """A long list in parts; None for anything else."""
    if not isinstance(value, (tuple, list)) or len(value) <= BATCH:
        return None
    items = iter(value)
    return iter(lambda: list(islice(items, BATCH)), [])


def sha256(record: Mapping[str, object], canonical: Callable[[object], bytes] = canonical_json) -> str:
    """`sha256:<hex>` of the canonical JSON of `record`, of which no long list ever stands as a whole."""
    digest = hashlib.sha256(b"{")
    between = b""
    for key in sorted(record):
        digest.update(between + canonical(key) + b":")
        parts = batches(record[key])
        if parts is None:
            digest.update(canonical(record[key]))
        else:
            opening = b"["
            for part in parts:
                digest.update(opening)
                digest.update(canonical(part)[1:-1])
                opening = b","
            digest.update(b"]")
        between = b","
    digest.update(b"}")
    return f"sha256:{digest.hexdigest()}"
