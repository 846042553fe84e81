"""Where a service is: base URLs, checked."""

from __future__ import annotations

import re
from ipaddress import ip_address

import httpx

from reconciler.exceptions import ProviderError
from reconciler.tasks.fault import Fault, Meaning

__all__ = ["base_url", "credentials_url", "has_host", "is_loopback"]

_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: `localhost` or a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def base_url(text: str) -> str:
    """A base URL without a trailing slash.

    Raises ProviderError unless it is https, or http on a loopback host: a signature is no secret, what it protects is.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise _refused(text, str(error)) from error
    if url.query or url.fragment or url.userinfo or not has_host(url):
        raise _refused(text, "it must be a scheme, a host and perhaps a path")
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
        raise _refused(text, "plain http is accepted for loopback hosts only")
    return str(url).rstrip("/")


def credentials_url(text: str) -> httpx.URL:
    """The address of a service that hands out keys, query and all.

    Raises ProviderError unless it is https, or http on this machine or its own link (169.254.0.0/16), where the
    services of containers are: the keys come in the clear.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise _refused(text, str(error)) from None
    if url.userinfo or not has_host(url):
        raise _refused(text, "it must be a URL")
    if url.scheme != "https" and not (url.scheme == "http" and (is_loopback(url.host) or _is_on_link(url.host))):
        raise _refused(text, "plain http is accepted for this machine only")
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
    if _NAME.fullmatch(url.host):
        return True
    try:
        return bool(ip_address(url.host))
    except ValueError:
        return False


def _refused(text: str, reason: str) -> ProviderError:
    shown = text.split("?", 1)[0].split("#", 1)[0].rpartition("@")[2]
    return ProviderError(Fault(Meaning.PERMANENT, f"the endpoint {shown!r} cannot be used: {reason}"))
