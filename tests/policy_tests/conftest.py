"""A repository in an empty directory, which is the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.policy_tests.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    return Repository(tmp_path)
