"""Bringing the comment to what it should say: look, decide, write, and look again until there is nothing to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from reconciler.review.decision import Create, Nothing, Reason, Update, Withdraw, decide
from reconciler.review.failures import ReviewError, Unsettled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.review.draft import Draft
    from reconciler.review.failures import Patience
    from reconciler.review.platform import Comment, Platform

_ROUNDS = 12
"""Looks at the comments. Two suffice where nothing happens meanwhile."""

_ONE_AT_A_TIME = "let one run at a time comment: a concurrency group on GitHub, a resource group on GitLab"


class Action(StrEnum):
    """What became of the comment."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    NONE = "none"


_LEFT = {Reason.SAME: Action.UNCHANGED, Reason.NEWER: Action.SUPERSEDED, Reason.QUIET: Action.NONE}


@dataclass(frozen=True, slots=True)
class Published:
    """`others` are further comments of ours on the same targets. `stranger` is the author that the platform names
    where it is not the one that was expected, so that the next run would not know the comment for ours."""

    action: Action
    comment: Comment | None = None
    others: tuple[Comment, ...] = ()
    stranger: str = ""


def intended(comments: Sequence[Comment], draft: Draft, author: str, patience: Patience) -> Published:
    """What `publish` would do, as if it had been done."""
    match decide(comments, draft, {author.casefold()}, now=patience.now().timestamp()):
        case Create():
            return Published(Action.CREATED)
        case Update(comment) | Withdraw(comment):
            return Published(Action.UPDATED, comment)
        case Nothing(reason, comment, others):
            return Published(_LEFT[reason], comment, others)
        case never:
            assert_never(never)


def publish(platform: Platform, number: int, draft: Draft, author: str, patience: Patience) -> Published:
    """Make the comment of a request say what `draft` does, unless a later run has spoken. Returns what was done.

    A write is never repeated blindly: after one that went wrong, or got lost, the comments are read again, so that
    there are no two of them where the first one had its effect after all. Raises ReviewError.
    """
    attempt = _Attempt(platform, number, draft, {author.casefold()}, patience.now().timestamp())
    rested = False
    for turn in range(_ROUNDS):
        decision = attempt.look()
        if isinstance(decision, Nothing):
            return attempt.result(decision)
        try:
            if isinstance(decision, Update) and decision.comment.id in attempt.updated and not rested:
                # Another run wrote meanwhile, or the list lags behind: it may look otherwise in a moment.
                rested = True
                raise Unsettled(_restless(platform.place(number)), _ONE_AT_A_TIME)
            rested = False
            attempt.carry_out(decision)
        except Unsettled as failure:
            patience.wait(failure, turn)
    raise ReviewError(_restless(platform.place(number)), _ONE_AT_A_TIME)


def _restless(place: str) -> str:
    return f"the comment on {place} does not come to rest: others keep writing it"


@dataclass(slots=True)
class _Attempt:
    """What one run has seen and done so far."""

    platform: Platform
    number: int
    draft: Draft
    me: set[str]
    now: float
    stranger: str = ""
    done: Action | None = None
    tried: Action | None = None
    """What was last sent. It was done after all if the comment is then found to say what it should."""
    created: dict[int, Comment] = field(default_factory=dict)
    updated: set[int] = field(default_factory=set)
    withdrawn: set[int] = field(default_factory=set)
    lost: bool = False
    """Whether a comment was sent whose answer did not come."""

    def look(self) -> Create | Update | Withdraw | Nothing:
        """Read the comments, and decide. A list may lag behind what this run has just written."""
        listed = [entry for entry in self.platform.comments(self.number) if entry.id not in self.withdrawn]
        if self.lost:
            self._recognise(listed)
        seen = {entry.id for entry in listed}
        late = [entry for entry in self.created.values() if entry.id not in seen | self.withdrawn]
        return decide([*listed, *late], self.draft, self.me, self.created.keys(), now=self.now)

    def _recognise(self, listed: Sequence[Comment]) -> None:
        """Nothing of ours was there before, so that what has our name and just our text now is what was sent."""
        for entry in listed:
            if entry.author.casefold() in self.me and entry.shows(self.draft.body):
                self.created.setdefault(entry.id, entry)

    def carry_out(self, decision: Create | Update | Withdraw) -> None:
        match decision:
            case Create():
                self._create()
            case Update(comment):
                self.tried = Action.UPDATED
                self._checked(self.platform.update(self.number, comment, self.draft.body))
                self.updated.add(comment.id)
                self.done = self.done or Action.UPDATED
            case Withdraw(comment):
                self.platform.delete(self.number, comment)
                self.withdrawn.add(comment.id)
                self.done = Action.UPDATED
            case never:
                assert_never(never)

    def _create(self) -> None:
        self.tried = Action.CREATED
        try:
            comment = self._checked(self.platform.create(self.number, self.draft.body))
        except Unsettled as failure:
            self.lost = self.lost or failure.sent
            raise
        self.created[comment.id] = comment
        self.done = Action.CREATED
        if comment.author and comment.author.casefold() not in self.me:
            self.stranger = comment.author
            self.me.add(comment.author.casefold())  # what it wrote in earlier runs is ours as well

    def _checked(self, comment: Comment) -> Comment:
        if not comment.shows(self.draft.body):
            raise ReviewError(
                f"the comment on {self.platform.place(self.number)} was accepted, but the platform holds another text",
                "look at it before you trust it",
            )
        return comment

    def result(self, decision: Nothing) -> Published:
        found_done = self.tried if decision.reason is Reason.SAME else None
        action = self.done or found_done or _LEFT[decision.reason]
        return Published(action, decision.comment, decision.others, self.stranger)
