"""The Renovate files find the version that is installed, in the files as they are copied."""

import json
import re
from pathlib import Path

import pytest
import re2

from reconciler import __version__
from tests.ci.test_files import GITHUB, GITLAB, TEMPLATES, names


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
