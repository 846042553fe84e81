"""Declarative reconciler for media-processing tasks: YAML policies -> plan -> verified cancel and delete calls.

As a library (docs/how-to/python.md): `Session` for asynchronous code, `plan` and `apply` for the rest. What stands in
`__all__` is the public API. It is loaded when it is first asked for, so that `reconciler --help` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.engine.apply_run import ApplyOptions
    from reconciler.engine.approval import Approval
    from reconciler.engine.session import Session, apply, plan
    from reconciler.exceptions import (
        BackendError,
        InvalidConfiguration,
        LockedError,
        ReconcilerError,
        RefusedError,
        StalePlanError,
        UsageError,
    )
    from reconciler.planning.change import Change
    from reconciler.planning.limits import Overrides
    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Outcome, Report, Result

__all__ = [
    "ApplyOptions",
    "Approval",
    "BackendError",
    "Change",
    "InvalidConfiguration",
    "LockedError",
    "Outcome",
    "Overrides",
    "Plan",
    "ReconcilerError",
    "RefusedError",
    "Report",
    "Result",
    "Session",
    "StalePlanError",
    "UsageError",
    "__version__",
    "apply",
    "plan",
]

__version__ = "0.1.0"

_HOMES = (
    *("engine.apply_run", "engine.approval", "planning.report", "engine.session"),
    *("exceptions", "planning.change", "planning.limits", "planning.plan"),
)
"""The modules that the names above come from."""


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"reconciler.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
