"""`reconciler test`: exit codes, flags and formats, in a directory with nothing but files."""

import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from tests.policy_tests.repository import CONFIGURATION, one_test
from tests.terminal import Terminal

GOOD = one_test("tasks: [{id: '1', status: failed, input.bucket: drafts}]\nexpect: {no-drafts: {change: 1}}")
BAD = GOOD.replace("change: 1", "change: 2").replace("  it:", "  not-so:")


@pytest.fixture(autouse=True)
def repository(terminal: Terminal) -> None:
    terminal.write(CONFIGURATION)
    terminal.write(GOOD, "good.reconciler-test.yaml")


def test_all_passed_is_0(terminal: Terminal) -> None:
    finished = terminal.run("test")
    assert (finished.code, finished.err) == (0, "")
    assert finished.out.startswith("good.reconciler-test.yaml: 1 passed\n")
    assert finished.out.endswith("\n1 test: 1 passed, 0 failed.\n")
    assert terminal.simulator.requests == []


@pytest.mark.parametrize(
    ("tasks", "protected", "told"),
    [
        ("{id: '1', status: failed, input.bucket: drafts}", "legal", "none of the 1 task of its kind"),
        ("{id: '1', status: failed, input.bucket: drafts}", "drafts", ""),
        ("{id: '1', status: failed, input.bucket: legal}", "legal", ""),
        ("{id: '1', status: failed}", "legal", ""),
        ("", "legal", ""),
        ("{id: '1', status: broken}", "legal", ""),
    ],
    ids=["others", "held", "held and wanted by none", "unknown holds", "no tasks", "a mistake for `test` to tell"],
)
def test_validate_tells_of_a_protection_that_holds_no_task_of_the_tests(
    terminal: Terminal, tasks: str, protected: str, told: str
) -> None:
    terminal.write(CONFIGURATION.replace('{glob: "legal-*"}', protected))
    terminal.write(one_test(f"tasks: [{tasks}]\nexpect: {{no-drafts: {{keep: []}}}}"), "good.reconciler-test.yaml")
    finished = terminal.run("validate", "--format", "json")
    assert (finished.code, finished.err, terminal.simulator.requests) == (0, "", [])
    idle = [one for one in finished.json["diagnostics"] if one["rule"] == "protection-idle"]
    assert len(idle) == bool(told)
    assert all(told in one["message"] and one["file"] == "reconciler.yaml" for one in idle)


def test_one_failed_is_1(terminal: Terminal) -> None:
    terminal.write(BAD, "bad.reconciler-test.yaml")
    finished = terminal.run("test")
    assert (finished.code, finished.err) == (1, "")
    assert "  FAIL not-so\n" in finished.out
    assert finished.out.endswith("\n2 tests: 1 passed, 1 failed.\n")


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_invalid_file_is_65(terminal: Terminal, form: str) -> None:
    terminal.write(BAD.replace("expect", "expects"), "bad.reconciler-test.yaml")
    finished = terminal.tells(
        65, "bad.reconciler-test.yaml:6:5: Error: unknown key `expects`", "test", "--format", form
    )
    assert "did you mean `expect`?" in finished.err
    assert finished.err.endswith("Error: the policy tests are invalid: 3 mistakes\n")
    if form == "json":
        assert finished.json["outcome"] == "invalid"
        assert len(finished.json["diagnostics"]) == 3
    else:
        assert finished.out == ""


def test_an_invalid_configuration_is_65(terminal: Terminal) -> None:
    terminal.write("version: 1\npolicies: 1\n")
    terminal.tells(65, "reconciler.yaml:2:11: Error: must be a mapping", "test")


def test_no_test_file_is_65_and_says_what_was_looked_for(terminal: Terminal) -> None:
    (terminal.directory / "good.reconciler-test.yaml").rename(terminal.directory / "good.reconciler-test.yml")
    finished = terminal.run("test")
    assert finished.code == 65
    message = "no test file found: looked for reconciler-test.yaml and *.reconciler-test.yaml in `.` and below"
    assert message in finished.err
    assert "rename *.yml to *.yaml, or name the file" in finished.err


def test_no_configuration_is_65(terminal: Terminal) -> None:
    (terminal.directory / "reconciler.yaml").unlink()
    terminal.tells(65, "no configuration found: looked for reconciler.yaml", "test")


def test_a_path_that_is_not_there_is_65(terminal: Terminal) -> None:
    terminal.tells(65, "`nowhere` does not exist", "test", "nowhere")


def test_a_named_file_may_have_any_name(terminal: Terminal) -> None:
    terminal.write(BAD, "odd.yml")
    assert "  FAIL not-so\n" in terminal.run("test", "odd.yml").out
    assert terminal.run("test", "odd.yml", "good.reconciler-test.yaml").out.endswith("2 tests: 1 passed, 1 failed.\n")


def test_the_configuration_may_stand_elsewhere(terminal: Terminal) -> None:
    for folder, name, text in (("config", "any.yaml", CONFIGURATION), ("tests", "t.reconciler-test.yaml", GOOD)):
        (terminal.directory / folder).mkdir()
        terminal.write(text, f"{folder}/{name}")
    (terminal.directory / "reconciler.yaml").unlink()
    assert terminal.run("test", "config/any.yaml", "tests").code == 0


def test_hidden_directories_are_left_out(terminal: Terminal) -> None:
    (terminal.directory / ".cache").mkdir()
    terminal.write(BAD, ".cache/bad.reconciler-test.yaml")
    assert terminal.run("test").code == 0


def test_test_files_are_no_configuration(terminal: Terminal) -> None:
    assert "Valid: 1 file, 3 targets" in terminal.run("validate").out


# -- flags --------------------------------------------------------------------------------------------------
def test_junit_is_written_beside_the_output_for_people(terminal: Terminal) -> None:
    terminal.write(BAD, "bad.reconciler-test.yaml")
    finished = terminal.run("test", "--junit", "report.xml")
    assert finished.code == 1
    assert finished.out.endswith("2 tests: 1 passed, 1 failed.\n")
    root = ElementTree.parse(terminal.directory / "report.xml").getroot()  # noqa: S314 - our own file
    assert [suite.get("name") for suite in root] == [
        "bad.reconciler-test.yaml",
        "good.reconciler-test.yaml",
        "policy coverage",
    ]
    assert root.get("failures") == "1"
    assert terminal.run("test", "--format", "junit").out == (terminal.directory / "report.xml").read_text("utf-8")


def test_required_coverage_fails_the_run(terminal: Terminal) -> None:
    assert terminal.run("test").code == 0
    finished = terminal.run("test", "--require-coverage", "--format", "json")
    assert finished.code == 1
    assert finished.json["outcome"] == "failed"
    assert finished.json["summary"]["failed"] == 0
    assert "no-drafts" in finished.json["uncovered"]
    near = GOOD.replace("  it:", "  near:").replace("drafts}", "final}").replace("change: 1", "change: 0")
    terminal.write(near, "near.reconciler-test.yaml")
    assert terminal.run("test", "--require-coverage", "--policy", "no-drafts").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--test", "zz"], "--test zz: no test has such a name"),
        (["--policy", "zz"], "--policy zz: no policy of the configuration has such a name"),
        (["--policy", "old-records"], "--policy old-records: no such test expects anything of such a policy"),
        (["--test", "it", "--require-coverage"], "--require-coverage and --test exclude each other"),
        (["--tests", "it"], "No such option"),
    ],
)
def test_a_bad_flag_is_64(terminal: Terminal, words: list[str], message: str) -> None:
    terminal.tells(64, message, "test", *words)


def test_a_selection_leaves_others_alone(terminal: Terminal) -> None:
    terminal.write(BAD, "bad.reconciler-test.yaml")
    finished = terminal.run("test", "--test", "i*", "-v")
    assert finished.code == 0
    assert finished.out == "good.reconciler-test.yaml: 1 passed\n  pass it\n\n1 test: 1 passed, 0 failed.\n"


def test_flags_can_be_set_by_the_environment(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_REQUIRE_COVERAGE", "1")
    assert terminal.run("test").code == 1
    monkeypatch.setenv("RECONCILER_FORMAT", "json")
    assert terminal.run("test").json["format"] == "reconciler.test"


def test_colour_is_for_terminals(terminal: Terminal) -> None:
    assert "\x1b" not in terminal.run("test").out
    assert "\x1b" in terminal.run("test", "--color", "always").out


def test_the_schema_of_test_files_is_printed(terminal: Terminal) -> None:
    finished = terminal.run("schema", "--of", "tests")
    assert (finished.code, json.loads(finished.out)["title"]) == (0, "reconciler policy tests")
    assert json.loads(terminal.run("schema").out)["title"] == "reconciler configuration"
    assert terminal.run("schema", "--of", "plans").code == 64


# -- what it does not need ----------------------------------------------------------------------------------

CUT_OFF = """
import socket, sys

def refuse(*_, **__):
    raise AssertionError("a socket was opened")

socket.socket.__init__ = refuse
socket.create_connection = socket.getaddrinfo = refuse
from reconciler.cli.main import main
try:
    main(["test"])
finally:
    print(sorted({"sqlalchemy", "sqlite3", "deepdiff"} & set(sys.modules)), file=sys.stderr)
"""


def test_it_needs_no_network_and_no_environment(terminal: Terminal) -> None:
    """Even though the configuration names a variable; and nothing is loaded that it has no use for."""
    path = os.pathsep.join(path for path in sys.path if path)
    finished = subprocess.run(
        [sys.executable, "-c", CUT_OFF],
        cwd=terminal.directory,
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.endswith("1 test: 1 passed, 0 failed.\n")
    assert finished.stderr == "[]\n"


def test_the_room_loads_no_network_code() -> None:
    """What `reconciler.policy_tests` brings in by itself; the providers are brought by the catalogue."""
    probe = (
        "import sys; import reconciler.policy_tests.loader, reconciler.policy_tests.runner;"
        "print([name for name in ('asyncio', 'httpx', 'aiohttp', 'sqlalchemy', 'sqlite3', 'reconciler.providers')"
        " if name in sys.modules])"
    )
    path = os.pathsep.join(path for path in sys.path if path)
    finished = subprocess.run(
        [sys.executable, "-c", probe], env={"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert (finished.stdout, finished.stderr) == ("[]\n", "")
