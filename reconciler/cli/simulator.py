"""`reconciler simulator`."""

from __future__ import annotations

import contextlib
import errno
import sys
from pathlib import Path

import click

from reconciler.cli.options import flag
from reconciler.cli.places import write
from reconciler.cli.running import run_work
from reconciler.cli.signals import Interrupted, heed
from reconciler.exceptions import ExitCode, UsageError
from reconciler.providers.transport.route import unused_contexts

with unused_contexts():
    from reconciler.simulator import SeedError, Simulator, serve

_SHOWN_KEYS = 12


@click.command("simulator")
@flag("--host", default="127.0.0.1", show_default=True, help="Loopback address to listen on.")
@flag("--port", type=click.IntRange(0, 65535), default=8799, show_default=True, help="0 takes a free one.")
@flag("--seed", type=click.Path(path_type=Path), metavar="FILE", help="YAML that says which tasks are there.")
@flag(
    "--accounts",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="As many accounts of each cloud, each with tasks, quotas and counters of its own.",
)
def command(host: str, port: int, seed: Path | None, accounts: int | None) -> int:
    """Serve local clouds for trying and testing: Huawei Cloud MPC and VOD, Alibaba Cloud VOD and MPS,
    AWS MediaConvert, on one port.

    Signatures, paging, preconditions and error codes are those of the vendors. Point a target at it with
    `endpoints: {mpc: URL, vod: URL}`. Runs until interrupted.
    """
    try:
        simulator = Simulator(seed=seed, accounts=accounts)
    except SeedError as error:
        raise UsageError(f"--seed {seed}: {error}") from error

    def ready(url: str) -> None:
        write(f"{url}\n")
        known = simulator.accounts
        keys = [account.access_key_id for vendor in (known.huaweicloud, known.aliyun, known.aws) for account in vendor]
        shown = keys if len(keys) <= _SHOWN_KEYS else [*keys[:_SHOWN_KEYS], f"{len(keys) - _SHOWN_KEYS} more"]
        sys.stderr.write(f"Serving local clouds at {url}; access keys: {', '.join(shown)}. Ctrl-C ends it.\n")

    try:
        with contextlib.suppress(Interrupted):
            run_work(serve(simulator, host=host, port=port, on_ready=ready))
        heed()  # what ends it is no interruption
    except ValueError as error:
        raise UsageError(f"--host {host}: {error}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"cannot listen on {host}:{port}: the port is taken, perhaps by another simulator"
            raise UsageError(message, "stop that one, or pass --port, and name that port in the endpoints") from error
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return ExitCode.OK
