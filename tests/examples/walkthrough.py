"""Following a page of the documents as a reader does: write the files that it shows, type the commands that it shows.

A `console` block is typed into one shell, line by line behind `$ `; what stands below a command must be printed by it,
in order (`[...]` stands for what is left out, and times and digests may differ). Every command must succeed, but where
the page goes on with `$ echo $?`. A block behind a line that ends in "`FILE`:" is written to that file; a `diff` block
is a change to it. `sh` blocks are for other machines: they are not typed.
"""

import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w./-]+)`[^`\n]*:\n*\Z")
_CHANGING = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|(?:sha256:)?[0-9a-f]{64}|\b[0-9a-f]{32}\b|[0-9.]+ ?m?s\b|\(?\bin \d+[smhd]\b"
)
_MARK = "--- end of command"
_PATIENCE = 120.0
"""Seconds that one command may take before the test gives up; no result depends on it."""


@dataclass(frozen=True)
class Command:
    """One command, and the lines that the page shows below it."""

    text: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """A file that the page shows whole."""

    name: str
    text: str


def steps(page: str) -> Iterator[Command | File]:
    """What a reader does, in order."""
    for block in _FENCE.finditer(page):
        indent, language, body = block[1], block[2], block[3]
        text = re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
        named = _NAMED.search(page[: block.start()].rstrip() + "\n")
        if language == "console":
            yield from _commands(text)
        elif named and language in {"yaml", "text", "json"}:
            yield File(named[1], text)


def _commands(block: str) -> Iterator[Command]:
    typed, shown = "", list[str]()
    for line in block.splitlines():
        if line.startswith("$ "):
            if typed:
                yield Command(typed, tuple(shown))
            typed, shown = line.removeprefix("$ "), []
        elif typed.endswith("\\"):
            typed = f"{typed.removesuffix(chr(92))}{line.strip()}"
        else:
            shown.append(line)
    if typed:
        yield Command(typed, tuple(shown))


def occurs(shown: tuple[str, ...], printed: str) -> bool:
    """Whether the lines were printed, in order and one below the other but for `[...]` and empty lines."""
    rest = [_steady(line) for line in printed.splitlines() if line.strip()]
    together = False
    for line in filter(str.strip, shown):
        if line.strip() == "[...]":
            together = False
            continue
        wanted = _steady(line)
        places = [number for number, other in enumerate(rest) if other == wanted]
        if not places or (together and places[0] != 0):
            return False
        rest = rest[places[0] + 1 :]
        together = True
    return True


def _steady(line: str) -> str:
    return re.sub(r"\s+", " ", _CHANGING.sub("~", line)).strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


class Shell:
    """One bash, kept from command to command, so that variables and the directory stay. A context manager."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["/bin/bash", "--noprofile", "--norc"],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, *exc: object) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)  # with what it left in the background
        self._bash.communicate()

    def type(self, command: str) -> tuple[int, str]:
        """Run a command; its exit code, and what it printed on stdout and stderr. `$?` stays for the next one.

        `reconciler simulator` is what a reader starts in a second terminal: it goes on in the background.
        """
        assert self._bash.stdin
        if command.startswith("reconciler simulator"):
            command = f'exec 9< <(exec {command} 2>/dev/null); read -r __url <&9; echo "$__url"'
        line = f"{command}\n__code=$?; echo; echo '{_MARK}' $__code; (exit $__code)\n"
        self._bash.stdin.write(line.encode())
        self._bash.stdin.flush()
        return self._answer(command)

    def _answer(self, command: str) -> tuple[int, str]:
        assert self._bash.stdout
        printed, deadline = b"", time.monotonic() + _PATIENCE
        end = re.compile(rb"\n?" + _MARK.encode() + rb" (\d+)\n")
        while (found := end.search(printed)) is None:
            ready, _, _ = select.select([self._bash.stdout], [], [], max(0.0, deadline - time.monotonic()))
            more = self._bash.stdout.read1(65536) if ready else b""  # type: ignore[attr-defined]  # a BufferedReader
            assert more, f"`{command}` did not end: {printed.decode(errors='replace')}"
            printed += more
        return int(found[1]), printed[: found.start()].decode(errors="replace")
