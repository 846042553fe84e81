"""JSON Schema of `settings`, and of the limits that a policy may have of its own."""

from __future__ import annotations

from reconciler.config.model import MOST_ACTIONS, RUN_ACTIONS, Settings
from reconciler.config.schema_parts import Schema, described, or_variable, record, text, whole_number

__all__ = ["BACKEND_PATTERN", "DURATION_PATTERN", "limits_schema", "settings_schema"]

DURATION_PATTERN = f"^(?=.*[1-9]){''.join(f'(?:[0-9]{{1,12}}{unit})?' for unit in 'wdhms')}$"
BACKEND_PATTERN = r"^(?:sqlite:///[^?#]+|postgresql(?:\+[a-z0-9]+)?://.+)$"
_DEFAULTS = Settings()


def limits_schema(description: str, *, variables: bool = False) -> Schema:
    def number(most: int) -> Schema:
        return or_variable(whole_number(0, most)) if variables else whole_number(0, most)

    actions = "Most changes of one policy in one run, on all its targets; 0 allows none."
    percent = (
        "Most changes of one policy on one target, in percent of the tasks listed there whose status match admits; "
        "enforced from 10 such tasks on, and 0 of however few."
    )
    own = _DEFAULTS.limits
    limits = record(
        {
            "max_actions": described(
                number(MOST_ACTIONS), f"{actions} Default: {own.max_actions}.", 100, default=own.max_actions
            ),
            "max_percent": described(
                number(100), f"{percent} Default: {own.max_percent}.", 50, default=own.max_percent
            ),
        },
        title="limits",
    )
    return described(limits, description, {"max_actions": own.max_actions, "max_percent": own.max_percent})


def _run_limits_schema() -> Schema:
    actions = (
        "Most changes of all policies in one run; 0 allows none. "
        f"Default: {RUN_ACTIONS}, or the largest max_actions of a policy."
    )
    percent = (
        "Most changes of all policies on one target and resource type, in percent of the tasks there in a status that "
        "any of them admits; from 10 such tasks on. Default: the largest max_percent of a policy there."
    )
    limits = record(
        {
            "max_actions": described(or_variable(whole_number(0, MOST_ACTIONS)), actions, 1000),
            "max_percent": described(or_variable(whole_number(0, 100)), percent, 60),
        },
        title="run_limits",
    )
    return described(limits, "Guards of all policies together.", {"max_actions": 5000, "max_percent": 60})


def settings_schema() -> Schema:
    duration = or_variable(text(DURATION_PATTERN, "a duration such as 90s, 15m, 6h or 7d"))
    backend = or_variable(text(BACKEND_PATTERN, "sqlite:///FILE or postgresql://host/db"))
    time_to_live = f"{_DEFAULTS.plan_ttl // 3600}h"
    settings = record(
        {
            "limits": limits_schema("Guards of every policy that sets none of its own.", variables=True),
            "run_limits": _run_limits_schema(),
            "backend": described(
                backend,
                "Where runs, journal and locks are kept: sqlite:///FILE, relative to this file, or "
                "postgresql://user@host/db for several machines. "
                f"Default: {_DEFAULTS.backend} in the current directory.",
                "postgresql://reconciler@db.example.com/reconciler",
                "${RECONCILER_DATABASE:-sqlite:///.reconciler/history.db}",
                default=str(_DEFAULTS.backend),
            ),
            "concurrency": described(
                or_variable(whole_number(1, 256)),
                f"Requests in flight per target, 1 to 256. Default: {_DEFAULTS.concurrency}.",
                32,
                default=_DEFAULTS.concurrency,
            ),
            "plan_ttl": described(
                duration,
                "How long a saved plan is good for: 90s, 15m, 6h, 7d, 2w or several, such as 1d12h. "
                f"Default: {time_to_live}.",
                "6h",
                "2d",
                default=time_to_live,
            ),
        },
        title="settings",
    )
    example = {"limits": {"max_actions": 200, "max_percent": 30}, "plan_ttl": "12h"}
    return described(settings, "Settings of the whole configuration. Each key may stand in one file only.", example)
