"""Runs steps the way GitHub's runner does, for what our files use: real bash, real programs, the runner's own files.

Expressions, conditions, `env`, working directories, outputs, GITHUB_ENV, step summaries, composite actions, artifacts.
Other people's actions are stood in for by what they do: checkout and setup-python nothing, the artifact actions copies,
the attestation a line in what GitHub has signed.
"""

import hashlib
import json
import re
import shutil
import subprocess
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

_BASH = ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail"]


def needing(script: str) -> str:
    """`script`, where the programs that it calls are installed: CI systems' machines have them, others may not."""
    for program in ("curl", "jq"):
        if f"{program} " in script and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return script


@dataclass(frozen=True)
class Step:
    """What a step left behind. `code` is None where the step was skipped or is an action."""

    name: str
    outcome: str
    code: int | None = None
    log: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    tolerated: bool = False
    """Its failure is none of the job (`continue-on-error`)."""


@dataclass(frozen=True)
class Finished:
    """What an action or a job left behind."""

    steps: tuple[Step, ...]
    outputs: Mapping[str, str]

    def step(self, name: str) -> Step:
        (found,) = [step for step in self.steps if step.name == name]
        return found

    @property
    def outcomes(self) -> dict[str, str]:
        return {step.name: step.outcome for step in self.steps}

    @property
    def succeeded(self) -> bool:
        return not any(step.outcome in {"failure", "cancelled"} and not step.tolerated for step in self.steps)

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)


@dataclass
class Runner:
    """One machine with one workspace. `names` holds the contexts: `github.token`, `vars.X`, `secrets.X` ..."""

    workspace: Path
    temporary: Path
    artifacts: Path
    environment: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    action_path: Path | None = None
    signer: str = ""
    """OWNER/NAME/PATH@REF of a shared workflow that the jobs are part of."""
    meanwhile: dict[str, Callable[[subprocess.Popen[str]], None]] = field(default_factory=dict)
    """By name of a step: what happens while it runs. A signal sent there cancels the run."""

    @property
    def summary(self) -> str:
        file = self.temporary / "summary.md"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def action(self, action: Path, **inputs: str) -> Finished:
        """Run a composite action. Underscores in the names of inputs stand for hyphens."""
        return self._composite(action, {name.replace("_", "-"): value for name, value in inputs.items()}, {})

    def _composite(self, action: Path, given: Mapping[str, str], env: dict[str, str]) -> Finished:
        description = yaml.safe_load((action / "action.yml").read_text(encoding="utf-8"))
        assert description["runs"]["using"] == "composite"
        declared = description["inputs"]
        assert set(given) <= set(declared), "an input that the action does not have"
        names = dict(self.names)
        for name, facts in declared.items():
            names[f"inputs.{name}"] = given.get(name, expand(facts.get("default", ""), self.names))
        self.action_path = action
        steps = self._steps(description["runs"]["steps"], names, dict(env), None)
        self.action_path = None
        outputs = {name: expand(facts["value"], names) for name, facts in description["outputs"].items()}
        return Finished(steps, outputs)

    def job(self, workflow: Mapping[str, Any], name: str, needs: Mapping[str, Finished] | None = None) -> Finished:
        """Run one job of a workflow after those that it needs. Skipped, it has no steps."""
        job = workflow["jobs"][name]
        names = dict(self.names)
        results = {other: "success" if done.succeeded else "failure" for other, done in (needs or {}).items()}
        for other, done in (needs or {}).items():
            names[f"needs.{other}.result"] = results[other]
            names |= {f"needs.{other}.outputs.{key}": value for key, value in done.outputs.items()}
        if not condition(job.get("if"), names, Status(failed="failure" in results.values())):
            return Finished((), {})
        env = {**workflow.get("env", {}), **job.get("env", {})}
        env = {key: expand(str(value), names) for key, value in env.items()}
        steps = self._steps(job["steps"], names, env, workflow.get("defaults", {}).get("run", {}).get("shell"))
        return Finished(steps, {key: expand(text, names) for key, text in job.get("outputs", {}).items()})

    def _steps(
        self, steps: list[dict[str, Any]], names: dict[str, str], env: dict[str, str], shell: str | None
    ) -> tuple[Step, ...]:
        done: list[Step] = []
        status = Status()
        for number, step in enumerate(steps):
            name = step.get("name", step.get("uses", ""))
            if not condition(step.get("if"), names, status):
                done.append(Step(name, "skipped"))
                names[f"steps.{step.get('id', number)}.outcome"] = "skipped"
                continue
            finished = self._uses(step, names, env) if "uses" in step else self._run(step, names, env, shell)
            finished = replace(finished, tolerated=step.get("continue-on-error", False))
            done.append(finished)
            names[f"steps.{step.get('id', number)}.outcome"] = finished.outcome
            cancelled = name in self.meanwhile
            failed = finished.outcome == "failure" and not finished.tolerated
            status = Status(status.failed or failed, status.cancelled or cancelled)
        return tuple(done)

    def _run(self, step: dict[str, Any], names: dict[str, str], env: dict[str, str], shell: str | None) -> Step:
        assert step.get("shell", shell) == "bash", "GitHub asks composite actions for it, and we want pipefail"
        files = {name: self.temporary / f"_{name.lower()}" for name in ("GITHUB_OUTPUT", "GITHUB_ENV")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        script = self.temporary / "_script.sh"
        script.write_text(expand(needing(step["run"]), names), encoding="utf-8")
        own = {key: expand(str(value), names) for key, value in step.get("env", {}).items()}
        places = {name: str(file) for name, file in files.items()}
        places |= {"GITHUB_STEP_SUMMARY": str(self.temporary / "summary.md"), "RUNNER_TEMP": str(self.temporary)}
        places |= {"GITHUB_WORKSPACE": str(self.workspace)}
        if self.action_path:
            places["GITHUB_ACTION_PATH"] = str(self.action_path)
        with (self.temporary / "_log").open("w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*_BASH, str(script)],
                cwd=self.workspace / expand(step.get("working-directory", "."), names),
                env=dict(ChainMap(own, env, places, self.environment)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
            if step.get("name") in self.meanwhile:
                self.meanwhile[step["name"]](process)
            code = process.wait(timeout=120)
            log.seek(0)
            text = log.read()
        if "id" in step:
            names |= {
                f"steps.{step['id']}.outputs.{key}": value for key, value in _lines(files["GITHUB_OUTPUT"]).items()
            }
        env |= _lines(files["GITHUB_ENV"])
        return Step(step.get("name", ""), "success" if code == 0 else "failure", code, text, own)

    def _uses(self, step: dict[str, Any], names: dict[str, str], env: dict[str, str]) -> Step:
        action = step["uses"].split("@")[0]
        given = {key: expand(str(value), names) for key, value in step.get("with", {}).items()}
        name = step.get("name", step["uses"])
        store = self.artifacts / given.get("run-id", "this-run")
        if action.startswith("./"):
            done = self._composite((self.workspace / action).resolve(), given, env)
            names |= {f"steps.{step.get('id', '')}.outputs.{key}": value for key, value in done.outputs.items()}
            return Step(name, "success" if done.succeeded else "failure", log=done.log, env=given)
        match action:
            case "actions/checkout" | "actions/setup-python":
                return Step(name, "success", env=given)
            case "actions/upload-artifact":
                self._upload(store / given["name"], given["path"].split("\n"))
                return Step(name, "success", env=given)
            case "actions/download-artifact":
                return Step(name, self._download(store, given), env=given)
            case "actions/attest-build-provenance":
                self.attest(self.workspace / given["subject-path"])
                return Step(name, "success", env=given)
        raise AssertionError(f"no stand-in for {action}")

    def attest(self, file: Path, **facts: str) -> None:
        """Have GitHub sign that the run of this machine made the file; `facts` lie."""
        signed = self.workspace / self.environment["SIGNED_BY_GITHUB"]
        server, repository = self.environment["GITHUB_SERVER_URL"], self.environment["GITHUB_REPOSITORY"]
        certificate = {
            "digest": hashlib.sha256(file.read_bytes()).hexdigest(),
            "sourceRepositoryURI": f"{server}/{repository}",
            "sourceRepositoryRef": self.environment["GITHUB_REF"],
            "buildTrigger": self.environment["GITHUB_EVENT_NAME"],
            "buildSignerURI": f"{server}/{self.signer or self.environment['GITHUB_WORKFLOW_REF']}",
            "runInvocationURI": f"{server}/{repository}/actions/runs/{self.environment['GITHUB_RUN_ID']}/attempts/1",
        }
        known = json.loads(signed.read_text(encoding="utf-8"))
        signed.write_text(json.dumps([*known, certificate | facts]), encoding="utf-8")

    def _upload(self, place: Path, paths: list[str]) -> None:
        shutil.rmtree(place, ignore_errors=True)
        for path in filter(None, (self.workspace / path.strip() for path in paths if path.strip())):
            for file in [path] if path.is_file() else sorted(path.glob("*")):
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, place / file.name)

    def _download(self, store: Path, given: Mapping[str, str]) -> str:
        if "name" not in given:
            assert given["merge-multiple"] == "True", "else each goes into a directory of its own"
        named = given.get("artifact-ids") or given.get("name")
        found = [store / named] if named else sorted(store.glob(given["pattern"]))
        if not all(artifact.is_dir() for artifact in found):
            return "failure"
        for artifact in found:
            shutil.copytree(artifact, self.workspace / given.get("path", "."), symlinks=True, dirs_exist_ok=True)
        return "success"


def _lines(file: Path) -> dict[str, str]:
    """The `key=value` lines of a file of the runner. Its other form, with a delimiter, we do not use."""
    lines = file.read_text(encoding="utf-8").splitlines()
    assert all("=" in line for line in lines), lines
    return dict(line.split("=", 1) for line in lines)


# -- expressions -----------------------------------------------------------------------------------------------

_PLACE = re.compile(r"\$\{\{(.*?)\}\}")
_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w.-]*)|(?P<mark>\|\||&&|==|!=|!|\(|\)))")
_STATUS = re.compile(r"\b(?:always|success|failure|cancelled)\(\)")

Value = str | bool


@dataclass(frozen=True)
class Status:
    """How the steps before this one ended."""

    failed: bool = False
    cancelled: bool = False


def expand(text: str, names: Mapping[str, str]) -> str:
    """`text` with each `${{ }}` replaced by its value. `names` holds every context as dotted paths."""
    return _PLACE.sub(lambda place: _text(_Expression(place[1], names, Status()).value()), text)


def condition(text: str | None, names: Mapping[str, str], status: Status) -> bool:
    """Whether a step or job with this `if` runs. Without a status function, success() is meant as well."""
    if not text:
        return not (status.failed or status.cancelled)
    bare = _PLACE.sub(lambda place: place[1], text)
    if not _STATUS.search(bare) and (status.failed or status.cancelled):
        return False
    return bool(_Expression(bare, names, status).value())


def _text(value: Value) -> str:
    return value if isinstance(value, str) else str(value).lower()


class _Expression:
    """A parser by recursive descent that works out values on the way. What it does not know is an error."""

    def __init__(self, text: str, names: Mapping[str, str], status: Status) -> None:
        self._tokens = [match[0].strip() for match in _TOKEN.finditer(text)]
        assert "".join(self._tokens) == re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*$)", "", text), f"unknown form: {text}"
        self._names = names
        self._status = status

    def value(self) -> Value:
        found = self._either()
        assert not self._tokens, f"left over: {self._tokens}"
        return found

    def _next(self, *marks: str) -> bool:
        if self._tokens and self._tokens[0] in marks:
            del self._tokens[0]
            return True
        return False

    def _either(self) -> Value:
        found = self._both()
        while self._next("||"):
            other = self._both()
            found = found or other
        return found

    def _both(self) -> Value:
        found = self._compared()
        while self._next("&&"):
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> Value:
        found = self._term()
        if self._next("=="):
            return _text(found).lower() == _text(self._term()).lower()
        if self._next("!="):
            return _text(found).lower() != _text(self._term()).lower()
        return found

    def _term(self) -> Value:
        if self._next("!"):
            return not self._term()
        if self._next("("):
            found = self._either()
            assert self._next(")")
            return found
        token = self._tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._next("("):
            assert self._next(")")
            return self._function(token)
        return self._names.get(token, "")

    def _function(self, name: str) -> bool:
        functions = {
            "always": True,
            "success": not (self._status.failed or self._status.cancelled),
            "failure": self._status.failed,
            "cancelled": self._status.cancelled,
        }
        return functions[name]
