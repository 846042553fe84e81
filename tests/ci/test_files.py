"""The files of the CI kits, by the services' own schemas and by what reads their scripts."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import re2
import yaml

from reconciler import __version__
from tests.ci.conftest import ROOT

TEMPLATES = ROOT / "reconciler" / "scaffold" / "templates"
GITHUB = TEMPLATES / "github"
GITLAB = TEMPLATES / "gitlab"
EXAMPLE = ROOT / "examples" / "gitops"
WORKFLOWS = sorted([*(GITHUB / "dot-github" / "workflows").glob("*.yml"), *(ROOT / "ci" / "github").glob("*.yml")])
RENOVATE = sorted(TEMPLATES.rglob("renovate.json"))
PIPELINE = GITLAB / "dot-gitlab-ci.yml"
PIPELINES = [PIPELINE, *sorted((ROOT / "ci" / "gitlab").glob("*.yml"))]


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# -- schemas --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-actions", [ROOT / "action.yml"]),
        ("github-workflows", WORKFLOWS),
        ("gitlab-ci", PIPELINES),
        ("renovate", RENOVATE),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_service_takes_the_form(schema: str, files: list[Path], tmp_path: Path) -> None:
    """check-jsonschema brings the schemas along: nothing is fetched."""
    assert files
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    if schema == "gitlab-ci":
        words += ["--data-transform", "gitlab-ci"]
    words += map(str, files)
    finished = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


# -- scripts --------------------------------------------------------------------------------------------------
def _scripts(node: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Every `run` of GitHub and every `script` of GitLab, as one script each."""
    match node:
        case dict():
            for key, value in node.items():
                where = f"{place}/{key}"
                if key == "run" and isinstance(value, str):
                    yield where, value
                elif key in {"script", "before_script", "after_script"}:
                    yield where, "\n".join(value)
                else:
                    yield from _scripts(value, where)
        case list():
            for number, value in enumerate(node):
                yield from _scripts(value, f"{place}/{number}")


@cache
def all_scripts() -> list[Any]:
    files = [ROOT / "action.yml", *WORKFLOWS, *PIPELINES]
    found = [
        (f"{names(file)}{place}", text)
        for file in files
        for place, text in _scripts(yaml.safe_load(file.read_text(encoding="utf-8")))
    ]
    return [pytest.param(text, id=name) for name, text in found]


SHELLCHECK = shutil.which("shellcheck")


def test_there_are_scripts() -> None:
    assert len(all_scripts()) > 15


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing_in_the_scripts(tmp_path: Path) -> None:
    files = []
    for number, parameter in enumerate(all_scripts()):
        file = tmp_path / f"{number:02}-{re.sub(r'[^a-z0-9]+', '-', str(parameter.id).lower())}.sh"
        file.write_text(str(parameter.values[0]) + "\n", encoding="utf-8")
        files.append(str(file))
    words = [str(SHELLCHECK), "--shell=bash", "--severity=style", "--format=gcc", *files]
    finished = subprocess.run(words, capture_output=True, text=True, check=False)
    assert finished.stdout == ""


@pytest.mark.parametrize("script", all_scripts())
def test_no_script_holds_an_expression(script: str) -> None:
    """Text that others write would become part of the script. It comes through the environment instead."""
    assert "${{" not in script


# -- versions -------------------------------------------------------------------------------------------------
def test_the_templates_install_this_version() -> None:
    files = [*WORKFLOWS, *PIPELINES]
    found = {
        version
        for file in files
        for version in re.findall(r"media-reconciler==([0-9][^\s']*)", file.read_text(encoding="utf-8"))
    }
    assert found == {__version__}


@pytest.mark.parametrize("file", WORKFLOWS, ids=names)
def test_actions_of_others_are_pinned_and_named(file: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", file.read_text(encoding="utf-8"))
    for action, comment in used:
        if action.startswith(("./", "acme/")):  # acme is for the reader to replace
            continue
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_all_files_pin_an_action_to_the_same_commit() -> None:
    texts = [file.read_text(encoding="utf-8") for file in [ROOT / "action.yml", *WORKFLOWS]]
    pins = {pin for text in texts for pin in re.findall(r"uses: ([\w-]+/[\w-]+)@(\S+ # \S+)", text)}
    assert len(pins) == len({action for action, _ in pins})


# -- Renovate --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("room", "renovate"), [(GITHUB, "dot-github/renovate.json"), (GITLAB, "dot-gitlab/renovate.json")], ids=str
)
def test_the_version_is_found_in_each_file_that_installs(room: Path, renovate: str) -> None:
    """By re2, as in Renovate, which names groups in JavaScript's way."""
    (manager,) = json.loads((room / renovate).read_text(encoding="utf-8"))["customManagers"]
    paths = [re.compile(pattern.strip("/")) for pattern in manager["managerFilePatterns"]]
    (pattern,) = [text.replace("(?<", "(?P<") for text in manager["matchStrings"]]
    installing = 0
    for file in sorted(path for path in room.rglob("*") if path.suffix in {".yml", ".yaml"}):
        text = file.read_text(encoding="utf-8")
        copied = file.relative_to(room).as_posix().replace("dot-", ".")
        found = [match.group("currentValue") for match in re2.finditer(pattern, text)]
        assert found == [__version__] * len(re.findall(r"media-reconciler==", text)), copied
        assert any(path.search(copied) for path in paths), copied
        installing += len(found)
    assert installing
    assert manager["depNameTemplate"] == "media-reconciler"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("'media-reconciler==0.1.0'", "0.1.0"),
        ("media-reconciler[postgresql]==1.2.0rc1\n", "1.2.0rc1"),
        ("media-reconciler[aliyun,postgresql]==1.2 # x", "1.2"),
        ("other-media-reconciler-x==1", None),
        ("media-reconciler>=1", None),
        ("media-reconciler[postgresql]==VERSION", None),
    ],
)
def test_other_spellings(text: str, version: str | None) -> None:
    for file in sorted(TEMPLATES.rglob("renovate.json")):
        (manager,) = json.loads(file.read_text(encoding="utf-8"))["customManagers"]
        found = re2.search(manager["matchStrings"][0].replace("(?<", "(?P<"), text)
        assert (found.group("currentValue") if found else None) == version, names(file)
