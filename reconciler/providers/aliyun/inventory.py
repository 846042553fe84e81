"""Finding jobs without a list call: the user's job ids and source URLs, told apart by their form and looked up ten at a
time."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from reconciler.provider import (
    Fault,
    Inventory,
    InventoryList,
    Meaning,
    Task,
    masked,
    presentable,
)
from reconciler.providers.aliyun.url_upload import URL_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

DECODINGS = 3
"""A URL is encoded twice on its way to the vendor; nobody encodes it more often."""

ENTRIES = 10
"""Ids or URLs in one call at most (GetURLUploadInfos, CancelUrlUploadJobs)."""

RECORDS = 100
"""Records in one answer at most; there is no paging, so that an answer of this size may lack some."""

LENGTH = 4_000
"""Characters of the encoded value in one call; the gateway's own limit is not published."""

_JOB_ID = re.compile(r"[0-9a-f]{32}")
"""As the vendor writes its own."""

IDS, URLS = "JobIds", "UploadURLs"
JOB_IDS, UPLOAD_URLS = "job_ids", "upload_urls"

_LONGEST_URL = 8192
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"<>]+")

_RANK = {name: rank for rank, name in enumerate(URL_UPLOAD.statuses)}


@dataclass(frozen=True, slots=True)
class Question:
    """Job ids or source URLs, ten at most, and the parameter that they go into."""

    parameter: str
    entries: tuple[str, ...]

    def is_about(self, task: Task) -> bool:
        """Whether a task answers this question. One that does not show its URL may."""
        shown = task.id if self.parameter == URL_UPLOAD.listing.ids_parameter else task.values.get("upload_url")
        return shown is None or entry_key(str(shown)) in {entry_key(entry) for entry in self.entries}


@dataclass(frozen=True, slots=True)
class Infos:
    """One answer: the jobs asked for, the entries that the cloud does not know, those of which it says nothing, and
    how many records it had in all, `foreign` jobs of which nobody asked for. `contradicted` are records of jobs that
    differ."""

    tasks: Sequence[Task]
    missing: frozenset[str]
    unanswered: frozenset[str]
    count: int
    foreign: int = 0
    contradicted: Sequence[Task] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """The jobs of an inventory; `fault` says why there may be others. `unfound` are entries that the cloud does not
    know (it forgets a job after a year)."""

    tasks: tuple[Task, ...]
    fault: Fault | None
    unfound: tuple[str, ...] = ()


def _list_of(entry: str) -> str:
    if not entry.isprintable() or any(character.isspace() for character in entry):
        raise ValueError("an entry must not contain spaces or control characters")
    if "://" not in entry:
        if not URL_UPLOAD.has_id(entry):
            raise ValueError("a job id is up to 256 letters, digits, `-` and `_`")
        return JOB_IDS
    if not _URL.fullmatch(entry):
        raise ValueError("not a URL: it begins with a scheme such as https://, and holds no quotes or angle brackets")
    if len(entry) > _LONGEST_URL:
        raise ValueError(f"a URL of more than {_LONGEST_URL} characters")
    return UPLOAD_URLS


def _entries_of(line: str, key: str) -> Iterator[str]:
    """The line, or of each job in a saved answer of UploadMediaByURL what the key asks for, else the other."""
    if not line.startswith("{"):
        yield line
        return
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not a JSON object on one line") from None
    jobs = answer.get("UploadJobs", answer)
    if isinstance(jobs, dict):
        jobs = jobs.get("UploadJob")
    if not isinstance(jobs, list):
        raise ValueError("no answer of UploadMediaByURL: it has no list `UploadJobs`")
    names = ("JobId", "SourceURL") if key == JOB_IDS else ("SourceURL", "JobId")
    for job in jobs:
        named = [job.get(name) for name in names] if isinstance(job, dict) else []
        entry = next((text for text in named if isinstance(text, str) and text), None)
        if entry is None:
            raise ValueError("a job of this answer has neither `JobId` nor `SourceURL`")
        yield entry


INVENTORY = Inventory(
    lists={
        UPLOAD_URLS: InventoryList("source URL", "https://media.example.com/a.mp4", "inventory/source-urls.txt"),
        JOB_IDS: InventoryList("job id", "341c92e6c18dc435ee31253685f9c0a1", "inventory/job-ids.txt"),
    },
    list_of=_list_of,
    entries_of=_entries_of,
)


def entry_key(text: str) -> str:
    """What two spellings of one id or URL have in common: the fully decoded text."""
    key = text.strip()
    for _ in range(DECODINGS):
        decoded = unquote(key)
        if decoded == key:
            break
        key = decoded
    return key


def questions(parameter: str, entries: Iterable[str]) -> Iterator[Question]:
    """Entries in groups that fit into one call, in their order."""
    group: list[str] = []
    length = 0
    for entry in entries:
        size = len(quote(_encoded(parameter, entry), safe="~")) + len("%2C")
        if group and (len(group) == ENTRIES or length + size > LENGTH):
            yield Question(parameter, tuple(group))
            group, length = [], 0
        group.append(entry)
        length += size
    if group:
        yield Question(parameter, tuple(group))


def value_of(question: Question) -> str:
    """The value of the parameter that a question goes into."""
    return ",".join(_encoded(question.parameter, entry) for entry in question.entries)


def _encoded(parameter: str, entry: str) -> str:
    """URLs are encoded one by one before they are joined, and the value once more on the wire (vendor's rule)."""
    return quote(entry, safe="") if parameter == URLS else entry


def cut_off(infos: Infos, question: Question) -> bool:
    """Whether an answer may lack records of one entry for those of another: each is to be asked alone."""
    return infos.count >= RECORDS and len(question.entries) > 1


def united(decisive: Sequence[Infos], all_answers: Sequence[Infos]) -> Resolved:
    """Each job once, however it was found. A job only moves on, so the sighting that is further along is newer; of a
    job whose records contradict each other these are the tasks."""
    tasks: dict[str, Task] = {}
    odd = [task for infos in all_answers for task in infos.contradicted]
    doubted = {task.id for task in odd}
    for task in (task for infos in (*all_answers, *decisive) for task in infos.tasks if task.id not in doubted):
        known = tasks.get(task.id)
        if known is None or _rank(task) > _rank(known):
            tasks[task.id] = task
    missing = {entry for infos in decisive for entry in infos.missing} - tasks.keys()
    return Resolved((*tasks.values(), *odd), _doubt(decisive), tuple(sorted(missing)))


def named(entry: str, hidden: Mapping[str, str]) -> str:
    """A URL or a job id as a reader may see it, without what is `hidden` (and shown how); the start of what may be a
    token in the wrong file."""
    shown = masked(entry, hidden)
    return shown if shown != entry or _JOB_ID.fullmatch(entry) or "://" in entry else f"{entry[:6]}..."


def _rank(task: Task) -> int:
    """Place in the lifecycle; a status that no table has comes last, since nothing may be done to it."""
    return _RANK.get(str(task.values.get("provider_status")), len(_RANK))


def _doubt(answers: Sequence[Infos]) -> Fault | None:
    """Why the inventory may have jobs that were not seen, if so."""
    capped = sum(infos.count >= RECORDS for infos in answers)
    if capped:
        return Fault(
            Meaning.PERMANENT,
            f"{capped} source URLs have {RECORDS} jobs or more, of which the API shows no others; name them by job id",
        )
    foreign = sum(infos.foreign for infos in answers)
    if foreign:
        return Fault(Meaning.MALFORMED, f"unexpected answer: {foreign} jobs that were not asked for")
    unanswered = sorted(entry for infos in answers for entry in infos.unanswered)
    if unanswered:
        return Fault(
            Meaning.MALFORMED,
            f"unexpected answer: {len(unanswered)} inventory entries are neither listed nor said not to exist, "
            f"the first is {presentable(unanswered[0])[:200]}",
        )
    return None
