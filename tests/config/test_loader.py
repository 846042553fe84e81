"""Files merged to one configuration."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.config.loader import check, load_configuration
from reconciler.config.model import (
    AtMost,
    Configuration,
    DatabaseUrl,
    Keep,
    Limits,
    OnBlocked,
    Rate,
    RunLimits,
    Settings,
)
from reconciler.config.structure import Structure
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.exceptions import InvalidConfiguration
from reconciler.selectors.syntax import Everything
from reconciler.tasks.observation import Scope
from reconciler.tasks.resource_type import Catalogue

TARGETS = """\
version: 1
targets:
  hw: {provider: huaweicloud, region: cn-north-4}
  hw-2: {provider: huaweicloud, region: cn-north-4}
  ali: {provider: aliyun, region: cn-shanghai, inventory: {job_ids: [j1]}}
"""
POLICY = "version: 1\npolicies: {p: {resource: huaweicloud.mpc.packaging, match: all, ensure: absent}}\n"
HW = {"provider": "huaweicloud", "region": "cn-north-4"}
PLAIN = {"resource": "huaweicloud.mpc.packaging", "match": "all", "ensure": "absent"}

EXAMPLE = """\
# yaml-language-server: $schema=./schemas/reconciler.schema.json
version: 1

settings:                                # all optional
  limits: {max_actions: 500, max_percent: 30}     # per policy; these are the defaults
  backend: sqlite:///.reconciler/history.db       # or postgresql://user@host/db
  concurrency: 16                                 # requests in flight per target
  plan_ttl: 24h                                   # a saved plan older than this is stale

targets:
  huawei-prod:
    provider: huaweicloud
    region: cn-north-4
    project_id: ${HUAWEICLOUD_SDK_PROJECT_ID:-}   # looked up through IAM where empty or absent
    rate_limits: {mpc: 100/min, vod: 100/min}     # defaults come from the provider's documented quotas
  aliyun-shanghai:
    provider: aliyun
    region: cn-shanghai
    inventory:                                    # the API has no list call: see section 5
      upload_urls: {file: inventory/source-urls.txt}
      job_ids: [341c92e6c18dc435ee31253685f9c0a1]

protect:                                 # tasks that no policy may touch
  legal-hold:
    resource: "huaweicloud.mpc.*"
    match: {input.bucket: {glob: "legal-*"}}

policies:
  no-stale-legacy-uploads:
    description: Uploads from the retired CDN must not wait in the queue.
    resource: aliyun.vod.url_upload
    targets: [aliyun-shanghai]                    # names or globs; default: every target of the provider
    match:
      status: pending
      upload_url: {glob: "https://legacy.example.com/*"}
      created_at: {older_than: 6h}
    ensure: absent

  one-transcode-per-object:
    resource: huaweicloud.mpc.transcoding
    match: {status: pending}
    ensure: {at_most: 1, per: [input.bucket, input.object], keep: oldest}

  packaging-record-retention:
    resource: huaweicloud.mpc.packaging
    match:
      status: [succeeded, failed, canceled]
      finished_at: {older_than: 30d}
    ensure: absent
    limits: {max_actions: 5000, max_percent: 90}
    suspend: false
"""


@pytest.mark.parametrize("strict", [True, False])
def test_the_example_of_the_design(accepted: Callable[..., Configuration], folder: Path, strict: bool) -> None:
    files = {"reconciler.yaml": EXAMPLE, "inventory/source-urls.txt": "https://legacy.example.com/a.mp4\n"}
    configuration = accepted(files, strict=strict)
    assert configuration.warnings == ()
    assert configuration.settings == Settings(backend=DatabaseUrl(f"sqlite:///{folder}/.reconciler/history.db"))
    assert dict(configuration.targets["huawei-prod"].options) == {}
    assert configuration.targets["huawei-prod"].rate_limits == {"mpc": Rate(100, 60), "vod": Rate(100, 60)}
    assert configuration.targets["aliyun-shanghai"].inventory == {
        "upload_urls": ("https://legacy.example.com/a.mp4",),
        "job_ids": ("341c92e6c18dc435ee31253685f9c0a1",),
    }
    assert configuration.protections["legal-hold"].resources == (
        "huaweicloud.mpc.packaging",
        "huaweicloud.mpc.snapshot",
        "huaweicloud.mpc.transcoding",
    )
    transcodes = configuration.policies["one-transcode-per-object"]
    assert transcodes.ensure == AtMost(1, ("input.bucket", "input.object"), Keep.OLDEST)
    assert transcodes.limits == Limits(500, 30)
    assert configuration.policies["packaging-record-retention"].limits == Limits(5000, 90)
    assert configuration.scopes() == (
        Scope("aliyun-shanghai", "aliyun.vod.url_upload"),
        Scope("huawei-prod", "huaweicloud.mpc.packaging"),
        Scope("huawei-prod", "huaweicloud.mpc.transcoding"),
    )


def test_what_is_narrowed_knows_its_policies_by_scope(accepted: Callable[..., Configuration]) -> None:
    configuration = accepted({"reconciler.yaml": EXAMPLE, "inventory/source-urls.txt": "https://example.com/a\n"})
    scope = Scope("huawei-prod", "huaweicloud.mpc.transcoding")
    assert [policy.name for policy in configuration.policies_on(scope)] == ["one-transcode-per-object"]
    without = replace(configuration, policies={"q": configuration.policies["packaging-record-retention"]})
    assert (without.policies_on(scope), scope in without.scopes()) == ((), False)


def test_a_policy_looks_at_each_kind_on_the_targets_of_its_provider(accepted: Callable[..., Configuration]) -> None:
    kinds = "['huaweicloud.vod.*', huaweicloud.mpc.snapshot, aliyun.vod.url_upload]"
    written = f"{{resource: {kinds}, match: {{status: pending}}, ensure: absent, targets: [hw, ali]}}"
    policy = accepted(f"{TARGETS}policies: {{p: {written}}}\n").policies["p"]
    assert policy.resources == tuple(sorted(policy.resources))
    assert policy.targets == ("ali", "hw")
    assert policy.scopes == (
        Scope("ali", "aliyun.vod.url_upload"),
        Scope("hw", "huaweicloud.mpc.snapshot"),
        Scope("hw", "huaweicloud.vod.editing"),
    )


REGIONS = """\
version: 1
x-shared: &shared
  provider: huaweicloud
  credentials: {profile: "${PROFILE}"}
x-anything: {}
defaults:
  huaweicloud: {rate_limits: {mpc: 80/min, vod: 50/min}, tier: pro}
targets:
  first: {<<: *shared, regions: [cn-north-4, ap-southeast-3]}
  second: {<<: *shared, region: cn-north-1, rate_limits: {mpc: 10/min}, tier: basic}
policies:
  p: {resource: huaweicloud.mpc.packaging, match: {status: pending}, ensure: absent, targets: [first]}
  q: {resource: huaweicloud.mpc.packaging, match: {status: failed}, ensure: absent, targets: ['*-cn-*', second]}
"""


def test_a_target_of_each_region_with_what_is_shared(accepted: Callable[..., Configuration]) -> None:
    configuration = accepted(REGIONS, PROFILE="media")
    targets = configuration.targets
    assert {name: (target.region, target.family) for name, target in targets.items()} == {
        "first-ap-southeast-3": ("ap-southeast-3", "first"),
        "first-cn-north-4": ("cn-north-4", "first"),
        "second": ("cn-north-1", ""),
    }
    assert {target.credentials.profile for target in targets.values()} == {"media"}
    assert targets["first-cn-north-4"].rate_limits == {"mpc": Rate(80, 60), "vod": Rate(50, 60)}
    assert targets["second"].rate_limits == {"mpc": Rate(10, 60), "vod": Rate(50, 60)}, "its own keys win"
    assert (targets["first-cn-north-4"].options["tier"], targets["second"].options["tier"]) == ("pro", "basic")
    assert configuration.policies["p"].targets == ("first-ap-southeast-3", "first-cn-north-4")
    assert configuration.policies["q"].targets == ("first-cn-north-4", "second")
    assert str(targets["first-cn-north-4"].location) == "reconciler.yaml:9:3"
    assert configuration.warnings == ()


def test_written_out_it_is_the_same_wish(accepted: Callable[..., Configuration]) -> None:
    target = "provider: huaweicloud, tier: pro, rate_limits: {mpc: 80/min, vod: 50/min}, credentials: {profile: media}"
    names = "".join(f"  first-{name}: {{{target}, region: {name}}}\n" for name in ("cn-north-4", "ap-southeast-3"))
    policy = "p: {resource: huaweicloud.mpc.packaging, match: {status: pending}, ensure: absent, targets: ['first-*']}"
    whole = f"version: 1\ntargets:\n{names}policies:\n  {policy}\n"
    short = REGIONS.partition("  q: ")[0].replace("  second: ", "#")
    assert accepted(whole).fingerprint == accepted(short, PROFILE="media").fingerprint


def test_defaults_are_merged_and_their_files_are_where_they_stand(accepted: Callable[..., Configuration]) -> None:
    secrets = "{access_key_id: {env: AK}, secret_access_key: {file: sk}}"
    shared = f"version: 1\ndefaults: {{huaweicloud: {{credentials: {secrets}}}}}\n"
    files = {"a/defaults.reconciler.yaml": shared, "b/reconciler.yaml": TARGETS}
    secret = accepted(files).targets["hw"].credentials.secrets["secret_access_key"]
    assert str(secret.file) == "a/sk"


def test_names_that_regions_make_are_names_like_any_other(mistakes: Callable[..., list[str]]) -> None:
    one = "  hw: {provider: huaweicloud, regions: [cn-north-4]}\n"
    two = "  hw-cn-north-4: {provider: huaweicloud, region: cn-north-4}\n"
    for targets, place in ((one + two, "3:40"), (two + one, "4:40")):
        first = "4:3" if targets.startswith(one) else "3:3"
        (said,) = mistakes(f"version: 1\ntargets:\n{targets}")
        message = f"target `hw-cn-north-4` is defined twice: first at reconciler.yaml:{first}"
        assert said == f"reconciler.yaml:{place} error: {message} (rename one of the two)"


def test_files_merge(accepted: Callable[..., Configuration]) -> None:
    settings = "version: 1\nsettings: {limits: {max_actions: 0}, backend: 'sqlite:///../h.db'}\n"
    files = {"targets.reconciler.yaml": TARGETS, "x/reconciler.yaml": POLICY, "y/reconciler.yaml": settings}
    configuration = accepted(files)
    assert [file.as_posix() for file in configuration.files] == sorted(files)
    policy = configuration.policies["p"]
    assert policy.targets == ("hw", "hw-2")
    assert policy.match == Everything()
    assert policy.limits == Limits(0, 30), "0 means 0, and what is not written has its default"
    assert configuration.settings.backend.endswith("/y/../h.db")
    assert configuration.settings.run_limits == RunLimits(None, None)
    assert str(policy.location) == "x/reconciler.yaml:2:12"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{max_actions: 0}", RunLimits(max_actions=0)),
        ("{max_percent: 0}", RunLimits(max_percent=0)),
        ("{max_actions: 9, max_percent: 60}", RunLimits(9, 60)),
    ],
)
def test_limits_of_all_policies_together(
    accepted: Callable[..., Configuration], written: str, expected: RunLimits
) -> None:
    configuration = accepted(TARGETS + POLICY[11:] + f"settings: {{run_limits: {written}}}\n")
    assert configuration.settings.run_limits == expected


def test_a_name_defined_twice_points_at_both(mistakes: Callable[..., list[str]]) -> None:
    settings = "settings: {concurrency: 2}\n"
    files = {
        "a.reconciler.yaml": TARGETS + settings,
        "b.reconciler.yaml": TARGETS + POLICY[11:] + settings,
        "c.reconciler.yaml": POLICY,
    }
    assert mistakes(files) == [
        f"b.reconciler.yaml:3:3 error: `hw` is defined twice: first at a.reconciler.yaml:3:3 {FIX}",
        f"b.reconciler.yaml:4:3 error: `hw-2` is defined twice: first at a.reconciler.yaml:4:3 {FIX}",
        f"b.reconciler.yaml:5:3 error: `ali` is defined twice: first at a.reconciler.yaml:5:3 {FIX}",
        "b.reconciler.yaml:7:12 error: setting `concurrency` is defined twice: first at a.reconciler.yaml:6:12",
        f"c.reconciler.yaml:2:12 error: `p` is defined twice: first at b.reconciler.yaml:6:12 {FIX}",
    ]


def test_names_of_different_sections_do_not_collide(accepted: Callable[..., Configuration]) -> None:
    protect = "protect: {hw: {resource: 'huaweicloud.*', match: all}}\n"
    assert set(accepted(TARGETS + POLICY[11:].replace("{p:", "{hw:") + protect).policies) == {"hw"}


@pytest.mark.parametrize(
    ("targets", "chosen"),
    [
        ("['hw*']", ("hw", "hw-2")),
        ("['*']", ("hw", "hw-2")),
        ("[hw-2, hw, 'h*']", ("hw", "hw-2")),
        ("['hw-[0-9]']", ("hw-2",)),
    ],
)
def test_targets_of_a_policy(accepted: Callable[..., Configuration], targets: str, chosen: tuple[str, ...]) -> None:
    text = TARGETS + POLICY[11:].replace("ensure:", f"targets: {targets}, ensure:")
    assert accepted(text).policies["p"].targets == chosen


def test_all_keys_of_a_policy(accepted: Callable[..., Configuration]) -> None:
    more = "description: d, suspend: true, on_blocked: fail, ensure: {at_most: 2.0}, limits: {max_percent: 5}"
    policy = accepted(TARGETS + POLICY[11:].replace("ensure: absent", more)).policies["p"]
    assert (policy.description, policy.suspend, policy.on_blocked) == ("d", True, OnBlocked.FAIL)
    assert policy.ensure == AtMost(2, (), Keep.NEWEST)
    assert policy.limits == Limits(500, 5)


def test_empty_keys_count_as_absent(accepted: Callable[..., Configuration]) -> None:
    text = (
        "version: 1\nsettings:\nprotect:\ntargets:\n  hw:\n    provider: huaweicloud\n    region: r\n    endpoints:\n"
        "    credentials: {profile: ''}\n    rate_limits: {mpc: }\n"
        "policies:\n  p: {resource: huaweicloud.mpc.packaging, match: all, ensure: absent, limits: }\n"
    )
    assert accepted(text).policies["p"].targets == ("hw",)


@pytest.mark.parametrize("empty", ["", "''", "null"])
@pytest.mark.parametrize("rest", ["ensure: absent\n    targets: %s", "ensure:\n      at_most: 1\n      per: %s"])
def test_a_key_that_narrows_is_never_empty(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]], rest: str, empty: str
) -> None:
    """Its items may all be commented out: left empty, it would mean everything, or one group of all."""
    policy = f"    resource: huaweicloud.mpc.packaging\n    match: all\n    {rest % empty}\n"
    configuration, diagnostics = validate(f"{TARGETS}policies:\n  p:\n{policy}")
    assert configuration is None
    assert [found.message.partition(",")[0] for found in diagnostics] == ["must be a list"]


def test_a_suspended_policy_lists_nothing(accepted: Callable[..., Configuration]) -> None:
    assert accepted(TARGETS + POLICY[11:].replace("ensure:", "suspend: true, ensure:")).scopes() == ()


def test_warnings_are_kept(accepted: Callable[..., Configuration]) -> None:
    warnings = accepted(TARGETS + POLICY[11:].replace("match: all", "match: {status: running}")).warnings
    assert [warning.severity for warning in warnings] == [Severity.WARNING]


def test_errors_are_raised_all_at_once(write: Callable[..., None], catalogue: Catalogue) -> None:
    write({"a.yaml": "version: 2\n", "b.yaml": "x: 1\n"})
    with pytest.raises(InvalidConfiguration, match="3 mistakes") as caught:
        load_configuration([Path("a.yaml"), Path("b.yaml")], catalogue, environment={}, strict=True)
    assert [str(one.location) for one in caught.value.diagnostics] == ["a.yaml:1:10", "b.yaml:1:1", "b.yaml:1:1"]


def test_a_diagnostic_carries_all_facts(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]],
) -> None:
    _, (diagnostic,) = validate(TARGETS + POLICY[11:].replace("ensure: absent", "ensure: {at_most: 1, per: [ido]}"))
    assert diagnostic.path == "policies.p.ensure.per[0]"
    assert (
        diagnostic.excerpt
        == "policies: {p: {resource: huaweicloud.mpc.packaging, match: all, ensure: {at_most: 1, per: [ido]}}}"
    )
    assert diagnostic.location is not None
    start = diagnostic.location.column - 1
    assert diagnostic.excerpt[start : start + diagnostic.excerpt_length] == "ido"
    assert diagnostic.hint == "did you mean `id`?"
    assert "input.bucket" in diagnostic.allowed


FIX = "(rename or remove one of the two)"
FINGERPRINT = "sha256:4da61c4d774c4412ceff2d0c06492a0bbcb2d8f6674d38ba2d6386b2c038abb6"

SAME = [
    TARGETS + POLICY[11:],
    "# other words, the same meaning\n" + TARGETS.replace("cn-north-4", "'cn-north-4'") + POLICY[11:],
    TARGETS + POLICY[11:].replace("ensure:", "description: x, ensure:"),
    TARGETS + POLICY[11:].replace("ensure:", "targets: ['*'], ensure:"),
    TARGETS + POLICY[11:] + "settings: {concurrency: 3, limits: {max_actions: 1}}\n",
    TARGETS.replace("{job_ids: [j1]}", "{job_ids: [j1, j1]}") + POLICY[11:],
    {"z.reconciler.yaml": TARGETS, "a/reconciler.yaml": POLICY},
]
OTHER = [
    TARGETS + POLICY[11:].replace("match: all", "match: {status: pending}"),
    TARGETS + POLICY[11:].replace("ensure:", "limits: {max_actions: 1}, ensure:"),
    TARGETS + POLICY[11:].replace("ensure:", "suspend: true, ensure:"),
    TARGETS + POLICY[11:].replace("ensure:", "limits: {on_excess: defer}, ensure:"),
    TARGETS + POLICY[11:].replace("ensure:", "mode: report, ensure:"),
    TARGETS + POLICY[11:].replace("absent", "{absent: true, only: {status: pending}}"),
    TARGETS + POLICY[11:].replace("ensure:", "window: {days: mon}, ensure:"),
    TARGETS + POLICY[11:].replace("ensure:", "targets: [hw], ensure:"),
    TARGETS + POLICY[11:].replace("absent", "{at_most: 0}"),
    TARGETS.replace("cn-north-4", "cn-north-1") + POLICY[11:],
    TARGETS.replace("[j1]", "[j2]") + POLICY[11:],
    TARGETS + POLICY[11:] + "protect: {x: {resource: 'huaweicloud.*', match: all}}\n",
]


@pytest.mark.parametrize("files", SAME)
def test_the_same_wish_has_the_same_fingerprint(
    accepted: Callable[..., Configuration], files: str | dict[str, str]
) -> None:
    found = accepted(files).fingerprint
    assert re.fullmatch("sha256:[0-9a-f]{64}", found)
    assert found == FINGERPRINT


@pytest.mark.parametrize("text", OTHER)
def test_another_wish_has_another_fingerprint(accepted: Callable[..., Configuration], text: str) -> None:
    assert accepted(text).fingerprint != FINGERPRINT


def test_the_fingerprint_does_not_depend_on_the_order_of_conditions(accepted: Callable[..., Configuration]) -> None:
    one = POLICY[11:].replace("match: all", "match: {status: [pending, running], input.bucket: {ne: x}}")
    two = POLICY[11:].replace("match: all", "match: {input.bucket: {ne: x}, status: {in: [running, pending]}}")
    assert accepted(TARGETS + one).fingerprint == accepted(TARGETS + two).fingerprint


@pytest.mark.parametrize(
    "data",
    [
        {"settings": []},
        {"settings": {"concurrency": "16"}},
        {"settings": {"limits": {"max_actions": True}}},
        {"settings": {"plan_ttl": 5}},
        {"settings": {"plan_ttl": "5"}},
        {"settings": {"backend": 5}},
        {"targets": []},
        {"targets": {"hw": "x"}},
        {"targets": {"hw": HW | {"region": 5}}},
        {"targets": {"hw": HW | {"tier": ["basic"]}}},
        {"targets": {"hw": HW | {"rate_limits": {"mpc": 5}}}},
        {"targets": {"hw": HW | {"rate_limits": {"mpc": "5"}}}},
        {"targets": {"hw": HW | {"endpoints": {"mpc": 5}}}},
        {"targets": {"hw": HW | {"credentials": {"token": {}}}}},
        {"targets": {"hw": {**HW, "provider": "aliyun", "inventory": {"job_ids": [5]}}}},
        {"policies": {"p": PLAIN | {"suspend": "true"}}},
        {"policies": {"p": PLAIN | {"ensure": "gone"}}},
        {"policies": {"p": PLAIN | {"ensure": {}}}},
        {"policies": {"p": PLAIN | {"ensure": {"at_most": "5"}}}},
        {"policies": {"p": PLAIN | {"ensure": {"at_most": 5, "keep": "all"}}}},
        {"policies": {"p": PLAIN | {"ensure": {"at_most": 5, "per": "id"}}}},
        {"policies": {"p": PLAIN | {"limits": {"max_percent": "5"}}}},
        {"policies": {"p": PLAIN | {"on_blocked": "stop"}}},
    ],
)
def test_what_no_reader_can_use_is_no_default(
    write: Callable[..., None], monkeypatch: pytest.MonkeyPatch, data: dict[str, object], catalogue: Catalogue
) -> None:
    """Even where the check of structure has a hole."""
    monkeypatch.setattr(Structure, "problems", lambda *_: [])
    write({"reconciler.yaml": json.dumps({"version": 1, "targets": {"hw": HW}} | data)})
    configuration, diagnostics = check([], catalogue, environment={})
    assert configuration is None
    assert diagnostics


def test_many_unknown_targets_among_many_take_little_time(write: Callable[..., None], catalogue: Catalogue) -> None:
    names = "".join(f"  target-{number}: {{provider: huaweicloud, region: cn-north-4}}\n" for number in range(1000))
    wrong = ", ".join(f"targte-{number}x" for number in range(300))
    policy = "{{resource: huaweicloud.mpc.packaging, match: all, ensure: absent, targets: [{}]}}"
    policies = "".join(f"  p{number}: {policy.format(wrong)}\n" for number in range(4))
    write({"reconciler.yaml": f"version: 1\ntargets:\n{names}policies:\n{policies}"})
    started = time.process_time()
    _, diagnostics = check([], catalogue, environment={})
    assert len(diagnostics) == 1000
    assert max(len(found.allowed) for found in diagnostics) == 100
    assert time.process_time() - started < 20  # seconds; it was minutes
