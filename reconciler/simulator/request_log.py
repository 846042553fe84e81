"""What was asked of the simulator: the evidence that tests look at."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import RLock

KEPT = 50_000
"""The latest requests, and as many anomalies, that are kept whole; the counters are of all of them."""

# Never kept: whoever reads the log must not be able to sign or to log in.
SECRET_HEADERS = frozenset(
    {"authorization", "cookie", "x-auth-token", *(f"x-{of}security-token" for of in ("", "acs-", "amz-"))}
)
SECRET_PARAMETERS = frozenset({"Signature", "SecurityToken", "WebIdentityToken"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request and what became of it. They are numbered from 1 on.

    `operation` is `<resource type>.<verb>` for Huawei Cloud, the action for Aliyun, empty for unknown paths. `owner` is
    the project or account that it is about, as the request says.
    `destructive` says that the request asked for a cancellation or a deletion, `changed` which tasks it took.
    `status` is the HTTP status answered, 0 where the connection was closed without an answer.
    """

    number: int = 0
    vendor: str
    operation: str
    owner: str
    method: str
    path: str
    action: str
    raw_query: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    status: int
    destructive: bool
    changed: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    body: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that the real cloud would let pass and that a good client does not do."""

    request: int
    vendor: str
    operation: str
    owner: str
    what: str


class RequestLog:
    """The requests since the start or the last `clear`, in the order in which they were handled: the latest `kept` of
    them whole, the others in the counters alone."""

    def __init__(self, lock: RLock, kept: int = KEPT) -> None:
        self._lock = lock
        self._records: deque[RequestRecord] = deque(maxlen=kept)
        self._anomalies: deque[Anomaly] = deque(maxlen=kept)
        self._counters: Counter[tuple[str, str, str]] = Counter()
        self._last_number = 0

    def add(self, record: RequestRecord, oddities: Iterable[str]) -> None:
        """Note a request that was handled, under the next number, and what was odd about it."""
        with self._lock:
            self._last_number += 1
            about = (record.vendor, record.operation, record.owner)
            self._records.append(replace(record, number=self._last_number))
            self._anomalies += (Anomaly(self._last_number, *about, odd) for odd in oddities)
            self._counters[about] += 1

    def clear(self) -> None:
        """Forget everything, numbers excepted."""
        with self._lock:
            self._records.clear()
            self._anomalies.clear()
            self._counters.clear()

    def counters(self, owner: str | None = None) -> Counter[tuple[str, str]]:
        """How many requests there were, by (vendor, operation); of one `owner`, or of all."""
        found: Counter[tuple[str, str]] = Counter()
        with self._lock:
            for (vendor, operation, of), count in self._counters.items():
                if owner in {None, of}:
                    found[vendor, operation] += count
        return found

    @property
    def records(self) -> list[RequestRecord]:
        """A copy of the records."""
        with self._lock:
            return list(self._records)

    @property
    def anomalies(self) -> list[Anomaly]:
        """A copy of the anomalies."""
        with self._lock:
            return list(self._anomalies)
