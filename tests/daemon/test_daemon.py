"""Cycles against local clouds: what changes between them, what fails, and how they are stopped."""

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.daemon.cycle import Cycle, Job
from reconciler.daemon.daemon import SETTLING, Daemon
from reconciler.daemon.page import Page
from reconciler.daemon.schedule import Every
from reconciler.daemon.serving import IDLE, Address, Site, listening
from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.interruption import Interruption
from reconciler.engine.session import Session
from reconciler.exceptions import ExitCode, InvalidConfiguration, UsageError
from reconciler.planning.plan import Plan
from reconciler.reports.metrics import (
    BACKING_OFF,
    COMPLETE,
    CONFIGURATION,
    LAST_SUCCESS,
    NEXT_RUN,
    OLDEST,
    PERIOD,
    RUNS,
    TASKS,
    Samples,
)
from tests.faults.kinds import SNAPSHOT, TRANSCODING, configured
from tests.reports.html.strict_page import parsed
from tests.terminal import HEAD, Terminal, wait_until

SNAPSHOTS = f"{{resource: {SNAPSHOT}, match: {{status: pending, created_at: {{older_than: 1h}}}}, ensure: absent}}"
TRANSCODES = f"{{resource: {TRANSCODING}, match: {{status: pending, created_at: {{older_than: 1h}}}}, ensure: absent}}"


class AtOnce:
    """A schedule without pauses."""

    def begin(self, moment: float) -> float:
        return moment

    def after(self, moment: float) -> float:
        return moment


def cycles(*between: Callable[[], object], plan_only: bool = False) -> tuple[list[Cycle], Daemon]:
    """One cycle more than there are things that happen `between` two."""
    ended: list[Cycle] = []
    happening = iter(between)

    def note(cycle: Cycle) -> None:
        ended.append(cycle)
        happens = next(happening, None)
        if happens is None:
            daemon.interruption.ask(ExitCode.TERMINATED)
        else:
            happens()

    daemon = Daemon(Job((Path(),), plan_only=plan_only), AtOnce(), settling=0, on_cycle=note)
    assert asyncio.run(daemon.run()) == ExitCode.TERMINATED
    return ended, daemon


def done(cycle: Cycle) -> int:
    """Changes that were done."""
    return cycle.report.summary["done"] if cycle.report else 0


def add(terminal: Terminal, *numbers: int, created: str = "2h", resource: str = SNAPSHOT) -> None:
    for number in numbers:
        terminal.simulator.huaweicloud.add(resource, id=number, created=created)


def test_each_cycle_does_what_has_come_up(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS))
    add(terminal, 1, 2)
    ended, daemon = cycles(lambda: None, lambda: add(terminal, 3), lambda: add(terminal, 4, created="1m"))
    assert [(done(cycle), cycle.exit_code) for cycle in ended] == [(2, 0), (0, 0), (1, 0), (0, 0)]
    assert [cycle.report is None for cycle in ended] == [False, True, False, True]  # where nothing is due, no run
    scope = ("huawei", SNAPSHOT)
    assert daemon.samples.get(TASKS, *scope, "pending") == 1
    age = daemon.samples.get(OLDEST, *scope)
    assert age is not None
    assert 60 <= age < 600
    assert terminal.run("history").out.count(" apply ") == 2


def test_it_only_tells_where_it_is_to_plan_only(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS))
    add(terminal, 1)
    ended, _ = cycles(lambda: None, plan_only=True)
    assert [(cycle.exit_code, cycle.report) for cycle in ended] == [(ExitCode.CHANGES, None)] * 2
    assert terminal.destructive() == []
    assert not (terminal.directory / ".reconciler").exists()


def test_the_configuration_is_read_anew_and_the_last_good_one_kept(terminal: Terminal) -> None:
    path = terminal.write(configured(SNAPSHOTS))
    add(terminal, 1)
    add(terminal, 2, resource=TRANSCODING)
    ended, daemon = cycles(
        lambda: path.write_text("version: 1\npolicies: [oops"),
        lambda: path.write_text(configured(TRANSCODES)),
    )
    assert [done(cycle) for cycle in ended] == [1, 0, 1]
    assert [bool(cycle.outdated) for cycle in ended] == [False, True, False]
    assert re.search(r"1 mistake, such as reconciler\.yaml:3:\d+: ", ended[1].outdated)
    assert daemon.samples.get(CONFIGURATION) == 1
    assert terminal.simulator.huaweicloud.status(TRANSCODING, 2) == "CANCELED"


class Halfway(Interruption):
    """What a cycle pauses with between two readings; somebody goes on writing meanwhile."""

    def __init__(self, goes_on: Callable[[], object]) -> None:
        super().__init__()
        self._goes_on = goes_on

    async def sleep(self, seconds: float) -> None:
        if seconds == SETTLING:
            self._goes_on()
        await super().sleep(0)


def test_a_configuration_counts_once_it_stands_still(terminal: Terminal) -> None:
    """A policy is there before the protection that comes with it: nothing is called for what was read in between."""
    protect = f"protect: {{all: {{resource: {SNAPSHOT}, match: {{status: pending}}}}}}\n"
    path = terminal.write(configured(TRANSCODES))
    add(terminal, 1)
    ended: list[Cycle] = []

    def note(cycle: Cycle) -> None:
        ended.append(cycle)
        if len(ended) == 1:
            path.write_text(configured(SNAPSHOTS))
        elif len(ended) == 3:
            daemon.interruption.ask(ExitCode.TERMINATED)

    halfway = Halfway(lambda: terminal.write(f"version: 1\n{protect}", "protect.reconciler.yaml"))
    daemon = Daemon(Job((Path(),)), AtOnce(), halfway, on_cycle=note)
    asyncio.run(daemon.run())
    assert ["being changed" in cycle.outdated for cycle in ended] == [False, True, False]
    assert ended[2].plan is not None
    assert ended[2].plan.policies[0].protected == 1
    assert terminal.destructive() == []


class SetBack(Interruption):
    """A clock that goes on by what is waited; at the first wait of all somebody sets it back by a day."""

    now = 2e9

    async def sleep(self, seconds: float) -> None:
        self.now += seconds if self.now < 2e9 else -86_400
        await super().sleep(0)


def test_a_clock_that_is_set_back_puts_off_nothing(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS))
    clock, began = SetBack(), list[float]()

    def note(cycle: Cycle) -> None:
        began.append(cycle.began)
        if len(began) == 2:
            clock.ask(ExitCode.TERMINATED)

    daemon = Daemon(Job((Path(),), plan_only=True), Every(3600), clock, on_cycle=note, now=lambda: clock.now)
    asyncio.run(daemon.run())
    assert began[0] == 2e9
    assert 0 < began[1] - (2e9 - 86_400) <= 3600


def test_the_commit_of_a_run_is_that_of_the_configuration_in_force(terminal: Terminal) -> None:
    """Where the one that is checked out cannot be used, it is not why anything is done."""

    def check_out(commit: str, text: str) -> None:
        (terminal.directory / ".git").mkdir(exist_ok=True)
        (terminal.directory / ".git" / "HEAD").write_text(f"{commit}\n")
        terminal.write(text)
        add(terminal, int(commit[0], 16))

    good, bad, mended = ("1" * 40, "2" * 40, "3" * 40)
    check_out(good, configured(SNAPSHOTS))
    cycles(
        partial(check_out, bad, "version: 1\npolicies: [oops"),
        partial(check_out, mended, configured(SNAPSHOTS)),
    )
    with terminal.database() as database:
        told = database.execute('SELECT "commit" FROM runs ORDER BY started_at, run_id').fetchall()
    assert told == [(good,), (good,), (mended,)]


def test_its_line_in_the_log_says_why_it_did_not_do_all(terminal: Terminal) -> None:
    few = SNAPSHOTS[:-1] + ", limits: {max_actions: 1}}"
    add(terminal, 1, 2, 3)
    for policies, told in (
        ((few,), "refused: 3 changes are more than max_actions 1"),
        ((few, SNAPSHOTS), "policy p1: refused: 3 changes are more than max_actions 1"),
    ):
        terminal.write(configured(*policies))
        [cycle], _ = cycles()
        assert told in cycle.line(None)
    terminal.write(configured(SNAPSHOTS))
    add(terminal, 4, 5)
    terminal.simulator.faults.add("status", method="DELETE", status=403, times=0)
    [cycle], _ = cycles()
    assert re.search(r": 0 done, .* 2 failed, .*; huawei: .*HTTP 403.*; 1 more error$", cycle.line(None))


def test_without_its_directory_it_goes_on_and_says_so(
    terminal: Terminal, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last good configuration is kept; a database that was in there is the error of the cycle."""
    database = tmp_path_factory.mktemp("elsewhere") / "history.db"
    for settings in ("", f"backend: 'sqlite:///{database}'"):
        here = tmp_path_factory.mktemp("here")
        monkeypatch.chdir(here)
        (here / "reconciler.yaml").write_text(configured(SNAPSHOTS, settings=settings))
        ended, daemon = cycles(partial(shutil.rmtree, here), partial(add, terminal, 1))
        assert [bool(cycle.outdated) for cycle in ended] == [False, True, True]
        assert daemon.samples.get(CONFIGURATION) == 0
        if settings:
            assert [(cycle.exit_code, done(cycle)) for cycle in ended] == [(0, 0), (0, 0), (0, 1)]
        else:
            assert "does not exist any more" in ended[1].error
            terminal.simulator.huaweicloud.remove(SNAPSHOT, 1)


def test_a_directory_that_is_made_anew_is_found_again(
    terminal: Terminal, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)

    def anew(policy: str) -> None:
        here.mkdir(exist_ok=True)
        (here / "reconciler.yaml").write_text(configured(policy))

    anew(SNAPSHOTS)
    add(terminal, 1, resource=TRANSCODING)
    ended, daemon = cycles(partial(shutil.rmtree, here), partial(anew, TRANSCODES))
    assert [(bool(cycle.outdated), done(cycle)) for cycle in ended] == [(False, 0), (True, 0), (False, 1)]
    assert daemon.samples.get(CONFIGURATION) == 1
    assert (here / ".reconciler" / "history.db").exists()


class Uneven:
    """A schedule with a long pause behind its second time."""

    times = (0.0, 60.0, 3600.0, 3660.0, 3720.0)

    def begin(self, moment: float) -> float:
        return moment

    def after(self, moment: float) -> float:
        return next(time for time in self.times if time > moment)


class Sleeper(Interruption):
    """A clock that is put on instead of waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_metrics_tell_how_far_apart_runs_are(terminal: Terminal) -> None:
    """The longer of the pauses around a run: neither a night nor the first run after it is an alarm."""
    terminal.write(configured(SNAPSHOTS))
    clock, told = Sleeper(), list[tuple[float | None, float | None]]()
    daemon = Daemon(Job((Path(),), plan_only=True), Uneven(), clock, now=lambda: clock.now)

    def note(_: object) -> None:
        told.append((daemon.samples.get(PERIOD), daemon.samples.get(NEXT_RUN)))
        if len(told) == 4:
            clock.ask(ExitCode.TERMINATED)

    daemon.on_cycle = note
    asyncio.run(daemon.run())
    assert told == [(60, 60), (3540, 3600), (3540, 3660), (60, 3720)]


def test_a_first_configuration_that_is_broken_ends_it(terminal: Terminal) -> None:
    terminal.write("version: 1\npolicies: [oops")
    with pytest.raises(InvalidConfiguration):
        cycles()
    terminal.write(configured(SNAPSHOTS))
    with pytest.raises(UsageError):
        asyncio.run(Daemon(Job((Path(),), targets=("nowhere",)), AtOnce()).run())


OTHER = HEAD[HEAD.index("  huawei:") :].replace("huawei:", "lost:") + "    credentials: {profile: nobody}\n"


def test_a_target_that_fails_is_left_alone_and_keeps_no_other_one_waiting(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS, head=HEAD + OTHER))
    add(terminal, 1)
    assert cycles()[1].samples.get(BACKING_OFF, "lost") == 1, "it counts with the cycle in which it came up"
    add(terminal, 4)
    ended, daemon = cycles(lambda: add(terminal, 2), lambda: add(terminal, 3))
    assert [done(cycle) for cycle in ended] == [1, 1, 1]
    assert [cycle.exit_code for cycle in ended] == [ExitCode.ERROR] * 3
    errors = [scope.error for cycle in ended for scope in (cycle.plan.scopes if cycle.plan else ()) if scope.error]
    assert ["left alone until" in error.message for error in errors] == [False, False, True]
    assert daemon.samples.get(BACKING_OFF, "lost") == 2
    assert daemon.samples.get(COMPLETE, "lost", SNAPSHOT) == 0


def test_what_goes_wrong_in_a_cycle_is_its_error(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS))
    add(terminal, 1)
    lease = terminal.lock()
    ended, daemon = cycles(lease.release)
    assert [(cycle.exit_code, done(cycle)) for cycle in ended] == [(ExitCode.LOCKED, 0), (ExitCode.OK, 1)]
    assert "theirs" in ended[0].error
    assert "--lock-timeout" in ended[0].error
    assert [daemon.samples.get(RUNS, "run", word) for word in ("locked", "ok")] == [1, 1]
    assert ended[0].outcome == "locked"


def stopped(asked_by: Callable[[Callable[[object], None]], ApplyOptions]) -> Cycle:
    """The cycle in which somebody asks to stop."""
    interruption, ended = Interruption(), list[Cycle]()
    options = asked_by(lambda _: interruption.ask(ExitCode.TERMINATED))
    daemon = Daemon(Job((Path(),), options=lambda: options), AtOnce(), interruption, on_cycle=ended.append)
    assert asyncio.run(daemon.run()) == ExitCode.TERMINATED
    [cycle] = ended
    return cycle


def test_asked_to_stop_while_it_lists_it_calls_nothing(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS, TRANSCODES))
    add(terminal, 1)
    terminal.simulator.faults.add("latency", seconds=3600, path="/transcodings$")
    cycle = stopped(lambda ask: ApplyOptions(on_listed=ask))
    assert (cycle.plan, cycle.report, cycle.outcome) == (None, None, "interrupted")
    assert terminal.destructive() == []
    terminal.lock().release()  # the lock was given back


def test_cut_off_behind_its_plan_a_cycle_did_not_go_well(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked to stop between the plan and its first call."""
    terminal.write(configured(SNAPSHOTS))
    add(terminal, 1)
    interruption, ended, made = Interruption(), list[Cycle](), Session.plan

    async def plan_and_stop(session: Session, *given: Any, **named: Any) -> Plan:  # noqa: ANN401 - as Session.plan has them
        plan = await made(session, *given, **named)
        interruption.ask(ExitCode.TERMINATED)
        return plan

    monkeypatch.setattr(Session, "plan", plan_and_stop)
    daemon = Daemon(Job((Path(),)), AtOnce(), interruption, on_cycle=ended.append)
    assert asyncio.run(daemon.run()) == ExitCode.TERMINATED
    assert [(cycle.outcome, cycle.report) for cycle in ended] == [("interrupted", None)]
    assert daemon.samples.get(LAST_SUCCESS, "run") is None
    assert terminal.destructive() == []


def test_what_cannot_be_drawn_ends_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.write(configured(SNAPSHOTS))
    add(terminal, 1)
    monkeypatch.setattr("reconciler.daemon.page.render_status_html", lambda _: 1 / 0)
    ended: list[Cycle] = []
    daemon = Daemon(Job((Path(),)), None, on_cycle=ended.append, page=Page())
    assert asyncio.run(daemon.run()) == ExitCode.OK
    assert [done(cycle) for cycle in ended] == [1]


def test_asked_to_stop_while_it_calls_it_finishes_what_is_in_flight(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS, settings="concurrency: 1"))
    add(terminal, *range(1, 41))
    cycle = stopped(lambda ask: ApplyOptions(on_result=ask))
    assert cycle.report is not None
    assert cycle.report.interrupted is ExitCode.TERMINATED
    assert 0 < done(cycle) < 40
    assert done(cycle) + cycle.report.summary["not_attempted"] == 40


def test_the_page_tells_what_was_seen_and_done_and_how_the_queue_went(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS, TRANSCODES))
    add(terminal, 1, 2)
    add(terminal, 3, 4, created="1m")
    terminal.simulator.faults.add("status", status=403, method="DELETE", times=1)
    page, texts = Page(), list[str]()
    times = iter((lambda: None, lambda: (terminal.directory / "reconciler.yaml").write_text("version: 2")))

    def note(_: Cycle) -> None:
        texts.append(page.text)
        next(times, lambda: daemon.interruption.ask(ExitCode.TERMINATED))()

    daemon = Daemon(Job((Path(),)), AtOnce(), on_cycle=note, page=page)
    asyncio.run(daemon.run())
    first, _, third = map(parsed, texts)
    [(outcome, task, *_)] = first.rows("done")
    assert (outcome.text, task.text in {"1", "2"}) == ("failed", True)
    assert {row[0].text for row in first.rows("targets")} == {SNAPSHOT, TRANSCODING}
    assert len(third.rows("runs")) == 2
    assert "the last good configuration is used" in third.text
    assert f"{SNAPSHOT}: pending" in third.text


# -- over HTTP --------------------------------------------------------------------------------------------------


def get(url: str, host: str | None = None, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    answer = httpx.request(method, url, headers={"Host": host} if host else {}, timeout=30, trust_env=False)
    return answer.status_code, answer.text, dict(answer.headers)


def served(site: Site, ask: Callable[[str], None], *known: str, idle: float = IDLE) -> None:
    async def serve() -> None:
        async with listening(site, Address("127.0.0.1", 0, frozenset(known)), idle) as url:
            await asyncio.to_thread(ask, url)

    asyncio.run(serve())


def test_it_is_ready_once_a_cycle_has_ended() -> None:
    site = Site(Samples())

    def ask(url: str) -> None:
        assert [get(f"{url}{path}")[0] for path in ("/healthz", "/readyz", "/", "/metrics")] == [200, 503, 503, 200]
        site.ready, site.page.text = True, "<!DOCTYPE html>"
        assert [get(f"{url}{path}")[0] for path in ("/healthz", "/readyz", "/")] == [200, 200, 200]

    served(site, ask)


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_whoever_never_ends_a_header_is_not_waited_for(before: bytes) -> None:
    """The first one, or one that comes after an answer."""

    def ask(url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as half:
            half.sendall(before)
            if before:
                assert half.recv(65_536).startswith(b"HTTP/1.1 200 ")
            half.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            assert half.recv(65_536) == b""
        assert get(f"{url}/healthz")[0] == 200

    served(Site(Samples()), ask, idle=0.2)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(
            (name, 200)
            for name in ("localhost", "localhost:1", "127.0.0.1:9", "[::1]:9464", "10.1.2.3", "reconciler:9")
        ),
        *((name, 421) for name in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "[", "a@localhost.x")),
    ],
)
def test_only_names_of_its_own_are_answered(host: str, status: int) -> None:
    served(Site(Samples(), ready=True), lambda url: _is(get(f"{url}/readyz", host)[0], status), "reconciler")


def _is(found: object, expected: object) -> None:
    assert found == expected


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed_there(method: str) -> None:
    def ask(url: str) -> None:
        for path in ("/", "/metrics", "/healthz", "/readyz", "/api"):
            status, _, headers = get(f"{url}{path}", method=method)
            assert status in {404, 405}
            assert headers["x-content-type-options"] == "nosniff"

    served(Site(Samples()), ask)


@pytest.mark.parametrize("text", ["", "x", "1.2.3.4:", "1.2.3.4:99999", "a/b:1", "u@h:1", "h:1?x", ":"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="--listen"):
        Address.of(text)


def test_a_port_alone_is_one_of_loopback() -> None:
    assert [(one.host, one.port) for one in map(Address.of, ("9464", "[::1]:9464", "10.0.0.1:80"))] == [
        ("127.0.0.1", 9464),
        ("::1", 9464),
        ("10.0.0.1", 80),
    ]


# -- as a program -----------------------------------------------------------------------------------------------


def test_run_once_is_for_cron(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS))
    add(terminal, 1)
    words = ("run", "--once", "--report", "metrics=m.prom", "--report", "json=r.json")
    finished = terminal.run(*words)
    assert (finished.code, finished.out) == (0, "")
    assert "cycle 1, in" in finished.err
    assert '"outcome": "ok"' in (terminal.directory / "r.json").read_text()
    metrics = terminal.directory / "m.prom"
    assert metrics.stat().st_mode & 0o777 == 0o644
    terminal.run(*words)
    families = {family.name: family for family in text_string_to_metric_families(metrics.read_text())}
    assert [sample.value for sample in families["reconciler_runs"].samples] == [2]
    assert terminal.run("run", "--once", "--plan-only").code == 0
    add(terminal, 2)
    assert terminal.run("run", "--once", "--plan-only").code == 2


def outcomes(file: Path) -> dict[tuple[str, str], float]:
    """Runs by command and outcome, as a file of metrics counts them."""
    families = {family.name: family for family in text_string_to_metric_families(file.read_text())}
    runs = {(one.labels["command"], one.labels["outcome"]): one.value for one in families["reconciler_runs"].samples}
    last = {
        (one.labels["command"], one.labels["outcome"])
        for one in families["reconciler_run_outcome"].samples
        if one.value
    }
    assert last <= runs.keys()
    assert {command for command, _ in last} == {command for command, _ in runs}
    return runs


@pytest.mark.parametrize("words", [("run", "--once"), ("plan",), ("apply", "--auto-approve")])
def test_a_run_that_came_to_no_plan_is_in_the_file_of_metrics(terminal: Terminal, words: tuple[str, ...]) -> None:
    file = terminal.directory / "m.prom"
    words, command = (*words, "--report", "metrics=m.prom"), words[0]
    terminal.write(configured(SNAPSHOTS))
    assert terminal.run(*words).code == ExitCode.OK
    good = file.read_text()
    [success] = [line for line in good.splitlines() if line.startswith(f"{LAST_SUCCESS.name}{{")]
    terminal.write("version: 1\npolicies: [oops")
    assert terminal.run(*words).code == ExitCode.INVALID
    assert outcomes(file) == {(command, "ok"): 1, (command, "invalid"): 1}
    terminal.write(configured(SNAPSHOTS))
    assert terminal.run(*words, "--target", "nowhere").code == ExitCode.USAGE
    if command != "plan":
        with terminal.lock():
            assert terminal.run(*words).code == ExitCode.LOCKED
        assert outcomes(file)[command, "locked"] == 1
    assert success in file.read_text().splitlines()
    terminal.run(*words)
    assert outcomes(file)[command, "ok"] == 2


@pytest.mark.parametrize("words", [("run", "--once"), ("plan",), ("apply", "--auto-approve")])
def test_whoever_cuts_a_run_off_is_in_the_file_of_metrics(terminal: Terminal, words: tuple[str, ...]) -> None:
    terminal.write(configured(SNAPSHOTS))
    listing = terminal.simulator.faults.add("latency", seconds=60)
    process = terminal.start("-m", "reconciler", *words, "--report", "metrics=m.prom")
    wait_until(lambda: listing not in terminal.simulator.faults.pending, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == ExitCode.TERMINATED
    assert outcomes(terminal.directory / "m.prom") == {(words[0], "interrupted"): 1}


def test_each_line_of_stderr_is_an_object_also_where_it_fails(terminal: Terminal) -> None:
    json_log = ("run", "--once", "--log-format", "json")
    terminal.write(configured(SNAPSHOTS))
    [line] = terminal.run(*json_log, "--target", "nowhere").err.splitlines()
    assert (json.loads(line)["level"], json.loads(line)["exit_code"]) == ("error", ExitCode.USAGE)
    *_, last = map(json.loads, terminal.run(*json_log, "--report", "json=/dev/full").err.splitlines())
    assert (last["level"], "No space left" in last["message"]) == ("error", True)
    terminal.write("version: 1\npolicies: [oops")
    [line] = terminal.run(*json_log).err.splitlines()
    assert "reconciler.yaml:3" in json.loads(line)["diagnostics"][0]


def test_a_target_that_is_locked_is_its_error_whatever_is_due(terminal: Terminal) -> None:
    """As `apply` has it: nothing would be done there, and nobody would hear of it."""
    uploads = "{resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}"
    terminal.write(configured(SNAPSHOTS, uploads))
    with terminal.lock():
        for words in (("run", "--once"), ("apply", "--auto-approve")):
            terminal.tells(ExitCode.LOCKED, "holds huawei", *words)
    assert terminal.run("run", "--once").code == ExitCode.OK


def test_run_once_fails_where_its_report_cannot_be_written(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS))
    terminal.tells(1, "No space left", "run", "--once", "--report", "json=/dev/full")


def test_each_line_of_its_log_is_an_object_where_that_is_asked_for(terminal: Terminal) -> None:
    """What is said of locks and of earlier runs as well."""
    uploads = "{resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}"
    terminal.write(configured(SNAPSHOTS, uploads))
    add(terminal, 1)
    lease = terminal.lock()
    finished = terminal.run("run", "--once", "--log-format", "json")
    lease.release()
    assert finished.code == ExitCode.LOCKED
    messages = [json.loads(line)["message"] for line in finished.err.splitlines()]
    assert any("its changes are not attempted" in message for message in messages)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "--every, --schedule or --once is missing"),
        (["--every", "5m", "--once"], "--every and --once exclude each other"),
        (["--every", "0s"], "leaves no time"),
        (["--every", "5 minutes"], "--every"),
        (["--schedule", "* * *"], "five fields"),
        (["--every", "5m", "--listen", "x"], "--listen"),
        (["--every", "5m", "--max-duration", "0s"], "--max-duration"),
    ],
)
def test_what_no_run_can_be_is_told_before_it_begins(terminal: Terminal, words: list[str], told: str) -> None:
    terminal.tells(64, told, "run", *words)


def test_a_signal_ends_it_in_order(terminal: Terminal) -> None:
    """As a process of its own, with a supervisor that is told."""
    terminal.write(configured(SNAPSHOTS))
    add(terminal, 1)
    words = [sys.executable, "-m", "reconciler", "run", "--every", "1h", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(words, cwd=terminal.directory, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: terminal.simulator.huaweicloud.status(SNAPSHOT, 1) == "CANCELED", process)
    assert process.stderr is not None
    said = ""
    while "cycle 1" not in said:
        said += process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Stopping" in rest
    url = re.search(r"serving (http://127\.0\.0\.1:\d+)", said)
    assert url is not None


def test_under_json_every_line_of_the_log_is_an_object_also_the_last(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS))
    words = [sys.executable, "-m", "reconciler", "run", "--every", "1h", "--no-listen", "--log-format", "json"]
    process = subprocess.Popen(words, cwd=terminal.directory, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=60)
    messages = [json.loads(line)["message"] for line in (first, *rest.splitlines())]
    assert "cycle 1" in messages[0]
    assert messages[-1].startswith("Stopping")
