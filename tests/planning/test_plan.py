"""The data of a plan: what its digest covers, and how guards count."""

from dataclasses import replace

import pytest

from reconciler.planning.change import Change
from reconciler.planning.limits import Guard, GuardCheck, Overrides
from reconciler.planning.plan import Plan
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import Timestamp
from tests.reports.examples import PLANS

PLAN = PLANS["guard_breach"]
FIRST = PLAN.changes[0]


def with_first(change: Change) -> Plan:
    return replace(PLAN, changes=(change, *PLAN.changes[1:]))


@pytest.mark.parametrize(
    "other",
    [
        with_first(replace(FIRST, target="elsewhere")),
        with_first(replace(FIRST, resource="huaweicloud.mpc.editing")),
        with_first(replace(FIRST, task_id="another")),
        with_first(replace(FIRST, steps=(Action.CANCEL, Action.DELETE))),
        with_first(replace(FIRST, policies=("another",))),
        with_first(replace(FIRST, reason="another")),
        with_first(replace(FIRST, observed={**FIRST.observed, "status": "running"})),
        replace(PLAN, changes=PLAN.changes[1:]),
        replace(PLAN, configuration=replace(PLAN.configuration, digest="sha256:00")),
        replace(PLAN, overrides=Overrides(max_actions=1)),
        replace(PLAN, policies=()),
        replace(PLAN, run_guards=(GuardCheck(Guard.MAX_ACTIONS, 1, 2, 10),)),
    ],
)
def test_the_digest_covers_all_that_is_reviewed(other: Plan) -> None:
    assert other.digest != PLAN.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, created_at=Timestamp(0), expires_at=Timestamp(1), tool_version="9"),
        replace(PLAN, configuration=replace(PLAN.configuration, files=("elsewhere.yaml",))),
        replace(PLAN, scopes=(), diagnostics=()),
        replace(PLAN, changes=PLAN.changes[::-1]),
        replace(PLAN, policies=tuple(replace(policy, description="another", matched=9) for policy in PLAN.policies)),
    ],
)
def test_the_digest_covers_nothing_else(other: Plan) -> None:
    assert other.digest == PLAN.digest


@pytest.mark.parametrize(
    ("changes", "basis", "needed"),
    [
        (1, 300, 1),
        (3, 10, 30),
        (4, 11, 37),
        (199, 200, 100),
        (200, 200, 100),
        (1, 9, 1),
        (9, 9, 1),
        (0, 9, 0),
        (0, 0, 0),
    ],
)
def test_a_share_is_rounded_up_and_is_counted_from_ten_tasks_on(changes: int, basis: int, needed: int) -> None:
    verdict = GuardCheck(Guard.MAX_PERCENT, needed, changes, basis)
    assert verdict.needed == needed
    assert not verdict.breached
    assert not needed or replace(verdict, limit=needed - 1).breached
