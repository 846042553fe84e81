"""Reading a plan, report or snapshot that may be anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.documents.strict_json import MAX_BYTES
from reconciler.exceptions import InvalidPlan, UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SNAPSHOT_MAKER", "read_saved"]

SNAPSHOT_MAKER = "`reconciler plan --save-snapshot FILE` saves a snapshot"
"""How a snapshot comes to be."""


def read_saved(path: Path, made_by: str = "`reconciler plan --out FILE` saves a plan") -> str:
    """The text of a saved file; `made_by` says how one comes to be, for whoever names a file that is not there.

    Raises UsageError where it cannot be read, InvalidPlan where it is no such file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", made_by) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise InvalidPlan(f"{path} is larger than {MAX_BYTES:,} bytes", "nothing saved here is; make it again")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidPlan(f"{path} is not UTF-8 text", "make it again") from error
