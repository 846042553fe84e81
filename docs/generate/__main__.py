"""`python -m docs.generate`, at the root of the repository: writes docs/reference/ anew."""

from __future__ import annotations

from docs.generate.pages import PAGES, REFERENCE

for name, make in PAGES.items():
    (REFERENCE / name).write_text(make(), encoding="utf-8")
