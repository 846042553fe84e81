"""`settings`: the keys of all files together, with defaults, and what is wrong with the URL of the database.

https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlsplit

from reconciler.config.entries import WrongType, choice, mapping, number, text
from reconciler.config.environment import Expanded, Unexpanded, without_variables
from reconciler.config.model import DatabaseUrl, Limits, Mode, OnExcess, RunLimits, Settings
from reconciler.config.receivers import receivers_of
from reconciler.diagnostics import Problem, Rule, suggestion
from reconciler.tasks.timestamps import DURATION_PATTERN, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from urllib.parse import SplitResult

    from reconciler.config.entries import Findings, Source
    from reconciler.config.model import Receiver

_SQLITE = "sqlite:///"


def settings_of(sources: Sequence[Source], findings: Findings) -> Settings:
    """The settings of all files. A key that two files define is a mistake that points at both."""
    origin: dict[str, Source] = {}
    merged: dict[str, object] = {}
    for source in sources:
        for key, value in _section(source, findings).items():
            if key in origin:
                first = origin[key].document.location(("settings", key), at_key=True)
                message = f"setting `{key}` is defined twice: first at {first}"
                problem = Problem(("settings", key), message, at_key=True, rule=Rule.DUPLICATE)
                findings.problem(source.document, problem)
                continue
            origin[key] = source
            merged[key] = value
    try:
        return _made(merged, origin, findings)
    except WrongType as error:
        if sources:
            findings.doubt(sources[0].document, ("settings",), error)
        return Settings(notify=_receivers(merged, origin, findings))  # who are told that something is wrong


def _made(merged: Mapping[str, object], origin: Mapping[str, Source], findings: Findings) -> Settings:
    defaults = Settings()
    concurrency = number(merged, "concurrency")
    run_limits = mapping(merged, "run_limits")
    return Settings(
        limits=limits(mapping(merged, "limits"), defaults.limits),
        run_limits=RunLimits(number(run_limits, "max_actions"), number(run_limits, "max_percent")),
        mode=choice(merged, "mode", Mode, defaults.mode),
        backend=_backend(merged, origin.get("backend"), findings) or defaults.backend,
        concurrency=defaults.concurrency if concurrency is None else concurrency,
        plan_ttl=_plan_ttl(text(merged, "plan_ttl"), origin.get("plan_ttl"), findings) or defaults.plan_ttl,
        notify=_receivers(merged, origin, findings),
        unset={key: value.written for key, value in merged.items() if isinstance(value, Unexpanded)},
    )


def _receivers(
    merged: Mapping[str, object], origin: Mapping[str, Source], findings: Findings
) -> Mapping[str, Receiver]:
    written = merged.get("notify")
    return receivers_of(written if isinstance(written, dict) else {}, origin.get("notify"), findings)


def _section(source: Source, findings: Findings) -> Mapping[str, object]:
    try:
        return mapping(source.data, "settings")
    except WrongType as error:
        findings.doubt(source.document, ("settings",), error)
        return {}


def limits(body: Mapping[str, object], defaults: Limits) -> Limits:
    """Guards as written, with `defaults` for what is not. 0 means 0."""
    actions, percent = number(body, "max_actions"), number(body, "max_percent")
    return Limits(
        max_actions=defaults.max_actions if actions is None else actions,
        max_percent=defaults.max_percent if percent is None else percent,
        on_excess=choice(body, "on_excess", OnExcess, defaults.on_excess),
    )


def _backend(merged: Mapping[str, object], source: Source | None, findings: Findings) -> DatabaseUrl | None:
    if source is None:
        return None
    url = text(merged, "backend")
    written = mapping(_written(source), "settings").get("backend")
    if problem := backend_problem(without_variables(written) if isinstance(written, str) else "", url):
        if problem.rule is Rule.SECRET:
            source.document.hidden.add(source.document.span(problem.path).line)
        findings.problem(source.document, problem)
    if url is None:
        return None
    value = merged["backend"]
    masked: Mapping[str, str] = value.given if isinstance(value, Expanded) else {}
    return DatabaseUrl(_sqlite(url, source) if url.startswith(_SQLITE) else url, masked)


def _written(source: Source) -> Mapping[str, object]:
    """The data before variables were expanded."""
    return source.document.data if isinstance(source.document.data, dict) else {}


def _sqlite(url: str, source: Source) -> str:
    """A relative file is relative to the file that names it, whose directory may have any name."""
    path = url.removeprefix(_SQLITE)
    if path.startswith("/") or path == ":memory:":
        return url
    return f"{_SQLITE}{quote(os.fsencode(source.document.file.parent.absolute()))}/{path}"


def _plan_ttl(duration: str | None, source: Source | None, findings: Findings) -> int | None:
    if duration is None or source is None:
        return None
    if not re.search(DURATION_PATTERN, duration):
        raise WrongType("plan_ttl", "a duration")
    try:
        return parse_duration(duration)
    except ValueError as error:
        findings.problem(source.document, Problem(("settings", "plan_ttl"), str(error), rule=Rule.STRUCTURE))
        return None


_PATH: Final = ("settings", "backend")
_LARGEST_PORT: Final = 65535
_LARGEST_NUMBER: Final = 2**31 - 1

_SECRETS: Final = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"})
_NUMBERS: Final = frozenset(
    {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}
)
_SSL_VERSIONS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "channel_binding": ("disable", "prefer", "require"),
    "gssdelegation": ("0", "1"),
    "gssencmode": ("disable", "prefer", "require"),
    "keepalives": ("0", "1"),
    "load_balance_hosts": ("disable", "random"),
    "ssl_max_protocol_version": _SSL_VERSIONS,
    "ssl_min_protocol_version": _SSL_VERSIONS,
    "sslcertmode": ("disable", "allow", "require"),
    "sslcompression": ("0", "1"),
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "sslsni": ("0", "1"),
    "target_session_attrs": ("any", "read-write", "primary"),
}
"""Of `target_session_attrs` those of a server that can be written to."""
_HOST_AND_PORT: Final = re.compile(r"(?P<host>[A-Za-z0-9.-]*):(?P<port>[0-9]*)")
_TEXTS: Final = frozenset(
    {
        *("application_name", "client_encoding", "fallback_application_name", "gsslib", "host", "hostaddr"),
        *("krbsrvname", "options", "passfile", "port", "require_auth", "requirepeer", "service", "sslcert", "sslcrl"),
        *("sslcrldir", "sslkey", "sslrootcert", "user"),
    }
)


def backend_problem(written: str, url: str | None) -> Problem | None:
    """The first thing that is wrong. `written` is the URL without what variables give, `url` with it, where known.

    No secret may be written, whatever variables give. No message repeats any of it.
    """
    if not written.startswith("postgresql") and not (url or "").startswith("postgresql"):
        return None
    try:
        parts = urlsplit(written)
        secret = parts.password or _SECRETS & {name.lower() for name, _ in parse_qsl(parts.query, True)}
    except ValueError:
        return _broken("not a URL that can be read")
    if secret or _at_signs(written) > 1:
        hint = "write ${VARIABLE} in its place, or use ~/.pgpass; and renew it if it was committed"
        return Problem(_PATH, "a password must not stand in the configuration", hint, rule=Rule.SECRET)
    return _database_problem(url) if url is not None else None


def _database_problem(url: str) -> Problem | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return _broken("not a URL that can be read")
    if _at_signs(url) > 1 or (_at_signs(url) and "@" not in parts.netloc):
        encoded = "in a user or a password, write @ as %40, / as %2F, ? as %3F, # as %23, : as %3A and % as %25"
        return _broken("the URL has an `@` in a place that it cannot have", encoded)
    if parts.fragment:
        return _broken("the URL must not have a part after `#`", "in a password, write # as %23")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0 or parts.netloc.endswith(":"):
        return _NO_PORT
    return _option_problem(parts) or _hosts_problem(parts.hostname or "", dict(parse_qsl(parts.query)))


def _at_signs(url: str) -> int:
    return url.count("@")


def _option_problem(parts: SplitResult) -> Problem | None:
    """What is wrong with the parameters in the query, which are libpq's."""
    seen: set[str] = set()
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in _SECRETS:
            hint = "write it before the host, as in postgresql://user:${VARIABLE}@host/db, or use ~/.pgpass"
            return Problem(_PATH, f"`{name}` must not stand in the query of a URL", hint, rule=Rule.SECRET)
        known = (*_WORDS, *_NUMBERS, *_TEXTS)
        if name not in known:
            meant = suggestion(name, known)
            return _broken("the URL has an option that PostgreSQL does not have", f"is it `{meant}`?" if meant else "")
        if name in seen:
            return _broken(f"option `{name}` stands twice in the URL")
        seen.add(name)
        if name in _NUMBERS and not _is_number(value, _LARGEST_NUMBER):
            return _broken(f"option `{name}` must be a whole number")
        if name in _WORDS and value not in _WORDS[name]:
            return _broken(f"option `{name}` must be one of {', '.join(_WORDS[name])}")
        if not value:
            return _broken(f"option `{name}` is empty")
    return None


def _hosts_problem(before: str, options: Mapping[str, str]) -> Problem | None:
    """What is wrong with hosts and ports in the query, as SQLAlchemy and libpq read them. `before` is the host that
    stands before the path. Several are separated by commas."""
    hosts, ports = (options.get(name, "").split(",") for name in ("host", "port"))
    if len(hosts) == 1 and "port" not in options and (one := _HOST_AND_PORT.fullmatch(hosts[0])):
        hosts, ports = [one["host"]], [one["port"]]
    if any(":" in host and not host.startswith(("/", "@")) and not _is_address(host) for host in hosts):
        return _broken("option `host` must be a list of hosts", "their ports stand in `port`, as in host=a,b&port=1,2")
    if not all(_is_number(port, _LARGEST_PORT) and int(port) for port in ports if port):
        return _NO_PORT
    if "port" in options and len(ports) != len(hosts):
        return _broken("option `port` must list as many as `host`, and one where there is no `host`")
    if addresses := options.get("hostaddr", ""):
        listed, named = addresses.split(","), options.get("host", before)
        if not all(map(_is_address, listed)):
            return _broken("option `hostaddr` must be a list of addresses")
        if named and len(listed) != len(named.split(",")):
            return _broken("option `hostaddr` must list as many as there are hosts")
    return None


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdecimal() and int(text[:11]) <= most


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text.partition("%")[0]))
    except ValueError:
        return False


def _broken(message: str, hint: str = "") -> Problem:
    return Problem(_PATH, message, hint, rule=Rule.STRUCTURE)


_NO_PORT: Final = _broken(f"the port of the database is not a number from 1 to {_LARGEST_PORT}")
