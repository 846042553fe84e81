"""What applying a plan takes: requests by service, and the time that quotas make them take. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from reconciler.planning.change import Count, ResourceName
from reconciler.redaction import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.config.model import Target
    from reconciler.planning.change import Change
    from reconciler.tasks.resource_type import Catalogue

_AT_ONCE = 1 / 5
"""The part of a quota that goes out without a wait."""


@dataclass(frozen=True, slots=True)
class Estimate(Shown):
    """Each step of each change is one call, or a part of one where a call takes several ids, and is read back once.

    What is listed, or read once more because an effect is slow to show, comes on top.
    """

    requests: Mapping[ResourceName, Count] = field(default_factory=dict)
    """By service, as `<provider>.<service>`."""
    seconds: Count = 0
    """How long the quotas make them take; services and accounts are called side by side."""
    per_minute: Count = 0
    """Requests that the quota behind `seconds` lets pass in a minute; 0: there is no wait for any."""

    @property
    def total(self) -> int:
        """Requests of all services."""
        return sum(self.requests.values())


def estimate(changes: Iterable[Change], targets: Mapping[str, Target], catalogue: Catalogue) -> Estimate:
    """What these changes take on these targets, at the documented quotas or those that a target has of its own."""
    alike = Counter((change.target, change.resource, change.steps) for change in changes)
    by_service: Counter[str] = Counter()
    by_quota: Counter[tuple[str, str, str]] = Counter()
    accounts: dict[str, Target] = {}
    for (name, resource, steps), count in alike.items():
        row, target = catalogue.resource_types[resource], targets[name]
        accounts[_account(target)] = target
        for operation in filter(None, map(row.operation, steps)):
            calls = ceil(count / operation.batch_size)
            for path, requests in ((operation.path, calls), (row.listing.path, row.listing.calls(count))):
                by_service[f"{row.provider}.{row.service}"] += requests
                by_quota[_account(target), row.service, path] += requests
    waits: Counter[tuple[str, str, str]] = Counter()
    quotas: dict[tuple[str, str, str], tuple[float, float]] = {}
    for (account, service, path), requests in by_quota.items():
        target = accounts[account]
        options = catalogue.providers.get(target.provider)
        documented = options.quotas if options else {}
        name = path if path in documented else service
        in_window, window = documented.get(name, (0, 60.0))
        rate = target.rate_limits.get(service)
        if rate is not None:
            window = min(window, rate.seconds)
        allowed = in_window if rate is None else rate.per_second * window
        if allowed:
            quotas[account, service, name] = (allowed, window)
            waits[account, service, name] += requests
    # Some go out at once; the others are spaced evenly.
    seconds = {
        key: max(0.0, (requests - _AT_ONCE * quotas[key][0]) * quotas[key][1] / quotas[key][0])
        for key, requests in waits.items()
    }
    services = dict(sorted(by_service.items()))
    slowest = max(seconds, key=lambda key: (seconds[key], key), default=None)
    if slowest is None or seconds[slowest] < 1:
        return Estimate(services)
    pace = quotas[slowest][0] / quotas[slowest][1]
    return Estimate(services, ceil(seconds[slowest]), max(1, round(60 * pace)))


def _account(target: Target) -> str:
    """The same of targets that lead to one account, as far as can be told without asking the cloud."""
    return "/".join((target.provider, target.region, target.stated_account or " ".join(target.credentials.places)))
