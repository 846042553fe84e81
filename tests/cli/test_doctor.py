"""`reconciler doctor`: what is wrong is named with what to do about it, and nothing is changed."""

import json
from typing import Any

import pytest

from reconciler.engine.doctor import _of_clock
from tests.terminal import ALIYUN, AWS, HEAD, Terminal

POLICY = """
policies:
  p: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}
  q: {resource: huaweicloud.mpc.packaging, match: {status: pending}, ensure: absent}
  u: {resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}
"""
SNAPSHOT = "huaweicloud.mpc.snapshot"


@pytest.fixture(autouse=True)
def configured(terminal: Terminal) -> None:
    terminal.write(HEAD + ALIYUN + POLICY)
    for number in range(30):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number + 1, created="1d")
    terminal.simulator.aliyun.add("aliyun.vod.url_upload", id="a1", created="1d")


def _checks(terminal: Terminal, code: int, *words: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The checks by target and by what they are about."""
    finished = terminal.run("doctor", "--format", "json", *words)
    assert finished.code == code, finished
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for target in finished.json["targets"]:
        for check in target["checks"]:
            found.setdefault((target["target"], check["resource"] or check["subject"]), []).append(check)
    return found


def test_all_is_well(terminal: Terminal) -> None:
    finished = terminal.run("doctor")
    assert (finished.code, finished.err) == (0, "")
    assert finished.out == (
        "aliyun (aliyun, cn-shanghai)\n"
        "  ok      credentials: key ...IYUN from the environment\n"
        "  ok      clock: this machine's clock is in step with the cloud's\n"
        "  ok      aliyun.vod.url_upload: listed, 1 task on the first page\n"
        "\n"
        "huawei (huaweicloud, cn-north-4)\n"
        "  ok      credentials: key ...LOUD from the environment, of project 0123456789abcdef0123456789abcdef\n"
        "          (cn-north-4) of account simulator-domain-id\n"
        "  ok      clock: this machine's clock is in step with the cloud's\n"
        "  ok      huaweicloud.mpc.packaging: listed, 0 tasks on the first page\n"
        "  ok      huaweicloud.mpc.snapshot: listed, 10 tasks on the first page\n"
        "\n"
        "Doctor: 2 targets, 7 checks: 7 ok, 0 warnings, 0 errors.\n"
        "\n"
        "Only reading was tried: what a cancellation needs shows with `reconciler permissions`, not here.\n"
    )
    assert terminal.destructive() == []
    assert not (terminal.directory / ".reconciler").exists()


def test_of_a_target_that_no_policy_looks_at_all_kinds_are_listed(terminal: Terminal) -> None:
    terminal.write(HEAD)
    kinds = {kind for _, kind in _checks(terminal, 0)} - {"credentials", "clock"}
    assert len(kinds) > 9
    assert {kind.partition(".")[0] for kind in kinds} == {"huaweicloud"}
    terminal.write("version: 1\n")
    assert terminal.run("doctor").out == "The configuration has no target to examine.\n"


def test_it_is_narrowed_as_other_commands_are(terminal: Terminal) -> None:
    assert {target for target, _ in _checks(terminal, 0, "--target", "ali*")} == {"aliyun"}
    checks = _checks(terminal, 0, "--policy", "q").keys()
    assert checks == {("huawei", kind) for kind in ("credentials", "clock", "huaweicloud.mpc.packaging")}


def test_a_refused_list_names_the_permission(terminal: Terminal) -> None:
    body = {"error_code": "APIGW.0302", "error_msg": "not permitted"}
    terminal.simulator.faults.add("status", path="thumbnails", times=0, status=403, body=body)
    checks = _checks(terminal, 1)
    (refused,) = checks["huawei", SNAPSHOT]
    assert (refused["verdict"], refused["fault"]["meaning"]) == ("error", "permission")
    assert refused["permission"] == "mpc:thumbnailsTask:view"
    assert refused["advice"] == "grant mpc:thumbnailsTask:view"
    assert checks["huawei", "huaweicloud.mpc.packaging"][0]["verdict"] == "ok"


def test_what_is_to_be_granted_stands_together(terminal: Terminal) -> None:
    body = {"error_code": "APIGW.0302", "error_msg": "not permitted"}
    terminal.simulator.faults.add("status", path="/v1/", times=0, status=403, body=body)
    out = " ".join(terminal.run("doctor", "--target", "huawei", "reconciler.yaml").out.split())
    assert "error huaweicloud.mpc.packaging, huaweicloud.mpc.snapshot: HTTP 403" in out
    assert "-> Grant mpc:remuxTsk:view, mpc:thumbnailsTask:view; `reconciler permissions reconciler.yaml` writes" in out


def test_a_project_that_is_not_the_regions_is_told(terminal: Terminal) -> None:
    terminal.write(HEAD.replace("0123456789abcdef0123456789abcdef", "f" * 32))
    (credentials,) = _checks(terminal, 1)["huawei", "credentials"]
    assert "the target's `project_id` is another, of a subproject or a mistake" in credentials["message"]


def test_a_project_that_came_from_a_variable_is_told_as_the_variable(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT", "0123456789abcdef0123456789abcdef")
    terminal.write(HEAD.replace("project_id: 0123456789abcdef0123456789abcdef", "project_id: ${PROJECT}"))
    (credentials,) = _checks(terminal, 0)["huawei", "credentials"]
    assert "of project ${PROJECT} (cn-north-4)" in credentials["message"]
    assert "is another" not in credentials["message"]


def test_the_other_clouds_are_examined_alike(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = """
policies:
  m: {resource: aliyun.mps.transcoding, match: {status: pending}, ensure: absent}
  a: {resource: aws.mediaconvert.job, match: {status: pending}, ensure: absent}
"""
    terminal.write(HEAD.partition("  huawei:")[0] + ALIYUN + AWS + policies)
    terminal.simulator.aws.add("aws.mediaconvert.job", id="1671477617078-2886ye", created="1d")
    terminal.simulator.aliyun.add("aliyun.mps.transcoding", id="31dfa5ac590146dd8d22f2e0c1de2f01", created="1d")
    well = _checks(terminal, 0)
    for target, kind in (("aws", "aws.mediaconvert.job"), ("aliyun", "aliyun.mps.transcoding")):
        assert well[target, kind][0]["message"] == "listed, 1 task on the first page"
        assert well[target, "clock"][0]["verdict"] == "ok"
    with monkeypatch.context() as wrong:
        wrong.setenv("AWS_SECRET_ACCESS_KEY", "another-secret-of-somebody")
        ill = _checks(terminal, 1)
    assert ill["aws", "aws.mediaconvert.job"][0]["fault"]["meaning"] == "credentials"
    assert ill["aliyun", "aliyun.mps.transcoding"][0]["verdict"] == "ok"
    body = {"message": "User is not authorized to perform: mediaconvert:ListJobs"}
    headers = {"x-amzn-errortype": "AccessDeniedException"}
    terminal.simulator.faults.add("status", path="ListJobs", times=0, status=403, body=body, headers=headers)
    assert _checks(terminal, 1)["aws", "aws.mediaconvert.job"][0]["advice"] == "grant mediaconvert:ListJobs"
    assert terminal.destructive() == []


def test_where_nobody_answers_nothing_counts_as_good(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URL", "http://127.0.0.1:9")
    checks = _checks(terminal, 1, "--target", "huawei")
    assert {checks["huawei", kind][0]["verdict"] for kind in ("credentials", "clock")} == {"warning"}
    assert checks["huawei", SNAPSHOT][0]["fault"]["meaning"] == "unreachable"


def test_what_no_table_has_is_named(terminal: Terminal) -> None:
    rows = [
        {"task_id": "1", "status": "PAUSED", "create_time": "20260101000000", "shard": 7, "in\u202eput": {}},
        {"task_id": "2", "status": "WAITING", "create_time": "20260101000000", "tenant": {"secret": "Zq7"}},
    ]
    body = {"total": 2, "task_array": rows, "is_truncated": 0}
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Used": "3"}
    terminal.simulator.faults.add("status", path="thumbnails", times=0, status=200, body=body, headers=headers)
    found = terminal.run("doctor", "--format", "json")
    listed, statuses, keys = _checks(terminal, 0)["huawei", SNAPSHOT]
    assert listed["message"].lower() == (
        "listed, 2 tasks on the first page; x-ratelimit-limit: 100; x-ratelimit-used: 3"
    )
    assert (statuses["verdict"], keys["verdict"]) == ("warning", "warning")
    assert statuses["message"] == "statuses of no table: PAUSED; tasks in these are never changed"
    assert keys["message"].startswith("fields that the vendor does not document: in\\u202eput, shard, tenant;")
    assert "Zq7" not in found.out


def test_a_code_of_no_table_is_named(terminal: Terminal) -> None:
    body = {"error_code": "MPC.77777", "error_msg": "the moon is in the way"}
    terminal.simulator.faults.add("status", path="remux", times=0, status=400, body=body)
    (refused,) = _checks(terminal, 1)["huawei", "huaweicloud.mpc.packaging"]
    assert refused["advice"] == "the code MPC.77777 is in no table of reconciler: please report it"
    assert "the moon is in the way" in refused["message"]


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_clock_that_is_off_is_an_error(terminal: Terminal, seconds: int) -> None:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - only here
    from email.utils import format_datetime  # noqa: PLC0415 - only here

    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    body = {"total": 0, "task_array": [], "is_truncated": 0}
    terminal.simulator.faults.add("status", path="thumbnails", times=0, status=200, body=body, headers={"Date": date})
    (clock,) = _checks(terminal, 1)["huawei", "clock"]
    assert clock["verdict"] == "error"
    assert ("behind" if seconds > 0 else "ahead of") in clock["message"]


@pytest.mark.parametrize(("seconds", "told"), [(1, "in step"), (-1, "in step"), (2, "2 s behind"), (-2, "2 s ahead")])
def test_a_clock_is_off_by_more_than_answers_can_tell(seconds: int, told: str) -> None:
    assert told in _of_clock((0, seconds)).message


def test_one_target_without_credentials_is_wrong_alone(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUAWEICLOUD_SDK_AK")
    checks = _checks(terminal, 1)
    assert checks["huawei", "credentials"][0]["fault"]["meaning"] == "credentials"
    assert checks["aliyun", "aliyun.vod.url_upload"][0]["verdict"] == "ok"


def test_wrong_credentials_are_told_once(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "another-secret-of-somebody")
    finished = terminal.run("doctor", "--target", "huawei")
    assert finished.code == 1
    assert "error   huaweicloud.mpc.packaging, huaweicloud.mpc.snapshot: HTTP 401" in finished.out
    assert "-> Set them right, or renew them, where they come from" in finished.out
    assert "another-secret" not in finished.out


def test_a_login_that_is_refused_is_no_new_code(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = "credentials: {iam_user: {env: U}, iam_password: {env: P}, iam_domain: {env: D}}"
    terminal.write(HEAD.replace("region: cn-north-4", f"region: cn-north-4\n    {keys}"))
    for name, value in (("U", "somebody"), ("P", 'pass/w"ord&99'), ("D", "domain77")):
        monkeypatch.setenv(name, value)
    finished = terminal.run("doctor", "-vv", "--trace", "t.jsonl")
    assert finished.code == 1
    assert "in no table" not in finished.out
    trace = (terminal.directory / "t.jsonl").read_text()
    assert "/v3/auth/tokens" in trace
    assert 'w\\"ord' not in trace + finished.out + finished.err


def test_iam_that_does_not_tell_whose_they_are_is_no_error(terminal: Terminal) -> None:
    terminal.simulator.faults.add("status", path="/v3/projects", times=0, status=403, body={"error_code": "IAM.0011"})
    (credentials,) = _checks(terminal, 0)["huawei", "credentials"]
    assert "no run needs to know whose they are" in credentials["message"]


def test_an_empty_inventory_is_told(terminal: Terminal) -> None:
    terminal.write(HEAD + ALIYUN.partition("    inventory:")[0] + POLICY)
    finished = terminal.run("doctor", "--target", "aliyun")
    if finished.code == 65:  # a target may need one
        return
    assert "`inventory` names none" in finished.out


def test_a_bug_in_a_client_is_the_error_of_its_target(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler.providers.aliyun.client import AliyunClient  # noqa: PLC0415 - only here

    def broken(self: object, resource: object, tally: object) -> None:
        raise RuntimeError(f"no {type(self).__name__}, {resource}, {tally}")

    monkeypatch.setattr(AliyunClient, "first_page", broken)
    checks = _checks(terminal, 1)
    assert "bug in reconciler" in checks["aliyun", "aliyun.vod.url_upload"][0]["message"]
    assert checks["huawei", SNAPSHOT][0]["verdict"] == "ok"


def test_it_fits_into_a_terminal_of_eighty_columns(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert max(map(len, terminal.run("doctor").out.splitlines())) <= 80


def test_its_trace_and_its_document_hold_no_secret(terminal: Terminal) -> None:
    secret = terminal.simulator.accounts.huaweicloud[0].secret_access_key
    body = {"error_code": "APIGW.0301", "error_msg": f"wrong key {secret} for https://h/v?{secret}"}
    headers = {"X-RateLimit-Of": secret, "X-Request-Id": secret}
    terminal.simulator.faults.add("status", path="thumbnails", times=0, status=401, body=body, headers=headers)
    finished = terminal.run("doctor", "--format", "json", "-vv", "--trace", "t.jsonl")
    assert finished.code == 1
    assert json.loads(finished.out)["outcome"] == "error"
    trace = (terminal.directory / "t.jsonl").read_text()
    assert "APIGW.0301" in trace
    assert secret not in finished.out + finished.err + trace
