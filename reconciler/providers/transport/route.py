"""How a request gets to its host, as the environment says: through which proxy, and whose certificates are trusted.

Both are looked at when a request needs them, so that a mistake in them is the error of the targets that do, and of no
other. docs/how-to/proxies.md tells users.
"""

from __future__ import annotations

import os
import re
import ssl
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

import httpx

from reconciler.exceptions import ProviderError
from reconciler.providers.transport.endpoint import has_host, is_loopback
from reconciler.tasks.observation import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOTS = ("SSL_CERT_FILE", "SSL_CERT_DIR")
KEY_LOG = "SSLKEYLOGFILE"

_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>[0-9]{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that speaks HTTP. `variable` names it in messages; its URL and headers may hold a password."""

    variable: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


def proxy_of(url: httpx.URL, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy for `url`, from `https_proxy` or `all_proxy`; None for this machine and for what `no_proxy` names.

    Raises ProviderError where the variable names none that can be used.
    """
    if is_loopback(url.host):
        return None
    variable, text = _variable(f"{url.scheme}_proxy", environment)
    if not text:
        variable, text = _variable("all_proxy", environment)
    if not text or _goes_directly(url, _variable("no_proxy", environment)[1]):
        return None
    return _proxy(variable, text)


def _variable(name: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Name and value in the spelling that counts: lower case, even an empty one, before upper case, as curl has it."""
    spelt = name if name in environment else name.upper()
    return spelt, environment.get(spelt, "").strip()


def _proxy(variable: str, text: str) -> Proxy:
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except (httpx.InvalidURL, ValueError):  # the words of either may quote a password
        raise _unusable(f"{variable} is no URL of a proxy, such as http://proxy.example.com:3128") from None
    if url.scheme.startswith("socks"):
        raise _unusable(f"{variable} names a SOCKS proxy; http and https proxies can be used")
    # A password with a slash in it ends the host where nobody meant it to end.
    rest = url.path.strip("/") or url.query or url.fragment
    if url.scheme not in {"http", "https"} or not has_host(url) or rest:
        raise _unusable(f"{variable} must be http:// or https://, a host and a port, and a password percent-encoded")
    proxy = httpx.Proxy(url)
    credentials = b64encode(b":".join(proxy.raw_auth)).decode() if proxy.raw_auth else ""
    return Proxy(variable, str(proxy.url), {"Proxy-Authorization": f"Basic {credentials}"} if credentials else {})


def _goes_directly(url: httpx.URL, no_proxy: str) -> bool:
    """Whether `no_proxy` names the host of `url`: see the table in docs/how-to/proxies.md.

    urllib and httpx know neither networks nor ports, so the rules are those of curl and of Go's httpproxy together.
    """
    host = url.host.lower().rstrip(".")
    port = url.port or (443 if url.scheme == "https" else 80)
    address = _address(host)
    return any(_names(entry.lower(), host, address, port) for entry in re.split(r"[,\s]+", no_proxy) if entry)


def _names(entry: str, host: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    if split := _PORT.fullmatch(entry):
        if int(split["port"]) != port:
            return False
        entry = split["host"]
    entry = entry.replace("[", "").replace("]", "").rstrip(".")
    if "*" in entry:
        return fnmatchcase(host, entry.replace("?", "[?]"))
    if address is None:
        name = entry.lstrip(".")
        return bool(name) and f".{host}".endswith(f".{name}")
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip("[]"))
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def roots_of(environment: Mapping[str, str]) -> str:
    """The variable that names the trusted certificates; empty where certifi's are trusted."""
    return next((name for name in ROOTS if environment.get(name)), "")


def trusted(environment: Mapping[str, str]) -> ssl.SSLContext:
    """A context that trusts the certificates of SSL_CERT_FILE, else of SSL_CERT_DIR, else certifi's.

    Raises ProviderError where the variable names none.
    """
    variable = roots_of(environment)
    return _context(variable, environment.get(variable, ""))


@contextmanager
def unused_contexts() -> Iterator[None]:
    """Import in this block what makes contexts of its own while it is imported, as aiohttp does. Those trust nobody,
    since the ones that are used are made here: reading all that the machine trusts would take a tenth of a start, and
    a file that SSLKEYLOGFILE names and that cannot be opened would end the program, whatever it was to do."""
    named = {name: os.environ.pop(name, None) for name in (KEY_LOG, *ROOTS)}
    os.environ.update(dict.fromkeys(ROOTS, os.devnull))
    try:
        yield
    finally:
        for name, text in named.items():
            os.environ.pop(name, None)
            if text is not None:
                os.environ[name] = text


@lru_cache(maxsize=8)
def _context(variable: str, named: str) -> ssl.SSLContext:
    """Made once: it reads some 200 kB."""
    folders = variable == "SSL_CERT_DIR"
    fits, named_all = (os.path.isdir, named.split(os.pathsep)) if folders else (os.path.isfile, [named])
    # OpenSSL passes over a folder that is not there, until no server is trusted; a pipe might never end.
    if variable and not any(map(fits, named_all)):
        raise _unusable(f"{variable} names no {'folder' if folders else 'file'}")
    try:
        if not variable:
            return httpx.create_ssl_context(trust_env=False)
        return ssl.create_default_context(cafile=None if folders else named, capath=named if folders else None)
    except ssl.SSLError:
        raise _unusable(f"{variable} names a file without certificates in PEM") from None
    except (OSError, ValueError) as error:
        # The only other file that Python opens for a context.
        blamed = variable if variable and not os.access(named, os.R_OK) else KEY_LOG
        raise _unusable(f"{blamed} names a file that cannot be opened ({type(error).__name__})") from None


def _unusable(message: str) -> ProviderError:
    return ProviderError(Fault(Meaning.PERMANENT, f"the environment variable {message}; nothing was sent"))
