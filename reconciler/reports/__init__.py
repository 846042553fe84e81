"""Renderings of plans and reports: pure functions of the data, without a clock, a file or a terminal.

The names of the formats stand here, apart from the renderers, which help texts need not load.
"""

from __future__ import annotations

SCREEN_FORMATS = ("text", "json", "markdown", "html")
"""Those that people read, and the data itself: what `plan` and `apply` write to stdout."""

FORMATS = (*SCREEN_FORMATS, "junit", "github", "gitlab", "outputs")
"""All of them: what `show` writes, and `--report`."""
