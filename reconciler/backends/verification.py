"""Holding the history against its chain (`reconciler.backends.chain`): what is not as it was when a run ended."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from reconciler.backends.chain import (
    AT_ONCE,
    FORMS,
    MARK,
    Digests,
    Settled,
    encode,
    link_hash,
    rows_of,
    settled_by,
    text_of,
)
from reconciler.backends.schema import actions, links, outcomes, runs
from reconciler.redaction import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Row, Table

    from reconciler.backends.backend import Backend

_DIGITS = 2 * MARK
_TOLD = 100
"""Findings that are told one by one."""


@dataclass(frozen=True, slots=True)
class Finding(Shown):
    """Something that is not as it was when the run ended."""

    run_id: str | None
    """null: it is of no run that is known."""
    row: str
    """The row, by table and key, or the link of the chain."""
    what: str


@dataclass(frozen=True, slots=True)
class Verdict(Shown):
    """What a verification of the history found."""

    verified: bool
    head: str
    """`sha256:<hex>`: the hash of the last link, which covers all before it."""
    links: int
    covered: int
    """Runs that are as they were when they ended, or are among the findings."""
    pruned: int
    """Runs that were pruned; their links remain."""
    unfinished: int
    """Runs that have not ended, or were killed: not covered."""
    before: int
    """Runs of before the chain began: not covered."""
    since_head: int | None
    """Links since the head that was given; null: none was given, or it is not in the chain."""
    findings: tuple[Finding, ...]
    """What is not as it was, the first hundred."""
    more: int
    """Findings beyond these."""


def _name(table: Table, row: Sequence[object]) -> str:
    if table is actions:
        return f"actions, sequence {row[1]}: {row[5]} of {row[2]}/{row[3]}/{row[4]}"
    return f"outcomes: {row[1]}/{row[2]}/{row[3]}" if table is outcomes else "runs"


@dataclass(slots=True)
class _Findings:
    """The first of them, and how many others there are."""

    told: list[Finding] = field(default_factory=list)
    more: int = 0

    @property
    def count(self) -> int:
        return len(self.told) + self.more

    def add(self, run_id: str | None, row: str, what: str) -> None:
        if len(self.told) < _TOLD:
            self.told.append(Finding(run_id, row, what))
        else:
            self.more += 1


class _Pruned(msgspec.Struct):
    """What a link says of runs that it does not cover, or that were pruned."""

    pruned: list[tuple[int, int]] = []
    before: int = 0
    unfinished: int = 0


def verify(backend: Backend, head: str = "") -> Verdict:
    """Hold the history against its chain. `head` is the hash of an earlier verification: it must be in the chain.

    All of it is read, as it is at one moment, and few rows are held at a time. Raises BackendError.
    """
    with backend.moment() as connection:
        return verdict(connection, head)


def verdict(connection: Connection, head: str = "") -> Verdict:
    """As `verify`, of what the transaction of `connection` sees."""
    return _Verification(connection, head).verdict()


def nothing_there(head: str) -> Verdict:
    """What is found where there is no history."""
    findings = (Finding(None, "links", "there is no history, and the head that was given is of one"),) if head else ()
    return Verdict(not findings, "", 0, 0, 0, 0, 0, None, findings, 0)


class _Verification:
    def __init__(self, connection: Connection, head: str) -> None:
        self._connection = connection
        self._wanted = head.removeprefix("sha256:")
        self._since_head: int | None = None
        self._findings = _Findings()
        self._pruned: list[tuple[int, int]] = []
        self._before = 0
        """Runs that should be there uncovered."""
        self._covered = self._gone = self._links = 0
        self._head = ""

    def verdict(self) -> Verdict:
        self._read_what_was_pruned()
        joined = select(links, runs.c.run_id.label("there")).join(runs, links.c.run_id == runs.c.run_id, isouter=True)
        every = joined.order_by(links.c.number).execution_options(yield_per=AT_ONCE)
        for link in self._connection.execute(every):
            self._check_link(link)
        unfinished, before = self._check_uncovered()
        if self._wanted and self._since_head is None:
            self._findings.add(None, "links", "the head that was given is not in it: the history was rewritten since")
        return Verdict(
            verified=not self._findings.told,
            head=f"sha256:{self._head}",
            links=self._links,
            covered=self._covered,
            pruned=self._gone,
            unfinished=unfinished,
            before=before,
            since_head=self._since_head,
            findings=tuple(self._findings.told),
            more=self._findings.more,
        )

    def _read_what_was_pruned(self) -> None:
        for link in self._connection.execute(select(links).where(links.c.run_id.is_(None)).order_by(links.c.number)):
            try:
                said = msgspec.json.decode(link.content, type=_Pruned)
            except (ValueError, TypeError, RecursionError):
                self._findings.add(None, f"links, number {link.number}", "it does not say what such a link says")
                continue
            self._pruned += said.pruned
            self._before += said.before if link.number == 0 else -said.before
        self._pruned.sort()

    def _check_link(self, link: Row[Any]) -> None:
        number = _number(link.number)
        name = f"links, number {link.number}"
        if number != self._links:
            self._findings.add(None, f"links, number {self._links}", "it is missing")
        elif link.hash != link_hash(link.form, link.number, self._head, link.run_id, link.content, link.made_at):
            self._findings.add(link.run_id, name, "it is not as it was made")
        self._links, self._head = number + 1, str(link.hash)
        if self._since_head is not None:
            self._since_head += 1
        elif self._wanted and self._head == self._wanted:
            self._since_head = 0
        if link.form not in FORMS:
            self._findings.add(link.run_id, name, f"it is of form {link.form}, which this version does not know")
        elif link.run_id is not None:
            before = bisect_right(self._pruned, number, key=itemgetter(0))
            pruned = before > 0 and number <= self._pruned[before - 1][1]
            if link.there is None and pruned:
                self._gone += 1
            elif link.there is None or pruned:
                what = "the run was pruned, and is there again" if pruned else "the run is missing"
                self._findings.add(link.run_id, "runs", what)
            else:
                self._covered += 1
                self._check_run(link, name)

    def _check_run(self, link: Row[Any], name: str) -> None:
        """Hold the rows of a run against its link."""
        known = self._findings.count
        digest, marks, calls = hashlib.sha256(), str(link.marks or ""), _number(link.calls)
        ends = (0, 1, 1 + calls, len(marks) // _DIGITS)
        of_run = rows_of(self._connection, link.run_id, link.form, few=ends[-1] < AT_ONCE)
        counts = []
        for start, end, (table, rows) in zip(ends, ends[1:], of_run, strict=False):
            of_table = marks[_DIGITS * start : _DIGITS * end]
            counts.append(self._compare(link.run_id, table, of_table, rows, digest.update))
        digest.update(encode(self._check_settled(link)))
        if digest.hexdigest() == link.content:
            if self._findings.count > known or calls != counts[1] or len(marks) % _DIGITS:
                self._findings.add(link.run_id, name, "what it keeps to name rows is not as it was made; the rows are")
        elif self._findings.count == known:
            self._findings.add(link.run_id, name, "the rows of the run are not what it says")

    def _compare(self, run_id: str, table: Table, marks: str, rows: Digests, take: Callable[[bytes], object]) -> int:
        """Find the first row that is not as it was, and count them. Its neighbours follow, where one came or went."""
        count, odd, last = 0, "", None
        for row, one in rows:
            if not odd and one[:MARK].hex() != marks[count * _DIGITS : (count + 1) * _DIGITS]:
                odd = _name(table, row)
            take(one)
            count, last = count + 1, row
        there = len(marks) // _DIGITS
        if count > there:
            self._findings.add(run_id, odd, "a row was added: this one, or one before it")
        elif count < there:
            where = f"before {odd}" if odd else f"after {_name(table, last)}" if last is not None else table.name
            self._findings.add(run_id, where, f"{there - count} of {there} rows of its table are missing")
        elif odd:
            self._findings.add(run_id, odd, "the row is not as it was when the run ended")
        return count

    def _check_settled(self, link: Row[Any]) -> list[Settled]:
        """What the link says of calls of earlier runs that the run settled, each held against its row."""
        if link.settled is None:
            return []
        try:
            listed = msgspec.json.decode(link.settled, type=list[Settled])
        except (ValueError, TypeError, RecursionError):
            self._findings.add(link.run_id, f"links, number {link.number}", "it does not say what such a link says")
            return []
        if text_of(listed) != link.settled:
            self._findings.add(link.run_id, f"links, number {link.number}", "it is not as it was made")
        found = {one.sequence: one for one in settled_by(self._connection, link.run_id)}
        for one in listed:
            there = found.pop(one.sequence, None)
            if there != one and (there is not None or self._exists(one.run_id)):
                self._findings.add(
                    one.run_id, f"actions, sequence {one.sequence}", f"it is not as run {link.run_id} settled it"
                )
        for one in found.values():
            what = f"run {link.run_id} did not settle it, as it says"
            self._findings.add(one.run_id, f"actions, sequence {one.sequence}", what)
        return listed

    def _exists(self, run_id: str) -> bool:
        return self._connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id)).first() is not None

    def _check_uncovered(self) -> tuple[int, int]:
        """Count the runs without a link: those that did not end, and those of before the chain began."""
        unlinked = (
            select(runs).join(links, links.c.run_id == runs.c.run_id, isouter=True).where(links.c.number.is_(None))
        )
        unfinished = before = 0
        for run in self._connection.execute(unlinked.execution_options(yield_per=AT_ONCE)):
            if run.author is None:
                before += 1
            elif run.finished_at is None and run.outcome is None:
                unfinished += 1
            else:
                what = "it has ended, and no link covers it: it was added, or an earlier version of reconciler wrote it"
                self._findings.add(run.run_id, "runs", what)
        if before != self._before:
            what = f"there are {before} runs of before the chain began, and there should be {self._before}"
            self._findings.add(None, "runs", what)
        for table in (actions, outcomes):
            orphans = select(table.c.run_id).join(runs, table.c.run_id == runs.c.run_id, isouter=True)
            orphan = self._connection.execute(orphans.where(runs.c.run_id.is_(None)).limit(1)).first()
            if orphan is not None:
                self._findings.add(orphan.run_id, table.name, "rows of a run that is not there")
        return unfinished, before


def _number(value: object) -> int:
    """SQLite takes any value anywhere."""
    return value if isinstance(value, int) else -1
