"""A notification in words. Nothing in them has a meaning in a chat, whatever clouds and files say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.backends.notices import Matter
from reconciler.config.model import Event
from reconciler.config.receivers import BRACES
from reconciler.notifications.message import MOST, Notification, Problem, Recovery, Work
from reconciler.redaction import bounded
from reconciler.reports.cells import counted
from reconciler.reports.wording import KINDS, steps_words
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.notifications.judging import Found, News, Run

_LINES: Final = 20
"""Entries of one kind in a text."""
_LONGEST: Final = 400
"""Characters of one of them."""

_HARMLESS: Final = str.maketrans("@<>[]`*~|#", "＠‹›()'∗∼¦＃")  # noqa: RUF001 - they look alike and mean nothing
"""Mentions, links and marks of Markdown, HTML and chats. What begins a line is always a word of ours, so that no cell
of a table takes it for a formula."""

_MATTERS: Final[Mapping[Matter, str]] = {
    Matter.WORK: "changes",
    Matter.LISTING: "observed whole again",
    Matter.LOCK: "locked no more",
    Matter.CHANGE: "changes fail no more",
    Matter.BLOCKED: "no blocked tasks",
    Matter.GUARD: "within its limits",
    Matter.APPROVAL: "approved",
    Matter.MATCHES: "within notify_above",
    Matter.CONFIGURATION: "the configuration is valid",
    Matter.DATABASE: "the database answers",
    Matter.RUN: "runs end well",
}
"""What is told of a recovery."""


def notification(
    run: Run, what: Found, told: News, receiver: str, template: str, *, message_id: str, time: int
) -> Notification:
    """What a receiver is sent. `time` in seconds since the epoch (UTC)."""
    work = [
        Work(target, resource, policy, tuple(map(Action, steps)), count, what.made)
        for (target, resource, policy, steps), count in sorted(what.work.items())
        if told.work
    ]
    problems = [
        Problem(subject.event, subject.matter, words, new, *_place(subject.target, subject.resource, subject.policy))
        for subject, words, new in told.problems
    ]
    recovered = [
        Recovery(
            subject.event,
            subject.matter,
            Timestamp(was.told_at // 1000),
            *_place(subject.target, subject.resource, subject.policy),
        )
        for subject, was in sorted(told.recovered.items())
    ]
    title = f"reconciler {run.command}: {', '.join(told.events)}"
    texts = {
        "title": title,
        "events": ", ".join(told.events),
        "outcome": run.outcome,
        "command": run.command,
        "targets": _listed(run.targets),
        "run_id": run.report.run_id if run.report else "",
        "time": str(Timestamp(time)),
        "changes": _lines(map(_work_line, work)),
        "problems": _lines(map(_problem_line, problems)),
        "recovered": _lines(map(_recovery_line, recovered)),
    }
    texts["text"] = _whole(texts, len(run.targets))
    return Notification(
        id=message_id,
        time=Timestamp(time),
        receiver=receiver,
        command=run.command,
        outcome=run.outcome,
        run_id=run.report.run_id if run.report else None,
        events=told.events,
        title=_harmless(title),
        lines=tuple(_filled(template or "{text}", texts).split("\n")),
        targets=run.targets[:MOST],
        changes=tuple(work[:MOST]),
        problems=tuple(problems[:MOST]),
        recovered=tuple(recovered[:MOST]),
        omitted=sum(max(0, len(some) - MOST) for some in (run.targets, work, problems, recovered)),
    )


def _place(*names: str) -> tuple[str | None, ...]:
    return tuple(name or None for name in names)


def _whole(texts: Mapping[str, str], targets: int) -> str:
    head = f"{texts['title']} ({counted(targets, 'target')}: {texts['targets']})" if targets else texts["title"]
    return "\n".join(filter(None, (head, texts["changes"], texts["problems"], texts["recovered"])))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_LINES]) + (f" and {len(names) - _LINES} more" if len(names) > _LINES else "")


def _lines(entries: Iterable[str]) -> str:
    lines = [bounded(" ".join(line.split()), _LONGEST) for line in entries]
    rest = [f"and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
    return "\n".join([*lines[:_LINES], *rest])


def _work_line(work: Work) -> str:
    words = KINDS.get(work.steps) or steps_words(work.steps)
    what = f"{words} {work.count} of {work.resource} on {work.target} (policy {work.policy})"
    return f"{Event.CHANGES}: {what}" if work.made else f"{Event.CHANGES}: would {what}"


def _problem_line(problem: Problem) -> str:
    return f"{problem.event}{'' if problem.new else ' still'}: {_about(problem)}{problem.message}"


def _recovery_line(recovery: Recovery) -> str:
    about = _about(recovery)
    return f"{Event.RECOVERED}: {about}{_MATTERS[recovery.matter]} (told of at {recovery.told_at})"


def _about(what: Problem | Recovery) -> str:
    names = [f"policy {what.policy}" if what.policy else "", what.target or "", what.resource or ""]
    about = " ".join(filter(None, names))
    return f"{about}: " if about else ""


def _harmless(text: str) -> str:
    return text.translate(_HARMLESS).replace("://", ":∕∕")  # noqa: RUF001 - no chat makes a link of it


def _filled(template: str, texts: Mapping[str, str]) -> str:
    """The template with what it names filled in: once, so that no value is taken for a part of the template."""

    def part(match: re.Match[str]) -> str:
        if match["literal"]:
            return match["literal"][0]
        return _harmless(texts.get(match["name"] or "", ""))

    return BRACES.sub(part, template)
