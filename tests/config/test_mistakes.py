"""One mistake each, and the exact words for it."""

import re
from collections.abc import Callable

import pytest

from reconciler.config.loader import check
from reconciler.providers.registry import catalogue
from tests.config.conftest import one_line

GOOD = """\
version: 1
targets:
  hw: {provider: huaweicloud, region: cn-north-4}
  ali: {provider: aliyun, region: cn-shanghai, inventory: {job_ids: [j1]}}
policies:
  p:
    resource: huaweicloud.mpc.packaging
    match: {status: pending}
    ensure: absent
"""

TOP = "version: 1\n"
TARGET = "version: 1\ntargets:\n  hw:\n    provider: huaweicloud\n    region: cn-north-4\n"
POLICY = (
    "version: 1\ntargets:\n  hw: {provider: huaweicloud, region: cn-north-4}\n"
    "  ali: {provider: aliyun, region: cn-shanghai, inventory: {job_ids: [j1]}}\npolicies:\n  p:\n"
)
TRANSCODING = POLICY + "    resource: huaweicloud.mpc.transcoding\n    match: {status: pending}\n"


def test_the_good_one_is_good(mistakes: Callable[..., list[str]]) -> None:
    assert mistakes(GOOD) == []


MISTAKES = r"""
-: targets: {}
  1:1 error: missing key `version` (every file needs `version: 1`)
-: version:
  1:9 error: must be one of the allowed values, but is empty
-: version: 2
  1:10 error: version `2` of the format is not supported
-: version: '1'
  1:10 error: the version must be the number 1 (leave out the quotes)
-: []
  1:1 error: must be a mapping, but is a list
-: x
  1:1 error: must be a mapping, but is text
TOP: tragets: {}
  2:1 error: unknown key `tragets` (did you mean `targets`?)
TOP: targets: []
  2:10 error: must be a mapping, but is a list
TOP: settings: {concurency: 1}
  2:12 error: unknown key `concurency` (did you mean `concurrency`?)
TOP: settings: {concurrency: 0}
  2:25 error: must be at least 1, but is 0
TOP: settings: {concurrency: 257}
  2:25 error: must be at most 256, but is 257
TOP: settings: {concurrency: 1.5}
  2:25 error: must be a whole number, but is a number
TOP: settings: {concurrency: '5'}
  2:25 error: must be a whole number, but is text (leave out the quotes)
TOP: settings: {concurrency: true}
  2:25 error: must be a whole number, but is true or false
TOP: settings: {limits: {max_percent: 101}}
  2:34 error: must be at most 100, but is 101
TOP: settings: {limits: {max_actions: -1}}
  2:34 error: must be at least 0, but is -1
TOP: settings: {backend: mysql://h/d}
  2:21 error: must be sqlite:///FILE or postgresql://host/db
TOP: settings: {plan_ttl: 5}
  2:22 error: must be a duration such as 90s, 15m, 6h or 7d, but is a number (write 5s for seconds)
TOP: settings: {plan_ttl: 5x}
  2:22 error: `5x` must be a duration such as 90s, 15m, 6h or 7d
TOP: settings: {plan_ttl: 9999w}
  2:22 error: a duration may not exceed 100 years (36500d)
TOP: targets: {Prod: {provider: huaweicloud, region: cn-north-1}}
  2:11 error: `Prod` must be a name for a target: lower-case letters, digits and `-`, which is not first
TOP: targets: {hw: }
  2:15 error: must be a mapping, but is empty
TOP: targets: {hw: {region: r}}
  2:11 error: missing key `provider`
TOP: targets: {hw: {provider: huaweicloud}}
  2:11 error: missing key `region`
TOP: targets: {hw: {provider: huawei, region: r}}
  2:26 error: unknown provider `huawei` (did you mean `huaweicloud`?)
TOP: targets: {hw: {provider: , region: r}}
  2:26 error: must be one of the allowed values, but is empty
TOP: targets: {hw: {provider: huaweicloud, region: }}
  2:47 error: must be text, but is empty
TARGET: tier_:
  6:5 error: unknown key `tier_` (did you mean `tier`?)
TARGET: tier: prp
  6:11 error: `prp` is not an allowed value (did you mean `pro`?)
TARGET: project: x
  6:5 error: unknown key `project` (did you mean `project_id`?)
TARGET: inventory: {}
  6:5 error: unknown key `inventory`
TOP: settings: {plan_ttl: 0}
  2:22 error: must be a duration such as 90s, 15m, 6h or 7d, but is a number
TOP: settings: {plan_ttl: '0600'}
  2:22 error: `0600` must be a duration such as 90s, 15m, 6h or 7d (write 0600s for seconds)
TARGET: project_id: 0o17
  6:17 error: must be text, but is a number (put it in quotes: `"0o17"`)
TARGET: project_id: 1.50
  6:17 error: must be text, but is a number (put it in quotes: `"1.50"`)
POLICY: resource: huaweicloud.mpc.transcoding | match: {id: [007]} | ensure: absent
  8:18 error: `id` is text, but this is the number `7` (put it in quotes: `"007"`)
TARGET: project_id: 0123
  6:17 error: must be text, but is a number (put it in quotes: `"0123"`)
TOP: targets: {a: {provider: aliyun, region: eu-1}}
  2:41 error: `eu-1` must be a region of aliyun
TARGET: endpoints: {mpc: 'http://example.com'}
  6:22 error: `http://example.com` must be an https:// URL of host, port and path (http:// for loopback hosts only)
TARGET: endpoints: {mpc: 'https://u:p@h/?q=1'}
  6:22 error: `https://h/?~02f5e6e3` must be an https:// URL of host, port and path (http:// for loopback hosts only)
TARGET: endpoints: {vdo: 'https://h'}
  6:17 error: unknown key `vdo` (did you mean `vod`?)
TARGET: rate_limits: {mpc: 100}
  6:24 error: must be a rate such as 100/min, 50/s or 1000/h, but is a number
TARGET: rate_limits: {mpc: 0/s}
  6:24 error: `0/s` must be a rate such as 100/min, 50/s or 1000/h
POLICY: ensure: absent | match: all
  6:3 error: missing key `resource`
POLICY: resource: huaweicloud.mpc.transcode | match: all | ensure: absent
  7:15 error: unknown resource type `huaweicloud.mpc.transcode` (did you mean `huaweicloud.mpc.transcoding`?)
TRANSCODING:
  6:3 error: missing key `ensure`
TRANSCODING: ensure: none
  9:13 error: must be `absent` or `{at_most: N, per: [fields], keep: newest|oldest}`
TRANSCODING: ensure: present
  9:13 error: must be `absent` or `{at_most: N, per: [fields], keep: newest|oldest}` (a policy says how many tasks may
  be there at most: tasks can be canceled and deleted, but not made)
TRANSCODING: ensure: {absent: false}
  9:22 error: `false` is not an allowed value
TRANSCODING: ensure: absent | limits: {on_exces: defer}
  10:14 error: unknown key `on_exces` (did you mean `on_excess`?)
TRANSCODING: ensure: absent | limits: {min_actions: 3}
  10:14 error: unknown key `min_actions`
TRANSCODING: ensure: {keep: newest}
  9:5 error: missing key `at_most`
TRANSCODING: ensure: {at_most: -1}
  9:23 error: must be at least 0, but is -1
TRANSCODING: ensure: {at_most: 1, per: [input.buckt]}
  9:32 error: unknown field `input.buckt` (did you mean `input.bucket`?)
TRANSCODING: ensure: {at_most: 1, per: [id, id]}
  9:36 error: `id` stands twice in the list
TRANSCODING: ensure: {at_most: 1, per: id}
  9:31 error: must be a list, but is text (write [id])
TRANSCODING: ensure: {at_most: 1, keep: new}
  9:32 error: `new` is not an allowed value (did you mean `newest`?)
TRANSCODING: ensure: absent | suspend: yes
  10:14 error: must be true or false, but is text (YAML 1.2 knows `true` and `false` only)
TRANSCODING: ensure: absent | on_blocked: fial
  10:17 error: `fial` is not an allowed value (did you mean `fail`?)
TRANSCODING: ensure: absent | targets: []
  10:14 error: must not be empty
TARGET: regions: [cn-north-4]
  6:5 error: a target has a `region` or `regions`, not both (leave out one of the two)
TOP: targets: {hw: {provider: huaweicloud}}
  2:11 error: missing key `region`
TOP: targets: {hw: {provider: huaweicloud, regions: cn-north-4}}
  2:48 error: must be a list, but is text (write [cn-north-4])
TOP: targets: {hw: {provider: huaweicloud, regions: [1]}}
  2:49 error: must be text, but is a number (put it in quotes: `"1"`)
TOP: targets: {hw: {provider: huaweicloud, regions: []}}
  2:48 error: must not be empty
TOP: targets: {hw: {provider: huaweicloud, regions: [cn-north-4, cn-north-4]}}
  2:61 error: `cn-north-4` stands twice in the list
TOP: targets: {hw: {provider: huaweicloud, region: cn-noth-4}}
  2:47 warning: `cn-noth-4` is no region in which huaweicloud is known to have these services (did you mean
  `cn-north-4`?)
TOP: targets: {hw: {provider: huaweicloud, regions: [cn-north-4, xx-1]}}
  2:48 warning: `xx-1` is no region in which huaweicloud is known to have these services
TOP: defaults: {huawei: {}}
  2:12 error: unknown key `huawei` (did you mean `huaweicloud`?)
TOP: defaults: {huaweicloud: {region: cn-north-4}}
  2:26 error: unknown key `region` (each target says its own `region`; those that are alike may share it through an
  anchor of YAML)
TRANSCODING: ensure: absent | window: {from: "22:00", to: "06:00"}
  10:29 error: unknown key `to` (did you mean `until`?)
TRANSCODING: ensure: absent | window: {days: mon, start: "22:00"}
  10:25 error: unknown key `start` (did you mean `from`?)
TRANSCODING: ensure: absent | window: {days: mon, tz: UTC}
  10:25 error: unknown key `tz` (did you mean `timezone`?)
TOP: defaults: {huaweicloud: {token: x}}
  2:26 error: unknown key `token` (it belongs under `credentials`, as token: {env: NAME} or {file: PATH})
TOP: defaults: {huaweicloud: {credentials: {token: x}}}
  2:47 error: a secret must not stand in the configuration (write {env: NAME} or {file: PATH}; and renew it if it was
  committed)
POLICY: resource: huaweicloud.mpc.packaging | match: {status: pending} | ensure: {at_most: 1, keep: latest}
  9:32 error: `latest` is not an allowed value (did you mean `newest`?)
POLICY: resource: huaweicloud.mpc.packaging | match: {status: pending} | ensure: {at_most: 1, at_least: 1}
  9:26 error: unknown key `at_least` (a policy says how many tasks may be there at most: tasks can be canceled and
  deleted, but not made)
TRANSCODING: ensure: absent | targets: [hww]
  10:15 error: unknown target `hww` (did you mean `hw`?)
TRANSCODING: ensure: absent | targets: [ali]
  10:15 error: target `ali` is of provider `aliyun`, but the policy is about tasks of `huaweicloud`
TRANSCODING: ensure: absent | targets: ['a*']
  10:15 error: `a*` matches no target of provider `huaweicloud`
POLICY: resource: [huaweicloud.mpc.snapshot, aliyun.vod.url_upload] | match: {input.bucket: x} | ensure: absent
  8:13 error: `input.bucket` is not a field of aliyun.vod.url_upload (narrow `resource`, or write a policy for each
  kind)
POLICY: resource: 'huaweicloud.*' | match: {status: pending} | ensure: {at_most: 1, per: [status, input.bucket]}
  9:40 error: `input.bucket` is not a field of huaweicloud.vod.editing (narrow `resource`, or write a policy for each
  kind)
POLICY: resource: [huaweicloud.mpc.snapshot, huaweicloud.mpc.snap] | match: {status: pending} | ensure: absent
  7:42 error: unknown resource type `huaweicloud.mpc.snap` (did you mean `huaweicloud.mpc.snapshot`?)
POLICY: resource: 'huawei.*' | match: {status: pending} | ensure: absent
  7:15 error: `huawei.*` matches no resource type
POLICY: resource: [huaweicloud.mpc.snapshot, 'aliyun.*'] | match: {status: pending} | ensure: absent | targets: [hw]
  7:42 error: none of `targets` is of provider `aliyun`, so the policy holds nowhere (add one, or leave it out)
POLICY: resource: [huaweicloud.mpc.snapshot, huaweicloud.mpc.snapshot] | match: {status: pending} | ensure: absent
  7:42 error: `huaweicloud.mpc.snapshot` stands twice in the list
POLICY: resource: 'huaweicloud.*' | match: {status: failed} | ensure: absent
  8:5 error: tasks that are failed would match for ever: nothing takes a huaweicloud.mpc.snapshot or
  huaweicloud.vod.editing task out of it (write `status: pending` in match)
TOP: policies: {p: {resource: huaweicloud.mpc.packaging, match: all, ensure: absent}}
  2:26 error: no target of provider `huaweicloud` is defined, so the policy holds nowhere (define one under `targets`)
POLICY: resource: huaweicloud.mpc.packaging | match: {} | ensure: absent
  8:12 error: an empty match selects nothing (write `match: all` to select every task)
POLICY: resource: huaweicloud.mpc.packaging | match: {statuss: pending} | ensure: absent
  8:13 error: `statuss` is not a field of huaweicloud.mpc.packaging (did you mean `status`?)
POLICY: resource: huaweicloud.vod.editing | match: all | ensure: absent
  8:5 error: tasks that are succeeded, failed or canceled would match for ever: nothing takes a
  huaweicloud.vod.editing task out of it (write `match: {status: pending}`)
POLICY: resource: huaweicloud.vod.editing | match: {id: x} | ensure: {at_most: 1}
  8:5 error: tasks that are succeeded, failed or canceled would match for ever: nothing takes a
  huaweicloud.vod.editing task out of it (write `status: pending` in match)
POLICY: resource: huaweicloud.mpc.packaging | match: {status: running} | ensure: absent
  8:5 warning: the policy can never act: no operation of huaweicloud.mpc.packaging starts from a state that it selects
  (operations: cancel (from pending), delete (from succeeded, failed or canceled))
TOP: protect: {p: {resource: 'huawei.*', match: all}}
  2:25 error: `huawei.*` matches no resource type
TOP: protect: {p: {resource: huaweicloud.mpc.pack, match: all}}
  2:25 error: unknown resource type `huaweicloud.mpc.pack` (did you mean `huaweicloud.mpc.packaging`?)
TOP: protect: {p: {match: all}}
  2:11 error: missing key `resource`
TOP: protect: {p: {resource: 'huaweicloud.*', match: {input.bucket: x}}}
  2:50 warning: `input.bucket` is not a field of huaweicloud.vod.editing: it is unknown there, and unknown protects
  all their tasks (narrow `resource`, or write a protection for each kind)
"""
"""What a file begins with, its further lines, and what is said of it."""
_BEGUN = {"-": ("", ""), "TOP": (TOP, ""), "TARGET": (TARGET, "    "), "POLICY": (POLICY, "    ")}
_BEGUN["TRANSCODING"] = (TRANSCODING, "    ")


@pytest.mark.parametrize(("begun", "lines", "said"), re.findall(r"^(\S+): ?(.*)\n((?: .*\n)+)", MISTAKES, re.MULTILINE))
def test_one_mistake(mistakes: Callable[..., list[str]], begun: str, lines: str, said: str) -> None:
    first, indent = _BEGUN[begun]
    text = first + "".join(f"{indent}{line}\n" for line in lines.split(" | ") if line)
    assert mistakes(text) == [f"reconciler.yaml:{' '.join(line.strip() for line in said.splitlines())}"]


def test_all_mistakes_of_a_file_at_once(mistakes: Callable[..., list[str]]) -> None:
    text = """\
version: 1
setings: {}
targets:
  hw: {provider: huaweicloud, regoin: cn-north-4}
  hw: {provider: huaweicloud}
policies:
  p:
    resource: huaweicloud.mpc.packaging
    targets: [nowhere]
    match: {status: [pending, runing], created_at: {older_than: 6x}}
    ensure: {at_most: 1, per: [bucket]}
"""
    assert mistakes(text) == [
        "reconciler.yaml:2:1 error: unknown key `setings` (did you mean `settings`?)",
        "reconciler.yaml:4:3 error: missing key `region`",
        "reconciler.yaml:4:31 error: unknown key `regoin` (did you mean `region`?)",
        "reconciler.yaml:5:3 error: key `hw` is defined twice: first at reconciler.yaml:4:3 (remove one of the two)",
        "reconciler.yaml:9:15 error: unknown target `nowhere`",
        "reconciler.yaml:10:31 error: `runing` is not a status (did you mean `running`?)",
        "reconciler.yaml:10:65 error: `6x`: not a duration (write it like `90s`, `15m`, `6h`, `7d`, `2w` or `1d12h`)",
        "reconciler.yaml:11:32 error: unknown field `bucket` (did you mean `input.bucket`?)",
    ]


def test_a_broken_file_does_not_hide_the_mistakes_of_another(mistakes: Callable[..., list[str]]) -> None:
    policy = "  p: {resource: huaweicloud.mpc.packaging, targets: [hw], match: {x: y}, ensure: absent}\n"
    assert mistakes(
        {"a.reconciler.yaml": "version: 1\ntargets: {hw: [\n", "b.reconciler.yaml": TOP + "policies:\n" + policy}
    ) == [
        "a.reconciler.yaml:3:1 error: not valid YAML: did not find expected node content",
        "b.reconciler.yaml:3:67 error: `x` is not a field of huaweicloud.mpc.packaging",
    ]


def test_a_target_with_a_mistake_is_not_called_unknown(mistakes: Callable[..., list[str]]) -> None:
    text = TOP + (
        "targets: {hw: {provider: huawei, region: r}}\n"
        "policies: {p: {resource: huaweicloud.mpc.packaging, targets: [hw, 'h*'], match: all, ensure: absent}}\n"
    )
    assert mistakes(text) == ["reconciler.yaml:2:26 error: unknown provider `huawei` (did you mean `huaweicloud`?)"]


def test_without_inventory_nothing_is_seen(mistakes: Callable[..., list[str]]) -> None:
    text = TOP + (
        "targets: {ali: {provider: aliyun, region: cn-shanghai}}\n"
        "policies: {p: {resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}}\n"
    )
    assert mistakes(text) == [
        (
            "reconciler.yaml:3:26 warning: target `ali` has no inventory, and the API of aliyun.vod.url_upload cannot"
            " list: no task is seen (add `inventory` to the target)"
        )
    ]


ELSEWHERE = TOP + (
    "targets: {here: {provider: aliyun, region: cn-shanghai, inventory: {job_ids: [j1]}},\n"
    '  there: {provider: aliyun, region: "${REGION}"}}\n'
    "policies: {p: {resource: RESOURCE, match: {status: pending}, ensure: absent, targets: TARGETS}}\n"
)


@pytest.fixture
def said(write: Callable[..., None]) -> Callable[..., list[str]]:
    """What the clouds that there are make of `ELSEWHERE` with a kind and targets."""

    def run(resource: str, targets: str, **environment: str) -> list[str]:
        write({"reconciler.yaml": ELSEWHERE.replace("RESOURCE", resource).replace("TARGETS", targets)})
        _, diagnostics = check([], catalogue(), environment=environment)
        return [one_line(diagnostic) for diagnostic in diagnostics]

    return run


@pytest.mark.parametrize("resource", ["aliyun.vod.url_upload", "[aliyun.mps.transcoding, aliyun.vod.url_upload]"])
@pytest.mark.parametrize("targets", ["[there]", "['*']", "[here, there]"])
def test_a_service_is_not_in_all_regions_of_a_provider(
    said: Callable[..., list[str]], resource: str, targets: str
) -> None:
    """Said once for a target, also of a region that a variable says. That it lacks an inventory, too, is no help."""
    (mistake,) = said(resource, targets, REGION="cn-beijing")
    assert mistake == (
        "reconciler.yaml:4:26 error: target `there` is in cn-beijing, where aliyun.vod.url_upload does not exist"
        " (name the targets that it holds on under `targets`; its regions: cn-shanghai, ap-southeast-1)"
    )


def test_a_target_where_the_service_is_or_may_be_is_no_mistake(said: Callable[..., list[str]]) -> None:
    assert said("aliyun.vod.url_upload", "[here]", REGION="cn-beijing") == []
    assert said("aliyun.mps.transcoding", "[here, there]", REGION="cn-beijing") == []
    (unknown_yet,) = said("aliyun.vod.url_upload", "[here, there]")
    assert "warning: target `there` has no inventory" in unknown_yet
