"""Completion in real shells: what they get when somebody presses TAB, and that nothing else is said or asked."""

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.preloaded import program
from tests.terminal import ALIYUN, HEAD, Terminal

POLICY = """
policies:
  no-stale-snapshots: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}
  no-uploads: {resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}
"""
BASH = """
eval "$(reconciler completion bash)"
COMP_WORDS=({words} "$LAST"); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_reconciler_completion reconciler
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
compdef() {{ : }}
compadd() {{ print -rl -- ${{completions}} }}
_describe() {{ print -rl -- ${{completions_with_descriptions%%:*}} }}
eval "$(reconciler completion zsh)"
words=({words} "$LAST"); CURRENT=${{#words}}
_reconciler_completion
"""
FISH = """
reconciler completion fish | source
complete -C "{words} $LAST" | string split -f1 \\t
"""
SHELLS = {
    "bash": ["bash", "--norc", "-c", BASH],
    "zsh": ["zsh", "-fc", ZSH],
    "fish": ["fish", "--no-config", "-c", FISH],
}


@pytest.fixture(autouse=True)
def configured(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without variables and credentials, which no completion needs."""
    terminal.write(HEAD + ALIYUN + POLICY)
    for name in ("URL", "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{program().parent}:{os.environ['PATH']}")


@pytest.fixture(params=SHELLS)
def pressed(request: pytest.FixtureRequest, terminal: Terminal) -> Callable[[str], list[str]]:
    """What a shell offers for a line."""
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param} here")

    def offered(line: str) -> list[str]:
        words, _, last = line.rpartition(" ")
        *command, script = SHELLS[request.param]
        finished = subprocess.run(
            [*command, script.format(words=words)],
            cwd=terminal.directory,
            env={**os.environ, "LAST": last},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert finished.stderr == ""
        return sorted(filter(None, finished.stdout.splitlines()))

    return offered


def test_commands_flags_and_names_are_completed(terminal: Terminal, pressed: Callable[[str], list[str]]) -> None:
    assert pressed("reconciler pl") == ["plan"]
    assert pressed("reconciler plan --max-a") == ["--max-actions"]
    assert pressed("reconciler plan --format m") == ["markdown"]
    assert pressed("reconciler plan --target ") == ["aliyun", "huawei"]
    assert pressed("reconciler apply --target huawei --policy no-u") == ["no-uploads"]
    assert pressed("reconciler plan --max-actions ") == ["no-stale-snapshots=", "no-uploads="]
    assert pressed("reconciler apply --max-percent no-u") == ["no-uploads="]
    assert pressed("reconciler explain huaweicloud.vod.") == ["huaweicloud.vod.editing", "huaweicloud.vod.transcoding"]
    assert pressed("reconciler why 1 --resource aliyun.vod") == ["aliyun.vod.url_upload"]
    assert pressed("reconciler completion z") == ["zsh"]
    assert terminal.simulator.requests == []
    assert not (terminal.directory / ".reconciler").exists()


def test_what_is_wrong_is_not_told_while_a_line_is_typed(
    terminal: Terminal, pressed: Callable[[str], list[str]]
) -> None:
    assert "plan" in pressed("reconciler plann ")
    terminal.write("version: 1\n  targets: [")
    assert pressed("reconciler plan --target ") == []
    os.mkfifo(terminal.directory / "x.reconciler.yaml")
    assert pressed("reconciler plan --target ") == []


def test_a_mistake_in_a_policy_hides_no_name(terminal: Terminal, pressed: Callable[[str], list[str]]) -> None:
    terminal.write(HEAD + POLICY.replace("status: pending", "statuss: pending", 1).partition("  no-uploads")[0])
    assert pressed("reconciler plan --target ") == ["huawei"]


def test_hostile_names_reach_no_shell(terminal: Terminal, pressed: Callable[[str], list[str]]) -> None:
    terminal.write(HEAD.replace("  huawei:", '  "$(touch owned) *":') + HEAD.partition("targets:\n")[2])
    assert pressed("reconciler plan --target ") in ([], ["huawei"])
    assert not (terminal.directory / "owned").exists()


def test_names_are_those_of_the_paths_that_were_typed(terminal: Terminal, pressed: Callable[[str], list[str]]) -> None:
    (terminal.directory / "other").mkdir()
    terminal.write(HEAD.replace("huawei:", "elsewhere:"), "other/reconciler.yaml")
    assert pressed("reconciler plan other --target ") == ["elsewhere"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_written(terminal: Terminal, shell: str) -> None:
    finished = terminal.run("completion", shell)
    assert (finished.code, finished.err) == (0, "")
    assert "_RECONCILER_COMPLETE" in finished.out
    terminal.tells(64, "'csh' is not one of", "completion", "csh")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_a_person_presses_tab_in_bash(terminal: Terminal) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(shutil.which("bash")), "--norc", "-i"],
        cwd=terminal.directory,
        env={**os.environ, "TERM": "dumb", "PS1": "ready> ", "INPUTRC": "/dev/null"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = ""

    def until(text: str) -> None:
        nonlocal seen
        end = time.monotonic() + 60
        while text not in seen:
            assert select.select([ours], [], [], max(0.0, end - time.monotonic()))[0], seen
            seen += os.read(ours, 65_536).decode("utf-8", "replace")

    try:
        until("ready> ")
        os.write(ours, b'eval "$(reconciler completion bash)"; echo set-up\n')
        until("\nset-up")
        os.write(ours, b"reconciler plan --policy no-st\t")
        until("--policy no-stale-snapshots ")
    finally:
        process.kill()
        process.wait(60)
        os.close(ours)


def test_the_file_of_a_plan_is_completed_by_the_shell(terminal: Terminal) -> None:
    """A PATH is a file: the shell knows those better."""
    environment = {"COMP_WORDS": "reconciler plan ", "COMP_CWORD": "2", "_RECONCILER_COMPLETE": "bash_complete"}
    finished = subprocess.run(
        [program()],
        cwd=Path(terminal.directory),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "file,\n", "")
