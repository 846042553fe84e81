"""`python -m docs.generate.pictures`, at the root of the repository: writes docs/pictures anew, from the demo.

Needs Chromium on PATH, by its usual names (Debian: apt-get install chromium).
"""

from __future__ import annotations

import io
import os
import pty
import shutil
import subprocess
import sys
import tempfile
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ
from typing import TYPE_CHECKING

import cmarkgfm
from cmarkgfm.cmark import Options
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from reconciler.cli.demo import environment_of
from reconciler.simulator import Simulator
from reconciler.simulator.demo import SEED, write_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

PICTURES = Path(__file__).parents[1] / "pictures"
_COLUMNS = 100
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FACE = 'font-family: "Liberation Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace'
_COMMENT = """<!DOCTYPE html><meta charset="utf-8"><style>
body { margin: 1.5rem; font: 14px/1.5 "Liberation Sans", Arial, sans-serif; color: #1f2328; max-width: 60rem; }
main { border: 1px solid #d1d9e0; border-radius: 6px; padding: 0 1rem 1rem; }
code { font: 12px "Liberation Mono", monospace; background: #818b981f; padding: .2em .4em; border-radius: 6px; }
h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: .3em; } blockquote { border-left: .25em solid #cf222e;
margin-inline: 0; padding: .1em 1em; } table { border-collapse: collapse; display: block; overflow: auto; }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px; } summary { cursor: pointer; }
</style><main>"""


def _in_terminal(words: tuple[str, ...], directory: Path, environment: Mapping[str, str]) -> str:
    """What a command prints on a terminal, its colours included."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, pack("HHHH", 50, _COLUMNS, 0, 0))
    command = [sys.executable, "-m", "reconciler", *words]
    process = subprocess.Popen(  # noqa: S603 - our own
        command, cwd=directory, env={**environment, "TERM": "xterm-256color"}, stdout=theirs, stderr=None
    )
    os.close(theirs)
    printed = b""
    while part := _read(ours):
        printed += part
    if process.wait():
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    return printed.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # EIO: the program has ended
        return b""


def _drawn(text: str) -> str:
    """A terminal as SVG that asks nobody for a font."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(text))
    svg = console.export_svg(title="reconciler plan", unique_id="reconciler")
    start, end = svg.index("@font-face"), svg.rindex("@font-face")
    end = svg.index("}", end) + 1
    return (svg[:start] + svg[end:]).replace("font-family: Fira Code, monospace", _FACE)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with Simulator(seed=SEED).running() as simulator, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_configuration(directory)
        environment = environment_of(simulator)
        words = (
            "plan",
            "--view",
            "list",
            "--out",
            "plan.json",
            "--report",
            "html=plan.html",
            "--report",
            "markdown=plan.md",
        )
        text = _in_terminal(words, directory, environment)
        (PICTURES / "plan.svg").write_text(
            _drawn(f"$ reconciler plan --view list --out plan.json\n{text}"), encoding="utf-8"
        )
        comment = cmarkgfm.github_flavored_markdown_to_html(
            (directory / "plan.md").read_text(encoding="utf-8"), options=Options.CMARK_OPT_UNSAFE
        )
        comment = comment.replace("[!WARNING]", "<b>Warning</b><br>")  # GitHub's own addition
        (directory / "comment.html").write_text(_COMMENT + comment, encoding="utf-8")
        with sync_playwright() as playwright:
            browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
            page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page(
                viewport={"width": 1100, "height": 1400}
            )
            for page_name in ("plan", "comment"):
                page.goto((directory / f"{page_name}.html").as_uri())
                page.screenshot(path=PICTURES / f"{page_name}.png")


if __name__ == "__main__":
    main()
