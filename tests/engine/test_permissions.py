"""The least that must be allowed: properties over made-up configurations, and providers of every make."""

from dataclasses import replace
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.model import Absent, Configuration, Limits, Policy, Settings, Target
from reconciler.engine.permissions import grants
from reconciler.planning.judgement import Judgements
from reconciler.planning.permissions import Role, needed_calls, reachable_actions
from reconciler.providers.registry import catalogue, providers
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.states import can_act
from reconciler.selectors.syntax import Selector
from reconciler.tasks.observation import Scope
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.task import OBSERVABLE, Status, Task
from tests.engine.cloud import CATALOGUE as OTHER_CATALOGUE
from tests.engine.cloud import ScriptedProvider, World
from tests.planning import world

NOW = world.NOW
INSTALLED = catalogue()
ROWS = tuple(INSTALLED.resource_types.values())
TARGETS = {
    "h1": Target("h1", "huaweicloud", "cn-north-4", MappingProxyType({"project_id": "p"})),
    "h2": Target("h2", "huaweicloud", "cn-north-4"),
    "a1": Target("a1", "aliyun", "cn-shanghai"),
    "w1": Target("w1", "aws", "eu-central-1"),
}
STATUSES = st.sets(st.sampled_from([status.value for status in OBSERVABLE]), min_size=1).map(sorted)
MATCHES = st.one_of(
    st.just("all"),
    STATUSES.map(lambda statuses: {"status": statuses}),
    STATUSES.map(lambda statuses: {"not": {"status": statuses}}),
    STATUSES.map(lambda statuses: {"any": [{"status": statuses}, {"created_at": {"older_than": "1d"}}]}),
    st.just({"id": "x"}),
)


def _selector(match: object, row: ResourceType) -> Selector:
    selector, problems = parse_selector(match, [row])
    assert selector is not None, problems
    return selector


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    row = draw(st.sampled_from(ROWS))
    possible = [name for name, target in TARGETS.items() if target.provider == row.provider]
    return Policy(
        name=draw(st.text("abc", min_size=1, max_size=3)),
        resources=(row.name,),
        scopes=tuple(Scope(name, row.name) for name in sorted(draw(st.sets(st.sampled_from(possible), min_size=1)))),
        match=_selector(draw(MATCHES), row),
        ensure=Absent(),
        limits=Limits(),
        suspend=draw(st.booleans()),
    )


def _configuration(*entries: Policy) -> Configuration:
    return Configuration(
        Settings(), TARGETS, MappingProxyType({}), {entry.name: entry for entry in entries}, (), "sha256:0"
    )


def _allowed(configuration: Configuration, role: Role) -> dict[str, set[str]]:
    """The actions by target."""
    found = grants(configuration, INSTALLED, providers(), role)
    return {target: set(grant.actions) for grant in found for target in grant.targets}


CONFIGURATIONS = st.lists(policies(), max_size=5, unique_by=lambda policy: policy.name).map(
    lambda entries: _configuration(*entries)
)


@given(CONFIGURATIONS)
def test_to_plan_takes_no_more_than_to_apply(configuration: Configuration) -> None:
    plan, apply = (_allowed(configuration, role) for role in (Role.PLAN, Role.APPLY))
    assert plan.keys() == apply.keys() == {scope.target for scope in configuration.scopes()}
    assert all(plan[target] <= apply[target] for target in plan)


@given(CONFIGURATIONS)
def test_every_action_is_one_of_the_tables(configuration: Configuration) -> None:
    """And a role that only reads asks for reading only."""
    named = [row.permissions for row in ROWS]
    reading = {entry.list for entry in named} | {"iam:projects:list"}
    acting = {name for entry in named for name in (entry.read, entry.cancel, entry.delete)}
    for actions in _allowed(configuration, Role.PLAN).values():
        assert actions <= reading
    for actions in _allowed(configuration, Role.APPLY).values():
        assert actions <= reading | acting


@given(CONFIGURATIONS, st.data())
def test_removing_a_policy_adds_no_action(configuration: Configuration, data: st.DataObject) -> None:
    names = sorted(configuration.policies)
    gone = data.draw(st.sampled_from([*names, "none"]))
    fewer = replace(
        configuration, policies={name: entry for name, entry in configuration.policies.items() if name != gone}
    )
    for role in Role:
        before, after = _allowed(configuration, role), _allowed(fewer, role)
        assert all(actions <= before[target] for target, actions in after.items())


@given(CONFIGURATIONS)
def test_equal_documents_are_one_and_every_target_is_in_one(configuration: Configuration) -> None:
    found = grants(configuration, INSTALLED, providers(), Role.APPLY)
    targets = [target for grant in found for target in grant.targets]
    assert sorted(targets) == sorted(set(targets)) == sorted({scope.target for scope in configuration.scopes()})
    assert all(grant.document is None or grant.document["Statement"] for grant in found)
    for grant in found:
        named = {name for call in grant.calls for name in call.policies}
        named |= {name for entry in grant.unnamed for name in entry.call.policies}
        assert named == {
            entry.name
            for entry in configuration.policies.values()
            if not entry.suspend and set(entry.targets) & set(grant.targets)
        }


@given(
    row=st.sampled_from(ROWS),
    match=MATCHES,
    status=st.sampled_from(OBSERVABLE),
    word=st.integers(0, 1),
    old=st.booleans(),
)
def test_no_task_is_ever_led_to_a_call_that_is_not_allowed(
    row: ResourceType, match: object, status: Status, word: int, old: bool
) -> None:
    """The static analysis against the planner's own search, for tasks in every status."""
    selector = _selector(match, row)
    words = [name for name, normalised in row.statuses.items() if normalised is status]
    if not words:
        return
    values = {
        "id": "x" if old else "y",
        "status": str(status),
        "provider_status": words[word % len(words)],
        "created_at": NOW - (200_000 if old else 60),
    }
    policy = Policy("p", (row.name,), (Scope("h1", row.name),), selector, Absent(), Limits())
    judgement = Judgements(_configuration(policy), INSTALLED, NOW).of(policy.name, Scope("h1", row.name))
    task = Task("h1", row.name, str(values["id"]), row.statuses[str(values["provider_status"])], values)
    if judgement.wants(task):
        steps = {operation.action for operation in judgement.route(task) or ()}
        assert steps <= reachable_actions(selector, row)


@given(st.sampled_from(ROWS), MATCHES)
def test_a_policy_that_can_never_act_needs_no_operation(row: ResourceType, match: object) -> None:
    """The same verdict as that of `validate`."""
    selector = _selector(match, row)
    assert bool(reachable_actions(selector, row)) is can_act(selector, row)


def test_a_provider_without_a_policy_language_is_named_with_its_calls() -> None:
    configuration = world.configuration(world.policy(match={"status": "pending"}))
    (grant,) = grants(configuration, OTHER_CATALOGUE, {"cloud": ScriptedProvider(World({}))}, Role.APPLY)
    assert (grant.document, grant.actions) == (None, ())
    assert [entry.call.request for entry in grant.unnamed] == [
        "GET /cloud.media.packaging",
        "DELETE /cloud.media.packaging",
    ]
    assert {entry.instead for entry in grant.unnamed} == {
        "The provider cloud does not say how its calls are granted: see its documentation."
    }


def test_calls_stand_in_the_order_in_which_they_are_made() -> None:
    calls = needed_calls(world.configuration(world.policy()), world.CATALOGUE, Role.APPLY)
    assert [call.call.value for call in calls["here"]] == ["list", "cancel", "delete"]
