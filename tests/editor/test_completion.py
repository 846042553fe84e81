"""What an editor offers to people who write configurations."""

from dataclasses import fields

import pytest

from reconciler.config.model import Settings
from reconciler.config.schema_match import resource_groups
from reconciler.config.schema_targets import COMMON_KEYS
from reconciler.providers.registry import catalogue
from reconciler.selectors.operators import APPLICABLE, MISSING
from reconciler.selectors.syntax import Operator
from reconciler.tasks.task import OBSERVABLE, Field
from tests.editor.texts import (
    COMBINATORS,
    CURSOR,
    PACKAGING,
    PROVIDERS,
    RESOURCES,
    URL_UPLOAD,
    Opened,
    match,
    offered,
    policy,
    protection,
    target,
)

KINDS = {name: row.summary for name, row in RESOURCES.items()} | {
    pattern: f"All kinds of task that {pattern} matches." for pattern in resource_groups(catalogue())
}
"""What may stand after `resource`, with what it is."""


def test_the_sections_are_offered_at_the_top(opened: Opened) -> None:
    found = offered(opened, CURSOR)
    assert {"version", "settings", "defaults", "targets", "protect", "policies"} <= found.keys()
    assert found["version"].inserted == "version: 1"
    assert found["policies"].documentation == "Policies: how many tasks may match a selector, by name."


def test_what_is_there_already_is_not_offered_again(opened: Opened) -> None:
    assert "version" not in offered(opened, f"version: 1\n{CURSOR}\n")


def test_settings_are_offered_with_their_defaults(opened: Opened) -> None:
    found = offered(opened, f"version: 1\nsettings:\n  {CURSOR}\n").keys()
    assert found == {field.name for field in fields(Settings)} - {"unset"}
    assert offered(opened, f"version: 1\nsettings:\n  mode: {CURSOR}\n").keys() == {"enforce", "report"}
    assert offered(opened, f"version: 1\nsettings:\n  concurrency: {CURSOR}\n").keys() == {"16", "32"}
    assert "24h" in offered(opened, f"version: 1\nsettings:\n  plan_ttl: {CURSOR}\n")


def test_providers_are_offered(opened: Opened) -> None:
    found = offered(opened, f"version: 1\ntargets:\n  t:\n    provider: {CURSOR}\n")
    assert found.keys() == PROVIDERS.keys()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_target_offers_the_keys_of_its_provider(opened: Opened, provider: str) -> None:
    options = PROVIDERS[provider]
    keys = {*COMMON_KEYS, *options.properties} - {"provider"} - ({"inventory"} if options.inventory is None else set())
    assert offered(opened, target(CURSOR, provider)).keys() - {f"target of {provider}"} == keys
    shared = offered(opened, f"version: 1\ndefaults:\n  {provider}:\n    {CURSOR}\n")
    assert shared.keys() == keys - {"region", "regions", "inventory"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_services_and_regions_are_those_of_the_provider(opened: Opened, provider: str) -> None:
    options = PROVIDERS[provider]
    assert offered(opened, target(f"endpoints:\n  {CURSOR}", provider)).keys() == set(options.services)
    assert offered(opened, target(f"rate_limits:\n  {CURSOR}", provider)).keys() == set(options.services)
    assert offered(opened, target(f"region: {CURSOR}", provider)).keys() == set(options.regions)
    some = {name for name in options.regions if "$" not in name}
    assert offered(opened, target(f"regions: [{CURSOR}]", provider)).keys() == some
    assert offered(opened, target(f"regions:\n      - {CURSOR}", provider)).keys() == some


def test_credentials_are_offered_down_to_where_they_are_read_from(opened: Opened) -> None:
    keys = offered(opened, target(f"credentials:\n  {CURSOR}")).keys()
    assert {"profile", "access_key_id", "secret_access_key", "token", "iam_user"} <= keys
    assert "token" not in offered(opened, target(f"credentials:\n  {CURSOR}", "aliyun"))
    assert offered(opened, target(f"credentials:\n  access_key_id:\n    {CURSOR}")).keys() == {"env", "file"}


def test_an_inventory_is_offered(opened: Opened) -> None:
    assert offered(opened, target(f"inventory:\n  {CURSOR}", "aliyun")).keys() == {"upload_urls", "job_ids"}
    assert "file" in offered(opened, target(f"inventory:\n  job_ids:\n    {CURSOR}", "aliyun"))


def test_resource_types_are_offered_with_what_they_are(opened: Opened) -> None:
    found = offered(opened, f"version: 1\npolicies:\n  p:\n    resource: {CURSOR}\n")
    assert {name: item.documentation for name, item in found.items()} == KINDS


@pytest.mark.parametrize("section", ["policies", "protect"])
@pytest.mark.parametrize(
    "place", ["[@@]", "[a@@]", f"[{PACKAGING}, @@]", "\n      - @@", f"\n      - {PACKAGING}\n      - @@"]
)
def test_a_list_of_resource_types_offers_each_with_what_it_is(opened: Opened, section: str, place: str) -> None:
    found = offered(opened, f"version: 1\n{section}:\n  p:\n    resource: {place}\n")
    assert {name: item.documentation for name, item in found.items()} == KINDS
    assert [name for name, item in found.items() if item.inserted != name] == []


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_match_offers_the_fields_of_the_resource_type_and_no_others(opened: Opened, resource: str) -> None:
    found = offered(opened, match(CURSOR, resource))
    selected = RESOURCES[resource].selectable
    assert found.keys() == selected.keys() | COMBINATORS
    for name, field in selected.items():
        assert found[name].documentation.startswith(field.summary)


def test_fields_are_offered_at_any_depth(opened: Opened) -> None:
    expected = RESOURCES[URL_UPLOAD].selectable.keys() | {"all", "any", "not"}
    assert {"upload_url.host", "upload_url.path"} <= expected
    deep = match(f"any:\n  - not:\n      all:\n        - {CURSOR}", URL_UPLOAD)
    assert offered(opened, deep).keys() == expected
    assert offered(opened, match(f"not:\n  {CURSOR}", URL_UPLOAD)).keys() == expected


@pytest.mark.parametrize(
    "field", RESOURCES["huaweicloud.mpc.transcoding"].fields.values(), ids=lambda field: field.name
)
def test_a_field_offers_the_operators_of_its_type(opened: Opened, field: Field) -> None:
    """Beside them what a missing field counts as; and a file, where a list of values may stand."""
    found = offered(opened, match(f"{field.name}:\n  {CURSOR}", "huaweicloud.mpc.transcoding"))
    operators = APPLICABLE[field.type]
    keys = {*operators, MISSING, *(["file"] if Operator.IN in operators else [])}
    assert {label for label, item in found.items() if ":" in item.inserted} == keys


@pytest.mark.parametrize("place", ["id: @@", "id: [@@]", "status: @@", "status: [@@]", "progress: @@"])
def test_a_plain_value_offers_no_operators(opened: Opened, place: str) -> None:
    assert offered(opened, match(place)).keys().isdisjoint({*Operator, MISSING, "file"})


@pytest.mark.parametrize(
    ("place", "example"),
    [
        ("id:\n  @@", "ids.txt"),
        ("id:\n  in:\n    @@", "ids.txt"),
        ("input.object:\n  not_glob:\n    @@", "ids.txt"),
        ("status:\n  @@", "statuses.txt"),
        ("status:\n  not_in:\n    @@", "statuses.txt"),
        ("provider_status:\n  in:\n    @@", "statuses.txt"),
    ],
)
def test_a_file_is_offered_in_the_place_of_a_list(opened: Opened, place: str, example: str) -> None:
    found = offered(opened, match(place))["file"]
    assert found.inserted == f"file: ${{1:{example}}}"
    assert found.documentation == "A file in the place of a list: one entry a line, # comments."


@pytest.mark.parametrize(
    "condition",
    ["id: {file: ids.txt}", "status: {file: a.txt}", "status: {in: {file: a.txt}, missing: true}"],
)
def test_a_file_in_the_place_of_a_list_is_no_mistake(opened: Opened, condition: str) -> None:
    assert opened(match(condition)).complaints() == []


@pytest.mark.parametrize(
    "place", ["status: @@", "status: [@@]", "status: [failed, @@]", "status:\n  - @@", "{status: @@}"]
)
def test_statuses_are_offered_with_what_they_mean(opened: Opened, place: str) -> None:
    text = match(place) if not place.startswith("{") else policy(f"match: {place}")
    found = offered(opened, text)
    assert {status.value for status in OBSERVABLE} <= found.keys()
    assert "can be canceled" in found["pending"].documentation


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_vendors_statuses_are_offered_with_what_they_mean(opened: Opened, resource: str) -> None:
    found = offered(opened, match(f"provider_status: {CURSOR}", resource))
    words = RESOURCES[resource].statuses
    assert {label: found[label].documentation for label in words} == {
        word: f"Means {status}." for word, status in words.items()
    }
    assert [label for label in found if label not in words and not label.startswith("[")] == []


def test_durations_and_times_are_offered(opened: Opened) -> None:
    assert offered(opened, match(f"created_at:\n  older_than: {CURSOR}")).keys() == {"6h", "30d"}
    assert "2025-01-31T08:00:00Z" in offered(opened, match(f"created_at:\n  before: {CURSOR}"))
    assert {"true", "false"} == offered(opened, match(f"id:\n  exists: {CURSOR}")).keys()


def test_the_forms_of_ensure_are_offered(opened: Opened) -> None:
    found = offered(opened, policy(f"match: {{status: pending}}\nensure: {CURSOR}"))
    assert found.keys() == {"absent", "at_most"}
    assert "at_most: ${1:1}" in found["at_most"].inserted


def test_the_parts_of_a_quota_are_offered(opened: Opened) -> None:
    assert {"per", "keep", "only"} <= offered(opened, policy(f"ensure:\n  at_most: 1\n  {CURSOR}")).keys()
    keep = offered(opened, policy(f"ensure:\n  at_most: 1\n  keep: {CURSOR}"))
    assert {label: item.documentation for label, item in keep.items()} == {
        "newest": "The newest stay, by created_at, then by id.",
        "oldest": "The oldest stay, by created_at, then by id.",
    }
    per = offered(opened, policy(f"ensure: {{at_most: 1, per: [{CURSOR}]}}"))
    assert per.keys() == RESOURCES[PACKAGING].fields.keys()


def test_where_no_task_may_match_no_parts_of_a_quota_are_offered(opened: Opened) -> None:
    found = offered(opened, policy(f"ensure:\n  absent: true\n  {CURSOR}")).keys()
    assert "only" in found
    assert found.isdisjoint({"per", "keep"})
    only = offered(opened, policy(f"ensure:\n  absent: true\n  only:\n    {CURSOR}"))
    assert only.keys() == RESOURCES[PACKAGING].selectable.keys() | COMBINATORS


def test_a_policy_offers_its_keys_before_it_has_a_resource(opened: Opened) -> None:
    found = offered(opened, f"version: 1\npolicies:\n  p:\n    {CURSOR}\n").keys()
    acting = {"limits", "mode", "window", "suspend", "on_blocked", "cancel_running", "notify_above"}
    assert found - {"policy"} == {"description", "resource", "targets", "match", "ensure"} | acting


def test_on_blocked_and_suspend_are_offered(opened: Opened) -> None:
    assert offered(opened, policy(f"on_blocked: {CURSOR}")).keys() == {"report", "fail"}
    assert offered(opened, policy(f"suspend: {CURSOR}")).keys() == {"true", "false"}


def test_how_a_policy_acts_is_offered(opened: Opened) -> None:
    assert offered(opened, policy(f"mode: {CURSOR}")).keys() == {"enforce", "report"}
    assert offered(opened, policy(f"window:\n  {CURSOR}")).keys() == {"days", "from", "until", "timezone"}
    assert offered(opened, policy(f"limits:\n  {CURSOR}")).keys() == {"max_actions", "max_percent", "on_excess"}
    assert offered(opened, policy(f"limits:\n  on_excess: {CURSOR}")).keys() == {"refuse", "defer"}


def test_a_protection_offers_names_and_globs(opened: Opened) -> None:
    found = offered(opened, f"version: 1\nprotect:\n  p:\n    resource: {CURSOR}\n").keys()
    assert {"aliyun.*", "aliyun.vod.*", "huaweicloud.*", "huaweicloud.mpc.*", "huaweicloud.vod.*"} <= found
    assert found == KINDS.keys()


@pytest.mark.parametrize(
    "pattern", [PACKAGING, URL_UPLOAD, "huaweicloud.*", "huaweicloud.vod.*", "aliyun.*", "'*'", "h*.mpc.*"]
)
def test_a_protection_offers_the_fields_of_what_it_covers(opened: Opened, pattern: str) -> None:
    covered = catalogue().matching(pattern.strip("'")) if pattern != "h*.mpc.*" else RESOURCES.values()
    names = {name for row in covered for name in row.selectable}
    assert offered(opened, protection(pattern)).keys() == names | COMBINATORS
