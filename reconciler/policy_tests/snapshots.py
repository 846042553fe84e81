"""The snapshot files that tests name, each read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.files import reason_of, shown_path
from reconciler.documents.snapshot import read_snapshot
from reconciler.documents.strict_json import MAX_BYTES
from reconciler.exceptions import InvalidPlan
from reconciler.selectors.mistake import Mistake

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.config.files import Roots
    from reconciler.planning.snapshot import Snapshot
    from reconciler.tasks.catalogue import Catalogue

__all__ = ["SnapshotFiles"]


class SnapshotFiles:
    """Snapshots by the path of their file."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._read: dict[Path, Snapshot | Mistake] = {}

    def read(self, file: Path, roots: Roots) -> Snapshot:
        """The snapshot in `file`. Raises Mistake."""
        if file not in self._read:
            self._read[file] = self._attempt(file, roots)
        found = self._read[file]
        if isinstance(found, Mistake):
            raise found
        return found

    def _attempt(self, file: Path, roots: Roots) -> Snapshot | Mistake:
        shown = shown_path(file)
        try:
            text = roots.read(file, MAX_BYTES + 1).decode("utf-8-sig")
            return read_snapshot(text, self._catalogue, shown)
        except InvalidPlan as error:
            return Mistake(error.message, error.hint)
        except UnicodeDecodeError:
            return Mistake(f"the snapshot {shown} is not UTF-8 text", "write it with `plan --save-snapshot`")
        except (OSError, ValueError) as error:
            hint = "write it with `plan --save-snapshot`; the path is relative to this file"
            return Mistake(f"the snapshot {shown} cannot be read: {reason_of(error)}", hint)
