"""A database server that ends in mid-run, and comes back: it is waited for, and nothing is sent twice or unwritten."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.backends.history import History
from tests.faults.kinds import SNAPSHOT, applied, calls_by_task, configured
from tests.postgresql_server import Wire, new_database, running_server, start, stop
from tests.terminal import Terminal, wait_until

IDS = [str(number) for number in range(1, 31)]


@pytest.fixture
def server() -> Iterator[Path]:
    with running_server() as directory:
        yield directory


@pytest.fixture
def url(server: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, which is the one of the configuration; and tasks to cancel."""
    url = new_database(server)
    monkeypatch.setenv("BACKEND", url)
    policy = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"
    terminal.write(configured(policy, settings='concurrency: 2, backend: "${BACKEND}"'))
    for task_id in IDS:
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=task_id, created="1d")
    return url


@pytest.mark.parametrize("calls", [1, 7, 20])
def test_a_server_that_restarts_in_mid_run_is_waited_for(
    terminal: Terminal, server: Path, url: str, calls: int
) -> None:
    waiting = terminal.simulator.faults.add("latency", method="DELETE", nth=calls, seconds=1.0)
    process = terminal.start("-m", "reconciler", "apply", "--auto-approve", "--format", "json", "--lock-timeout", "60s")
    wait_until(lambda: waiting not in terminal.simulator.faults.pending, process)
    stop(server)
    start(server)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert calls_by_task(terminal) == {task_id: [True] for task_id in IDS}, "each call once, with its effect"
    history = History.open(url)
    (run,) = history.runs()
    assert (run.outcome, run.summary and run.summary["done"]) == ("ok", len(IDS))
    written = {(call.task_id, call.state.value) for call in history.actions(run.run_id)}
    assert written == {(task_id, "done") for task_id in IDS}
    assert history.verify().verified


def test_a_server_that_is_away_is_waited_for_from_the_start(
    terminal: Terminal, server: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Wire.to(server) as wire:
        monkeypatch.setenv("BACKEND", f"{url.partition('?')[0]}?host={wire.directory}")
        wire.refusing = True

        def come_back() -> None:
            assert wire.refused.wait(60)
            wire.refusing = False

        coming = threading.Thread(target=come_back)
        coming.start()
        run = applied(terminal, "--lock-timeout", "60s")
        coming.join()
    assert (run.code, run.kinds) == (0, {"done"})


def test_whom_the_server_refuses_it_refuses_later_as_well(
    terminal: Terminal, server: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND", url.replace("/test_", "/none_"))
    assert "there is no such database" in applied(terminal, "--lock-timeout", "1d").text
