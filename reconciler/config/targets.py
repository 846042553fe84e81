"""`targets`: where tasks are looked for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.config.entries import WrongType, mapping, text, texts
from reconciler.config.environment import Expanded, Unexpanded, quoted, shown
from reconciler.config.files import reason_of, shown_path
from reconciler.config.inventory import mistake_in, read_entries
from reconciler.config.model import Credentials, Rate, Secret, Target
from reconciler.config.schema_targets import COMMON_KEYS, REGION_PATTERN
from reconciler.diagnostics import Problem, Rule, Severity, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from reconciler.config.entries import Entry, Findings
    from reconciler.diagnostics import Diagnostic
    from reconciler.tasks.resource_type import Catalogue, Inventory

_RATE = re.compile(r"(?P<requests>[0-9.]+)/(?P<period>s|min|h)")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3600}


_OWN: Final = ("provider", "region", "regions", "inventory")
"""Keys that no target takes from elsewhere."""
_MERGED: Final = ("endpoints", "rate_limits")
"""Keys whose parts a target takes from its provider's defaults one by one."""


def spread(targets: Mapping[str, Entry], defaults: Mapping[str, Entry], findings: Findings) -> dict[str, Entry]:
    """The targets with what they have by default, and one for each of the `regions` of those that name several."""
    found: dict[str, Entry] = {}
    for entry in targets.values():
        shared = defaults.get(str(entry.body.get("provider")))
        whole = entry if shared is None else _with_defaults(entry, shared)
        try:
            by_region = list(_by_region(whole, findings))
        except WrongType as error:
            findings.doubt(entry.document, entry.path, error)
            continue
        for one in by_region:
            if other := found.get(one.name) or (targets.get(one.name) if one.name != entry.name else None):
                message = f"target {quoted(one.name)} is defined twice: first at {other.location}"
                problem = Problem((*entry.path, "regions"), message, "rename one of the two", rule=Rule.DUPLICATE)
                findings.problem(entry.document, problem)
            else:
                found[one.name] = one
    return found


def _with_defaults(entry: Entry, defaults: Entry) -> Entry:
    shared = {key: value for key, value in defaults.body.items() if key not in _OWN}
    body = {**shared, **entry.body}
    for key in _MERGED:
        own, common = entry.body.get(key), shared.get(key)
        if isinstance(own, dict) and isinstance(common, dict):
            body[key] = {**common, **own}
    return replace(entry, body=body, inherited=dict.fromkeys(shared.keys() - entry.body.keys(), defaults))


def _by_region(entry: Entry, findings: Findings) -> Iterator[Entry]:
    if "regions" not in entry.body:
        yield entry
        return
    if "region" in entry.body:
        message, hint = "a target has a `region` or `regions`, not both", "leave out one of the two"
        problem = Problem((*entry.path, "regions"), message, hint, at_key=True, rule=Rule.STRUCTURE)
        findings.problem(entry.document, problem)
    rest = {key: value for key, value in entry.body.items() if key != "regions"}
    for region in dict.fromkeys(texts(entry.body, "regions")):
        yield replace(entry, name=f"{entry.name}-{region}", body=rest | {"region": region}, family=entry.name)


def target_of(entry: Entry, catalogue: Catalogue, findings: Findings) -> Target | None:
    """The target that `entry` describes; None where its provider is not known.

    Structural mistakes are reported elsewhere; what they touch is left out here.
    """
    provider = text(entry.body, "provider")
    if provider is None or provider not in catalogue.providers:
        return None
    findings.add(_doubts_about_region(entry, catalogue.providers[provider].known_regions))
    options = {key: _option(value) for key, value in entry.body.items() if key not in COMMON_KEYS}
    return Target(
        name=entry.name,
        provider=provider,
        region=_word(entry.body, "region"),
        options=options,
        endpoints={key: value.rstrip("/") for key, value in _words(entry.body, "endpoints").items()},
        rate_limits=_rate_limits(mapping(entry.body, "rate_limits")),
        credentials=_credentials(mapping(entry.body, "credentials"), entry.home("credentials").document.file.parent),
        inventory=_inventory(entry, catalogue.providers[provider].inventory, findings),
        location=entry.location,
        family=entry.family,
        masked=masked_in(entry.body, mapping(entry.body, "endpoints").values()),
    )


def _doubts_about_region(entry: Entry, known: Collection[str]) -> Iterator[Diagnostic]:
    """A warning where nobody knows of such a region, unless its hosts are given as well."""
    written = entry.body.get("region")
    if not isinstance(written, str) or written in known or not known or "endpoints" in entry.body:
        return
    if not re.fullmatch(REGION_PATTERN, written):  # the check of structure says so
        return
    path = (*entry.path, "regions" if entry.family else "region")
    message = f"{quoted(written)} is no region in which {entry.body['provider']} is known to have these services"
    hint = "" if isinstance(written, Expanded) else did_you_mean(written, known)
    problem = Problem(path, message, hint, severity=Severity.WARNING, rule=Rule.UNKNOWN_REFERENCE)
    yield entry.document.diagnose(problem)


def _option(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case Unexpanded(written):
            return written
    raise WrongType("an option of the target", "text, a number, or true or false")


def _word(body: Mapping[str, object], key: str) -> str:
    """The text at `key`, a variable that is not set as written; empty where it is missing."""
    value = body.get(key)
    return value.written if isinstance(value, Unexpanded) else text(body, key) or ""


def _words(body: Mapping[str, object], key: str) -> dict[str, str]:
    inner = mapping(body, key)
    return {name: _word(inner, name) for name in inner}


def masked_in(body: Mapping[str, object], urls: Iterable[object]) -> dict[str, str]:
    """What variables hold that stand in `body`, and the hosts of `urls` there, with what is shown in their place."""
    return dict(_from_variables(body)) | dict(_hosts_from_variables(urls))


def _from_variables(value: object) -> Iterator[tuple[str, str]]:
    """What variables hold, and how it is written."""
    match value:
        case Expanded(given=given):
            yield from given.items()
        case dict():
            for inner in value.values():
                yield from _from_variables(inner)
        case list():
            for inner in value:
                yield from _from_variables(inner)


def _hosts_from_variables(urls: Iterable[object]) -> Iterator[tuple[str, str]]:
    """The hosts that messages would name, though variables gave them in part, or within more than the host."""
    for url in urls:
        if isinstance(url, Expanded) and (host := _host_of(str(url))) and host not in url.written.lower():
            yield host, url.written


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # the check of structure says so
        return None


def _rate_limits(body: Mapping[str, object]) -> dict[str, Rate]:
    """By service."""
    limits: dict[str, Rate] = {}
    for service in body:
        rate = text(body, service)
        if rate is None:  # not expanded yet
            continue
        match = _RATE.fullmatch(rate)
        if match is None:
            raise WrongType("rate_limits", "a rate for each service")
        limits[service] = Rate(float(match["requests"]), _SECONDS[match["period"]])
    return limits


def _credentials(body: Mapping[str, object], directory: Path) -> Credentials:
    secrets = {key: secret_at(body, key, directory) for key in body if key != "profile"}
    return Credentials(profile=_word(body, "profile") or None, secrets=secrets)


def secret_at(body: Mapping[str, object], key: str, directory: Path) -> Secret:
    """Where the secret at `key` is read from; files are relative to `directory`. Raises WrongType."""
    reference = mapping(body, key)
    if name := _word(reference, "env"):
        return Secret(env=name, place=f"environment variable {shown(reference['env'])}")
    if path := _word(reference, "file"):
        file = directory / path
        from_variable = isinstance(reference["file"], Expanded | Unexpanded)
        return Secret(file=file, place=f"file {shown(reference['file']) if from_variable else file}")
    raise WrongType(key, "{env: NAME} or {file: PATH}")


def _inventory(entry: Entry, inventory: Inventory | None, findings: Findings) -> Mapping[str, tuple[str, ...]] | None:
    if inventory is None or "inventory" not in entry.body:
        return None
    found: dict[str, dict[str, None]] = {key: {} for key in inventory.lists}
    for key in sorted(inventory.lists):
        for of, one in _entries(entry, key, inventory, findings):
            found[of][one] = None
    return {key: tuple(entries) for key, entries in found.items()}


def _entries(entry: Entry, key: str, inventory: Inventory, findings: Findings) -> Iterator[tuple[str, str]]:
    """What stands under a key, each with the list that it belongs to."""
    body = mapping(entry.body, "inventory")
    written = body.get(key)
    if isinstance(written, dict):
        for one in _from_file(written.get("file"), entry, key, inventory, findings):
            yield inventory.list_of(one), one
        return
    for index, value in enumerate(written if isinstance(written, list) else ()):
        if isinstance(value, str) and (reason := mistake_in(value, key, inventory)):
            problem = Problem((*entry.path, "inventory", key, index), reason, rule=Rule.INVENTORY)
            findings.problem(entry.document, problem)
    for one in texts(body, key):
        yield key, one


def _from_file(path: object, entry: Entry, key: str, inventory: Inventory, findings: Findings) -> tuple[str, ...]:
    if isinstance(path, Unexpanded):
        return ()
    if not isinstance(path, str):
        raise WrongType("file", "the path of a file")
    file = entry.document.file.parent / path
    shown_file = shown(path) if isinstance(path, Expanded) else shown_path(file)
    asked = (file, key, shown_file)
    if asked in findings.inventories:
        return findings.inventories[asked]
    try:
        entries, diagnostics = read_entries(file, key, inventory, shown_file, entry.document.roots)
    except (OSError, ValueError) as error:
        reason = str(error) if isinstance(error, ValueError) else reason_of(error)
        message = f"the inventory {quoted(shown_file)} cannot be read: {reason}"
        problem = Problem((*entry.path, "inventory", key, "file"), message, rule=Rule.INVENTORY)
        findings.problem(entry.document, problem)
        return ()
    findings.add(diagnostics)
    findings.inventories[asked] = entries
    return entries
