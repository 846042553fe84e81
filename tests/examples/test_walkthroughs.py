"""The pages that lead by the hand can be followed: every file written, every command typed, every output as shown."""

import os
import sys
from pathlib import Path

import pytest

from tests.examples.walkthrough import Command, File, Shell, free_port, occurs, steps
from tests.preloaded import program

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "docs/tutorial.md", *(ROOT / "docs/how-to").glob("*.md")])
PORT = "8799"
"""The port that pages and new repositories name; each run takes one of its own."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home of its own, and the commands of this environment; nothing else that the machine has set."""
    path = f"{program().parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"HOME": str(tmp_path), "PATH": path, "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_can_be_followed(page: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    place = tmp_path / "work"
    place.mkdir()
    plan = list(steps(page.read_text(encoding="utf-8")))
    port = str(free_port())
    with Shell(place, {**environment, "RECONCILER_PORT": port}) as shell:
        follow(plan, shell, port)


def follow(plan: list[Command | File], shell: Shell, port: str) -> None:
    for number, step in enumerate(plan):
        if isinstance(step, File):
            _, directory = shell.type("pwd")
            file = Path(directory.strip(), step.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(step.text, encoding="utf-8")
            continue
        for _ in step.text.split("simulator.env")[1:]:
            shell.type(f"sed -i s/{PORT}/{port}/ simulator/simulator.env")
        code, printed = shell.type(step.text.replace(PORT, port))
        following = plan[number + 1] if number + 1 < len(plan) else None
        expected_to_fail = isinstance(following, Command) and following.text == "echo $?"
        assert code == 0 or expected_to_fail, f"`{step.text}` ended with {code}:\n{printed}"
        assert occurs(step.shown, printed), f"`{step.text}` printed:\n{printed}"


LIES = {
    "a command that fails": "$ false",
    "an output that does not come": "$ echo yes\nno",
    "lines in another order": "$ printf 'a\\nb\\n'\nb\na",
    "a gap that is not marked": "$ printf 'a\\nb\\nc\\n'\na\nc",
    "another exit code": "$ (exit 3)\n$ echo $?\n4",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_page_that_lies_is_caught(lie: str, tmp_path: Path, environment: dict[str, str]) -> None:
    plan = list(steps(f"```console\n{LIES[lie]}\n```\n"))
    with Shell(tmp_path, environment) as shell, pytest.raises(AssertionError):
        follow(plan, shell, PORT)


def test_a_file_and_a_gap_and_an_exit_code(tmp_path: Path, environment: dict[str, str]) -> None:
    page = (
        "In `a/b.yaml`:\n\n```yaml\nx: 1\ny: 2\nz: 3\n```\n\n"
        "```console\n$ cat a/b.yaml\nx: 1\n[...]\nz: 3\n$ (exit 3)\n$ echo $?\n3\n```\n"
    )
    with Shell(tmp_path, environment) as shell:
        follow(list(steps(page)), shell, PORT)
    assert (tmp_path / "a" / "b.yaml").read_text(encoding="utf-8") == "x: 1\ny: 2\nz: 3\n"
