"""How the action installs: for real, into an environment of its own, but of a wheel that is built here."""

import re
import subprocess
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler import __version__
from tests.ci.conftest import ROOT
from tests.ci.runner import Runner
from tests.ci.test_files import all_scripts


@pytest.fixture
def install_only(tmp_path: Path) -> Path:
    """The action up to its first step."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    action["runs"]["steps"] = action["runs"]["steps"][:1]
    action["outputs"] = {"bin": {"value": "${{ steps.install.outputs.bin }}"}}
    place = tmp_path / "action"
    place.mkdir()
    (place / "action.yml").write_text(yaml.safe_dump(action), encoding="utf-8")
    return place


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """One that says it needs nothing, since there is no network to get that from."""
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    (built,) = tmp_path.glob("*.whl")
    needless = tmp_path / "needless" / built.name
    needless.parent.mkdir()
    with zipfile.ZipFile(built) as source, zipfile.ZipFile(needless, "w") as target:
        for name in source.namelist():
            target.writestr(name, b"" if name == "reconciler/requirements.lock" else source.read(name))
    return needless


def test_a_wheel_is_installed_and_nothing_that_somebody_left_runs(
    runner: Runner, install_only: Path, wheel: Path
) -> None:
    """No module in the checkout is imported."""
    for name in ("venv.py", "pip.py", "sitecustomize.py", "ensurepip.py"):
        (runner.workspace / name).write_text("open('pwned', 'w')\n", encoding="utf-8")
    runner.environment |= {"PIP_NO_INDEX": "1"}
    runner.environment["PATH"] = f"{sys.base_prefix}/bin:{runner.environment['PATH']}"
    first = runner.action(install_only, package=str(wheel))
    assert first.succeeded, first.log
    program = f"{first.outputs['bin']}/python"
    words = [program, "-I", "-c", "import reconciler; print(reconciler.__version__, reconciler.__file__)"]
    version, file = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert version == __version__
    assert file.startswith(str(runner.temporary))
    assert not (runner.workspace / "pwned").exists()


def test_nothing_is_built_on_the_way(runner: Runner, install_only: Path, tmp_path: Path) -> None:
    """A source distribution runs what it brings along, and what pip finds at the index to build it with."""
    index = tmp_path / "index"
    index.mkdir()
    builds = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    with tarfile.open(index / "media_reconciler-9.9.tar.gz", "w:gz") as source:
        for name, text in (("pyproject.toml", builds), ("backend.py", f"open({str(tmp_path / 'pwned')!r}, 'w')\n")):
            entry = tarfile.TarInfo(f"media_reconciler-9.9/{name}")
            entry.size = len(text)
            source.addfile(entry, BytesIO(text.encode()))
    runner.environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    runner.environment["PATH"] = f"{sys.base_prefix}/bin:{runner.environment['PATH']}"
    finished = runner.action(install_only, package="media-reconciler==9.9")
    assert not finished.succeeded
    assert "No matching distribution found for media-reconciler==9.9" in finished.log
    assert not (tmp_path / "pwned").exists()


def _installing() -> list[Any]:
    return [each for each in all_scripts() if "pip " in str(each.values[0])]


# Makes an "environment" whose python is this script again, and writes down what it was asked for.
RECORDER = """#!/bin/sh
echo "$@" >> "$HOME/asked"
case "$*" in "-I -m venv "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;; esac
"""


def test_its_own_checkout_is_installed_and_by_hash_what_it_needs(
    runner: Runner, install_only: Path, tmp_path: Path
) -> None:
    recorder = tmp_path / "recorder"
    recorder.write_text(RECORDER, encoding="utf-8")
    recorder.chmod(0o755)
    assert runner.action(install_only, python=str(recorder)).succeeded
    *_, needed, itself = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    flags = "-I -m pip --disable-pip-version-check install --quiet --no-deps"
    assert needed == f"{flags} --require-hashes --requirement {install_only}/reconciler/requirements.lock"
    assert itself == f"{flags} --no-build-isolation -- {install_only}"
    assert (ROOT / "reconciler" / "requirements.lock").is_file()
    places = {runner.action(install_only, python=str(recorder)).outputs["bin"] for _ in range(3)}
    assert len(places) == 3, "nobody can leave a program where the next one looks"


@pytest.mark.parametrize("script", _installing())
def test_every_kit_installs_by_hash_what_the_package_needs(script: str) -> None:
    """And nothing that it brings along: no line lets pip choose."""
    commands = re.findall(r"pip (?:--\S+ )*install (?:[^\n]|\\\n)*", script)
    assert len(commands) >= 1
    assert all("--no-deps" in command for command in commands)
    assert """printf '%s\\n' --only-binary=:all: "$PACKAGE" > """ in script
    assert "--require-hashes" in script


def test_a_python_that_will_not_do_is_said_to_be_one(runner: Runner, install_only: Path) -> None:
    finished = runner.action(install_only, python="/bin/false", package="media-reconciler")
    assert not finished.succeeded
    assert "::error title=reconciler::Python 3.11 or newer" in finished.log
