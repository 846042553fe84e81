"""What stands at the root of the repository for other tools: the pre-commit hook, the constraints, the CI script."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from reconciler import __version__
from reconciler.config.discovery import discover
from reconciler.policy_tests.loader import discover as discover_tests
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


def _declared() -> list[Requirement]:
    """As pyproject.toml says; an extra within an extra stands for what it holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    return [found for found in map(Requirement, texts) if found.name != "media-reconciler"]


def test_each_requirement_is_stated_once() -> None:
    names = Counter(canonicalize_name(requirement.name) for requirement in _declared())
    assert [name for name, count in names.items() if count > 1] == []


def test_what_is_imported_is_declared() -> None:
    """What happens to come along with something else may be gone with its next release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    of_users = (text for name, texts in extras.items() if name != "dev" for text in texts)
    wanted = [*project["dependencies"], *of_users]
    declared = {canonicalize_name(Requirement(text).name) for text in wanted}
    origin = metadata.packages_distributions()
    known = {"reconciler", "_typeshed"}  # the latter is read by checkers of types only
    undeclared = {}
    for file in (ROOT / "reconciler").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for top in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - known:
                if not declared & {canonicalize_name(name) for name in origin.get(top, ())}:
                    undeclared[top] = file.relative_to(ROOT).as_posix()
    assert undeclared == {}


LOCK = ROOT / "reconciler" / "requirements.lock"


def _locked() -> dict[NormalizedName, str]:
    """Version by name; every entry has hashes."""
    entries = re.findall(r"^([\w.-]+)==(\S+)(.*(?:\n    .*)*)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert all("--hash=sha256:" in rest for _, _, rest in entries)
    return {canonicalize_name(name): version for name, version, _ in entries}


def test_the_lock_file_holds_what_the_kits_install_and_names_no_index() -> None:
    """Else: `make lock`. Its versions are those that are tested."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *extras["postgresql"]]
    locked = _locked()
    for requirement in map(Requirement, [*wanted, *project["build-system"]["requires"]]):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement.name
    text = LOCK.read_text(encoding="utf-8")
    assert "//" not in text
    assert "index" not in text
    # What is built needs something to be built with, which pip takes from the index as it finds it, without a hash.
    assert "\n--only-binary :all:\n" in text
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    tested = {canonicalize_name(name): version for name, version in pinned.items()}
    assert {name: version for name, version in locked.items() if tested.get(name, version) != version} == {}


def test_the_bill_of_materials_names_what_is_in_the_lock_file(tmp_path: Path) -> None:
    """`make sbom`, in a copy: CycloneDX, checked by its own schema as it is written."""
    tool = Path(sys.prefix) / "sbom"
    if not tool.is_dir():
        pytest.skip("cyclonedx-bom is not installed: make test installs it")
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "reconciler"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = tmp_path / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    (environment / "sbom").symlink_to(tool)
    made = ["--old-file=.venv/.dev", "--old-file=.venv/sbom/.created"]
    words = ["make", "--silent", *made, f"BIN={Path(sys.executable).parent}", "sbom"]
    # Nothing of the make that runs these tests, such as the environment that it was told to use.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, env=plain)
    bill = json.loads((tmp_path / "dist" / "media-reconciler.cdx.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["metadata"]["component"]["version"]) == ("CycloneDX", __version__)
    assert {canonicalize_name(part["name"]): part["version"] for part in bill["components"]} == _locked()
    assert all(part["externalReferences"][0]["hashes"] for part in bill["components"])


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
        (PYTHONS, "collect", ["3.13 pyenv/versions/3.13.10/bin/python3.13 pytest", "3.11 path/python3.11 test"]),
        (["path/python3.11"], "", ["3.11 path/python3.11 test"]),
        (["path/python3.13", "path/python3"], "", ["3.12 path/python3 test"]),
        (["pyenv/versions/3.11.7/bin/python3.11"], "", ["3.11 pyenv/versions/3.11.7/bin/python3.11 test"]),
        ([], "none", []),
    ],
)
def test_the_ci_script_takes_the_oldest_and_the_newest_python_that_work(
    names: Iterable[str], failing: str, expected: list[str], tmp_path: Path
) -> None:
    """`make` is a stand-in that writes down what it is asked for; a shim of pyenv's that fails stops nothing. Tests
    are collected beforehand to save time; what comes of that decides nothing."""
    for name in names:
        minor = {"path/python3": "12"}.get(name) or name.rpartition("3.")[2]
        test = f'[ "$4" = {minor} ]' if PYTHONS[name] in {"works", "is 12"} else f"echo '{PYTHONS[name]}'; false"
        _program(tmp_path / name, f"{test}\n")
    asked = tmp_path / "asked"
    _program(
        tmp_path / "path" / "make",
        f'target=${{@: -1}}\n[[ "$*" != *--collect-only* ]] || target=collect\n'
        f'printf "%s %s %s\\n" "${{2#VENV=.venv-}}" "${{3#PYTHON=}}" "$target" >> {asked}\n'
        f'[[ "$*" != *$\'\\n\'* ]] || echo "a second line is no flag, but another command" >> {asked}\n'
        f'[ "$target" != "{failing}" ]\n',
    )
    for tool in ("bash", "dirname", "getconf", "sort", "env"):
        (tmp_path / "path" / tool).symlink_to(str(shutil.which(tool)))
    environment = {"PATH": str(tmp_path / "path"), "PYENV_ROOT": str(tmp_path / "pyenv"), "HOME": str(tmp_path)}
    done = subprocess.run([ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False)
    text = asked.read_text(encoding="utf-8") if asked.exists() else ""
    lines = text.replace(f"{tmp_path}/", "").splitlines()
    run = [line for line in lines if not line.endswith(" collect")]
    assert run == expected, done.stderr
    for line in run:
        collected = f"{line.rpartition(' ')[0]} collect"
        assert collected in lines[: lines.index(line)], "each worker would compile them again"
    assert (done.returncode == 0) == (failing in {"", "collect"})


def _program(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/bash\n{script}", encoding="utf-8")
    file.chmod(0o755)


@pytest.mark.parametrize(
    "target",
    [
        "demo",
        "test",
        "pytest",
        "lint",
        "types",
        "schemas",
        "reference",
        "lock",
        "sbom",
        "release",
        "goldens",
        "clean",
        "help",
    ],
)
def test_make_knows_the_target(target: str) -> None:
    words = ["make", "--dry-run", "--directory", str(ROOT), target]
    subprocess.run(words, check=True, capture_output=True)
