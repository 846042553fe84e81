"""The kits that run it unattended: each file by whatever reads such files, and the program as confined as they say."""

import configparser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import promql_parser
import pytest
import yaml

from reconciler import __version__
from reconciler.backends.connect import connect
from reconciler.backends.leases import acquire
from reconciler.engine.work import Patience
from reconciler.exceptions import ExitCode
from reconciler.executors.partition import shard_of
from reconciler.notifications.notify import PARTING
from reconciler.planning.plan import RunOutcome
from reconciler.planning.report import Outcome
from reconciler.reports.metrics import METRICS
from reconciler.tasks.task import Status
from tests.command_lines import check, command_lines
from tests.faults.kinds import SNAPSHOT, configured
from tests.terminal import GROUP, Terminal, credentials, wait_until

ROOT = Path(__file__).parents[2]
KITS = ROOT / "examples" / "kits"
GITOPS = ROOT / "examples" / "gitops"
UNITS = KITS / "systemd"
ALERTS = KITS / "monitoring" / "alerts.yaml"
COMPOSE = yaml.safe_load((KITS / "compose" / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (KITS / "Dockerfile").read_text(encoding="utf-8")
MANIFESTS = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted((KITS / "kubernetes").glob("*.yaml"))
}
JOBS = {name: MANIFESTS[name]["spec"]["jobTemplate"]["spec"] for name in ("cronjob", "indexed-job")}
PODS = {name: job["template"]["spec"] for name, job in JOBS.items()}
PODS["deployment"] = MANIFESTS["deployment"]["spec"]["template"]["spec"]
DRAIN = Patience().drain + PARTING


# -- metrics: alerts and dashboard ------------------------------------------------------------------------------
RULES = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((KITS / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))
PANELS = DASHBOARD["panels"]
QUERIES = [
    *((rule["alert"], rule["expr"], str(rule["annotations"])) for rule in RULES),
    *((panel["title"], query["expr"], query["legendFormat"]) for panel in PANELS for query in panel["targets"]),
]
OF_SCRAPES = {"job", "instance"}
"""Labels that Prometheus adds to all that it scrapes."""
WORDS: dict[str, set[str]] = {
    "command": {"run", "apply", "plan"},
    "outcome": {*RunOutcome, *Outcome},
    "status": {*Status},
}
"""Labels whose values are words of closed sets."""


def selectors(expression: str) -> Iterator[promql_parser.VectorSelector]:
    """Whatever it asks Prometheus for."""
    found: list[promql_parser.VectorSelector] = []

    def note(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        return True

    promql_parser.walk(promql_parser.parse(expression.replace("$__rate_interval", "5m")), note)
    assert found
    yield from {str(one): one for one in found}.values()


@pytest.mark.parametrize(("title", "expression", "shown"), QUERIES, ids=[query[0] for query in QUERIES])
def test_a_query_asks_for_metrics_and_labels_that_there_are(title: str, expression: str, shown: str) -> None:
    metrics = {metric.name: metric for metric in METRICS}
    labels = set(OF_SCRAPES)
    for selector in selectors(expression):
        assert selector.name in metrics, title
        labels |= {*metrics[selector.name].labels}
        for matcher in selector.matchers.matchers:
            assert matcher.name in labels
            if matcher.name in WORDS:
                assert {*matcher.value.split("|")} <= WORDS[matcher.name]
    named = re.findall(r"\$labels\.(\w+)|\{\{(\w+)\}\}", shown)
    named += [
        (label, "") for found in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression) for label in found.split(", ")
    ]
    assert {one or other for one, other in named} <= labels


def test_the_alerts_have_what_a_person_needs() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len({*names}) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: apt-get install prometheus)")
def test_promtool_takes_the_alerts() -> None:
    subprocess.run([str(PROMTOOL), "check", "rules", ALERTS], check=True, capture_output=True)


def test_the_panels_of_the_dashboard_lie_side_by_side() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not taken & cells
        taken |= cells


# -- what they run ----------------------------------------------------------------------------------------------
def _commands() -> dict[str, list[str]]:
    """The words behind `reconciler` that each kit runs."""
    found = {file.stem: next(command_lines(_unit(file)["Service"]["ExecStart"])) for file in UNITS.glob("*.service")}
    found |= {name: pod["containers"][0]["args"] for name, pod in PODS.items()}
    return {**found, "compose": COMPOSE["services"]["reconciler"]["command"]}


def _unit(file: Path) -> configparser.ConfigParser:
    """A file of systemd, of whose repeated keys the last one counts here."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser's own documentation does
    parser.read_string(file.read_text(encoding="utf-8"))
    return parser


def test_they_run_what_can_be_run() -> None:
    commands = _commands()
    assert len(commands) == 6
    for name, words in commands.items():
        assert words[0] == ("apply" if name == "indexed-job" else "run")
        check(words)


def test_they_name_this_version() -> None:
    texts = [file.read_text(encoding="utf-8") for file in KITS.rglob("*") if file.is_file()]
    assert {found for text in texts for found in re.findall(r"\breconciler:(\d[\w.]*)", text)} == {__version__}


def test_there_is_time_for_the_calls_in_flight() -> None:
    """They end `DRAIN` seconds after a signal at the latest, and an answer may take as long again."""
    confined = _unit(next(UNITS.glob("reconciler-.service.d/*")))["Service"]
    times = [int(confined["TimeoutStopSec"]), int(COMPOSE["services"]["reconciler"]["stop_grace_period"].rstrip("s"))]
    times += [pod["terminationGracePeriodSeconds"] for pod in PODS.values()]
    assert min(times) >= 5 * DRAIN


# -- systemd ----------------------------------------------------------------------------------------------------
SYSTEMD_ANALYZE = shutil.which("systemd-analyze")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units where systemd looks for such, with a program that there is."""
    if SYSTEMD_ANALYZE is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt-get install systemd)")
    place = tmp_path / "systemd"
    shutil.copytree(UNITS, place)
    for file in place.glob("*.service"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("/opt/reconciler/bin/reconciler", sys.executable), encoding="utf-8")
    return place


def analyzed(*words: str | Path) -> str:
    finished = subprocess.run([str(SYSTEMD_ANALYZE), *words], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


def test_systemd_takes_the_units(units: Path) -> None:
    files = sorted(file for file in units.iterdir() if file.is_file())
    assert len(files) == 3
    assert analyzed("verify", "--man=no", *files) == ""


@pytest.mark.parametrize("name", ["reconciler-run", "reconciler-once"])
def test_systemd_finds_the_services_confined(units: Path, name: str) -> None:
    """Exposure is from 0 to 100; a service without settings has 96. What is left is the network."""
    analyzed("security", "--offline=yes", "--no-pager", "--threshold=15", units / f"{name}.service")


def test_exit_codes_mean_the_same_to_systemd_and_to_kubernetes() -> None:
    """Where somebody must look first, nothing is tried again. The daemon ends with none of a single run's codes."""
    in_vain = {ExitCode.REFUSED, ExitCode.STALE, ExitCode.USAGE, ExitCode.INVALID}
    for job in JOBS.values():
        codes = [rule["onExitCodes"] for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
        assert all((code["containerName"], code["operator"]) == ("reconciler", "In") for code in codes)
        assert sorted(value for code in codes for value in code["values"]) == sorted(in_vain)
    service = _unit(UNITS / "reconciler-run.service")["Service"]
    assert {*map(int, service["RestartPreventExitStatus"].split())} == {ExitCode.USAGE, ExitCode.INVALID}
    assert service["SuccessExitStatus"] == f"{ExitCode.TERMINATED:d}"
    once = _unit(UNITS / "reconciler-once.service")["Service"]
    assert once["SuccessExitStatus"] == f"{ExitCode.LOCKED:d} {ExitCode.TERMINATED:d}"


# -- containers -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", MANIFESTS)
@pytest.mark.parametrize("version", ["1.31", "1.34"])
def test_kubernetes_takes_the_manifests(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_every_pod_is_told_its_shard_of_all_that_there_are() -> None:
    job = JOBS["indexed-job"]
    [container] = PODS["indexed-job"]["containers"]
    told = {each["name"]: each["value"] for each in container["env"]}
    assert job["completionMode"] == "Indexed"
    assert job["parallelism"] == job["completions"], "one that begins when another has ended would only come later"
    shards = [shard_of("auto", told | {"JOB_COMPLETION_INDEX": str(index)}) for index in range(job["completions"])]
    assert shards == [(index, job["completions"]) for index in range(job["completions"])]


def test_all_pods_are_confined_alike() -> None:
    def confined(pod: dict[str, Any]) -> dict[str, Any]:
        [container] = pod["containers"]
        of_container = ("image", "envFrom", "securityContext", "resources", "volumeMounts")
        of_pod = ("automountServiceAccountToken", "enableServiceLinks", "securityContext", "volumes")
        return {key: pod[key] for key in of_pod} | {f"container {key}": container[key] for key in of_container}

    found, *others = map(confined, PODS.values())
    assert others == [found] * len(others)
    assert found["container securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert found["securityContext"]["runAsNonRoot"]


def test_the_probes_and_the_port_are_those_of_the_daemon() -> None:
    [container] = PODS["deployment"]["containers"]
    listen = container["args"][container["args"].index("--listen") + 1]
    assert listen == f"0.0.0.0:{container['ports'][0]['containerPort']}"
    paths = [container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")]
    assert paths == ["/healthz", "/healthz", "/readyz"]


def test_compose_takes_the_file(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    finished = subprocess.run(
        [*words, KITS / "compose" / "compose.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_no_password_stands_in_the_compose_file() -> None:
    services = COMPOSE["services"]
    assert {*services["reconciler"]["secrets"], *services["database"]["secrets"]} == {*COMPOSE["secrets"]}
    for service in services.values():
        for name, value in service["environment"].items():
            assert "PASS" not in name or value.removeprefix("/run/secrets/") in service["secrets"]
    backend = services["reconciler"]["environment"]["RECONCILER_DATABASE"]
    assert re.fullmatch(r"postgresql://\w+@database/\w+", backend)


def test_the_image_is_small_and_confined() -> None:
    build, final = re.split(r"^FROM .*$", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert "--require-hashes" in build
    assert "PIP_NO_INDEX=1" in build
    assert "pip" not in final
    user, entry = re.findall(r"^(?:USER|ENTRYPOINT) (.*)$", final, re.MULTILINE)
    assert user == "65532:65532"
    assert json.loads(entry) == ["reconciler"]
    assert re.findall(r"^(?:RUN|CMD) (?!\[)", DOCKERFILE, re.MULTILINE) == [], "a shell would stand in between"
    [work] = re.findall(r"^WORKDIR (.*)$", final, re.MULTILINE)
    for pod in PODS.values():
        assert work in {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}


def test_the_config_map_has_all_that_the_repository_says() -> None:
    """Without the file of the protections, what they hold would be deleted."""
    [made] = re.findall(
        r"^kubectl create configmap (.*)$", (KITS / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    places = [GITOPS / place for place in re.findall(r"--from-file=/srv/media-gitops/?(\S*)", made)]
    kept = {path for place in places for path in ([place] if place.is_file() else place.iterdir()) if path.is_file()}
    assert {*GITOPS.rglob("*reconciler.yaml")} <= kept
    assert len({path.name for path in kept}) == len(kept), "a config map knows no directories"


def test_the_image_is_built_from_all_that_the_package_is_built_from() -> None:
    sent = re.findall(r"^!(.+)$", (KITS / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert all((ROOT / name).exists() for name in sent)
    assert {"pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "reconciler", "schemas"} == {*sent}


_CAGE = """
set -e
mount --bind "$1" "$1"
while read -r _ place _; do
  case $place in
    "$1"|/proc|/proc/*|/sys|/sys/*|/dev|/dev/*) ;;
    *) mount -o remount,bind,ro "$place" || true ;;
  esac
done < /proc/self/mounts
if (: > "$2/written") 2> /dev/null; then echo "not read-only" >&2; exit 99; fi
cd "$1"
shift 2
exec setpriv --no-new-privs --ambient-caps=-all --inh-caps=-all --bounding-set=-all "$@"
"""


def caged(user: int, state: Path, config: Path, *words: str | Path) -> list[str]:
    """What starts `words` as a pod of the manifests does: as process 1 of this user without a name and without any
    privilege, nothing to write to but `state`. Skips the test where the kernel does not let us."""
    cage = [
        "unshare",
        "--user",
        f"--map-user={user}",
        f"--map-group={user}",
        "--keep-caps",
        "--mount",
        "--pid",
        "--fork",
    ]
    cage += ["--kill-child=SIGKILL", "--mount-proc", "sh", "-c", _CAGE, "sh", str(state), str(config)]
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        pytest.skip("unshare and setpriv are not installed (Debian: apt-get install util-linux)")
    tried = subprocess.run([*cage, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"namespaces cannot be had here: {tried.stderr.strip()}")
    return [*cage, *map(str, words)]


@pytest.mark.parametrize(("name", "user"), [("cronjob", 65532), ("deployment", 1_000_660_000), ("indexed-job", 65532)])
def test_it_runs_and_stops_as_confined_as_a_pod(
    name: str, user: int, terminal: Terminal, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It does its work, also with the user that OpenShift would choose; and SIGTERM ends it in the middle of a cycle,
    with the lock given back."""
    state = tmp_path_factory.mktemp("state")
    terminal.write(configured(f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"))
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="2h")
    places = {"/config": str(terminal.directory), "0.0.0.0:9464": "127.0.0.1:0"}
    [container] = PODS[name]["containers"]
    args = [places.get(word, word) for word in container["args"]]
    environment = {**credentials(terminal.simulator), "PATH": os.environ["PATH"], "JOB_COMPLETION_INDEX": "0"}
    environment |= {each["name"]: each["value"] for each in container.get("env", ())}

    def started(*words: str) -> subprocess.Popen[str]:
        line = caged(user, state, terminal.directory, sys.executable, "-m", "reconciler", *words)
        return subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True)

    once = started("run", "--once", str(terminal.directory))
    said = once.communicate(timeout=120)[1]
    assert once.returncode == 0, said
    assert terminal.simulator.huaweicloud.status(SNAPSHOT, 1) == "CANCELED"

    before = len(terminal.simulator.requests)
    terminal.simulator.faults.add("latency", seconds=3600)
    process = started(*args)
    wait_until(lambda: len(terminal.simulator.requests) > before, process)
    [inside] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    os.kill(int(inside), signal.SIGTERM)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == ExitCode.TERMINATED, said
    acquire(connect(f"sqlite:///{state}/.reconciler/history.db"), {GROUP: ["ours"]}, heartbeat=False).release()
