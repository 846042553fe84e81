"""What became of a comment, in a sentence and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.documents.strict_json import dump
from reconciler.redaction import bounded
from reconciler.review.publishing import Action
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from reconciler.review.approval import Approved
    from reconciler.review.draft import Draft
    from reconciler.review.job import Job
    from reconciler.review.publishing import Published

__all__ = ["cautions", "digest_document", "document", "sentence"]


def sentence(published: Published, name: str, *, would: bool = False) -> str:
    """One line. `would`: nothing was written, since it is a dry run."""
    match published.action:
        case Action.CREATED:
            said = f"{'Would create' if would else 'Created'} the comment on {name}"
        case Action.UPDATED:
            said = f"{'Would update' if would else 'Updated'} the comment on {name}"
        case Action.UNCHANGED:
            said = f"The comment on {name} says so already"
        case Action.SUPERSEDED:
            said = f"Left the comment on {name} alone: a later run wrote it{_when(published)}"
        case Action.NONE:
            return f"No changes, and no comment on {name} to say so in: {'would write' if would else 'wrote'} none."
    url = published.comment.url if published.comment else ""
    return f"{said}: {url}" if url and published.action is not Action.SUPERSEDED else f"{said}."


def _when(published: Published) -> str:
    marker = published.comment.marker if published.comment else None
    return f" ({format_timestamp(marker.valid_at)})" if marker else ""


def cautions(published: Published) -> list[str]:
    """What somebody should see to, though the comment itself is in order."""
    found = []
    if published.others:
        numbers = ", ".join(str(other.id) for other in published.others)
        found.append(f"there are older comments of ours on the same targets: {numbers}. Delete them; they stay as is.")
    if published.stranger:
        name = bounded(published.stranger, 80)
        found.append(f"the comment was written as {name}: pass --author '{name}', so that the next run finds it")
    return found


def document(published: Published | None, draft: Draft, job: Job | None, number: int | None, *, dry_run: bool) -> str:
    """`action` is null where what is there was not read. The text is in it on a dry run only."""
    comment = published.comment if published else None
    return dump(
        {
            "format": "reconciler.comment",
            "format_version": "1.0",
            "outcome": "ok",
            "action": published.action.value if published else None,
            "dry_run": dry_run,
            "platform": job.place.value if job else None,
            "repository": job.repository if job else None,
            "number": number,
            "comment_id": comment.id if comment else None,
            "url": (comment.url or None) if comment else None,
            "other_comment_ids": [other.id for other in published.others] if published else [],
            "digest": draft.marker.digest,
            **({"body": draft.body} if dry_run else {}),
        }
    )


def digest_document(approved: Approved, job: Job | None, number: int) -> str:
    return dump(
        {
            "format": "reconciler.comment",
            "format_version": "1.0",
            "outcome": "ok",
            "platform": job.place.value if job else None,
            "repository": job.repository if job else None,
            "number": number,
            "digest": approved.digest,
            "until": format_timestamp(approved.until),
        }
    )
