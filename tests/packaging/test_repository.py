"""What stands at the root of the repository for other tools: the pre-commit hook, the constraints, the CI script."""

from __future__ import annotations

import os
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reconciler.config.discovery import discover
from tests.command_lines import check, command_lines

ROOT = Path(__file__).parents[2]


def test_the_pre_commit_hook_runs_a_command_that_there_is() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (words,) = command_lines(hook["entry"])
    assert words == ["validate"]
    check(words)
    assert hook["pass_filenames"] is False, "all files are one configuration"


@pytest.mark.parametrize(
    "name", ["reconciler.yaml", "policies/a.reconciler.yaml", "x/y/reconciler.yaml", "reconciler.yml", "a.yaml"]
)
def test_the_pre_commit_hook_runs_for_the_files_that_are_read(name: str, tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("version: 1\n", encoding="utf-8")
    read, _ = discover([tmp_path])
    assert (re.search(hook["files"], name) is not None) == (file in read)


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


@pytest.mark.parametrize("target", ["demo", "test", "lint", "types", "schemas", "goldens", "clean", "help"])
def test_make_knows_the_target(target: str) -> None:
    words = ["make", "--dry-run", "--directory", str(ROOT), target]
    subprocess.run(words, check=True, capture_output=True)
