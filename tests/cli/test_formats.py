"""The formats as they come out of the commands, for CI systems to read."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from reconciler.cli.output import keep
from reconciler.exceptions import ExitCode
from reconciler.reports import FORMATS
from tests.reports.junit_schema import check_junit
from tests.reports.sarif_schema import SARIF
from tests.terminal import HEAD, Terminal

POLICY = """
policies:

  p:
    resource: huaweicloud.mpc.snapshot
    match: {status: pending}
    ensure: absent
"""
LINE = HEAD.count("\n") + 4
"""Of the policy."""


@pytest.fixture
def planned(terminal: Terminal) -> Terminal:
    """With one task to cancel, and the plan for it in plan.json."""
    terminal.write(HEAD + POLICY)
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    assert terminal.run("plan", "--out", "plan.json").code == 0
    return terminal


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("text", "reconciler plan: "),
        ("json", "{"),
        ("markdown", "<!-- reconciler:plan"),
        ("html", "<!doctype html>"),
        ("junit", "<?xml"),
        ("github", "::notice "),
        ("gitlab", '{"create": 0, "update": 1, "delete": 0}'),
        ("outputs", "outcome=changes\ndigest=sha256:"),
    ],
)
def test_show_and_report_know_every_format(planned: Terminal, name: str, begins: str) -> None:
    shown = planned.run("show", "plan.json", "--format", name)
    assert shown.code == 0
    assert shown.out.lower().startswith(begins.lower())
    planned.run("plan", "--report", f"{name}=a file")
    assert (planned.directory / "a file").read_text().lower().startswith(begins.lower())


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_of_a_run_is_shown_in_every_format(planned: Terminal, name: str) -> None:
    planned.run("apply", "--plan", "plan.json", "--auto-approve", "--report", "json=report.json")
    shown = planned.run("show", "report.json", "--format", name)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.endswith("\n")


def test_two_reports_do_not_share_a_file(planned: Terminal) -> None:
    planned.tells(64, "--report: x.xml is named twice", "plan", "--report", "junit=x.xml", "--report", "html=./x.xml")
    assert not (planned.directory / "x.xml").exists()


def test_a_format_that_there_is_not_is_answered_with_those_that_there_are(planned: Terminal) -> None:
    planned.tells(64, f"with one of {', '.join(FORMATS)}", "plan", "--report", "pdf=x.pdf")
    assert ", ".join(FORMATS) in " ".join(planned.run("plan", "--help").out.split())


def test_a_plan_says_on_which_line_a_policy_stands(planned: Terminal) -> None:
    document = json.loads((planned.directory / "plan.json").read_text())
    assert [policy["source"] for policy in document["policies"]] == [{"file": "reconciler.yaml", "line": LINE}]
    annotations = planned.run("show", "plan.json", "--format", "github").out
    assert f"file=reconciler.yaml,line={LINE}::policy p: 1 to cancel" in annotations


def test_where_a_policy_stands_is_no_part_of_the_digest(planned: Terminal) -> None:
    before = planned.run("plan", "--format", "json").json
    (planned.directory / "reconciler.yaml").unlink()
    planned.write(HEAD, "targets.reconciler.yaml")
    planned.write("version: 1\n# moved\n" + POLICY, "policies.reconciler.yaml")
    after = planned.run("plan", "--format", "json").json
    assert after["policies"][0]["source"] == {"file": "policies.reconciler.yaml", "line": 6}
    assert after["digest"] == before["digest"]


def test_junit_of_a_plan_is_what_jenkins_reads(planned: Terminal) -> None:
    root = ElementTree.fromstring(planned.run("show", "plan.json", "--format", "junit").out)  # noqa: S314 - our own
    check_junit(root)
    assert [case.get("name") for case in root.iter("testcase")] == ["huaweicloud.mpc.snapshot", "p"]


BROKEN = f"""{HEAD}
policies:
  "bad, name: 100%":
    resource: huaweicloud.mpc.snapshot
    match: {{statuss: pending}}
    ensure: absent
  all-edits: {{resource: huaweicloud.vod.editing, match: all, ensure: absent}}
  running: {{resource: huaweicloud.mpc.snapshot, match: {{status: running}}, ensure: absent}}
"""


class TestValidate:
    def test_annotations(self, terminal: Terminal) -> None:
        terminal.write(BROKEN)
        finished = terminal.run("validate", "--format", "github")
        assert (finished.code, finished.err) == (65, "")
        *annotations, verdict = finished.out.splitlines()
        assert [line.split(",file=")[0] for line in annotations] == [
            "::error title=reconciler%3A structure",
            "::error title=reconciler%3A unknown-field",
            "::error title=reconciler%3A dead-end",
            "::warning title=reconciler%3A never-acts",
        ]
        assert "file=reconciler.yaml,line=14,col=13::`statuss` is not a field of" in annotations[1]
        assert verdict == "Invalid: 3 errors, 1 warning."

    def test_sarif(self, terminal: Terminal) -> None:
        terminal.write(BROKEN)
        finished = terminal.run("validate", "--format", "sarif")
        assert (finished.code, finished.err) == (65, "")
        jsonschema.Draft7Validator(SARIF).validate(finished.json)
        assert [result["ruleId"] for result in finished.json["runs"][0]["results"]] == [
            *("structure", "unknown-field", "dead-end", "never-acts")
        ]

    def test_json_names_the_rules(self, terminal: Terminal) -> None:
        terminal.write(BROKEN)
        rules = {found["rule"] for found in terminal.run("validate", "--format", "json").json["diagnostics"]}
        assert rules == {"structure", "unknown-field", "dead-end", "never-acts"}

    @pytest.mark.parametrize("name", ["github", "sarif"])
    def test_a_path_that_leads_nowhere(self, terminal: Terminal, name: str) -> None:
        finished = terminal.run("validate", "nowhere", "--format", name)
        assert (finished.code, finished.err) == (65, "")
        assert "does not exist" in finished.out

    def test_all_is_well(self, terminal: Terminal) -> None:
        terminal.write(HEAD + POLICY)
        assert terminal.run("validate", "--format", "github").out.startswith("Valid: 1 file")
        assert terminal.run("validate", "--format", "sarif").json["runs"][0]["results"] == []


class TestWhereReportsGo:
    def test_what_fails_half_way_leaves_the_file_that_was_there(self, tmp_path: Path) -> None:
        def torn() -> Iterator[bytes]:
            yield b"half"
            raise ValueError

        place = tmp_path / "report.json"
        place.write_text("old", encoding="utf-8")
        assert keep(place, torn) is ExitCode.ERROR
        assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]

    def test_a_file_is_private_and_whole(self, planned: Terminal) -> None:
        file = planned.directory / "x.xml"
        file.write_text("before")
        planned.run("plan", "--report", "junit=x.xml")
        assert file.read_text().startswith("<?xml")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    @pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
    def test_the_files_of_a_runner_are_appended_to(
        self, planned: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
    ) -> None:
        file = tmp_path / "collected"
        file.write_text("mine=1\n")
        monkeypatch.setenv(variable, str(file))
        planned.run("plan", "--report", f"outputs={file}")
        assert file.read_text().startswith("mine=1\noutcome=changes\n")

    @pytest.mark.parametrize("words", [("--report", "json=there"), ("--out", "there"), ("--save-snapshot", "there")])
    def test_a_pipe_hands_nothing_to_whoever_made_it(self, planned: Terminal, words: tuple[str, ...]) -> None:
        os.mkfifo(planned.directory / "there")
        finished = planned.run("plan", *words)
        assert (finished.code, finished.out) == (64, "")
        assert f"{words[0]}: cannot write there: it is no regular file" in finished.err

    @pytest.mark.parametrize("leads_to", ["absent", "outside", "there", "/dev/null"])
    def test_a_link_is_replaced_and_not_followed(self, planned: Terminal, leads_to: str) -> None:
        (planned.directory / "outside").write_text("before")
        link = planned.directory / "there"
        link.symlink_to(leads_to)
        assert planned.run("plan", "--out", "there").code == 0
        assert stat.S_IMODE(link.lstat().st_mode) == 0o600
        assert link.lstat().st_size > 0
        assert (planned.directory / "outside").read_text() == "before"
        assert not (planned.directory / "absent").exists()

    @pytest.mark.parametrize("why", [errno.EBUSY, errno.EROFS])
    def test_what_cannot_be_replaced_is_written_in_place(
        self, planned: Terminal, monkeypatch: pytest.MonkeyPatch, why: int
    ) -> None:
        """A file that is mounted into a container is such a one."""

        def refuse(_: object, target: object) -> None:
            raise OSError(why, os.strerror(why), str(target))

        file = planned.directory / "plan.json"
        file.write_text("longer than nothing" * 10_000)
        file.chmod(0o644)
        before = file.stat().st_ino
        monkeypatch.setattr("reconciler.cli.places.Path.replace", refuse)
        assert planned.run("plan", "--out", "plan.json").code == 0
        assert planned.run("show", "plan.json").code == 0
        assert (file.stat().st_ino, stat.S_IMODE(file.stat().st_mode)) == (before, 0o600)
        assert [path.name for path in planned.directory.glob(".reconciler-*")] == []

    def test_a_device_takes_it_and_stays(self, planned: Terminal) -> None:
        assert planned.run("plan", "--out", "/dev/null", "--report", "json=/dev/null").code == 0
        assert Path("/dev/null").is_char_device()

    def test_one_file_is_for_one_output(self, planned: Terminal) -> None:
        planned.tells(64, "plan.json is named twice", "plan", "--out", "plan.json", "--report", "markdown=./plan.json")

    def test_a_descriptor_that_leads_to_a_file_is_written_to_too(self, planned: Terminal) -> None:
        """As `--report github=/dev/stdout > log` does."""
        with (planned.directory / "log").open("w+") as log:
            log.write("before\n")
            log.flush()
            planned.run("plan", "--report", f"outputs=/dev/fd/{log.fileno()}")
            os.write(log.fileno(), b"after\n")
            log.seek(0)
            lines = log.read().splitlines()
            assert (lines[:2], lines[-1]) == (["before", "outcome=changes"], "after")

    def test_a_directory_is_no_file(self, planned: Terminal) -> None:
        planned.tells(64, "cannot write .: Is a directory", "plan", "--report", "json=.")


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github", "gitlab", "outputs", "junit"])
def test_a_directory_with_line_breaks_in_its_name_begins_no_line(planned: Terminal, form: str) -> None:
    name = "a\n::error::owned\r\nevil=1\n"
    (planned.directory / name).mkdir()
    (planned.directory / "reconciler.yaml").rename(planned.directory / name / "reconciler.yaml")
    assert planned.run("plan", name, "--out", f"{name}/plan.json").code == 0
    shown = planned.run("show", f"{name}/plan.json", "--format", form)
    missing = planned.run("plan", f"{name}/nowhere")
    lines = (shown.out + shown.err + missing.err).splitlines()
    assert not [line for line in lines if line.startswith(("::error::owned", "evil=1"))]
