"""What tests of clients have in common: a frozen time, and surroundings that never sleep and have no home."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from reconciler.provider.loopback import Received, Reply, Time
from reconciler.providers.transport.surroundings import Surroundings

FROZEN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
NOWHERE = Path("/nonexistent-home")
NO_METADATA = {
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
    "HUAWEICLOUD_ECS_METADATA_DISABLED": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What keeps the metadata services, which are no loopback, from being asked."""


def dated(skew: int) -> str:
    """The `Date` of a server whose clock is so many seconds ahead of FROZEN."""
    return format_datetime(FROZEN + timedelta(seconds=skew), usegmt=True)


def around(
    environment: Mapping[str, str] | None = None,
    *,
    time: Time | None = None,
    home: Path = NOWHERE,
    now: Callable[[], datetime] | None = None,
    metadata: str | None = None,
    sts: str | None = None,
) -> Surroundings:
    """Surroundings that never sleep and have no home; jitter is always the longest.

    The machine has a metadata service where `metadata` says so.
    """
    time = time or Time()
    numbers = iter(range(1_000_000))
    return Surroundings(
        now=now or (lambda: datetime.now(UTC)),
        monotonic=time.monotonic,
        sleep=time.sleep,
        uniform=lambda _low, high: high,
        nonce=lambda: f"nonce-{next(numbers)}",
        environment={**({} if metadata else NO_METADATA), **(environment or {})},
        home=home,
        metadata_url=metadata,
        sts_url=sts,
    )


class Issuer:
    """Those who hand out keys, and the cloud for which only the newest is good, at one address.

    `replies` are what is said instead, by what is asked for. Who hands out keys is `skew` seconds ahead of FROZEN.
    `asked` are the requests for keys; `calls` those to the cloud, each "good" or "refused".
    """

    lifetime = 3600.0
    token_header = ""
    end = "%Y-%m-%dT%H:%M:%SZ"

    skew: int | None = None
    refuses_all = False

    def __init__(self, **replies: Reply) -> None:
        self.time = Time()
        self.start = FROZEN
        self.issued = 0
        self.valid = 0
        self.replies = replies
        self.asked: list[Received] = []
        self.calls: list[tuple[str, str]] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.time.now - 1000.0)

    def issue(self, *names: str) -> dict[str, str]:
        """A new key: its id, secret, token and end under these names."""
        self.issued = self.valid = self.issued + 1
        end = (self.now() + timedelta(seconds=self.lifetime)).strftime(self.end)
        return dict(zip(names, (f"AK{self.issued}", f"hunter{self.issued}", f"tok3n-{self.issued}", end), strict=True))

    def __call__(self, request: Received) -> Reply:
        if called := self.called(request):
            call, reply = called
            sent = request.header(self.token_header)
            good = sent == f"tok3n-{self.valid}" and not self.refuses_all
            self.calls.append((call, "good" if good else "refused"))
            return reply if good else self.refuse(str(sent))
        self.asked.append(request)
        reply = self.hand_out(request)
        return reply if self.skew is None else replace(reply, headers={**reply.headers, "Date": dated(self.skew)})

    def called(self, request: Received) -> tuple[str, Reply] | None:
        """What is called of the cloud, and its answer; None where a key is asked for."""
        raise NotImplementedError

    def refuse(self, token: str) -> Reply:
        raise NotImplementedError

    def hand_out(self, request: Received) -> Reply:
        raise NotImplementedError
