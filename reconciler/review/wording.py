"""What became of a comment, in a sentence and as a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.documents.document import Format
from reconciler.engine.authorship import Place
from reconciler.redaction import bounded
from reconciler.review.publishing import Action
from reconciler.tasks.timestamps import Timestamp, format_timestamp

if TYPE_CHECKING:
    from reconciler.review.decision import Approved
    from reconciler.review.draft import Draft
    from reconciler.review.job import Job
    from reconciler.review.publishing import Published


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


@dataclass(frozen=True, slots=True)
class CommentRecord:
    """What became of a comment, or, of --print-digest, what it approves; the keys of the other are null."""

    outcome: str
    """Always `ok`."""
    platform: Place | None
    repository: str | None
    number: int | None
    """Of the pull or merge request."""
    digest: str
    action: Action | None = None
    """null: what is there was not read."""
    dry_run: bool = False
    comment_id: int | None = None
    url: str | None = None
    other_comment_ids: tuple[int, ...] = ()
    """Older comments of ours on the same targets."""
    body: str | None = None
    """Of a dry run."""
    until: Timestamp | None = None
    """How long the approval is good for."""


COMMENT = Format("reconciler.comment", "2.0", CommentRecord, "What `reconciler comment` did", shown=str)


def document(published: Published | None, draft: Draft, job: Job | None, number: int | None, *, dry_run: bool) -> str:
    """What became of the comment; None: what is there was not read."""
    comment = published.comment if published else None
    return COMMENT.text(
        CommentRecord(
            "ok",
            job.place if job else None,
            job.repository if job else None,
            number,
            draft.marker.digest,
            action=published.action if published else None,
            dry_run=dry_run,
            comment_id=comment.id if comment else None,
            url=(comment.url or None) if comment else None,
            other_comment_ids=tuple(other.id for other in published.others) if published else (),
            body=draft.body if dry_run else None,
        )
    )


def digest_document(approved: Approved, job: Job | None, number: int) -> str:
    """What was approved, and until when."""
    place, repository = (job.place, job.repository) if job else (None, None)
    until = Timestamp(approved.until)
    return COMMENT.text(CommentRecord("ok", place, repository, number, approved.digest, until=until))
