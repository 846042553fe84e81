"""Lists that move while they are read: nothing is concluded from what was not seen."""

import pytest

from tests.faults.kinds import SNAPSHOT, TRANSCODING, applied, configured
from tests.terminal import Terminal

ABSENT = f"{{resource: {TRANSCODING}, match: {{status: pending}}, ensure: absent}}"
AT_MOST = f"{{resource: {TRANSCODING}, match: {{status: pending}}, ensure: {{at_most: 1}}}}"
OTHER = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"
LIST = {"method": "GET", "path": "/transcodings$", "query": "page="}
COUNT = 250


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    for number in range(1, COUNT + 1):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=str(number), created=f"{number}m")
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="9", created="1d")


def waiting(terminal: Terminal) -> set[str]:
    return {task.id for task in terminal.simulator.huaweicloud.tasks(TRANSCODING) if task.status == "WAITING"}


@pytest.mark.parametrize(("drop", "insert"), [(3, 0), (0, 3), (3, 3), (100, 0)])
def test_a_list_that_moved_once_is_listed_again_and_settles(terminal: Terminal, drop: int, insert: int) -> None:
    terminal.write(configured(ABSENT))
    terminal.simulator.faults.add("shift_page", **LIST, nth=2, drop=drop, insert=insert)
    run = applied(terminal)
    assert run.code == 0
    assert run.kinds <= {"done", "satisfied"}
    if drop != insert:  # else the total stays, and a task that falls between two pages is the next run's
        assert waiting(terminal) == set()
    assert applied(terminal).code == 0
    assert waiting(terminal) == set()


def test_a_list_that_never_settles_is_an_error_and_only_what_was_seen_is_acted_on(terminal: Terminal) -> None:
    terminal.write(configured(ABSENT, OTHER))
    terminal.simulator.faults.add("shift_page", **LIST, times=0, drop=1, insert=2)
    run = applied(terminal)
    assert run.code == 1
    assert "did not settle" in run.text
    assert run.outcomes["9"] == "done", "the healthy scope goes on"
    for task_id in run.ids("done"):
        if task_id != "9":
            assert terminal.simulator.huaweicloud.status(TRANSCODING, task_id) == "CANCELED"


def test_a_list_that_never_settles_is_no_ground_to_keep_only_the_newest(terminal: Terminal) -> None:
    terminal.write(configured(AT_MOST, OTHER))
    terminal.simulator.faults.add("shift_page", **LIST, times=0, drop=1, insert=2)
    run = applied(terminal)
    assert (run.code, run.outcomes) == (1, {"9": "done"})


def test_tasks_that_move_on_between_plan_and_call_are_missed(terminal: Terminal) -> None:
    terminal.write(configured(ABSENT))
    terminal.simulator.faults.add("start_task", method="DELETE", nth=1, times=20)
    run = applied(terminal)
    assert run.code == 0
    assert len(run.ids("missed")) == 20
    assert len(run.ids("done")) == COUNT - 20
    for task_id in run.ids("missed"):
        assert terminal.simulator.huaweicloud.status(TRANSCODING, task_id) == "TRANSCODING"
