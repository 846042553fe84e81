"""Exit codes, messages and formats of the commands."""

import json
import re

import pytest

from reconciler.providers.registry import catalogue
from tests.terminal import HEAD, Terminal

POLICY = "\npolicies:\n  p: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}\n"


@pytest.fixture(autouse=True)
def configured(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--no-such-flag"),
        ("no-such-command",),
        ("plan", "--max-percent", "101"),
        ("plan", "--format", "yaml"),
        ("plan", "--report", "pdf=x"),
        ("apply", "--fail-on", "everything", "--auto-approve"),
        ("explain", "huaweicloud.mpc.snapshots"),
        ("show", "no-such-file"),
        ("plan", "--expires", "soon"),
        ("plan", "--now", "yesterday"),
        ("plan", "--target", "nowhere"),
    ],
)
def test_a_mistake_in_usage_is_64_and_never_2(terminal: Terminal, words: tuple[str, ...]) -> None:
    finished = terminal.run(*words)
    assert finished.code == 64
    assert finished.err.startswith("Error: ")
    assert terminal.simulator.requests == []


def test_json_is_one_document_on_failure_too(terminal: Terminal) -> None:
    finished = terminal.run("plan", "nowhere", "--format", "json")
    assert finished.code == 65
    assert finished.json["outcome"] == "invalid"
    assert finished.json["diagnostics"]


def test_apply_without_approval_and_terminal_ends_before_any_request(terminal: Terminal) -> None:
    terminal.tells(64, "--auto-approve", "apply")
    assert terminal.simulator.requests == []


def test_validate_needs_neither_variables_nor_network(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("URL")
    assert terminal.run("validate").code == 0
    assert terminal.run("plan").code == 65


def test_validate_reports_every_mistake_with_its_place(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY.replace("status: pending", "statuss: pendin").replace("absent", "abssent"))
    finished = terminal.run("validate")
    assert finished.code == 65
    assert len(re.findall(r"^reconciler\.yaml:\d+:\d+: Error", finished.out, re.MULTILINE)) == 2
    assert "did you mean" in finished.out.lower()


@pytest.mark.parametrize(("flag", "code"), [((), 0), (("--detailed-exitcode",), 2)])
def test_changes_are_2_only_on_request(terminal: Terminal, flag: tuple[str, ...], code: int) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    assert terminal.run("plan", *flag).code == code


def test_every_flag_is_a_variable_too(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    monkeypatch.setenv("RECONCILER_DETAILED_EXITCODE", "1")
    monkeypatch.setenv("RECONCILER_FORMAT", "json")
    finished = terminal.run("plan")
    assert finished.code == 2
    assert finished.json["format"] == "reconciler.plan"


@pytest.mark.parametrize(
    ("words", "document"),
    [
        (("--format=json",), True),
        (("--format", "text", "--format=json"), True),
        (("--format=json", "--format", "text"), False),
        (("--format=text",), False),
        (("--", "--format", "json"), False),
    ],
)
def test_of_several_formats_the_last_one_holds_on_failure_too(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], document: bool
) -> None:
    if words == ("--format=text",):
        monkeypatch.setenv("RECONCILER_FORMAT", "json")
    assert terminal.run("plan", "nowhere", *words).out.startswith("{") is document


@pytest.mark.parametrize("number", ["--5", "²", "-", "9" * 5_000, "1_0"])
def test_a_number_that_is_none_is_a_mistake_in_usage(terminal: Terminal, number: str) -> None:
    terminal.tells(
        64, "`progress` is a whole number", "query", "huaweicloud.mpc.packaging", "--where", f"progress={number}"
    )


def test_several_conditions_on_one_field_all_hold(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    query = ("query", "huaweicloud.mpc.snapshot", "--where", "id=1")
    assert "1 task" in terminal.run(*query).out
    assert "0 tasks" in terminal.run(*query, "--where", "created_at newer_than 1h").out
    terminal.tells(64, "no value of `id` satisfies both", *query, "--where", "id=2")


def test_one_run_writes_several_reports(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    terminal.run("plan", "--report", "json=plan-report.json", "--report", "markdown=plan.md")
    document = json.loads((terminal.directory / "plan-report.json").read_text())
    assert document["digest"] in (terminal.directory / "plan.md").read_text()


def test_show_renders_a_saved_plan_as_plan_did(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    planned = terminal.run("plan", "--out", "plan.json", "--format", "markdown")
    shown = terminal.run("show", "plan.json", "--format", "markdown")
    assert shown.code == 0
    assert shown.out.splitlines()[0] == planned.out.splitlines()[0]


def test_query_filters_by_status_in_the_cloud(terminal: Terminal) -> None:
    terminal.write(HEAD)
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=2, status="succeeded", created="1d")
    finished = terminal.run("query", "huaweicloud.mpc.snapshot", "--where", "status=pending", "--format", "json")
    assert finished.code == 0
    assert [task["id"] for task in finished.json["tasks"]] == ["1"]
    assert ["status=WAITING" in record.raw_query for record in terminal.simulator.requests] == [True]


@pytest.mark.parametrize("condition", ["statuss=pending", "status=waiting", "status"])
def test_query_explains_a_condition_that_cannot_be(terminal: Terminal, condition: str) -> None:
    terminal.write(HEAD)
    assert terminal.run("query", "huaweicloud.mpc.snapshot", "--where", condition).code == 64


def test_explain_names_calls_and_permissions(terminal: Terminal) -> None:
    finished = terminal.run("explain", "huaweicloud.vod.editing")
    assert finished.code == 0
    assert "DELETE /v1/{project_id}/asset/editing/tasks" in finished.out
    assert "vod:asset:deleteEditTask" in finished.out


def test_the_schema_that_is_printed_is_the_one_that_is_kept(terminal: Terminal) -> None:
    from pathlib import Path  # noqa: PLC0415 - only here

    kept = Path(__file__).parents[2] / "schemas" / "reconciler.schema.json"
    assert terminal.run("schema").out == kept.read_text(encoding="utf-8")


def test_hostile_values_reach_no_output_raw(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(
        "huaweicloud.mpc.snapshot",
        id=1,
        created="1d",
        input={"bucket": "a\x1b[31m\u202e", "object": "https://h/v.mp4?token=s3cret"},
    )
    for form in ("text", "json", "markdown"):
        printed = terminal.run("plan", "--format", form).out
        assert "s3cret" not in printed
        assert "\x1b" not in printed
        assert "\u202e" not in printed


def test_the_journal_holds_intents_results_and_outcomes(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    terminal.run("apply", "--auto-approve")
    with terminal.database() as database:
        assert database.execute("select action, state from actions").fetchall() == [("cancel", "done")]
        assert database.execute("select outcome from outcomes").fetchall() == [("done",)]
        assert database.execute("select outcome, exit_code from runs").fetchall() == [("ok", 0)]


def test_without_a_journal_nothing_is_called(terminal: Terminal) -> None:
    (terminal.directory / "history.db").write_text("this is no database, whatever its name says" * 100)
    terminal.write(HEAD + "settings: {backend: 'sqlite:///history.db'}\n" + POLICY)
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    terminal.tells(1, "history.db", "apply", "--auto-approve")
    assert terminal.destructive() == []


def test_apply_reports_also_where_there_is_nothing_to_do(terminal: Terminal) -> None:
    finished = terminal.run("apply", "--auto-approve", "--format", "json", "--report", "markdown=report.md")
    assert finished.code == 0
    assert (finished.json["format"], finished.json["results"]) == ("reconciler.report", [])
    assert finished.json["run_id"][:12] in terminal.run("history").out
    assert "reconciler:report" in (terminal.directory / "report.md").read_text()


def test_a_refused_apply_reports_the_flag_that_lets_it_pass(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY.replace("ensure: absent", "ensure: absent, limits: {max_actions: 0}"))
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    finished = terminal.run("apply", "--auto-approve", "--format", "json")
    assert finished.code == 4
    assert (finished.json["outcome"], finished.json["results"]) == ("refused", [])
    assert "--max-actions p=1" in "".join(note["message"] for note in finished.json["diagnostics"])
    assert terminal.destructive() == []


# -- explain ---------------------------------------------------------------------------------------------------
def test_draws_the_lifecycle(terminal: Terminal) -> None:
    finished = terminal.run("explain", "huaweicloud.mpc.packaging")
    assert finished.code == 0
    assert "| pending  |----->| running    |---+->| succeeded |--delete--> gone" in finished.out
    assert max(map(len, finished.out.split("Operations")[0].splitlines())) <= 80
    assert "no way out" in terminal.run("explain", "huaweicloud.vod.editing").out


def test_the_document_holds_the_lifecycle(terminal: Terminal) -> None:
    one = terminal.run("explain", "huaweicloud.vod.editing", "--format", "json").json
    states = one["resource_types"][0]["lifecycle"]["states"]
    assert [state["status"] for state in states if state["dead_end"]] == ["succeeded", "failed", "canceled"]
    every = terminal.run("explain", "--format", "json").json
    assert one.keys() == every.keys() == {"format", "format_version", "resource_types"}
    assert len(every["resource_types"]) == len(catalogue().resource_types)
    assert all(row["lifecycle"]["transitions"] for row in every["resource_types"])


def test_a_diagram_for_documents(terminal: Terminal) -> None:
    finished = terminal.run("explain", "aliyun.vod.url_upload", "--format", "mermaid")
    assert finished.code == 0
    assert finished.out.startswith("stateDiagram-v2\n")
    assert "pending --> canceled: cancel" in finished.out
    assert terminal.run("explain", "--format", "mermaid").code == 64
