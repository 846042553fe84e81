"""What an editor offers to people who write configurations."""

import pytest

from reconciler.providers.registry import catalogue
from reconciler.selectors.operators import APPLICABLE
from reconciler.tasks.task import OBSERVABLE, FieldType
from tests.editor.texts import (
    COMBINATORS,
    CURSOR,
    PACKAGING,
    RESOURCES,
    URL_UPLOAD,
    Opened,
    match,
    offered,
    policy,
    protection,
    target,
)


def test_the_sections_are_offered_at_the_top(opened: Opened) -> None:
    found = offered(opened, CURSOR)
    assert {"version", "settings", "targets", "protect", "policies"} <= found.keys()
    assert found["version"].inserted == "version: 1"
    assert found["policies"].documentation == "Policies: how many tasks may match a selector, by name."


def test_what_is_there_already_is_not_offered_again(opened: Opened) -> None:
    assert "version" not in offered(opened, f"version: 1\n{CURSOR}\n")


def test_settings_are_offered_with_their_defaults(opened: Opened) -> None:
    assert offered(opened, f"version: 1\nsettings:\n  {CURSOR}\n").keys() == {
        "limits",
        "run_limits",
        "backend",
        "concurrency",
        "plan_ttl",
    }
    assert offered(opened, f"version: 1\nsettings:\n  concurrency: {CURSOR}\n").keys() == {"16", "32"}
    assert "24h" in offered(opened, f"version: 1\nsettings:\n  plan_ttl: {CURSOR}\n")


def test_providers_are_offered(opened: Opened) -> None:
    assert offered(opened, f"version: 1\ntargets:\n  t:\n    provider: {CURSOR}\n").keys() == {
        "aliyun",
        "aws",
        "huaweicloud",
    }


def test_a_target_offers_the_keys_of_its_provider(opened: Opened) -> None:
    huaweicloud = offered(opened, target(CURSOR)).keys() - {"target of huaweicloud"}
    assert huaweicloud == {"region", "project_id", "endpoints", "rate_limits", "credentials"}
    aliyun = offered(opened, target(CURSOR, "aliyun")).keys() - {"target of aliyun"}
    assert aliyun == {"region", "inventory", "endpoints", "rate_limits", "credentials"}


def test_services_and_regions_are_those_of_the_provider(opened: Opened) -> None:
    assert offered(opened, target(f"endpoints:\n  {CURSOR}")).keys() == {"mpc", "vod", "iam"}
    assert offered(opened, target(f"rate_limits:\n  {CURSOR}", "aliyun")).keys() == {"vod"}
    assert offered(opened, target(f"region: {CURSOR}", "aliyun")).keys() == {"cn-shanghai", "ap-southeast-1"}


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
    assert {name: item.documentation for name, item in found.items()} == {
        name: row.summary for name, row in RESOURCES.items()
    }


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_match_offers_the_fields_of_the_resource_type_and_no_others(opened: Opened, resource: str) -> None:
    found = offered(opened, match(CURSOR, resource))
    assert found.keys() == RESOURCES[resource].fields.keys() | COMBINATORS
    for name, field in RESOURCES[resource].fields.items():
        assert found[name].documentation.startswith(field.summary)


def test_fields_are_offered_at_any_depth(opened: Opened) -> None:
    expected = RESOURCES[URL_UPLOAD].fields.keys() | {"all", "any", "not"}
    deep = match(f"any:\n  - not:\n      all:\n        - {CURSOR}", URL_UPLOAD)
    assert offered(opened, deep).keys() == expected
    assert offered(opened, match(f"not:\n  {CURSOR}", URL_UPLOAD)).keys() == expected


@pytest.mark.parametrize(
    "field", RESOURCES["huaweicloud.mpc.transcoding"].fields.values(), ids=lambda field: field.name
)
def test_a_field_offers_the_operators_of_its_type(opened: Opened, field: object) -> None:
    name, kind = getattr(field, "name", ""), getattr(field, "type", FieldType.STRING)
    found = offered(opened, match(f"{name}:\n  {CURSOR}", "huaweicloud.mpc.transcoding"))
    operators = {label for label, item in found.items() if ":" in item.inserted}
    assert operators == {operator.value for operator in APPLICABLE[kind]}


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
    assert {"per", "keep"} <= offered(opened, policy(f"ensure:\n  at_most: 1\n  {CURSOR}")).keys()
    keep = offered(opened, policy(f"ensure:\n  at_most: 1\n  keep: {CURSOR}"))
    assert {label: item.documentation for label, item in keep.items()} == {
        "newest": "The newest stay, by created_at, then by id.",
        "oldest": "The oldest stay, by created_at, then by id.",
    }
    per = offered(opened, policy(f"ensure: {{at_most: 1, per: [{CURSOR}]}}"))
    assert per.keys() == RESOURCES[PACKAGING].fields.keys()


def test_a_policy_offers_its_keys_before_it_has_a_resource(opened: Opened) -> None:
    found = offered(opened, f"version: 1\npolicies:\n  p:\n    {CURSOR}\n").keys()
    keys = {"description", "resource", "targets", "match", "ensure", "limits", "suspend", "on_blocked"}
    assert found - {"policy"} == keys


def test_on_blocked_and_suspend_are_offered(opened: Opened) -> None:
    assert offered(opened, policy(f"on_blocked: {CURSOR}")).keys() == {"report", "fail"}
    assert offered(opened, policy(f"suspend: {CURSOR}")).keys() == {"true", "false"}


def test_a_protection_offers_names_and_globs(opened: Opened) -> None:
    found = offered(opened, f"version: 1\nprotect:\n  p:\n    resource: {CURSOR}\n").keys()
    globs = {"aliyun.*", "aliyun.vod.*", "huaweicloud.*", "huaweicloud.mpc.*", "huaweicloud.vod.*"}
    assert found == RESOURCES.keys() | globs


@pytest.mark.parametrize(
    "pattern", [PACKAGING, URL_UPLOAD, "huaweicloud.*", "huaweicloud.vod.*", "aliyun.*", "'*'", "h*.mpc.*"]
)
def test_a_protection_offers_the_fields_of_what_it_covers(opened: Opened, pattern: str) -> None:
    covered = catalogue().matching(pattern.strip("'")) if pattern != "h*.mpc.*" else RESOURCES.values()
    fields = {field for row in covered for field in row.fields}
    assert offered(opened, protection(pattern)).keys() == fields | COMBINATORS
