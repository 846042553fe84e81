"""What commands load, by name: what a command has no use for must not be waited for by each who calls it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import sys
before = set(sys.modules)
from reconciler.cli.main import main
try:
    main()
finally:
    for name in {name for name, module in sys.modules.items() if module} - before:
        print(name, file=sys.stderr)
"""
CONFIGURATION = """
version: 1
targets:
  hw: {provider: huaweicloud, region: cn-north-4, endpoints: {mpc: "${MPC:-https://mpc.example.com}"}}
  ali: {provider: aliyun, region: cn-shanghai, inventory: {job_ids: [j1]}}
policies:
  none-old:
    resource: huaweicloud.mpc.packaging
    match: {status: pending, created_at: {older_than: 6h}, input.object: {glob: "stale/*"}}
    ensure: absent
"""
TESTS = """
version: 1
now: "2026-01-01T00:00:00Z"
tests:
  old-ones-go:
    tasks: [{id: "1", status: pending, created_at: 7h, input.object: stale/1}]
    expect: {none-old: {change: ["1"]}}
"""
READING = {"click", "yaml", "re2"}
"""Packages of others: command lines, YAML, patterns."""
JSON = {"msgspec", "typing_extensions"}
TALKING = {"asyncio", "ssl", "http", "sqlite3", "concurrent", "multiprocessing"}
"""Rooms of the standard library that only who talks to somebody enters."""


def loaded(directory: Path, *words: str) -> set[str]:
    """The modules that a command loaded, which ended well."""
    command = [sys.executable, "-c", PROBE, *words]
    finished = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
    return set(finished.stderr.split())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "reconciler.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (tmp_path / "old.reconciler-test.yaml").write_text(TESTS, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["validate"], set()),
        (["schema"], set()),
        (["schema", "--of", "tests"], set()),
        (["test"], JSON),
        (["explain", "huaweicloud.mpc.packaging"], JSON),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_what_talks_to_nobody_loads_no_library_that_does(directory: Path, words: list[str], more: set[str]) -> None:
    roots = {name.partition(".")[0] for name in loaded(directory, *words)}
    assert roots & TALKING == set()
    foreign = {name for name in roots - sys.stdlib_module_names if not name.startswith("_")}
    assert foreign - {"reconciler", "cython_runtime"} <= READING | more


def test_validate_loads_no_room_that_only_others_enter(directory: Path) -> None:
    rooms = {name.split(".")[1] for name in loaded(directory, "validate") if name.startswith("reconciler.")}
    beneath = {"diagnostics", "exceptions", "redaction"}
    assert rooms == {"cli", "config", "provider", "providers", "reports", "selectors", "tasks"} | beneath


def test_plan_loads_no_library_that_only_others_need(directory: Path) -> None:
    """Nor a database, nor what draws progress on a terminal; it stops at credentials that are not there."""
    command = [sys.executable, "-c", PROBE, "plan"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HUAWEI", "ALIBABA"))}
    environment |= {
        "HOME": str(directory),
        "HUAWEICLOUD_SDK_AK": "ak",
        "HUAWEICLOUD_SDK_SK": "sk",
        "MPC": "http://127.0.0.1:9",
    }
    finished = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    modules = {line for line in finished.stderr.splitlines() if " " not in line}
    roots = {name.partition(".")[0] for name in modules}
    assert {"httpx", "aiohttp"} <= roots
    assert not {"rich", "pygments", "sqlalchemy", "sqlite3", "jsonschema", "deepdiff"} & roots
    ours = {".".join(name.split(".")[1:3]) for name in modules if name.startswith("reconciler.")}
    assert {"engine.session", "planning.planner", "reports.text"} <= ours
    others = {"apply_run", "batch", "doctor", "hold", "queries", "run_journal", "saved_plan", "saved_plan_run", "work"}
    assert not ours & {f"engine.{name}" for name in others}
    assert not ours & {"documents.snapshot", "planning.difference", "planning.snapshot", "planning.why"}
    assert not ours & {*(f"reports.{name}" for name in ("ci", "html", "markdown", "metrics"))}
    assert {name for name in ours if name.startswith("backends")} == set()


COLLECTED = """
import atexit, gc, sys
def told(*_):
    began = hasattr(sys.modules.get("reconciler.cli.plan"), "command")
    print("collected", "later" if began else "early", file=sys.stderr)
from reconciler.cli.main import main
gc.callbacks.append(told)
atexit.register(lambda: print("enabled", gc.isenabled(), file=sys.stderr))
main()
"""


def test_no_garbage_is_looked_for_before_a_command_begins(directory: Path) -> None:
    command = [sys.executable, "-c", COLLECTED, "plan", "--help"]
    finished = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
    assert "collected early" not in finished.stderr
    assert "enabled True" in finished.stderr


def test_no_certificates_are_read_for_contexts_that_nobody_uses(directory: Path) -> None:
    script = "import reconciler.providers.transport.wire, aiohttp.connector as made\n"
    script += "print(made._SSL_CONTEXT_VERIFIED.get_ca_certs())"
    command = [sys.executable, "-c", script]
    finished = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
    assert finished.stdout == "[]\n"
