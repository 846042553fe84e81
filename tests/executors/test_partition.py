"""Which targets stay together, how they are parted, and who a process is told to be."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.model import Absent, Configuration, Credentials, Limits, Policy, Secret, Settings, Target
from reconciler.exceptions import ExitCode, UsageError
from reconciler.executors.partition import MOST_SHARDS, Unit, partition_digest, shard_of, split, units
from reconciler.planning.change import EVERY_TASK, Chosen
from reconciler.selectors.syntax import Everything
from reconciler.tasks.observation import Scope

TASKS = ("cloud.service.one", "cloud.service.two")
ENVIRONMENT = Credentials()
PROFILE = Credentials(profile="ops")


def env(**names: str) -> Credentials:
    return Credentials(secrets={key: Secret(env=name) for key, name in names.items()})


def file(path: str) -> Credentials:
    return Credentials(secrets={"token": Secret(file=Path(path))})


def target(name: str, project: str = "", credentials: Credentials = ENVIRONMENT, region: str = "north") -> Target:
    return Target(name, "cloud", region, {"project": project} if project else {}, credentials=credentials)


def configuration(*targets: Target, **changed: Any) -> Configuration:  # noqa: ANN401 - any field of a policy
    scopes = tuple(sorted(Scope(one.name, task) for one in targets for task in TASKS))
    policy = Policy("p", TASKS, scopes, Everything(), Absent(), Limits())
    return Configuration(
        Settings(), {one.name: one for one in targets}, {}, {"p": replace(policy, **changed)}, (), "sha256:f"
    )


def together(*targets: Target) -> list[tuple[str, ...]]:
    return sorted(unit.targets for unit in units(configuration(*targets)))


def unit(name: str, scopes: int = 1) -> Unit:
    return Unit(f"cloud/{name}", tuple(Scope(name, f"cloud.service.{number}") for number in range(scopes)))


def test_targets_that_state_different_projects_are_apart_whatever_their_credentials() -> None:
    assert together(target("a", "1"), target("b", "2"), target("c", "3", PROFILE)) == [("a",), ("b",), ("c",)]


def test_targets_that_state_one_project_are_together_whatever_their_credentials() -> None:
    assert together(target("a", "1"), target("b", "1", PROFILE), target("c", "1", env(token="T"))) == [("a", "b", "c")]


def test_a_project_is_the_same_in_any_case_as_locks_have_it() -> None:
    assert together(target("a", "AbC"), target("b", "aBc")) == [("a", "b")]


def test_targets_without_a_project_are_together_by_where_their_credentials_are() -> None:
    found = together(
        target("default"),
        target("default-2"),
        target("profile", credentials=PROFILE),
        target("profile-2", credentials=PROFILE),
        target("env", credentials=env(token="T")),
        target("env-2", credentials=env(token="T")),
        target("file", credentials=file("/keys/a")),
        target("file-2", credentials=file("/keys/more/../a")),
        target("file-3", credentials=file("/keys/b")),
    )
    pairs = [("default", "default-2"), ("env", "env-2"), ("file", "file-2"), ("file-3",), ("profile", "profile-2")]
    assert found == pairs


def test_one_place_in_common_is_enough() -> None:
    """The same key, with and without a token beside it."""
    with_token = env(access_key_id="ID", secret_access_key="SECRET", security_token="TOKEN")
    assert together(
        target("a", credentials=env(access_key_id="ID", secret_access_key="SECRET")),
        target("b", credentials=with_token),
        target("c", credentials=env(access_key_id="OTHER", secret_access_key="ANOTHER")),
    ) == [("a", "b"), ("c",)]


def test_one_without_a_project_may_be_any_of_its_credentials() -> None:
    """And so they are together with each other, as long as somebody looks at it."""
    stated = (target("a", "1"), target("b", "2"), target("c", "3", PROFILE))
    assert together(*stated, target("any")) == [("a", "any", "b"), ("c",)]
    unseen = configuration(*stated, target("any"))
    policy = unseen.policies["p"].within(lambda scope: scope.target != "any")
    assert policy is not None
    assert len(units(replace(unseen, policies={"p": policy}))) == 3


def test_regions_and_providers_are_apart() -> None:
    assert together(target("a"), target("b", region="south"), replace(target("c"), provider="other")) == [
        ("a",),
        ("b",),
        ("c",),
    ]


def test_an_empty_project_is_none() -> None:
    empty = replace(target("a"), options={"project": ""})
    assert together(empty, target("b"), target("c", "1")) == [("a", "b", "c")]


def test_what_no_active_policy_looks_at_is_no_work() -> None:
    assert units(configuration(target("a"), suspend=True)) == ()
    assert units(configuration()) == ()


def test_a_unit_has_all_scopes_of_its_targets() -> None:
    (found,) = units(configuration(target("b", "1"), target("a", "1")))
    assert found.scopes == tuple(Scope(name, task) for name in "ab" for task in TASKS)


def test_the_key_shows_nothing_that_came_from_a_variable_but_is_another_for_other_targets() -> None:
    """A name holds the region, and that may stand in a variable."""
    first, second = units(configuration(target("x-Secret", "Secret", region="Secret"), target("x-secret", "2")))
    assert first.key != second.key
    for found in (first, second):
        assert found.key.startswith("cloud/")
        assert "secret" not in found.key.casefold()


CREDENTIALS = st.sampled_from([ENVIRONMENT, PROFILE, env(token="T"), env(token="U", more="T"), file("/keys/a")])
FLEETS = st.lists(
    st.tuples(st.sampled_from(["", "", "1", "2", "3"]), CREDENTIALS, st.sampled_from(["north", "south"])), max_size=12
).map(lambda rows: [target(f"t{number}", *row) for number, row in enumerate(rows)])


@given(FLEETS, st.randoms(use_true_random=False))
def test_units_are_the_same_in_any_order_and_hold_each_scope_once(fleet: list[Target], chance: random.Random) -> None:
    found = units(configuration(*fleet))
    shuffled = chance.sample(fleet, len(fleet))
    assert units(configuration(*shuffled)) == found
    assert sorted(scope for one in found for scope in one.scopes) == sorted(configuration(*fleet).scopes())
    assert len({one.key for one in found}) == len(found)


@given(FLEETS)
def test_units_apart_have_neither_a_project_nor_an_undecided_place_in_common(fleet: list[Target]) -> None:
    of_target = {name: one for one in units(configuration(*fleet)) for name in one.targets}
    for one, other in product(fleet, fleet):
        if one.region != other.region or of_target[one.name] == of_target[other.name]:
            continue
        assert one.options != other.options or not one.options
        if not (one.options and other.options):
            assert not _sources(one) & _sources(other)


def _sources(one: Target) -> set[object]:
    named = one.credentials
    return {secret.env or secret.file for secret in named.secrets.values()} or {named.profile}


WORK = st.lists(st.tuples(st.integers(1, 6), st.none() | st.integers(0, 40)), max_size=7).map(
    lambda rows: (
        [unit(f"u{number}", scopes) for number, (scopes, _) in enumerate(rows)],
        {f"u{number}": weight for number, (_, weight) in enumerate(rows) if weight is not None},
    )
)


@given(WORK, st.integers(1, 9), st.randoms(use_true_random=False))
def test_a_split_is_a_partition_and_the_same_in_any_order(
    work: tuple[list[Unit], dict[str, int]], total: int, chance: random.Random
) -> None:
    every, weights = work
    shards = split(every, total, weights)
    assert len(shards) == total
    assert sorted(one.key for shard in shards for one in shard) == sorted(one.key for one in every)
    assert split(chance.sample(every, len(every)), total, dict(reversed(weights.items()))) == shards


@given(WORK, st.integers(1, 3))
def test_no_shard_is_longer_than_longest_first_allows(work: tuple[list[Unit], dict[str, int]], total: int) -> None:
    """R. L. Graham, Bounds on Multiprocessing Timing Anomalies, 1969: 4/3 - 1/(3m) of the best."""
    every, given_weights = work
    weights = {one.targets[0]: max(given_weights.get(one.targets[0], 0), len(one.scopes)) for one in every}

    def longest(shards: Sequence[Sequence[Unit]]) -> int:
        return max(sum(weights[one.targets[0]] for one in shard) for shard in shards)

    best = min(
        longest([[one for one, its in zip(every, where, strict=True) if its == shard] for shard in range(total)])
        for where in product(range(total), repeat=len(every))
    )
    assert longest(split(every, total, weights)) * 3 * total <= (4 * total - 1) * best


def test_more_shards_than_units_leave_some_empty() -> None:
    assert split([unit("a"), unit("b", 2)], 4, {}) == ((unit("b", 2),), (unit("a"),), (), ())


def test_without_a_last_run_scopes_are_the_weight() -> None:
    assert split([unit("a", 3), unit("b", 2), unit("c", 1), unit("d", 1)], 2, {}) == (
        (unit("a", 3), unit("d")),
        (unit("b", 2), unit("c")),
    )


def test_a_target_without_a_last_run_weighs_as_the_others_do_by_scope() -> None:
    """Ten requests a scope on average: two scopes are as much as twenty requests."""
    weights = {"a": 25, "b": 5}
    every = [unit("a", 1), unit("b", 2), unit("new", 2)]
    assert split(every, 2, weights) == ((unit("a", 1),), (unit("new", 2), unit("b", 2)))
    assert split(every, 2, weights | {"new": 20}) == split(every, 2, weights)


def test_who_made_no_request_the_last_time_still_has_its_lists_to_read() -> None:
    """A target that was locked then; else all such would be one shard's."""
    every = [unit(name) for name in "abcd"]
    assert [len(shard) for shard in split(every, 2, dict.fromkeys("abcd", 0))] == [2, 2]


def test_a_digest_is_that_of_the_work_and_who_does_it() -> None:
    asked = configuration(target("a", "1"), target("b", "2"), target("c", "3"))
    every = units(asked)
    shards = split(every, 2, {})
    digest = partition_digest(asked, EVERY_TASK, shards)
    assert digest.startswith("sha256:")
    assert partition_digest(asked, EVERY_TASK, [shard[::-1] for shard in shards]) == digest
    others = [
        partition_digest(replace(asked, fingerprint="sha256:g"), EVERY_TASK, shards),
        partition_digest(configuration(target("a", "1"), target("b", "2")), EVERY_TASK, shards),
        partition_digest(replace(asked, policies={"q": asked.policies["p"]}), EVERY_TASK, shards),
        partition_digest(asked, Chosen(frozenset({"task"})), shards),
        partition_digest(asked, EVERY_TASK, shards[::-1]),
        partition_digest(asked, EVERY_TASK, (*shards, ())),
        partition_digest(asked, EVERY_TASK, split(every, 3, {})),
    ]
    assert len({digest, *others}) == 1 + len(others)


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        ("0/1", {}, (0, 1)),
        ("3/4", {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "9"}, (3, 4)),
        ("auto", {"JOB_COMPLETION_INDEX": "0", "RECONCILER_SHARD_TOTAL": "4"}, (0, 4)),
        ("auto", {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "3"}, (0, 3)),
        ("auto", {"CI_NODE_INDEX": "3", "CI_NODE_TOTAL": "3"}, (2, 3)),
        ("auto", {"RECONCILER_SHARD_INDEX": "2", "RECONCILER_SHARD_TOTAL": "3"}, (2, 3)),
        # GitLab without `parallel`; a variable of each that agree.
        ("auto", {"CI_NODE_TOTAL": "1", "RECONCILER_SHARD_INDEX": "1", "RECONCILER_SHARD_TOTAL": "2"}, (1, 2)),
        (
            "auto",
            {
                "CI_NODE_INDEX": "2",
                "CI_NODE_TOTAL": "3",
                "JOB_COMPLETION_INDEX": "1",
                "RECONCILER_SHARD_INDEX": "1",
                "RECONCILER_SHARD_TOTAL": "3",
            },
            (1, 3),
        ),
    ],
)
def test_a_shard_is_named_or_found(text: str, environment: Mapping[str, str], shard: tuple[int, int]) -> None:
    assert shard_of(text, environment) == shard


TOTAL, INDEX = "RECONCILER_SHARD_TOTAL", "RECONCILER_SHARD_INDEX"


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("", {}, "expected INDEX/TOTAL or auto"),
        ("1", {}, "expected INDEX/TOTAL or auto"),
        ("-1/4", {}, "expected INDEX/TOTAL or auto"),
        ("1/4 ", {}, "expected INDEX/TOTAL or auto"),
        ("1/4\n", {}, "expected INDEX/TOTAL or auto"),
        ("\u0661/4", {}, "expected INDEX/TOTAL or auto"),
        ("AUTO", {}, "expected INDEX/TOTAL or auto"),
        ("4/4", {}, "--shard 4/4: of 4 shards none has the index 4"),
        ("0/0", {}, "--shard 0/0: a total of 0 shards is not possible"),
        (f"0/{MOST_SHARDS + 1}", {}, f"a total of {MOST_SHARDS + 1} shards is not possible"),
        ("auto", {}, "nothing says which shard this is"),
        ("auto", {TOTAL: "3"}, f"though {TOTAL} is set"),
        ("auto", {"CI_NODE_TOTAL": "1"}, "nothing says which shard this is"),
        ("auto", {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "3", TOTAL: "4"}, f"though {TOTAL} is set"),
        ("auto", {"JOB_COMPLETION_INDEX": "0"}, f"{TOTAL} is not set"),
        ("auto", {INDEX: "0"}, f"{TOTAL} is not set"),
        ("auto", {"CI_NODE_INDEX": "1"}, "CI_NODE_TOTAL is not set"),
        ("auto", {INDEX: "", TOTAL: "3"}, f"{INDEX} holds no whole number"),
        ("auto", {INDEX: "0", TOTAL: "s3cret"}, f"{TOTAL} holds no whole number"),
        ("auto", {INDEX: "3", TOTAL: "3"}, f"{INDEX}: of 3 shards none has the index 3"),
        ("auto", {"CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "3"}, "CI_NODE_INDEX: of 3 shards none has the index 0"),
        ("auto", {"CI_NODE_INDEX": "4", "CI_NODE_TOTAL": "3"}, "CI_NODE_INDEX: of 3 shards none has the index 4"),
        (
            "auto",
            {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "3", "JOB_COMPLETION_INDEX": "1", TOTAL: "3"},
            f"several shards: 1/3 by JOB_COMPLETION_INDEX and {TOTAL}; 0/3 by CI_NODE_INDEX and CI_NODE_TOTAL",
        ),
        ("auto", {INDEX: "0", "JOB_COMPLETION_INDEX": "1", TOTAL: "3"}, "several shards"),
    ],
)
def test_what_names_no_shard_is_told_with_a_way_out(text: str, environment: Mapping[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        shard_of(text, environment)
    assert said in caught.value.message
    assert caught.value.hint
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.exit_code is ExitCode.USAGE
