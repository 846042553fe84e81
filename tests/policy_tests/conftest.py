"""A repository in an empty directory, which is the current one."""

from pathlib import Path

import pytest

from tests.policy_tests.repository import Repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    return Repository(tmp_path)
