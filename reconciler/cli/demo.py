"""`reconciler demo`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.places import write
from reconciler.exceptions import ExitCode, ReconcilerError
from reconciler.providers.transport.route import unused_contexts
from reconciler.redaction import presentable

with unused_contexts():
    from reconciler.simulator import Simulator
    from reconciler.simulator.demo import SEED, write_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class _Step:
    """One command of the demo, and the exit code that it must end with."""

    says: str
    arguments: tuple[str, ...]
    expected: ExitCode


_STEPS = (
    _Step("Check the configuration. This needs no network.", ("validate",), ExitCode.OK),
    _Step(
        "Compare it with the clouds, and save the plan for review.",
        ("plan", "--out", "plan.json", "--report", "html=plan.html", "--detailed-exitcode"),
        ExitCode.CHANGES,
    ),
    _Step("Apply what was reviewed.", ("apply", "--plan", "plan.json", "--report", "html=report.html"), ExitCode.OK),
    _Step("Plan again: there is nothing left to do.", ("plan", "--detailed-exitcode"), ExitCode.OK),
)


@click.command("demo")
def command() -> int:
    """Run the whole loop, from YAML to verified cancellation, on local clouds.

    Starts local clouds on loopback, writes a configuration to a temporary directory, and validates, plans, applies
    and plans again, over real HTTP. The directory stays, with the plan and the report as pages for a browser.
    """
    directory = Path(tempfile.mkdtemp(prefix="reconciler-demo-"))
    with Simulator(seed=SEED).running() as simulator:
        write_configuration(directory)
        write(f"Local clouds are up at {simulator.url}, with tasks that a pipeline left behind.\n")
        environment = environment_of(simulator)
        for step in _STEPS:
            _run(step, directory, environment)
        calls = [record for record in simulator.destructive_requests if record.changed]
        kinds = [(record.vendor, record.operation.rpartition(".")[0]) for record in calls]
        tasks = {(kind, task) for kind, record in zip(kinds, calls, strict=True) for task in record.changed}
        write(f"\nBy the clouds' own count: {len(calls)} calls changed {len(tasks)} tasks.\n")
    pages = f"{presentable(str(directory / 'plan.html'))} and report.html beside it"
    write(f"That is the demo. To read in a browser: {pages}.\n")
    return ExitCode.OK


def environment_of(simulator: Simulator) -> dict[str, str]:
    """The caller's environment without its own credentials and flags, and with those of the local clouds."""
    foreign = ("HUAWEICLOUD_", "ALIBABA_CLOUD_", "RECONCILER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    huaweicloud, aliyun = simulator.accounts.huaweicloud[0], simulator.accounts.aliyun[0]
    return kept | {
        "DEMO_URL": simulator.url,
        "HUAWEICLOUD_SDK_AK": huaweicloud.access_key_id,
        "HUAWEICLOUD_SDK_SK": huaweicloud.secret_access_key,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": aliyun.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": aliyun.secret_access_key,
    }


def _run(step: _Step, directory: Path, environment: Mapping[str, str]) -> None:
    """Run one command as a user would, and insist on its exit code."""
    write(f"\n# {step.says}\n$ reconciler {' '.join(step.arguments)}\n\n")
    words = [sys.executable, "-m", "reconciler", *step.arguments]
    code = subprocess.run(words, cwd=directory, env=dict(environment), check=False).returncode  # noqa: S603 - our own
    if code != step.expected:
        raise ReconcilerError(f"`reconciler {' '.join(step.arguments)}` ended with {code}, not {step.expected}")
