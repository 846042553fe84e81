"""What stands at the root of the repository for other tools: the pre-commit hook, the constraints, the CI script."""

from __future__ import annotations

import os
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reconciler.config.discovery import discover
from reconciler.policy_tests.discovery import discover as discover_tests
from tests.command_lines import check, command_lines

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


@pytest.mark.parametrize(
    "target", ["demo", "test", "lint", "types", "schemas", "reference", "goldens", "clean", "help"]
)
def test_make_knows_the_target(target: str) -> None:
    words = ["make", "--dry-run", "--directory", str(ROOT), target]
    subprocess.run(words, check=True, capture_output=True)
