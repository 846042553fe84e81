"""What is said of a run, whatever clouds, files and people have put into it."""

import json

import pytest
from hypothesis import given

from reconciler.config.model import Event
from reconciler.exceptions import ReconcilerError
from reconciler.notifications.judging import Run, found, news
from reconciler.notifications.message import MOST, NOTIFICATION, Notification
from reconciler.notifications.wording import notification
from tests.reports.examples import PLANS, REPORTS
from tests.reports.hostile_texts import hostile


def told(run: Run, template: str = "") -> Notification:
    what = found(run, {})
    return notification(
        run, what, news(run, what, {}, frozenset(Event), 0), "ops", template, message_id="1" * 32, time=1_700_000_000
    )


@given(hostile)
def test_nothing_has_a_meaning_in_a_chat(text: str) -> None:
    message = told(Run("apply", error=ReconcilerError(f"{text} @channel <!here> =1+1 [x](http://h/?q=s3cret) {text}")))
    for line in (message.title, *message.lines):
        assert line.isprintable()
        assert not {*line} & {*"@<>[]`*~|#"}
        assert line.startswith(("reconciler apply: ", "failed: "))
        assert "s3cret" not in line
        assert "://" not in line
    written = NOTIFICATION.text(message)
    assert written.isascii() or written.replace("\n", "").isprintable()
    assert "s3cret" not in written


def test_values_are_no_part_of_a_template() -> None:
    message = told(Run("apply", error=ReconcilerError("{run_id} {title} {{")), "{problems}\n{{{outcome}}} {run_id}")
    assert message.lines == ("failed: {run_id} {title} {{", "{error} ")


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_can_be_told(name: str) -> None:
    message = told(Run("apply", PLANS.get(name), REPORTS[name]))
    assert json.loads(NOTIFICATION.text(message))["run_id"] == REPORTS[name].run_id


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_can_be_told(name: str) -> None:
    message = told(Run("run", PLANS[name], plan_only=True))
    assert all(not work.made for work in message.changes)
    assert message.run_id is None
    assert max(map(len, (message.changes, message.problems, message.targets))) <= MOST
