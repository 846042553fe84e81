"""The hidden first line of a comment: whose it is, what it shows and of when. Written and read here only."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.planning.plan import RunOutcome
from reconciler.tasks.timestamps import format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE = re.compile(r"<!-- reconciler:(plan|report) v1 (\{[ -;=?-~]{1,600}\}) -->")  # no < and no >: one comment, whole
_KEY = re.compile(r"[0-9a-f]{12}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{1,128}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
_OUTCOMES = frozenset(RunOutcome)
_MAX_CHANGES = 10**9


class MarkerKind(StrEnum):
    PLAN = "plan"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a comment says of itself.

    `key` names the set of targets: plans and reports of the same targets share one comment. `digest` is the plan's,
    `valid_at` seconds since the epoch (UTC): when the plan was made, or the apply ended. `applyable` is never true of
    a report. `expires_at`, of a plan, is until when it may be applied. `truncated` says that the comment does not show
    everything that the digest covers.
    """

    kind: MarkerKind
    key: str
    digest: str
    outcome: str
    changes: int
    valid_at: int
    applyable: bool = False
    truncated: bool = False
    expires_at: int | None = None

    def render(self) -> str:
        """The line. Nothing in it can end the HTML comment early."""
        facts = {
            "key": self.key,
            "digest": self.digest,
            "outcome": self.outcome,
            "changes": self.changes,
            "applyable": self.applyable,
            "valid_at": format_timestamp(self.valid_at),
            "truncated": self.truncated,
        }
        if self.expires_at is not None:
            facts["expires_at"] = format_timestamp(self.expires_at)
        text = json.dumps(facts, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        for live in "<>&":  # a comment ends with a >, and JSON has these only in strings
            text = text.replace(live, f"\\u{ord(live):04x}")
        return f"<!-- reconciler:{self.kind} v1 {text} -->"


def key_of(targets: Iterable[str]) -> str:
    """The key of a set of targets, whatever their order."""
    names = "\n".join(sorted(set(targets)))
    return hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def parse(first_line: str) -> Marker | None:
    """What the first line of a comment says, or None: anybody can write a comment, so nothing but our own form counts.

    Facts that a later version adds are passed over.
    """
    found = _LINE.fullmatch(first_line)
    if found is None:
        return None
    try:
        facts = json.loads(found[2], object_pairs_hook=_unique)
        return _marker_of(MarkerKind(found[1]), facts)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    facts = dict(pairs)
    if len(facts) != len(pairs):
        raise ValueError("a fact stands twice")
    return facts


def _marker_of(kind: MarkerKind, facts: dict[str, Any]) -> Marker:
    """Raises ValueError, KeyError or TypeError for facts that we do not write."""
    changes, applyable, truncated = facts["changes"], facts["applyable"], facts["truncated"]
    if type(changes) is not int or not 0 <= changes <= _MAX_CHANGES:
        raise ValueError("no count of changes")
    if type(applyable) is not bool or type(truncated) is not bool or facts["outcome"] not in _OUTCOMES:
        raise ValueError("no outcome")
    if applyable and (kind is MarkerKind.REPORT or not changes):
        raise ValueError("nothing to apply")
    _matching(_TIME, facts["valid_at"])
    return Marker(
        kind,
        key=_matching(_KEY, facts["key"]),
        digest=_matching(_DIGEST, facts["digest"]),
        outcome=facts["outcome"],
        changes=changes,
        valid_at=parse_timestamp(facts["valid_at"]),
        applyable=applyable,
        truncated=truncated,
        expires_at=parse_timestamp(_matching(_TIME, facts["expires_at"])) if "expires_at" in facts else None,
    )


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError("not of our form")
    return text
