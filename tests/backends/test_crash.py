"""A run that is killed leaves a record from which the next one can tell what may have been sent."""

import subprocess
from collections.abc import Callable

import pytest

from reconciler.backends.connect import connect
from reconciler.backends.history import History
from reconciler.backends.journal import Journal

PROGRAM = """
import os, signal, sys
from reconciler.backends.entries import ActionResult, ActionState, Intent, RunStart
from reconciler.backends.fencing import Fence
from reconciler.backends.journal import Journal
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey

url, point = sys.argv[1].split(" ")
journal = Journal.open(url)
run_id = journal.begin_run(RunStart("apply", "0.1.0", "digest", "fingerprint"))
print(run_id, flush=True)

def step(name):
    if name == point:
        os.kill(os.getpid(), signal.SIGKILL)

step("begun")
for number in range(3):
    intent = Intent("prod", "r", str(number), Action.CANCEL)
    future = journal.intend(run_id, [intent], Fence(()))
    future.result()
    step(f"intended-{number}")
    journal.record(run_id, [ActionResult(intent, ActionState.DONE)]).result()
    step(f"recorded-{number}")
"""


@pytest.mark.parametrize(
    ("point", "left"),
    [("begun", []), ("intended-0", ["0"]), ("recorded-0", []), ("intended-2", ["2"]), ("recorded-2", [])],
)
def test_kill_at_each_point(
    url: str, python: Callable[[str, str], subprocess.Popen[str]], point: str, left: list[str]
) -> None:
    with python(PROGRAM, f"{url} {point}") as child:
        output, errors = child.communicate()
    assert child.returncode == -9, errors
    run_id = output.strip()
    with Journal.open(url) as journal:
        found = journal.open_intents((), {"prod"})
        assert [(entry.run_id, entry.task_id) for entry in found] == [(run_id, task_id) for task_id in left]
        if journal.backend.engine.dialect.name == "sqlite":
            with journal.backend.reading() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    run = History(connect(url)).run(run_id)
    assert run is not None
    assert run.finished_ms is None


RACER = """
import sys
from reconciler.backends.connect import connect
from reconciler.backends.journal import Journal
from reconciler.backends.entries import RunStart

print("ready", flush=True)
sys.stdin.readline()
with Journal.open(sys.argv[1]) as journal:
    print(journal.begin_run(RunStart("apply", "0.1.0", "digest", "fingerprint")))
"""


def test_first_starts_of_several_processes_do_not_collide(
    url: str, python: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    children = [python(RACER, url) for _ in range(4)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    answers = []
    for child in children:
        with child:
            output, errors = child.communicate()
        assert child.returncode == 0, errors
        answers.append(output.strip())
    assert {run.run_id for run in History(connect(url)).runs()} == set(answers)
    assert len(set(answers)) == 4
