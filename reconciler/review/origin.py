"""Where a comment comes from: the run that made it, and the commit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.reports.markdown.parts import code

__all__ = ["Origin"]

_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)+", re.ASCII)
_LONGEST_LINK = 400
_RUN = re.compile(r"[0-9]{1,20}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """Taken from the environment, and believed only where it has the form that it should have."""

    link: str = ""
    run: str = ""
    commit: str = ""

    def line(self) -> str:
        """The last line of the comment, or the empty string where nothing is known."""
        made = [self._run(), f"commit {code(self.commit[:12])}" if _COMMIT.fullmatch(self.commit) else ""]
        return f"Made by {' of '.join(filter(None, made))}." if any(made) else ""

    def _run(self) -> str:
        """Nothing in a link of this form can end it, so that it needs no escaping."""
        if len(self.link) > _LONGEST_LINK or not _LINK.fullmatch(self.link) or not _RUN.fullmatch(self.run):
            return ""
        return f"[run {self.run}]({self.link})"
