"""Reading a plan, report or snapshot that may be anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.inventory import values_in
from reconciler.documents.files import PLAN_FILE, read_either, whole
from reconciler.documents.strict_json import MAX_BYTES, MAX_BYTES_AS_WRITTEN, decoded
from reconciler.exceptions import InvalidPlan, UsageError
from reconciler.planning.plan import Plan
from reconciler.providers.registry import catalogue
from reconciler.selectors.mistake import Mistake

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.planning.report import Report
    from reconciler.planning.snapshot import Snapshot

_PLAN_MAKER = "`reconciler plan --out FILE` saves a plan"
_SNAPSHOT_MAKER = "`reconciler plan --save-snapshot FILE` saves a snapshot"


def saved_plan(*paths: Path) -> Plan:
    """The plan of a file, or of the files of its parts. Raises UsageError where one cannot be read, InvalidPlan where
    they hold no plan that was saved."""
    plan = whole([PLAN_FILE.read(_bytes(path, _PLAN_MAKER, MAX_BYTES_AS_WRITTEN), str(path)) for path in paths])
    assert isinstance(plan, Plan)  # noqa: S101 - told to mypy
    return plan


def saved_plan_or_report(*paths: Path) -> Plan | Report:
    """Raises as `saved_plan` does."""
    return whole([read_either(_bytes(path, _PLAN_MAKER, MAX_BYTES_AS_WRITTEN), str(path)) for path in paths])


def saved_snapshot(path: Path) -> Snapshot:
    """Raises as `saved_plan` does."""
    from reconciler.documents.snapshot import read_snapshot  # noqa: PLC0415 - few commands are given one

    return read_snapshot(decoded(_bytes(path, _SNAPSHOT_MAKER, MAX_BYTES), str(path)), catalogue(), str(path))


def named_tasks(path: Path) -> tuple[str, ...]:
    """The tasks that a file names, one a line: as a policy's `id: {in: {file: ...}}` has them.

    Raises UsageError where it cannot be read, or names none.
    """
    try:
        text = decoded(_bytes(path, "a list of ids has one a line", MAX_BYTES), str(path))
        names = values_in(text.split("\n"), str(path))
    except (Mistake, InvalidPlan) as error:
        raise UsageError(f"--tasks-file: {error.message}") from error
    if not names:
        raise UsageError(f"--tasks-file: {path} names no task", "leave the flag out to go ahead with all")
    return tuple(name for _, name in names)


def _bytes(path: Path, made_by: str, most: int) -> bytes:
    """What a saved file holds; `made_by` says how one comes to be, for whoever names a file that is not there."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", made_by) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > most:
        raise InvalidPlan(f"{path} is larger than {most} bytes", "nothing saved here is; make it again")
    return data
