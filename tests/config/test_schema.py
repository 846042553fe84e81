"""The JSON Schema for editors says the same as `validate`, and the file in `schemas/` is up to date."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from reconciler.config.loader import check
from reconciler.config.model import Configuration
from reconciler.config.schema import build_schema, render_schema
from reconciler.config.structure import validator_class
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.providers.registry import catalogue as installed
from reconciler.tasks.resource_type import Catalogue

Validate = Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]]


SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "reconciler.schema.json"

HW = {"provider": "huaweicloud", "region": "cn-north-4"}
ALI = {"provider": "aliyun", "region": "cn-shanghai", "inventory": {"job_ids": ["j1"]}}
POLICY: dict[str, object] = {
    "resource": "huaweicloud.mpc.packaging",
    "match": {"status": "pending"},
    "ensure": "absent",
}
WHOLE: dict[str, Any] = {"version": 1, "targets": {"hw": HW, "ali": ALI}, "policies": {"p": POLICY}}


def with_(path: str, value: object) -> dict[str, Any]:
    """`WHOLE` with `value` at a path whose parts are separated by slashes."""
    document: dict[str, Any] = json.loads(json.dumps(WHOLE))
    *parents, last = path.split("/")
    here = document
    for part in parents:
        here = here.setdefault(part, {})
    here[last] = value
    return document


def match(selector: object) -> dict[str, Any]:
    return with_("policies/p/match", selector)


GOOD = [
    WHOLE,
    {"version": 1},
    {"version": 1, "settings": None, "targets": None, "policies": "", "protect": None},
    with_("settings", {"limits": {"max_actions": 0, "max_percent": 100}, "concurrency": 256, "plan_ttl": "1d12h"}),
    with_("settings", {"backend": "postgresql://user@host/db"}),
    with_("settings", {"backend": "sqlite:////var/lib/h.db", "concurrency": "${N}", "plan_ttl": ""}),
    with_("targets/hw/project_id", "${P:-}"),
    with_("targets/hw/project_id", None),
    with_("targets/hw/tier", "${TIER}"),
    with_("targets/hw/region", "${REGION}"),
    with_("targets/hw/endpoints", {"mpc": "https://mpc.example.com:8443/v1", "vod": "http://127.0.0.1:8080"}),
    with_("targets/hw/endpoints", {"mpc": "http://[::1]:80/", "vod": "http://localhost", "iam": "${IAM}"}),
    with_("targets/hw/rate_limits", {"mpc": "100/min", "vod": "0.5/s", "iam": "1000/h"}),
    with_("targets/hw/credentials", {"profile": "p"}),
    with_("targets/hw/credentials", {"access_key_id": {"env": "AK"}, "secret_access_key": {"file": "sk"}}),
    with_("targets/ali/inventory", {"job_ids": [], "upload_urls": ["https://h/a"]}),
    with_("policies/p/ensure", {"at_most": 0}),
    with_("policies/p/ensure", {"at_most": 3, "per": ["input.bucket", "id"], "keep": "oldest"}),
    with_("policies/p/limits", {"max_actions": 5}),
    with_("policies/p/targets", ["hw", "h*"]),
    with_("policies/p/on_blocked", "fail"),
    with_("policies/p/suspend", True),
    with_("policies/p/description", ""),
    with_("protect", {"x": {"resource": "huaweicloud.*", "match": "all"}}),
    with_("protect", {"x": {"resource": "*", "match": {"input.bucket": {"glob": "l*"}}}}),
    with_("protect", {"x": {"resource": "huaweicloud.mpc.*", "match": {"input.bucket": {"glob": "l*"}}}}),
    with_("protect", {"x": {"resource": "*cloud.mpc.pack*", "match": {"input.bucket": {"glob": "l*"}}}}),
    with_("protect", {"x": {"resource": "aliyun.vod.url_upload", "match": {"upload_url": "https://h/a"}}}),
    match("all"),
    match({"status": ["pending", "failed"], "provider_status": "WAITING"}),
    match({"id": {"in": ["a"], "ne": "b", "glob": "a*", "regex": "^a", "contains": "a", "exists": True}}),
    match({"id": {"not_glob": ["a*", "b*"], "not_regex": "^a", "not_contains": ["a"], "missing": True}}),
    match({"id": {"in": {"file": "ids.txt"}}}),
    match({"id": {"file": "ids.txt"}}),
    match({"input.object": {"not_glob": {"file": "globs.txt"}, "missing": False}}),
    match({"created_at": {"older_than": "6h", "missing": True}}),
    with_("policies/p/resource", ["huaweicloud.mpc.packaging", "huaweicloud.mpc.s*"]),
    with_("policies/p/resource", "huaweicloud.mpc.*"),
    with_("protect", {"x": {"resource": ["huaweicloud.*", "aliyun.vod.url_upload"], "match": "all"}}),
    match({"progress": {"gt": 1, "lte": 5}, "created_at": {"older_than": "6h", "before": "2025-01-31T08:00:00Z"}}),
    match({"template_ids": {"contains": "7"}, "finished_at": {"exists": False}}),
    match({"any": [{"status": "pending"}, {"not": {"all": [{"id": "x"}]}}]}),
]
BAD: list[object] = [
    {},
    [],
    None,
    {"version": "1"},
    {"version": 1, "tragets": {}},
    {"version": 1, "targets": []},
    with_("settings/concurrency", 0),
    with_("settings/concurrency", "5"),
    with_("settings/plan_ttl", "5x"),
    with_("settings/plan_ttl", "0s"),
    with_("settings/plan_ttl", "1h1d"),
    with_("settings/backend", "sqlite://h.db"),
    with_("settings/limits", {"max_percent": 101}),
    with_("targets/Hw", HW),
    with_("targets/hw\n", HW),
    with_("targets/hw", None),
    with_("targets/hw/provider", "x"),
    with_("targets/hw/region", ""),
    with_("targets/hw/region", "a/b"),
    with_("targets/hw/region", "a\n"),
    with_("targets/ali/region", "eu-west"),
    with_("targets/hw/tier", "none"),
    with_("targets/hw/inventory", {"job_ids": ["x"]}),
    with_("targets/ali/project_id", "x"),
    with_("targets/hw/endpoints", {"mpc": "http://example.com"}),
    with_("targets/hw/endpoints", {"mpc": "http://127.0.0.1.example.com"}),
    with_("targets/hw/endpoints", {"mpc": "https://u@h"}),
    with_("targets/hw/endpoints", {"mpc": "https://h?x=1"}),
    with_("targets/hw/endpoints", {"mpc": "https://h#x"}),
    with_("targets/hw/endpoints", {"mpc": "https://h:65536"}),
    with_("targets/hw/endpoints", {"mpc": "https://127.1"}),
    with_("targets/hw/endpoints", {"mpc": "https://h.example."}),
    with_("targets/hw/region", "cn-$${x}"),
    with_("targets/hw/endpoints", {"mpc": "h"}),
    with_("targets/hw/rate_limits", {"mpc": "0/s"}),
    with_("targets/hw/rate_limits", {"mpc": "5/day"}),
    with_("targets/hw/rate_limits", {"cdn": "5/s"}),
    with_("targets/hw/credentials", {"profile": "p", "token": {"env": "T"}}),
    with_("targets/hw/credentials", {"token": "literal"}),
    with_("targets/hw/credentials", {"token": {}}),
    with_("targets/hw/credentials", {"token": {"env": "A", "file": "b"}}),
    with_("targets/hw/credentials", {"token": {"env": "A", "path": "b"}}),
    with_("settings/plan_ttl", "\n"),
    match({"created_at": {"older_than": "1h1d"}}),
    with_("targets/ali/inventory", {}),
    with_("targets/ali/inventory", {"job_ids": "j1"}),
    with_("targets/ali/inventory", {"job_ids": [1]}),
    with_("targets/ali/inventory", {"job_ids": {"path": "x"}}),
    with_("policies/p", {}),
    with_("policies/p/resource", "huaweicloud.mpc.x"),
    with_("policies/p/resource", []),
    with_("policies/p/resource", ["huaweicloud.mpc.x"]),
    with_("policies/p/resource", ["huaweicloud.mpc.packaging"] * 2),
    match({"id": {"in": {"file": ""}}}),
    match({"id": {"file": "ids.txt", "ne": "x"}}),
    match({"id": {"glob": []}}),
    match({"id": {"glob": "a*", "missing": "yes"}}),
    with_("policies/p/ensure", "none"),
    with_("policies/p/ensure", {"per": ["id"]}),
    with_("policies/p/ensure", {"at_most": 1, "per": []}),
    with_("policies/p/ensure", {"at_most": 1, "per": ["upload_url"]}),
    with_("policies/p/targets", []),
    with_("policies/p/suspend", "yes"),
    with_("protect", {"x": {"resource": "*", "match": {}}}),
    with_("protect", {"x": {"resource": "*", "match": {"nothing": 1}}}),
    with_("protect", {"x": {"resource": "*"}}),
    with_("protect", {"x": {"resource": "huaweicloud.mpc.packaging", "match": {"upload_url": "https://h/a"}}}),
    with_("protect", {"x": {"resource": "huaweicloud.*", "match": {"upload_url": "https://h/a"}}}),
    with_("protect", {"x": {"resource": "aliyun.vod.*", "match": {"input.bucket": "x"}}}),
    match(None),
    match(""),
    match({}),
    match([]),
    match("any"),
    match({"statuss": "pending"}),
    match({"upload_url": "x"}),
    match({"status": "runing"}),
    match({"provider_status": "pending"}),
    match({"status": []}),
    match({"status": {"glob": "p*"}}),
    match({"id": 5}),
    match({"id": ""}),
    match({"id": {}}),
    match({"id": {"exists": "yes"}}),
    match({"id": {"in": "a"}}),
    match({"progress": "5"}),
    match({"created_at": "2025-01-31T08:00:00Z"}),
    match({"created_at": {"older_than": "6 h"}}),
    match({"created_at": {"older_than": 6}}),
    match({"created_at": {"before": "2025-01-31"}}),
    match({"template_ids": ["7"]}),
    match({"any": []}),
    match({"any": {"id": "x"}}),
    match({"not": ["x"]}),
    match({"not": "all"}),
]


def valid(validate: Validate, document: object) -> bool:
    lists = {"ids.txt": "10743\n", "globs.txt": "legal-*\n"}
    _, diagnostics = validate({"reconciler.yaml": yaml.safe_dump(document, allow_unicode=True), **lists})
    return all(diagnostic.severity is not Severity.ERROR for diagnostic in diagnostics)


@pytest.fixture(scope="module")
def editor(catalogue: Catalogue) -> Draft7Validator:
    """What an editor checks."""
    return validator_class()(build_schema(catalogue))


def test_it_is_a_schema(catalogue: Catalogue) -> None:
    Draft7Validator.check_schema(build_schema(catalogue))


@pytest.mark.parametrize("document", GOOD)
def test_both_accept(validate: Validate, editor: Draft7Validator, document: object) -> None:
    assert [error.message for error in editor.iter_errors(document)] == []
    assert valid(validate, document)


@pytest.mark.parametrize("document", BAD)
def test_both_refuse(validate: Validate, editor: Draft7Validator, document: object) -> None:
    assert not editor.is_valid(document)
    assert not valid(validate, document)


VALUES: st.SearchStrategy[object] = st.sampled_from(
    [None, "", "x", "all", "absent", "pending", "huaweicloud", "hw", 0, 1, 1.5, True, [], ["id"], {}]
)
PATHS = st.sampled_from(
    [
        "version",
        "settings",
        "settings/limits",
        "settings/concurrency",
        "targets",
        "targets/hw",
        "targets/hw/provider",
        "targets/hw/endpoints",
        "targets/hw/credentials",
        "targets/hw/credentials/token",
        "targets/ali/inventory",
        "targets/ali/inventory/job_ids",
        "policies",
        "policies/p/resource",
        "policies/p/match",
        "policies/p/match/status",
        "policies/p/match/id",
        "policies/p/match/any",
        "policies/p/match/progress",
        "policies/p/ensure",
        "policies/p/limits",
        "policies/p/targets",
        "policies/p/suspend",
        "policies/p/on_blocked",
        "policies/p/description",
        "protect",
        "extra",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(path=PATHS, value=VALUES)
def test_they_agree_wherever_a_value_is_put(
    catalogue: Catalogue, editor: Draft7Validator, folder: Path, path: str, value: object
) -> None:
    document = with_(path, value)
    (folder / "reconciler.yaml").write_text(yaml.safe_dump(document))
    _, diagnostics = check([], catalogue, environment={})
    # What only the program can see: names of targets, and where a selector leads.
    beyond = ("target", "match for ever", "no inventory", "holds nowhere")
    errors = [
        one.message
        for one in diagnostics
        if one.severity is Severity.ERROR and not any(words in one.message for words in beyond)
    ]
    assert editor.is_valid(document) == (not errors), errors


def test_fields_are_offered_by_resource_type(catalogue: Catalogue) -> None:
    definitions: Any = build_schema(catalogue)["definitions"]
    assert "upload_url" in definitions["match.aliyun.vod.url_upload"]["properties"]
    assert "upload_url" not in definitions["match.huaweicloud.mpc.packaging"]["properties"]
    assert "upload_url" not in definitions["match.huaweicloud.*"]["properties"]
    assert "upload_url" in definitions["match.any"]["properties"]


def test_a_policy_reads_as_people_write_it(catalogue: Catalogue) -> None:
    """Editors take the order of keys, and that of a policy's skeleton, from the file."""
    policy = json.loads(render_schema(catalogue))["properties"]["policies"]["else"]["additionalProperties"]
    assert list(policy["properties"])[:5] == ["description", "resource", "targets", "match", "ensure"]
    assert policy["required"] == ["resource", "match", "ensure"]


def test_rendering_ends_with_a_line_break_and_is_the_same_each_time(catalogue: Catalogue) -> None:
    text = render_schema(catalogue)
    assert text.endswith("}\n")
    assert text == render_schema(catalogue)
    assert json.loads(text) == build_schema(catalogue)
    assert max(map(len, text.splitlines())) < 400, "a line holds a short mapping or one text"


def test_the_file_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == render_schema(installed()), "run `make schemas`"
