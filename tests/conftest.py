"""What holds for every test."""

from __future__ import annotations

import pytest

from reconciler.providers.aliyun import metadata
from reconciler.providers.huaweicloud import agency


@pytest.fixture(autouse=True)
def no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the metadata service of the machine that it runs on, whatever it forgets."""
    for module in (agency, metadata):
        monkeypatch.setenv(module.DISABLED, "true")
        monkeypatch.setattr(module, "METADATA", "http://127.0.0.1:9")
