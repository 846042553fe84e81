"""How long a plan takes, by what the vendors allow."""

from dataclasses import replace

import pytest

from reconciler.config.model import Credentials, Rate, Target
from reconciler.planning.change import Change
from reconciler.planning.estimate import Estimate, estimate
from reconciler.providers.registry import catalogue
from reconciler.tasks.resource_type import Action

TRANSCODING, UPLOAD = "huaweicloud.mpc.transcoding", "aliyun.vod.url_upload"
JOB = "aws.mediaconvert.job"
CANCEL, BOTH = (Action.CANCEL,), (Action.CANCEL, Action.DELETE)
PROD = Target("prod", "huaweicloud", "cn-north-4", {"project_id": "a"})
SAME = Target("same", "huaweicloud", "cn-north-4", {"project_id": "a"})
OTHER = Target("other", "huaweicloud", "cn-north-4", {"project_id": "b"})
FAST = Target("fast", "huaweicloud", "cn-north-4", {"project_id": "a"}, rate_limits={"mpc": Rate(10, 1)})
ALIYUN = Target("aliyun", "aliyun", "cn-shanghai")


def changes(
    count: int, target: str = "prod", resource: str = TRANSCODING, steps: tuple[Action, ...] = CANCEL
) -> list[Change]:
    return [
        Change(target, resource, f"{target}-{number}", ("p",), "why", {"status": "pending"}, steps)
        for number in range(count)
    ]


def of(made: list[Change], *targets: Target) -> Estimate:
    return estimate(made, {target.name: target for target in targets}, catalogue())


def test_calls_and_read_backs_at_a_hundred_a_minute() -> None:
    """A cancel takes one id, a read ten; a fifth of a quota goes out at once."""
    found = of(changes(1_000), PROD)
    assert found == Estimate({"huaweicloud.mpc": 1_100}, 648, 100)


def test_two_steps_take_twice_as_long() -> None:
    assert of(changes(100, steps=BOTH), PROD).requests == {"huaweicloud.mpc": 220}


def test_targets_of_one_account_share_its_quota_and_others_do_not() -> None:
    one = of(changes(500), PROD).seconds
    assert of([*changes(500), *changes(500, "other")], PROD, OTHER).seconds == one
    assert of([*changes(500), *changes(500, "same")], PROD, SAME).seconds == pytest.approx(2 * one, abs=15)


def test_targets_that_state_no_account_share_the_quota_of_their_credentials() -> None:
    """AWS knows nothing to state: a thousand accounts are told apart by where their keys are."""
    ours, theirs = (
        Target(name, "aws", "eu-west-1", credentials=Credentials(profile=name)) for name in ("ours", "theirs")
    )
    alias = replace(ours, name="alias")
    one = of(changes(50, "ours", JOB), ours).seconds
    assert one > 0
    assert of([*changes(50, "ours", JOB), *changes(50, "theirs", JOB)], ours, theirs).seconds == one
    assert of([*changes(50, "ours", JOB), *changes(50, "alias", JOB)], ours, alias).seconds > 1.9 * one


def test_a_rate_of_the_target_takes_the_place_of_the_documented_one() -> None:
    assert of(changes(1_000, "fast"), FAST) == Estimate({"huaweicloud.mpc": 1_100}, 110, 600)


def test_a_call_that_takes_ten_ids_is_counted_by_itself() -> None:
    found = of(changes(10_000, "aliyun", UPLOAD), ALIYUN)
    assert (found.requests, found.per_minute) == ({"aliyun.vod": 2_000}, 3_000)


@pytest.mark.parametrize("count", [0, 1, 18])
def test_a_few_wait_for_nothing(count: int) -> None:
    found = of(changes(count), PROD)
    assert (found.seconds, found.per_minute) == (0, 0)
    assert found.total == (count + -(-count // 10))
