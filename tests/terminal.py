"""Using the command line as a person would, in this process, against local clouds."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.connect import connect
from reconciler.backends.leases import Lease, acquire
from reconciler.cli.main import main
from reconciler.config.model import group_of
from reconciler.simulator import Simulator

HEAD = """
version: 1
targets:
  huawei:
    provider: huaweicloud
    region: cn-north-4
    project_id: 0123456789abcdef0123456789abcdef
    endpoints: {mpc: "${URL}", vod: "${URL}", iam: "${URL}"}
    rate_limits: {mpc: 10000/s, vod: 10000/s}
"""

ALIYUN = """
  aliyun:
    provider: aliyun
    region: cn-shanghai
    endpoints: {vod: "${URL}", mps: "${URL}"}
    rate_limits: {vod: 10000/s}
    inventory:
      job_ids: [a1, a2, a3, a4, a5, a6, a7, a8, a9, b1, b2, b3]
"""

AWS = """
  aws:
    provider: aws
    region: eu-west-1
    endpoints: {mediaconvert: "${URL}"}
    rate_limits: {mediaconvert: 10000/s}
"""

GROUP = group_of("huaweicloud", "0123456789abcdef0123456789abcdef")
"""The account of `huawei`."""

_AS_USUAL = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the document holds
        return json.loads(self.out)


@dataclass
class Terminal:
    """A directory, an environment and local clouds to type commands against."""

    directory: Path
    simulator: Simulator
    capsys: pytest.CaptureFixture[str]
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, text: str, name: str = "reconciler.yaml") -> Path:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *words: str) -> Finished:
        """Run `reconciler WORDS` and return what it printed and its exit code."""
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(words)
        printed = self.capsys.readouterr()
        code = stop.value.code
        assert isinstance(code, int)
        return Finished(code, printed.out, printed.err)

    def tells(self, code: int, text: str, *words: str) -> Finished:
        """Run a command that ends with `code`, and tells `text` on stderr."""
        finished = self.run(*words)
        assert (finished.code, text in finished.err) == (code, True), finished
        return finished

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A program in a process of its own, whose interpreter ignores no hangups, as what `nohup` starts does."""
        launcher = [sys.executable, "-ISc", _AS_USUAL]
        return subprocess.Popen(
            [*launcher, *words], cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def database(self) -> closing[sqlite3.Connection]:
        """The history, as its file holds it."""
        return closing(sqlite3.connect(self.directory / ".reconciler" / "history.db"))

    def change_database(self, statement: str) -> int:
        """Write into it what only other times or other runs would; returns how many rows that were."""
        with self.database() as database, database:
            return database.execute(statement).rowcount

    def lock(self, group: str = GROUP, target: str = "theirs") -> Lease:
        """Hold an account as another apply would."""
        backend = connect(f"sqlite:///{self.directory}/.reconciler/history.db")
        return acquire(backend, {group: [target]}, heartbeat=False)

    def destructive(self) -> list[tuple[str, str, str]]:
        """The destructive requests so far: method, path (the action where all have one), query as on the wire."""
        return [
            (record.method, record.path if record.path.strip("/") else record.action, record.raw_query)
            for record in self.simulator.destructive_requests
        ]


def wait_until(true: Callable[[], object], process: subprocess.Popen[Any]) -> None:
    """Wait for what a process brings about. Looking without a pause would take the time that it needs for it."""
    while not true():
        assert process.poll() is None
        time.sleep(0.005)


def credentials(simulator: Simulator) -> Mapping[str, str]:
    huawei, aliyun = simulator.accounts.huaweicloud[0], simulator.accounts.aliyun[0]
    aws = simulator.accounts.aws[0]
    return {
        "URL": simulator.url,
        "HUAWEICLOUD_SDK_AK": huawei.access_key_id,
        "HUAWEICLOUD_SDK_SK": huawei.secret_access_key,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": aliyun.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": aliyun.secret_access_key,
        "AWS_ACCESS_KEY_ID": aws.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.secret_access_key,
    }
