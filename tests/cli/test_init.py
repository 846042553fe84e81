"""`reconciler init`: what it writes works at once, on local clouds that hold what its seed says."""

import itertools
import os
import random
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.providers.registry import catalogue
from reconciler.scaffold.choices import CLOUDS, proposed
from reconciler.simulator import Simulator
from tests.preloaded import program
from tests.pseudo_terminal import session
from tests.terminal import Terminal

CHOSEN = (*((cloud,) for cloud in CLOUDS), tuple(CLOUDS))
CASES = [*itertools.product(CHOSEN, ("none",)), (("huaweicloud",), "github"), (("aws",), "gitlab")]
POLICIES = {
    "huaweicloud": "no-forgotten-transcodes",
    "aliyun": "no-stale-uploads",
    "aliyun-mps": "no-forgotten-mps-jobs",
    "aws": "no-forgotten-conversions",
}
FOREIGN = re.compile(r"(HUAWEICLOUD|ALIBABA_CLOUD|AWS|RECONCILER|HC)_|.*_ENDPOINT$")


def unused_port() -> str:
    """None of those that the system hands out: whoever asks for any would have it before the simulator does."""
    while True:
        port = random.randint(20_000, 30_000)  # noqa: S311 - no secret
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return str(port)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal in an empty directory, without any variable that could help."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in list(os.environ):
        if FOREIGN.match(name) and not name.endswith("_DISABLED"):
            monkeypatch.delenv(name)
    return Terminal(tmp_path, Simulator(), capsys)


def _flags(clouds: tuple[str, ...], ci: str = "none") -> list[str]:
    return [word for cloud in clouds for word in ("--cloud", cloud)] + ["--ci", ci]


def _files(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def _variables(repository: Path, url: str) -> Iterator[tuple[str, str]]:
    """What `. simulator/simulator.env` sets, with the local clouds where they are listening now."""
    for line in (repository / "simulator" / "simulator.env").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, value = line.split("=", 1)
            yield name, value.replace("http://127.0.0.1:8799", url)


@pytest.mark.parametrize(("chosen", "ci"), CASES)
def test_what_it_writes_works_at_once(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, chosen: tuple[str, ...], ci: str
) -> None:
    created = terminal.run("init", "media", *_flags(chosen, ci))
    assert (created.code, created.err) == (0, "")
    repository = terminal.directory / "media"
    assert set(re.findall(r"^  (\S+)$", created.out, re.MULTILINE)) == _files(repository)
    monkeypatch.chdir(repository)

    validated = terminal.run("validate", "--format", "json").json
    assert (validated["valid"], validated["diagnostics"]) == (True, [])
    tested = terminal.run("test")
    assert tested.code == 0, tested.out
    assert terminal.run("permissions").code == 0

    with Simulator(seed=repository / "simulator" / "seed.yaml").running() as clouds:
        for name, value in _variables(repository, clouds.url):
            monkeypatch.setenv(name, value)
        planned = terminal.run("plan", "--out", "plan.json")
        assert planned.code == 0, planned.out
        plan = terminal.run("show", "plan.json", "--format", "json").json
        assert (plan["complete"], plan["applyable"], plan["diagnostics"]) == (True, True, [])
        acting = {policy["name"] for policy in plan["policies"] if policy["changes"]}
        assert acting == {POLICIES[cloud] for cloud in chosen}
        for change in plan["changes"]:
            works_on = {"input.object", "input.location", "upload_url"} & change["observed"].keys()
            assert works_on, "whoever reviews the plan sees what each task works on"
        digest = plan["digest"]
        applied = terminal.run("apply", "--plan", "plan.json", "--approved-digest", digest, "--format", "json")
        assert applied.code == 0, applied.err
        assert applied.json["summary"]["done"] == plan["summary"]["changes"] == 2 * len(chosen)
        again = terminal.run("plan", "--detailed-exitcode")
        assert again.code == 0, again.out
    assert _files(repository) - set(re.findall(r"^  (\S+)$", created.out, re.MULTILINE)) == {
        "plan.json",
        ".reconciler/history.db",
    }


def test_every_policy_is_covered_by_its_test(terminal: Terminal) -> None:
    """A matching and a near-miss case each; and a test notices when its policy changes."""
    terminal.run("init", *_flags(tuple(CLOUDS)))
    clean = terminal.run("test")
    assert clean.code == 0
    assert "Coverage: 4 of 4 policies with a matching task and a near miss." in clean.out
    for name in POLICIES.values():
        policy = terminal.directory / "policies" / f"{name}.reconciler.yaml"
        text = policy.read_text(encoding="utf-8")
        policy.write_text(re.sub(r"older_than: \w+", "older_than: 30d", text), encoding="utf-8")
        broken = terminal.run("test")
        assert broken.code not in {0, 64, 65}, broken.out
        policy.write_text(text, encoding="utf-8")


def test_names_and_regions_are_those_that_were_given(terminal: Terminal) -> None:
    words = ("--cloud", "huaweicloud", "--region", "ap-southeast-3", "--target", "null")
    assert terminal.run("init", *words).code == 0
    written = (terminal.directory / "reconciler.yaml").read_text(encoding="utf-8")
    assert '  "null":\n    provider: huaweicloud\n    region: ap-southeast-3\n' in written
    assert terminal.run("validate").code == 0
    assert terminal.run("permissions", "--target", "null", "--role", "plan").code == 0


# -- what is refused ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--cloud", "gcp"), "gcp"),
        (("--target", "Prod"), "`Prod` cannot be the name of a target"),
        (("--target", "a\nb: {x}"), r"`a\x0ab: {x}` cannot be the name of a target"),
        (("--region", "beijing"), "`beijing` cannot be a region of Huawei Cloud"),
        (("--cloud", "aliyun", "--region", "cn-beijing"), "there are: cn-shanghai, ap-southeast-1"),
        (("--cloud", "aliyun-mps", "--region", "us-east-1"), "`us-east-1` is no region of Alibaba Cloud MPS"),
        (("--cloud", "aws", "--region", "ireland"), "a region is written like eu-west-1"),
        (("--provider", "aws"), "--provider"),
        (("--cloud", "huaweicloud", "--cloud", "aliyun", "--target", "a"), "--target is given 1 time"),
        (("--cloud", "huaweicloud", "--cloud", "aliyun", "--target", "a", "--target", "a"), "the same name"),
        (("--ci", "jenkins"), "jenkins"),
    ],
)
def test_mistakes_are_64_and_write_nothing(terminal: Terminal, words: tuple[str, ...], says: str) -> None:
    finished = terminal.run("init", "new", *words)
    assert (finished.code, finished.out) == (64, "")
    assert says in finished.err
    assert list(terminal.directory.iterdir()) == []


def test_nothing_is_ever_overwritten(terminal: Terminal) -> None:
    """All that is in the way is named, and nothing is written."""
    for name in ("README.md", ".gitignore"):
        terminal.write("mine\n", name)
    finished = terminal.run("init")
    assert (finished.code, finished.out) == (64, "")
    assert "already has .gitignore, README.md" in finished.err
    assert "nothing was written" in finished.err
    assert _files(terminal.directory) == {"README.md", ".gitignore"}


def test_a_second_time_it_refuses(terminal: Terminal) -> None:
    assert terminal.run("init", "media").code == 0
    before = _files(terminal.directory)
    refused = terminal.run("init", "media")
    assert refused.code == 64
    assert f" and {len(before) - 4} more of the files\n" in refused.err
    assert _files(terminal.directory) == before


def test_a_git_repository_that_has_begun_is_fine(terminal: Terminal) -> None:
    (terminal.directory / ".git").mkdir()
    terminal.write("ref: refs/heads/main\n", ".git/HEAD")
    assert terminal.run("init", ".").code == 0
    assert terminal.run("validate").code == 0


# -- at a terminal ------------------------------------------------------------------------------------------------
def test_at_a_terminal_it_asks_and_asks_again(terminal: Terminal) -> None:
    with session(terminal.directory, "init", "media") as asked:
        asked.until("(huaweicloud, aliyun, aliyun-mps, aws) [huaweicloud]: ")
        asked.type("gcp\n")
        asked.until("'gcp' is not one of")
        asked.type("aliyun\n")
        asked.until("Region of Alibaba Cloud VOD [cn-shanghai]: ")
        asked.type("cn-beijing\n")
        asked.until("there are: cn-shanghai, ap-southeast-1")
        asked.type("ap-southeast-1\n")
        asked.until("Name of the target [aliyun-prod]: ")
        asked.type("\n")
        asked.until("Review changes on (github, gitlab, none) [github]: ")
        asked.type("none\n")
        finished = asked.end()
    assert finished.code == 0
    assert finished.out.startswith("Wrote 10 files to media:\n")
    written = (terminal.directory / "media" / "reconciler.yaml").read_text(encoding="utf-8")
    assert "  aliyun-prod:\n    provider: aliyun\n    region: ap-southeast-1\n" in written


def test_at_a_terminal_several_clouds_are_chosen_with_commas(terminal: Terminal) -> None:
    with session(terminal.directory, "init", "--ci", "gitlab") as asked:
        asked.until("Cloud, or several with commas between (")
        asked.type(", ".join(CLOUDS) + "\n")
        for cloud in CLOUDS.values():
            options = catalogue().providers[cloud.provider]
            usual = proposed(cloud, options)
            asked.until(f"Region of {cloud.title(options)} [{usual.region}]: ")
            asked.type("\n")
            asked.until(f"Name of the target [{usual.name}]: ")
            asked.type("\n")
        assert asked.end().code == 0
    assert (terminal.directory / ".gitlab-ci.yml").is_file()


def test_flags_are_not_asked_for(terminal: Terminal) -> None:
    flags = ("--cloud", "aliyun", "--region", "cn-shanghai", "--target", "a", "--ci", "none")
    with session(terminal.directory, "init", "media", *flags) as asked:
        finished = asked.end()
    assert (finished.code, finished.err) == (0, "")


def test_no_input_asks_nothing(terminal: Terminal) -> None:
    with session(terminal.directory, "init", "media", "--no-input") as asked:
        finished = asked.end()
    assert (finished.code, finished.err) == (0, "")


def test_an_interruption_at_a_question_leaves_nothing(terminal: Terminal) -> None:
    place = terminal.directory / "place"
    place.mkdir()
    with session(place, "init", "media") as asked:
        asked.until("[huaweicloud]: ")
        asked.type("\n")
        asked.until("Region of Huawei Cloud")
        asked.interrupt()
        finished = asked.end()
    assert finished.code == 130
    assert "\r\nNothing was written.\r\nError: interrupted" in finished.err
    assert not (place / "media").exists()


# -- as a person pastes it ----------------------------------------------------------------------------------------
def test_what_it_prints_works_when_it_is_pasted(terminal: Terminal) -> None:
    """Every command, in order, in one shell. Only the port is another one."""
    created = terminal.run("init", "media", "--cloud", "huaweicloud", "--cloud", "aliyun")
    commands = re.findall(r"^    (\S.*)$", created.out, re.MULTILINE)
    assert commands[0] == "cd media"
    port = unused_port()
    variables = terminal.directory / "media" / "simulator" / "simulator.env"
    variables.write_text(variables.read_text(encoding="utf-8").replace("8799", port), encoding="utf-8")
    script = "\n".join(commands)
    finished = subprocess.run(
        ["/bin/bash", "-e"],
        input=f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}\n",
        cwd=terminal.directory,
        env={
            **os.environ,
            "RECONCILER_PORT": port,
            "NO_COLOR": "1",
            "PATH": f"{program().parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "Plan: 4 changes: 4 cancel;" in finished.stdout
    assert "Apply: 4 done" in finished.stdout
