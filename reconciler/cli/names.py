"""What a shell completes beside commands and flags: names of targets, policies and resource types."""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

_WORD = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_PATIENCE = 2.0
"""Seconds after which somebody who pressed a key goes without names: a directory may be all of a home, or far away."""


def named(section: int, ctx: click.Context, incomplete: str, ending: str = "") -> list[CompletionItem]:
    """Names of targets (0) or policies (1) that begin so, of the paths that were typed already, each with `ending`."""
    # While a flag has no value yet, click has taken no argument for what it is.
    typed = [Path(text) for text in (ctx.params.get("paths") or ctx.args) if Path(text).exists()]
    return _items(_names(tuple(typed))[section], incomplete, ending)


def resource_types(incomplete: str) -> list[CompletionItem]:
    """Names of resource types that begin so."""
    from reconciler.providers.registry import catalogue  # noqa: PLC0415 - takes its time

    return _items(sorted(catalogue().resource_types), incomplete)


def _items(names: Sequence[str], incomplete: str, ending: str = "") -> list[CompletionItem]:
    """Nothing that a shell may take for more than a word: a file that was proposed may hold anything."""
    return [CompletionItem(name + ending) for name in names if name.startswith(incomplete) and _WORD.fullmatch(name)]


def _names(paths: tuple[Path, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whatever is wrong with the files, or with the way to them, there are none then."""
    from reconciler.config.loader import names  # noqa: PLC0415 - takes its time
    from reconciler.providers.registry import catalogue  # noqa: PLC0415 - as above

    found: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    def look() -> None:
        with suppress(Exception):  # nobody asked for anything but a name
            found.append(names(paths, catalogue(), environment=os.environ))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(_PATIENCE)
    return found[0] if found else ((), ())
