"""Using the command line as a person would, in this process, against local clouds."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
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
    endpoints: {vod: "${URL}"}
    rate_limits: {vod: 10000/s}
    inventory:
      job_ids: [a1, a2, a3, a4, a5, a6, a7, a8, a9, b1, b2, b3]
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

    def destructive(self) -> list[tuple[str, str, str]]:
        """The destructive requests so far: method, path or action, query as on the wire."""
        return [
            (record.method, record.action or record.path, record.raw_query)
            for record in self.simulator.destructive_requests
        ]


def wait_until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for what a process brings about. Looking without a pause would take the time that it needs for it."""
    while not true():
        assert process.poll() is None
        time.sleep(0.005)


def credentials(simulator: Simulator) -> Mapping[str, str]:
    huawei, aliyun = simulator.accounts.huaweicloud[0], simulator.accounts.aliyun[0]
    return {
        "URL": simulator.url,
        "HUAWEICLOUD_SDK_AK": huawei.access_key_id,
        "HUAWEICLOUD_SDK_SK": huawei.secret_access_key,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": aliyun.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": aliyun.secret_access_key,
    }
