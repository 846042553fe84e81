"""The snapshot files that tests name, each read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.discovery import shown_path
from reconciler.exceptions import InvalidPlan
from reconciler.planning.snapshot_document import read_snapshot
from reconciler.planning.strict_json import MAX_BYTES
from reconciler.selectors.mistake import Mistake

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.planning.snapshot import Snapshot
    from reconciler.tasks.catalogue import Catalogue

__all__ = ["SnapshotFiles"]


class SnapshotFiles:
    """Snapshots by the path of their file."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._read: dict[Path, Snapshot | Mistake] = {}

    def read(self, file: Path) -> Snapshot:
        """The snapshot in `file`. Raises Mistake."""
        if file not in self._read:
            self._read[file] = self._attempt(file)
        found = self._read[file]
        if isinstance(found, Mistake):
            raise found
        return found

    def _attempt(self, file: Path) -> Snapshot | Mistake:
        shown = shown_path(file)
        try:
            with file.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
            return read_snapshot(data.decode("utf-8"), self._catalogue, shown)
        except InvalidPlan as error:
            return Mistake(error.message, error.hint)
        except UnicodeDecodeError:
            return Mistake(f"the snapshot {shown} is not UTF-8 text", "write it with `plan --save-snapshot`")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = error.strerror if isinstance(error, OSError) else "the name is not valid"
            hint = "write it with `plan --save-snapshot`; the path is relative to this file"
            return Mistake(f"the snapshot {shown} cannot be read: {reason}", hint)
