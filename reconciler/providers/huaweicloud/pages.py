"""One page of a list, checked: rows with the envelope and the total that the vendor documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.providers.huaweicloud.errors import COMMON, refusal
from reconciler.providers.transport.answers import json_object, malformed
from reconciler.tasks.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import httpx

    from reconciler.providers.records import Row
    from reconciler.providers.transport.answers import Excerpts
    from reconciler.tasks.resource_type import Listing

__all__ = ["Page", "page"]

OK = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as they came. `total` counts all rows that match, not those of the page; `marker` asks for the next.

    `truncated` says that more rows match than there are up to this page.
    """

    rows: Sequence[Row]
    total: int | None
    marker: str = ""
    truncated: bool = False


def page(response: httpx.Response, listing: Listing, excerpts: Excerpts, now: Callable[[], datetime]) -> Page | Fault:
    """The page in an answer, or a fault that says what came instead. A missing envelope is never "no tasks"."""
    if response.status_code != OK:
        return refusal(response, excerpts, now=now)
    body = json_object(response, excerpts, COMMON.get)
    if isinstance(body, Fault):
        return body
    rows = body.get(listing.envelope)
    total = _total(body.get(listing.total))
    if rows is None and listing.envelope in body and total == 0:
        rows = []  # a null list, and the total says as well that there is none
    if not isinstance(rows, list):
        keys = ", ".join(sorted(map(str, body))) or "none"
        return malformed(f"no list {listing.envelope!r}; keys: {excerpts(keys, 120)}", response)
    if not all(isinstance(row, dict) for row in rows):
        return malformed(f"a row of {listing.envelope!r} that is no object", response)
    marker = body.get("next_marker")
    truncated = str(body.get("is_truncated", 0)).lower() in {"1", "true"}
    return Page(rows, total, marker if isinstance(marker, str) else "", truncated)


def _total(found: object) -> int | None:
    if isinstance(found, bool) or not isinstance(found, int | str):
        return None
    text = str(found)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
