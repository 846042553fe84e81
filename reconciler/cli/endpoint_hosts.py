"""RECONCILER_ENDPOINT_HOSTS: the hosts that a configuration may send requests to instead of the vendors' own.

Who writes the configuration is not always who holds the credentials: what a branch proposes is planned with those of
the CI system. An endpoint of a foreign host would get their ids, and tokens that need no signature.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.exceptions import UsageError
from reconciler.redaction import bounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Configuration

__all__ = ["VARIABLE", "check_endpoints"]

VARIABLE = "RECONCILER_ENDPOINT_HOSTS"
"""Host names separated by commas or blanks; `*` stands for one label. Unset or empty: any host. `none`: no host."""

_FORM = re.compile(r"(?:\*|[a-z0-9_-]+)(?:\.(?:\*|[a-z0-9_-]+))*|[0-9a-f:]+", re.ASCII)


def check_endpoints(configuration: Configuration, environment: Mapping[str, str]) -> None:
    """Raises UsageError for an endpoint of a target whose host is not listed, and for a list that is none."""
    listed = environment.get(VARIABLE, "").lower().replace(",", " ").split()
    for name in listed:
        if not _FORM.fullmatch(name):
            raise UsageError(f"{VARIABLE}: {bounded(name, 80)!r} is no host name", "such as mpc.*.example.com, or none")
    if not listed:
        return
    for target in configuration.targets.values():
        for service, url in target.endpoints.items():
            host = (urlsplit(url).hostname or "").rstrip(".")
            if not any(_pattern(name).fullmatch(host) for name in listed):
                raise UsageError(
                    f"target {target.name}: the host of endpoint {service} is not among {VARIABLE}",
                    "endpoints may lead to the hosts that are listed there only; have it added where the job is set up",
                )


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name).replace(r"\*", "[^.]+"))
