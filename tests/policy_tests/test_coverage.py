"""Coverage: a policy is tried out by a task that it matches and by one that it only just does not."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.policy_tests.runner import Selection, is_near_miss
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Selector, Truth
from reconciler.selectors.syntax import Test as Condition
from reconciler.selectors.trace import trace
from tests.policy_tests.repository import Repository, one_test

MATCHING = "{id: m, status: pending, upload_url: 'https://legacy.example.com/x', created_at: 7h}"
FAR = "{id: f, status: running, upload_url: 'https://cdn.example.com/x', created_at: 7h}"
NEAR = "{id: n, status: pending, upload_url: 'https://legacy.example.com/x', created_at: 5h}"


def lacking(repository: Repository, policy: str, *tasks: str, change: str = "[m]") -> str:
    text = f"tasks: [{', '.join(tasks)}]\nexpect: {{{policy}: {{change: {change}}}}}"
    repository.write("t.reconciler-test.yaml", one_test(text))
    found = {entry.policy: entry for entry in repository.run().coverage or ()}
    assert found[policy].missing == "" or not found[policy].covered
    return found[policy].missing


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ((MATCHING, NEAR), ""),
        ((MATCHING,), "no test has a near miss"),
        ((MATCHING, FAR), "no test has a near miss"),
        ((NEAR,), "no test has a task that it matches"),
        ((FAR,), "no test has a task that it matches, nor a near miss"),
        ((MATCHING, "{id: n, status: pending, created_at: 7h}"), ""),
        ((MATCHING, "{id: n, status: pending}"), "no test has a near miss"),
    ],
    ids=["both", "no miss", "two conditions off", "no match", "neither", "one field missing", "two fields missing"],
)
def test_a_policy(repository: Repository, tasks: tuple[str, ...], expected: str) -> None:
    assert lacking(repository, "stale-uploads", *tasks) == expected


def test_what_a_quota_keeps_is_a_near_miss(repository: Repository) -> None:
    first, second = (
        f"{{id: '{number}', status: pending, input.bucket: b, input.object: o, created_at: {number}h}}"
        for number in (1, 2)
    )
    assert lacking(repository, "one-transcode", first, change="[]") == ""
    assert lacking(repository, "one-transcode", first, second, change="['1']") == ""


def test_what_no_quota_counts_is_no_near_miss(repository: Repository) -> None:
    task = "{id: a, status: pending, input.bucket: b, created_at: 1h}"  # of no known group
    assert lacking(repository, "one-transcode", task, change="[]") == "no test has a near miss"


@pytest.mark.parametrize("status", ["running", "failed"])
def test_blocked_and_changed_tasks_match_alike(repository: Repository, status: str) -> None:
    task = f"{{id: m, status: {status}, input.bucket: drafts}}"
    assert lacking(repository, "no-drafts", task, change="1") == "no test has a near miss"


def test_a_protected_task_matches(repository: Repository) -> None:
    task = "{id: m, status: failed, input.bucket: legal-1, finished_at: 40d}"
    assert lacking(repository, "old-records", task, change="[]") == "no test has a near miss"


def test_a_policy_that_matches_everything_needs_no_near_miss(repository: Repository) -> None:
    repository.write(
        "more.reconciler.yaml",
        "version: 1\npolicies: {none: {resource: huaweicloud.mpc.packaging, match: all, ensure: absent}}\n",
    )
    assert lacking(repository, "none", "{id: m, status: failed, input.bucket: b}") == ""


def test_suspended_policies_need_no_tests(repository: Repository) -> None:
    repository.write(
        "t.reconciler-test.yaml", one_test(f"tasks: [{MATCHING}]\nexpect: {{stale-uploads: {{change: 1}}}}")
    )
    coverage = repository.run().coverage
    assert coverage is not None
    assert [entry.policy for entry in coverage] == ["no-drafts", "old-records", "one-transcode", "stale-uploads"]
    assert [entry.matching for entry in coverage] == [None, None, None, "it"]


def test_a_policy_that_a_test_leaves_out_is_not_covered_by_it(repository: Repository) -> None:
    task = "{id: m, target: huawei-b, status: failed, input.bucket: drafts, finished_at: 40d}"
    text = f"policies: [no-drafts]\ntasks: [{task}]\nexpect: {{no-drafts: {{change: 1}}}}"
    repository.write("t.reconciler-test.yaml", one_test(text))
    found = {entry.policy: entry.matching for entry in repository.run().coverage or ()}
    assert (found["no-drafts"], found["old-records"]) == ("it", None)


def test_it_is_that_of_all_tests_or_not_looked_at(repository: Repository) -> None:
    repository.write("t.reconciler-test.yaml", one_test(f"tasks: [{NEAR}]\nexpect: {{stale-uploads: {{}}}}"))
    text = one_test(f"tasks: [{MATCHING}]\nexpect: {{stale-uploads: {{change: 1}}}}").replace("  it:", "  other:")
    repository.write("u.reconciler-test.yaml", text)
    assert repository.run(Selection(tests=["it"])).coverage is None
    (only,) = repository.run(Selection(policies=["stale-*"])).coverage or ()
    assert (only.policy, only.matching, only.near_miss) == ("stale-uploads", "other", "it")


# -- near misses of any selector ----------------------------------------------------------------------------

LEAVES = st.builds(Condition, st.sampled_from("abc"), st.just(Operator.EQ), st.just("x"))
SELECTORS: st.SearchStrategy[Selector] = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(lambda found: AllOf(tuple(found))),
        st.lists(parts, min_size=1, max_size=3).map(lambda found: AnyOf(tuple(found))),
        parts.map(Negation),
    ),
    max_leaves=6,
)


def conditions(selector: Selector) -> list[Condition]:
    match selector:
        case Condition():
            return [selector]
        case AllOf(parts) | AnyOf(parts):
            return [found for part in parts for found in conditions(part)]
        case Negation(part):
            return conditions(part)
        case _:
            return []


def evaluated(selector: Selector, truths: list[Truth]) -> Truth:
    """The truth of a selector whose conditions have these truths, in the order written. Takes them off the list."""
    match selector:
        case Condition():
            return truths.pop(0)
        case AllOf(parts):
            return min(evaluated(part, truths) for part in parts)
        case AnyOf(parts):
            return max(evaluated(part, truths) for part in parts)
        case Negation(part):
            return Truth(2 - evaluated(part, truths))
        case Everything():
            return Truth.TRUE


@settings(max_examples=300)
@given(SELECTORS, st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy")))
def test_a_near_miss_is_one_condition_away(selector: Selector, values: dict[str, str]) -> None:
    """Held against all ways of turning a single condition round."""
    seen = trace(selector, values, 0)
    leaves = conditions(selector)
    truths = [trace(leaf, values, 0).truth for leaf in leaves]
    turned = [
        evaluated(selector, [*truths[:index], to, *truths[index + 1 :]])
        for index, to in product(range(len(truths)), (Truth.TRUE, Truth.FALSE))
        if to is not truths[index]
    ]
    assert is_near_miss(seen) == (seen.truth is not Truth.TRUE and Truth.TRUE in turned)
