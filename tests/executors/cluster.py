"""A Dask cluster of our own for the tests: a scheduler and workers, processes on loopback."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import Terminal, wait_until

_SCHEDULER = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]


class Cluster:
    """`address` is the scheduler's. Workers have one thread, so that each works on one account at a time."""

    def __init__(self, terminal: Terminal, directory: Path) -> None:
        self._terminal = terminal
        self._directory = directory
        self.workers: list[subprocess.Popen[str]] = []
        self.address = ""
        self.scheduler = self.start(*_SCHEDULER, "--scheduler-file", str(directory / "scheduler.json"))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """What they say goes to a file: nobody empties a pipe."""
        with (self._directory / "log").open("a") as log:
            command = [sys.executable, *words, "--no-dashboard", "--protocol", "tcp"]
            return subprocess.Popen(command, cwd=self._terminal.directory, stdout=log, stderr=log, text=True)

    def add_worker(self) -> subprocess.Popen[str]:
        words = ["-m", "distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-nanny"]
        worker = self.start(*words, "--host", "127.0.0.1", "--local-directory", str(self._directory))
        self.workers.append(worker)
        return worker


@contextmanager
def running_cluster(terminal: Terminal, workers: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A worker that does not answer counts as lost after three seconds."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "3s")
    directory = terminal.directory / "dask"
    directory.mkdir()
    cluster = Cluster(terminal, directory)
    known = directory / "scheduler.json"
    try:
        wait_until(lambda: known.exists() and "tcp://" in known.read_text(), cluster.scheduler)
        cluster.address = known.read_text().split('"address": "')[1].split('"')[0]
        for _ in range(workers):
            cluster.add_worker()
        with _client(cluster.address) as client:
            client.wait_for_workers(workers, timeout=60)
        yield cluster
    finally:
        for process in (*cluster.workers, cluster.scheduler):
            process.kill()
            process.communicate()


def _client(address: str) -> Any:  # noqa: ANN401 - it has no types
    return import_module("distributed").Client(address, set_as_default=False)
