"""The vendors' rate limits, counted in fixed windows."""

from collections.abc import Mapping

from reconciler.simulator.clock import VirtualClock


class Quotas:
    """Counts requests per owner and quota group; a group without a limit is never full."""

    def __init__(self, limits: Mapping[str, tuple[int, float]], clock: VirtualClock) -> None:
        self._limits = limits
        self._clock = clock
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def admit(self, owner: str, group: str) -> float | None:
        """Count one request. None where it may pass, else the seconds until the window ends."""
        if group not in self._limits:
            return None
        most, length = self._limits[group]
        now = self._clock.monotonic()
        start, used = self._windows.get((owner, group), (now, 0))
        if now - start >= length:
            start, used = now, 0
        if used >= most:
            return length - (now - start)
        self._windows[owner, group] = (start, used + 1)
        return None
