"""What stands at the root of the repository for other tools: the pre-commit hook, the constraints, the CI script."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reconciler.config.discovery import discover
from reconciler.policy_tests.discovery import discover as discover_tests
from tests.command_lines import check, command_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]


def _hook(name: str) -> dict[str, Any]:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (hook,) = [hook for hook in hooks if hook["id"] == name]
    assert isinstance(hook, dict)
    return hook


@pytest.mark.parametrize("name", ["validate", "test"])
def test_a_pre_commit_hook_runs_a_command_that_there_is(name: str) -> None:
    hook = _hook(f"reconciler-{name}")
    (words,) = command_lines(hook["entry"])
    assert words == [name]
    check(words)
    assert hook["pass_filenames"] is False, "all files are one configuration"


@pytest.mark.parametrize("hook", ["reconciler-validate", "reconciler-test"])
@pytest.mark.parametrize(
    "name", ["reconciler.yaml", "policies/a.reconciler.yaml", "x/y/reconciler.yaml", "reconciler.yml", "a.yaml"]
)
def test_the_pre_commit_hooks_run_for_the_configuration_that_is_read(hook: str, name: str, tmp_path: Path) -> None:
    file = _written(tmp_path / name)
    read = discover([tmp_path]).files
    assert (re.search(_hook(hook)["files"], name) is not None) == (file in read)


@pytest.mark.parametrize(
    "name",
    [
        *("reconciler-test.yaml", "policies/a.reconciler-test.yaml", "x/y/reconciler-test.yaml"),
        *("a-reconciler-test.yaml", "x/.reconciler-test.yaml", "reconciler-test.yml", "b/a.yaml"),
    ],
)
def test_the_pre_commit_hook_runs_for_the_tests_that_are_read(name: str, tmp_path: Path) -> None:
    file = _written(tmp_path / name)
    read = discover_tests([tmp_path]).tests
    assert (re.search(_hook("reconciler-test")["files"], name) is not None) == (file in read)


@pytest.mark.parametrize("hook", ["reconciler-validate", "reconciler-test"])
def test_the_pre_commit_hooks_run_for_the_inventory_of_the_example(hook: str) -> None:
    """It has no name of its own, but a place that the example and `init` give it."""
    inventories = [path for path in (ROOT / "examples").rglob("inventory/*") if path.is_file()]
    assert inventories
    for path in inventories:
        assert re.search(_hook(hook)["files"], path.relative_to(ROOT).as_posix())


def _written(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("version: 1\n", encoding="utf-8")
    return file


def test_every_dependency_has_a_constraint_that_it_admits() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pins = {canonicalize_name(name): version for name, version in pinned.items()}
    for requirement in map(Requirement, metadata.requires("media-reconciler") or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": "dev"}):
            assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement.name


def test_the_ci_script_can_be_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["/bin/bash", "-n", str(script)], check=True)


PYTHONS = {
    "path/python3.11": "works",
    "path/python3.13": "pyenv: python3.13: command not found",
    "path/python3": "is 12",
    "pyenv/versions/3.11.7/bin/python3.11": "works",
    "pyenv/versions/3.13.0/bin/python3.13": "works",
    "pyenv/versions/3.13.10/bin/python3.13": "works",
    "pyenv/versions/3.14.0a1/bin/python3.14": "is an alpha",
}


@pytest.mark.parametrize(
    ("names", "failing", "expected"),
    [
        (PYTHONS, "", ["3.13 pyenv/versions/3.13.10/bin/python3.13 pytest", "3.11 path/python3.11 test"]),
        (PYTHONS, "pytest", ["3.13 pyenv/versions/3.13.10/bin/python3.13 pytest", "3.11 path/python3.11 test"]),
        (PYTHONS, "test", ["3.13 pyenv/versions/3.13.10/bin/python3.13 pytest", "3.11 path/python3.11 test"]),
        (["path/python3.11"], "", ["3.11 path/python3.11 test"]),
        (["path/python3.13", "path/python3"], "", ["3.12 path/python3 test"]),
        (["pyenv/versions/3.11.7/bin/python3.11"], "", ["3.11 pyenv/versions/3.11.7/bin/python3.11 test"]),
        ([], "none", []),
    ],
)
def test_the_ci_script_takes_the_oldest_and_the_newest_python_that_work(
    names: Iterable[str], failing: str, expected: list[str], tmp_path: Path
) -> None:
    """`make` is a stand-in that writes down what it is asked for; a shim of pyenv's that fails stops nothing."""
    for name in names:
        minor = {"path/python3": "12"}.get(name) or name.rpartition("3.")[2]
        test = f'[ "$4" = {minor} ]' if PYTHONS[name] in {"works", "is 12"} else f"echo '{PYTHONS[name]}'; false"
        _program(tmp_path / name, f"{test}\n")
    asked = tmp_path / "asked"
    _program(
        tmp_path / "path" / "make",
        f'target=${{@: -1}}\nprintf "%s %s %s\\n" "${{2#VENV=.venv-}}" "${{3#PYTHON=}}" "$target" >> {asked}\n'
        f'[ "$target" != "{failing}" ]\n',
    )
    for tool in ("bash", "dirname", "sort", "env"):
        (tmp_path / "path" / tool).symlink_to(str(shutil.which(tool)))
    environment = {"PATH": str(tmp_path / "path"), "PYENV_ROOT": str(tmp_path / "pyenv"), "HOME": str(tmp_path)}
    done = subprocess.run([ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False)
    lines = asked.read_text(encoding="utf-8").splitlines() if asked.exists() else []
    assert [line.replace(f"{tmp_path}/", "") for line in lines] == expected, done.stderr
    assert (done.returncode == 0) == (failing == "")


def _program(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/bash\n{script}", encoding="utf-8")
    file.chmod(0o755)


@pytest.mark.parametrize(
    "target", ["demo", "test", "pytest", "lint", "types", "schemas", "reference", "goldens", "clean", "help"]
)
def test_make_knows_the_target(target: str) -> None:
    words = ["make", "--dry-run", "--directory", str(ROOT), target]
    subprocess.run(words, check=True, capture_output=True)
