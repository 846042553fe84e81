"""Streams that are full or closed: a message and a documented exit code, never a bug."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from tests.terminal import HEAD, Terminal

POLICY = "\npolicies:\n  p: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}\n"
COMMANDS = ["--help", "plan --help", "--version", "validate", "plan", "explain", "schema", "permissions", "init new"]


@pytest.fixture(autouse=True)
def configured(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)


def _shell(terminal: Terminal, line: str, *, buffered: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `$R` is the program, with stdout buffered by Python or not."""
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("$R", f"'{sys.executable}' -m reconciler")],
        cwd=terminal.directory,
        env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("words", "buffered"),
    [*((words, True) for words in COMMANDS), ("--help", False), ("plan", False), ("schema", False)],
)
def test_a_full_disk_is_an_error_and_no_bug(terminal: Terminal, words: str, buffered: bool) -> None:
    finished = _shell(terminal, f"$R {words} > /dev/full", buffered=buffered)
    assert (finished.returncode, finished.stderr) == (1, "Error: cannot write to stdout: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(("form", "calls"), [("text", 0), ("json", 1)])
def test_a_plan_that_cannot_be_shown_is_not_applied_and_what_was_done_is_told_elsewhere(
    terminal: Terminal, form: str, calls: int
) -> None:
    """Under `--format json` nothing is shown before all is done."""
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    words = f"apply --auto-approve --format {form} --report markdown=report.md"
    finished = _shell(terminal, f"$R {words} > /dev/full")
    assert (finished.returncode, finished.stderr) == (1, "Error: cannot write to stdout: No space left on device\n")
    assert len(terminal.destructive()) == calls
    assert (terminal.directory / "report.md").exists() == bool(calls)


@pytest.mark.parametrize("words", ["plan", "validate {}", "--help"])
def test_a_directory_that_is_gone_is_no_bug(terminal: Terminal, words: str) -> None:
    words = words.format(terminal.directory / "reconciler.yaml")
    finished = _shell(terminal, f"mkdir gone && cd gone && rmdir ../gone && $R {words}")
    told = "Error: the current directory does not exist any more\n  change to a directory that exists\n"
    assert (finished.returncode, finished.stderr) == ((0, "") if words == "--help" else (1, told))


def test_a_failure_in_json_that_cannot_be_written_keeps_its_exit_code(terminal: Terminal) -> None:
    finished = _shell(terminal, "$R plan nowhere --format json > /dev/full")
    assert finished.returncode == 65
    assert "`nowhere` does not exist" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert "Exception ignored" not in finished.stderr


def test_a_reader_that_goes_away_hears_nothing(terminal: Terminal) -> None:
    finished = _shell(terminal, "{ $R schema; echo $? >&2; } | true")
    assert finished.stderr.strip() in {"0", "1"}  # 0 where the pipe took it all before the reader went


@pytest.mark.parametrize("words", ["--help", "plan", "apply --auto-approve"])
def test_without_stdout_nothing_is_begun(terminal: Terminal, words: str) -> None:
    """The next file that is opened would get its number, and be written over."""
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    finished = _shell(terminal, f"$R {words} >&-")
    assert finished.returncode == 1
    assert finished.stderr.startswith("Error: cannot write to stdout: it is closed\n")
    assert terminal.simulator.requests == []


def test_without_stderr_the_product_and_the_exit_code_stay(terminal: Terminal) -> None:
    finished = _shell(terminal, "$R validate 2>&-")
    assert (finished.returncode, finished.stdout) == (0, "Valid: 1 file, 1 target, 1 policy, 0 warnings.\n")
    assert _shell(terminal, "$R validate nowhere 2>&-").returncode == 65


def test_without_stdin_nobody_can_be_asked(terminal: Terminal) -> None:
    finished = _shell(terminal, "$R apply <&-")
    assert finished.returncode == 64
    assert "there is no terminal to ask on" in finished.stderr
    assert terminal.simulator.requests == []


STDERR = {"full": "2> /dev/full", "closed": "2>&-", "without a reader": "2>&1 > out | true"}


SAYING = {
    "plan --nope": 64,
    "plan nowhere": 65,
    "apply": 64,
    "plan -v --detailed-exitcode": 2,
    "apply --auto-approve -v": 0,
    "": 64,
}
PAIRS = [
    *zip(["plan --nope", "plan nowhere", ""], STDERR, strict=True),  # they end before anything else is begun
    *product(["apply", "plan -v --detailed-exitcode", "apply --auto-approve -v"], STDERR),
]


@pytest.mark.parametrize(
    ("words", "stderr", "buffered"), [(*pair, number % 2 == 0) for number, pair in enumerate(PAIRS)]
)
def test_what_stderr_does_not_take_changes_no_exit_code(
    terminal: Terminal, words: str, stderr: str, buffered: bool
) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    redirections, _, reader = STDERR[stderr].partition("|")
    line = f"{{ $R {words} {redirections}; echo $? >&3; }} 3> code" + (f" | {reader}" if reader else " > out")
    _shell(terminal, line, buffered=buffered)
    assert (terminal.directory / "code").read_text() == f"{SAYING[words]}\n"


@pytest.mark.parametrize(
    ("form", "encoding"),
    [
        *(("json", name) for name in ("ascii", "gbk", "utf-16")),
        ("html", "gbk"),
        ("markdown", "ascii"),
    ],
)
def test_what_machines_read_is_utf_8_in_every_locale(terminal: Terminal, form: str, encoding: str) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d", input={"bucket": "ü媒体…"})
    finished = _shell(terminal, f"PYTHONIOENCODING={encoding} $R plan --format {form} > out")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "ü媒体…" in (terminal.directory / "out").read_text(encoding="utf-8")
    if form == "json":
        failed = _shell(terminal, f"PYTHONIOENCODING={encoding} $R validate ü媒体 --format json > out")
        assert failed.returncode == 65
        assert "ü媒体" in (terminal.directory / "out").read_text(encoding="utf-8")


def test_text_for_people_does_with_what_the_terminal_has(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(
        "huaweicloud.mpc.snapshot", id=1, created="1d", input={"bucket": "ü媒" + "x" * 300}
    )
    finished = _shell(terminal, "PYTHONIOENCODING=latin-1 $R plan > out")
    assert (finished.returncode, finished.stderr) == (0, "")
    text = (terminal.directory / "out").read_bytes()
    assert b"\xfc\\u5a92xxx" in text
    assert b"xxx..." in text
