"""Where a service is: the one place that makes and checks the hosts that requests go to.

RECONCILER_ENDPOINT_HOSTS lists the hosts that may be named instead of the vendors' own. Who writes the configuration is
not always who holds the credentials: what a branch proposes is planned with those of the CI system. A foreign host
would get their ids, and tokens that need no signature.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import httpx

from reconciler.exceptions import ProviderError, UsageError
from reconciler.providers.transport.surroundings import allow_list
from reconciler.redaction import bounded
from reconciler.tasks.observation import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINT_HOSTS: Final = "RECONCILER_ENDPOINT_HOSTS"
"""Host names separated by commas or blanks; `*` stands for one label. Unset: any host. `none`: no host."""

_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_LAST = r"[a-z](?:[a-z0-9_-]{0,61}[a-z0-9])?"
"""What begins with a digit would be read as an address by some: 127.1, 0x7f.1, 2130706433."""
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LAST}", re.ASCII)
_PART = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PATTERN = re.compile(rf"(?:(?:\*|{_LABEL})\.)*(?:\*|{_LAST})", re.ASCII)
_LONGEST_NAME: Final = 253


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: `localhost` or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def vendor_url(*labels: str, domain: str) -> str:
    """Base URL of a vendor's own host, made of single labels: a service and a region lead nowhere else.

    Raises ProviderError for what is no label.
    """
    if not all(_PART.fullmatch(label) for label in labels):
        raise _refused("the vendor's endpoint", "the region is not the id of a region")
    return f"https://{'.'.join((*labels, domain))}"


def service_url(text: str, environment: Mapping[str, str], name: str = "the endpoint") -> str:
    """`base_url` of a host that is permitted, wherever it was named."""
    url = base_url(text, name)
    if not is_permitted(url, environment):
        raise _refused(name, f"its host is not among {ENDPOINT_HOSTS}")
    return url


def base_url(text: str, name: str = "the endpoint") -> str:
    """A base URL without a trailing slash. Messages call it `name`, and do not repeat it.

    Raises ProviderError unless it is https, or http on a loopback host: a signature is no secret, what it protects is.
    """
    url = _parsed(text, name)
    if url.query or url.fragment:
        raise _refused(name, "it must be a scheme, a host and perhaps a path")
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
        raise _refused(name, "plain http is accepted for loopback hosts only")
    return str(url).rstrip("/")


def credentials_url(text: str, environment: Mapping[str, str], name: str) -> httpx.URL:
    """The address of a service that hands out keys, query and all.

    Raises ProviderError unless it is on this machine or its own link (169.254.0.0/16), where the services of
    containers are, or https on a host that is permitted: the keys come in the clear.
    """
    url = _parsed(text, name)
    if is_loopback(url.host) or _is_on_link(url.host):
        if url.scheme in {"http", "https"}:
            return url
    elif url.scheme == "https":
        if is_permitted(str(url), environment):
            return url
        raise _refused(name, f"its host is not among {ENDPOINT_HOSTS}")
    raise _refused(name, "plain http is accepted for this machine only")


def is_permitted(url: str, environment: Mapping[str, str]) -> bool:
    """Whether RECONCILER_ENDPOINT_HOSTS, where it is set, lists the host. Raises UsageError for a list that is none."""
    patterns = permitted_hosts(environment)
    host = _host(httpx.URL(url))
    return patterns is None or any(pattern.fullmatch(host) for pattern in patterns)


def permitted_hosts(environment: Mapping[str, str]) -> list[re.Pattern[str]] | None:
    """What RECONCILER_ENDPOINT_HOSTS lists; None where it is unset. Raises UsageError for a list that is none."""
    listed = allow_list(ENDPOINT_HOSTS, environment)
    return None if listed is None else [_pattern(name.lower()) for name in listed]


def _pattern(name: str) -> re.Pattern[str]:
    if _PATTERN.fullmatch(name):
        return re.compile(re.escape(name).replace(r"\*", "[^.:]+"))
    try:
        return re.compile(re.escape(str(ip_address(name.strip("[]")))))
    except ValueError:
        message = f"{ENDPOINT_HOSTS}: {bounded(name, 80)!r} is no host name"
        raise UsageError(message, "such as media.*.example.com, or none") from None


def _parsed(text: str, name: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise _refused(name, "it must be a URL") from None
    # What is not ASCII would be taken for another name than the one that is seen.
    if url.userinfo or not text.isascii() or not has_host(url):
        raise _refused(name, "it must be a scheme, a host and perhaps a path")
    return url


def _is_on_link(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_link_local
    except ValueError:
        return False


def has_host(url: httpx.URL) -> bool:
    """Whether `url` leads to an address or a name in ASCII, and to a port that there is."""
    if url.port is not None and not 0 < url.port < 1 << 16:
        return False
    return bool(_host(url))


def _host(url: httpx.URL) -> str:
    """The host in one spelling; empty where it is no name and no address."""
    host = url.raw_host.decode("ascii").strip("[]").lower()
    if _NAME.fullmatch(host) and len(host) <= _LONGEST_NAME:
        return host
    try:
        return str(ip_address(host)) if "%" not in host else ""
    except ValueError:
        return ""


def _refused(name: str, reason: str) -> ProviderError:
    return ProviderError(Fault(Meaning.PERMANENT, f"{name} cannot be used: {reason}"))
