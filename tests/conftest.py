"""What holds for every test; a terminal in an empty directory, with local clouds that hold nothing yet."""

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from reconciler.providers.aliyun import asked_keys as of_aliyun
from reconciler.providers.huaweicloud import asked_keys as of_huaweicloud
from reconciler.simulator import Simulator
from tests.terminal import Terminal, credentials

settings.register_profile("reconciler", deadline=None)  # a busy machine is no defect
settings.load_profile("reconciler")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that is a coroutine has a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}))
    return True


@pytest.fixture(autouse=True)
def no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the metadata service of the machine that it runs on, whatever it forgets."""
    for module in (of_huaweicloud, of_aliyun):
        monkeypatch.setenv(module.DISABLED, "true")
        monkeypatch.setattr(module, "METADATA", "http://127.0.0.1:9")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator().running() as running:
        yield running


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], simulator: Simulator
) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in credentials(simulator).items():
        monkeypatch.setenv(name, value)
    return Terminal(tmp_path, simulator, capsys)
