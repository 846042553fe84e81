"""Accounts that several processes work on, and the database that these share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.simulator import Simulator
from tests.executors.world import Accounts
from tests.postgresql_server import new_database, running_server
from tests.terminal import Terminal


@pytest.fixture
def accounts(request: pytest.FixtureRequest) -> Accounts:
    """`ACCOUNTS` of the module, unless a test is given others by `indirect`."""
    found = getattr(request, "param", None) or request.module.ACCOUNTS
    assert isinstance(found, Accounts)
    return found


@pytest.fixture
def simulator(accounts: Accounts) -> Iterator[Simulator]:
    with Simulator(accounts.seed).running() as running:
        yield running


@pytest.fixture(scope="package")
def server() -> Iterator[Path]:
    with running_server() as directory:
        yield directory


@pytest.fixture
def database(terminal: Terminal, accounts: Accounts, server: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = new_database(server)
    monkeypatch.setenv("BACKEND", url)
    terminal.write(accounts.configuration)
    return url
