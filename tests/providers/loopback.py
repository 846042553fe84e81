"""What tests of clients have in common: a frozen time, and surroundings that never sleep and have no home."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from reconciler.provider.loopback import Time
from reconciler.providers.transport.surroundings import Surroundings

FROZEN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
NOWHERE = Path("/nonexistent-home")
NO_METADATA = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true", "HUAWEICLOUD_ECS_METADATA_DISABLED": "true"}
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
