"""`settings`: the keys of all files together, with defaults."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.config.backend_url import backend_problem
from reconciler.config.entries import WrongType, mapping, number, text
from reconciler.config.environment import Expanded, Unexpanded, without_variables
from reconciler.config.model import DatabaseUrl, Limits, RunLimits, Settings
from reconciler.config.schema_settings import DURATION_PATTERN
from reconciler.diagnostics import Problem, Rule
from reconciler.selectors.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.config.entries import Findings, Source

__all__ = ["limits", "settings_of"]

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
        return Settings()


def _made(merged: Mapping[str, object], origin: Mapping[str, Source], findings: Findings) -> Settings:
    defaults = Settings()
    concurrency = number(merged, "concurrency")
    run_limits = mapping(merged, "run_limits")
    return Settings(
        limits=limits(mapping(merged, "limits"), defaults.limits),
        run_limits=RunLimits(number(run_limits, "max_actions"), number(run_limits, "max_percent")),
        backend=_backend(merged, origin.get("backend"), findings) or defaults.backend,
        concurrency=defaults.concurrency if concurrency is None else concurrency,
        plan_ttl=_plan_ttl(text(merged, "plan_ttl"), origin.get("plan_ttl"), findings) or defaults.plan_ttl,
        unset={key: value.written for key, value in merged.items() if isinstance(value, Unexpanded)},
    )


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
