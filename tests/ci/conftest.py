"""A repository on a machine of a CI service, with local clouds."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reconciler.cli.main import main
from reconciler.simulator import Simulator
from tests.ci.platforms import HEAD_COMMIT, GitHubActions, GitLabPipelines
from tests.ci.runner import Runner
from tests.preloaded import program
from tests.review.forge import SHA, TOKEN
from tests.terminal import HEAD, credentials

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SNAPSHOT = "huaweicloud.mpc.snapshot"
TRANSCODING = "huaweicloud.mpc.transcoding"
MERGED_AT = "2026-01-02T03:04:05Z"
WORKFLOW = "octo/media/.github/workflows/reconciler.yml"
CONFIGURATION = f"""{HEAD}
policies:
  none-waits: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""
TO_BE_REFUSED = f"""
  none-at-all: {{resource: {TRANSCODING}, match: {{status: pending}}, ensure: absent, limits: {{max_actions: 0}}}}
"""
"""One more policy, which a guard refuses."""


TESTS = """
version: 1
now: 2026-11-01T12:00:00Z
tests:
  a-snapshot-that-waits-goes:
    tasks: [{id: "1", status: pending}, {id: "2", status: running}]
    expect: {none-waits: {change: ["1"], keep: ["2"]}}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout, named as nobody should name one."""
    place = tmp_path / "work space; $(touch pwned)"
    place.mkdir()
    (place / "reconciler.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (place / "a.reconciler-test.yaml").write_text(TESTS, encoding="utf-8")
    return place


@pytest.fixture
def environment(tmp_path: Path, simulator: Simulator) -> dict[str, str]:
    """What the service sets for each job, and nothing of this process but the way to its programs."""
    return {
        **credentials(simulator),
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PATH": f"{_programs(tmp_path)}:{os.environ['PATH']}",
        "HUAWEICLOUD_ECS_METADATA_DISABLED": "true",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
    }


STAND_INS = {
    # Everything is installed already, so that `pip` has nothing to do; test_install.py has the real one.
    "pip": "",
    # A virtual environment has the programs of this one, likewise.
    "python3": f"""
if [ "$1 $2 $3" = "-I -m venv" ]; then
  mkdir -p -- "$4/bin"
  ln -s "$(command -v reconciler)" "$4/bin/reconciler"
  ln -s "$0" "$4/bin/python"
elif [ "$1 $2 $3" != "-I -m pip" ]; then
  exec {sys.executable} "$@"
fi
""",
    # What GitHub has signed: a certificate by the SHA-256 of what it is for. It prints those that meet the flags.
    "gh": """
[ "$1 $2 $4 $6 $8 ${10} ${12}" = "attestation verify --hostname --repo --signer-workflow --source-ref --format" ]
[ "$5 ${13}" = "github.example.com json" ] && [ -n "$GH_TOKEN" ]
jq --exit-status --arg digest "$(sha256sum < "$3" | cut -d ' ' -f 1)" --arg repository "https://$5/$7" \
  --arg signer "https://$5/$9" --arg reference "${11}" 'map(select(.digest == $digest
    and .sourceRepositoryRef == $reference and .sourceRepositoryURI == $repository
    and (.buildSignerURI | startswith($signer)))
    | {verificationResult: {signature: {certificate: .}}}) | if . == [] then false else . end' "$SIGNED_BY_GITHUB"
""",
}


def _programs(tmp_path: Path) -> Path:
    place = tmp_path / "bin"
    place.mkdir()
    (place / "reconciler").symlink_to(program())
    for name, script in STAND_INS.items():
        (place / name).write_text(f"#!/bin/bash\nset -e\n{script}", encoding="utf-8")
        (place / name).chmod(0o755)
    return place


@pytest.fixture
def real_program(environment: dict[str, str]) -> None:
    """The one that a user installs, for tests of what signals do to it."""
    place = Path(environment["PATH"].partition(":")[0]) / "reconciler"
    place.unlink()
    place.symlink_to(BIN / "reconciler")


@pytest.fixture
def github() -> Iterator[GitHubActions]:
    server = GitHubActions()
    with server.running():
        yield server


@pytest.fixture
def gitlab() -> Iterator[GitLabPipelines]:
    server = GitLabPipelines()
    with server.running():
        yield server


@pytest.fixture
def runner(tmp_path: Path, workspace: Path, environment: dict[str, str], github: GitHubActions) -> Runner:
    """GitHub's machine."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    signed = tmp_path / "signed.json"
    signed.write_text("[]", encoding="utf-8")
    environment |= {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": github.url,
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REF_NAME": "main",
        "GITHUB_REPOSITORY": github.repository,
        "GITHUB_RUN_ID": "4711",
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_SHA": SHA,
        "SIGNED_BY_GITHUB": str(signed),
        "GITHUB_WORKFLOW_REF": f"{WORKFLOW}@refs/heads/main",
    }
    names = {"github.token": TOKEN, "github.event_name": "push", "github.repository": github.repository}
    names |= {"github.ref": "refs/heads/main", "runner.temp": str(temporary)}
    names["vars.RECONCILER_ENDPOINT_HOSTS"] = "127.0.0.1"
    return Runner(workspace, temporary, tmp_path / "artifacts", environment, names)


@pytest.fixture
def on_pull_request(runner: Runner) -> Runner:
    """The same machine, for pull request 7 of a branch of the same repository."""
    runner.environment |= {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}
    runner.environment["GITHUB_REF_NAME"] = "7/merge"
    runner.environment["GITHUB_WORKFLOW_REF"] = f"{WORKFLOW}@refs/pull/7/merge"
    runner.names |= {
        "github.event_name": "pull_request",
        "github.event.pull_request.head.repo.full_name": runner.names["github.repository"],
        "github.event.pull_request.number": "7",
        "github.base_ref": "main",
    }
    return runner


@pytest.fixture
def waiting(simulator: Simulator) -> Simulator:
    """Local clouds in which three snapshots wait."""
    for number in range(3):
        simulator.huaweicloud.add(SNAPSHOT, id=number + 1, created="1d")
    return simulator


def typed(workspace: Path, environment: Mapping[str, str], *words: str) -> None:
    """A command that succeeds, in this process: what is no part of the test need not take the long way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workspace)
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as stop:
            main(words)
    assert stop.value.code in {0, 4}, "4: but for what a guard refuses"


def merge(runner: Runner, github: GitHubActions) -> None:
    """Merge pull request 7: the machine is now that of the run for the push."""
    facts = {"number": 7, "state": "closed", "merged_at": MERGED_AT, "merge_commit_sha": SHA}
    here = {"repo": {"full_name": github.repository}}
    places = {"base": {"ref": "main", **here}, "head": {"ref": "feature", "sha": HEAD_COMMIT, **here}}
    github.requests_of_commit = [{**facts, **places}]
    runner.environment |= {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main"}
    runner.environment["GITHUB_WORKFLOW_REF"] = f"{WORKFLOW}@refs/heads/main"
    runner.names["github.event_name"] = "push"
