"""`targets`: where tasks are looked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.config.entries import mapping, text, texts
from reconciler.config.environment import has_placeholder
from reconciler.config.files import reason_of, shown_path
from reconciler.config.inventory import EntryKind, mistake_in, read_entries
from reconciler.config.model import Credentials, Inventory, Secret, Target
from reconciler.config.quoting import quoted
from reconciler.config.schema_targets import COMMON_KEYS
from reconciler.diagnostics import Problem, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reconciler.config.entries import Entry, Findings
    from reconciler.tasks.catalogue import Catalogue

__all__ = ["target_of"]

_RATE = re.compile(r"(?P<requests>[0-9.]+)/(?P<period>s|min|h)")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3600}


def target_of(entry: Entry, catalogue: Catalogue, findings: Findings) -> Target | None:
    """The target that `entry` describes; None where its provider is not known.

    Structural mistakes are reported elsewhere; what they touch is left out here.
    """
    provider = text(entry.body, "provider")
    if provider is None or provider not in catalogue.providers:
        return None
    options = {
        key: _option(value)
        for key, value in entry.body.items()
        if key not in COMMON_KEYS and isinstance(value, str | int | float)
    }
    return Target(
        name=entry.name,
        provider=provider,
        region=text(entry.body, "region") or "",
        options=options,
        endpoints={service: url.rstrip("/") for service, url in _texts(entry.body, "endpoints")},
        rate_limits=_rate_limits(_texts(entry.body, "rate_limits")),
        credentials=_credentials(mapping(entry.body, "credentials"), entry.document.file.parent),
        inventory=_inventory(entry, findings) if "inventory" in catalogue.providers[provider].properties else None,
        location=entry.location,
    )


def _option(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _texts(body: Mapping[str, object], key: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in mapping(body, key).items() if isinstance(value, str)]


def _rate_limits(rates: Iterable[tuple[str, str]]) -> dict[str, float]:
    """Requests per second by service."""
    limits: dict[str, float] = {}
    for service, rate in rates:
        if match := _RATE.fullmatch(rate):
            limits[service] = float(match["requests"]) / _SECONDS[match["period"]]
    return limits


def _credentials(body: Mapping[str, object], directory: Path) -> Credentials:
    secrets: dict[str, Secret] = {}
    for key in body:
        reference = mapping(body, key)
        if name := text(reference, "env"):
            secrets[key] = Secret(env=name)
        elif path := text(reference, "file"):
            secrets[key] = Secret(file=directory / path)
    return Credentials(profile=text(body, "profile"), secrets=secrets)


def _inventory(entry: Entry, findings: Findings) -> Inventory | None:
    if "inventory" not in entry.body:
        return None
    return Inventory(
        job_ids=_entries(entry, EntryKind.JOB_IDS, findings),
        upload_urls=_entries(entry, EntryKind.UPLOAD_URLS, findings),
    )


def _entries(entry: Entry, kind: EntryKind, findings: Findings) -> tuple[str, ...]:
    body = mapping(entry.body, "inventory")
    if path := text(mapping(body, kind), "file"):
        return _from_file(path, entry, kind, findings)
    written = body.get(kind)
    for index, value in enumerate(written if isinstance(written, list) else ()):
        if isinstance(value, str) and not has_placeholder(value) and (reason := mistake_in(value, kind)):
            problem = Problem((*entry.path, "inventory", kind.value, index), reason, rule=Rule.INVENTORY)
            findings.problem(entry.document, problem)
    return tuple(dict.fromkeys(texts(body, kind)))


def _from_file(path: str, entry: Entry, kind: EntryKind, findings: Findings) -> tuple[str, ...]:
    if has_placeholder(path):
        return ()
    file = entry.document.file.parent / path
    try:
        entries, diagnostics = read_entries(file, kind, entry.document.roots)
    except (OSError, ValueError) as error:
        reason = str(error) if isinstance(error, ValueError) else reason_of(error)
        message = f"the inventory {quoted(shown_path(file))} cannot be read: {reason}"
        problem = Problem((*entry.path, "inventory", kind.value, "file"), message, rule=Rule.INVENTORY)
        findings.problem(entry.document, problem)
        return ()
    findings.add(diagnostics)
    return entries
