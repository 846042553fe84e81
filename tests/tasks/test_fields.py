"""Names of fields, and what they mean: a field of the table, a part of a URL, or one of a key that tasks have."""

import pytest

from reconciler.providers.registry import catalogue
from reconciler.tasks.task import LONGEST_KEY, Field, FieldType, part_in
from reconciler.tasks.url_parts import UrlPart

JOB = catalogue().resource_types["aws.mediaconvert.job"]


@pytest.mark.parametrize(
    "key", ["team", "a.b", "a..b", ".", " ", "__proto__", "exists", "ü", "*a", "[x]", 'a"b\\', "k" * LONGEST_KEY]
)
def test_any_key_is_a_field(key: str) -> None:
    field = JOB.field_named(f"user_metadata.{key}")
    assert field is not None
    assert (field.name, field.type, field.source) == (
        f"user_metadata.{key}",
        FieldType.STRING,
        ("userMetadata", key),
    )


def test_a_key_has_one_spelling() -> None:
    assert JOB.field_named("user_metadata.u\u0308") == JOB.field_named("user_metadata.\u00fc")


@pytest.mark.parametrize(
    "name",
    [
        *("user_metadata", "user_metadata.", "user_metadata.*", "user_metadat.a", "User_metadata.a", ".a", ""),
        f"user_metadata.{'k' * (LONGEST_KEY + 1)}",
        *("input.location.", "input.location.query", "queue.host", "input.location.host.host"),
    ],
)
def test_other_names_are_none(name: str) -> None:
    assert JOB.field_named(name) is None


def test_a_part_is_held_by_its_url() -> None:
    field = JOB.field_named("input.location.host")
    assert field is not None
    assert (field.held, field.part, field.type) == ("input.location", UrlPart.HOST, FieldType.STRINGS)
    assert field.value_in({"input.location": ("s3://A/x", "s3://b/y")}) == ("a", "b")
    assert field.value_in({}) is None


def test_a_list_of_which_one_is_no_url_has_no_part() -> None:
    assert part_in(("s3://a/x", "a/x"), UrlPart.HOST) is None


def test_what_selectors_may_name() -> None:
    assert {"user_metadata.*", "input.location", "input.location.host", "queue"} <= JOB.selectable.keys()
    assert Field("labels.*", FieldType.INTEGER, "").of_key("labels.size") == Field(
        "labels.size", FieldType.INTEGER, "", ("size",)
    )


def test_a_field_of_all_keys_has_no_parts_since_a_key_may_be_called_like_one() -> None:
    links = Field("links.*", FieldType.STRING, "", ("links",), url=True)
    assert links.parts == {}
    assert links.of_key("links.a.host") == Field("links.a.host", FieldType.STRING, "", ("links", "a.host"))
