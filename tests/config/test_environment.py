"""`${VAR}` in targets and settings."""

from collections.abc import Callable

import pytest

from reconciler.config.model import Configuration
from reconciler.diagnostics import Diagnostic
from reconciler.selectors import syntax

TEXT = "version: 1\ntargets:\n  hw:\n    provider: huaweicloud\n    region: cn-north-4\n    project_id: {value}\n"


@pytest.mark.parametrize(
    ("value", "strict", "project"),
    [
        ("${P}", True, "p1"),
        ("${P:-x}", True, "p1"),
        ("${UNSET:-x}", True, "x"),
        ("${UNSET:-}", True, None),
        ("${EMPTY}", True, None),
        ("${EMPTY:-x}", True, "x"),
        ("a-${P}-${UNSET:-b}-c", True, "a-p1-b-c"),
        ("$${P}", True, "${P}"),
        ("$$${P}", True, "$${P}"),
        ("$P", True, "$P"),
        ("'${UNSET:-a:-b $x}'", True, "a:-b $x"),
        ("${UNSET}", False, "${UNSET}"),
        ("${UNSET}-${P}", False, "${UNSET}-${P}"),
        ("${NUMBER}", True, "0123"),
        ("''", True, None),
        ("~", True, None),
    ],
)
def test_expansion(accepted: Callable[..., Configuration], value: str, strict: bool, project: str | None) -> None:
    configuration = accepted(TEXT.replace("{value}", value), strict=strict, P="p1", EMPTY="", NUMBER="0123")
    assert configuration.targets["hw"].options.get("project_id") == project


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${UNSET}", "environment variable UNSET is not set (set it, or give a default: ${UNSET:-…})"),
        (
            "${1X}",
            (
                "`${` does not begin a variable here (write ${NAME} or ${NAME:-default}, without nesting;"
                " $${ stands for a literal ${)"
            ),
        ),
        (
            "${A:-${B}}",
            (
                "`${` does not begin a variable here (write ${NAME} or ${NAME:-default}, without nesting;"
                " $${ stands for a literal ${)"
            ),
        ),
    ],
)
def test_mistakes(mistakes: Callable[..., list[str]], value: str, message: str) -> None:
    assert mistakes(TEXT.replace("{value}", value), strict=True, B="b")[0] == f"reconciler.yaml:6:17 error: {message}"


def test_an_unset_variable_is_one_mistake(mistakes: Callable[..., list[str]]) -> None:
    text = "version: 1\nsettings: {concurrency: '${N}'}\ntargets: {a: {provider: aliyun, region: '${R}'}}\n"
    assert [line.split(":", 3)[3] for line in mistakes(text, strict=True)] == [
        " environment variable N is not set (set it, or give a default: ${N:-…})",
        " environment variable R is not set (set it, or give a default: ${R:-…})",
    ]


def test_numbers_in_settings(accepted: Callable[..., Configuration]) -> None:
    settings = accepted(
        "version: 1\nsettings:\n  concurrency: ${N:-4}\n  limits: {max_actions: '${M}'}\n", strict=True, M="7"
    ).settings
    assert (settings.concurrency, settings.limits.max_actions) == (4, 7)


def test_without_variables_everything_that_can_be_a_variable_may_be_one(accepted: Callable[..., Configuration]) -> None:
    text = """\
version: 1
settings: {concurrency: "${A}", backend: "${B}", plan_ttl: "${C}", limits: {max_actions: "${D}", max_percent: "${E}"}}
targets:
  hw:
    provider: huaweicloud
    region: ${F}
    tier: ${G}
    endpoints: {mpc: "https://${H}"}
    rate_limits: {mpc: "${I}/s"}
    credentials: {access_key_id: {env: "${J}"}}
  ali:
    provider: aliyun
    region: ${K}
    inventory: {job_ids: ["${L}"], upload_urls: {file: "${M}/urls.txt"}}
"""
    assert accepted(text).targets["hw"].region == "${F}"


NOT_HERE = (
    "error: no variable is expanded here: only in the values of settings, defaults and targets (not of `provider` and "
    "`regions`) (write the value itself; $${ stands for a literal ${)"
)


def test_the_provider_is_never_expanded(mistakes: Callable[..., list[str]]) -> None:
    text = "version: 1\ntargets: {a: {provider: '${P}', region: r}}\n"
    assert mistakes(text, P="aliyun") == [
        f"reconciler.yaml:2:25 {NOT_HERE}",
        "reconciler.yaml:2:25 error: unknown provider `${P}`",
    ]


@pytest.mark.parametrize(
    "policy",
    [
        'ensure: {at_most: "${KEEP:-100}"}',
        'ensure: {at_most: 1, keep: "${KEEP:-oldest}"}',
        'ensure: {at_most: 1, per: ["${PER:-id}"]}',
        'suspend: "${FREEZE:-true}"',
        'limits: {max_actions: "${MAX:-5}"}',
        'limits: {max_percent: "${MAX}"}',
        'on_blocked: "${B:-fail}"',
        'targets: ["${T:-hw}"]',
        'match: {input.bucket: "${B}"}',
        'match: {input.bucket: {glob: ["a-${B:-*}"]}}',
        'match: {"${FIELD:-id}": x}',
        'description: "${free}"',
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_nothing_is_expanded_in_a_policy(mistakes: Callable[..., list[str]], policy: str, strict: bool) -> None:
    """Neither is it taken for something else: a guard of the default, a policy that is not suspended."""
    whole = {"resource": "huaweicloud.mpc.packaging", "match": "{status: pending}", "ensure": "absent"}
    key, _, value = policy.partition(": ")
    body = ", ".join(f"{name}: {written}" for name, written in {**whole, key: value}.items())
    text = f"version: 1\ntargets: {{hw: {{provider: huaweicloud, region: cn-north-4}}}}\npolicies:\n  p: {{{body}}}\n"
    found = mistakes(text, strict=strict, KEEP="1", B="b", free="f")
    assert len([line for line in found if line.endswith(NOT_HERE)]) == 1


def test_nothing_is_expanded_in_a_protection(mistakes: Callable[..., list[str]]) -> None:
    text = "version: 1\nprotect: {a: {resource: 'huaweicloud.${S:-*}', match: {id: '${I}'}}}\n"
    assert [line for line in mistakes(text) if line.endswith(NOT_HERE)] == [
        f"reconciler.yaml:2:25 {NOT_HERE}",
        f"reconciler.yaml:2:60 {NOT_HERE}",
    ]


def test_a_literal_of_this_form_in_a_policy(accepted: Callable[..., Configuration]) -> None:
    text = """\
version: 1
targets: {hw: {provider: huaweicloud, region: cn-north-4}}
policies:
  p: {resource: huaweicloud.mpc.packaging, match: {input.bucket: "$${B}"}, ensure: absent}
"""
    assert accepted(text).policies["p"].match == syntax.Test("input.bucket", syntax.Operator.EQ, "${B}")


UNEXPANDED_LOOK = "x$${y}"
"""Expansion makes text of it that looks as if a variable were still to be expanded."""


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("targets: {a: {provider: aliyun, region: '%s'}}", "`x${y}` must be a region of aliyun"),
        ("targets: {a: {provider: huaweicloud, region: 'evil.test:8443/%s'}}", "must be the id of a region"),
        ("targets: {a: {provider: huaweicloud, region: cn-north-4, tier: '%s'}}", "`x${y}` is not an allowed value"),
        (
            "targets: {a: {provider: huaweicloud, region: cn-north-4, endpoints: {mpc: 'https://h/%s'}}}",
            "must be an https:// URL",
        ),
        (
            "targets: {a: {provider: huaweicloud, region: cn-north-4, rate_limits: {mpc: '%s'}}}",
            "must be a rate such as",
        ),
        (
            "targets: {a: {provider: huaweicloud, region: cn-north-4, credentials: {token: {env: '%s'}}}}",
            "must be the name of",
        ),
        ("settings: {concurrency: '%s'}", "must be a whole number, but is text"),
        ("settings: {limits: {max_actions: '%s'}}", "must be a whole number, but is text"),
        ("settings: {plan_ttl: '%s'}", "`x${y}` must be a duration such as"),
        ("settings: {backend: '%s'}", "error: must be sqlite:///FILE or"),
    ],
)
@pytest.mark.parametrize("given", ["written", "variable"])
def test_what_only_looks_unexpanded_is_checked(
    mistakes: Callable[..., list[str]], place: str, message: str, given: str
) -> None:
    value = UNEXPANDED_LOOK if given == "written" else "${V}"
    found = mistakes(f"version: 1\n{place % value}\n", V="x${y}")
    assert len(found) == 1
    assert message.replace("`x${y}`", "`${V}`" if given == "variable" else "`x${y}`") in found[0]


def test_entries_that_only_look_unexpanded_are_checked(mistakes: Callable[..., list[str]]) -> None:
    entries = "inventory: {upload_urls: ['no $${x}', '${V}']}"
    text = f"version: 1\ntargets: {{a: {{provider: aliyun, region: cn-x, {entries}}}}}\n"
    assert [line.partition("error: ")[2] for line in mistakes(text, V="${x} y")] == [
        "an entry must not contain spaces or control characters",
        "an entry must not contain spaces or control characters",
    ]


def test_a_mistake_is_not_hidden_by_another_one_of_the_same_place(mistakes: Callable[..., list[str]]) -> None:
    text = "version: 1\npolicies: {p: {resource: '${R}', match: all, ensure: absent}}\n"
    assert [line.partition(" ")[2][:40] for line in mistakes(text)] == [
        "error: no variable is expanded here: only in the"[:40],
        "error: unknown resource type `${R}`",
    ]


def test_expanded_values_are_checked(mistakes: Callable[..., list[str]]) -> None:
    text = "version: 1\ntargets: {a: {provider: aliyun, region: '${R}'}}\n"
    assert mistakes(text, R="eu-1") == ["reconciler.yaml:2:41 error: `${R}` must be a region of aliyun"]
    assert mistakes(text.replace("${R}", "${R:-eu-1}")) == [
        "reconciler.yaml:2:41 error: `${R:-eu-1}` must be a region of aliyun"
    ]


VALUE = "Zq7planted9vX"
"""Of a variable; no message may repeat it."""


@pytest.mark.parametrize(
    "text",
    [
        "settings: {plan_ttl: '${V}'}",
        "settings: {backend: '${V}'}",
        "settings: {backend: 'sqlite:///a?${V}'}",
        "settings: {backend: 'postgresql://u:${V}@h:port/d'}",
        "settings: {backend: 'postgresql://u@h/d?${V}=1'}",
        "settings: {backend: 'postgresql://u@h/d?sslmode=${V}'}",
        "settings: {concurrency: '${V}'}",
        "settings: {concurrency: '${N}'}",
        "settings: {limits: '${V}'}",
        "settings: {limits: {max_percent: '${N}'}}",
        "settings: {limits: ['${V}']}",
        "settings: '${V}'",
        "defaults: {huaweicloud: '${V}'}",
        "defaults: {huaweicloud: {tier: '${V}', credentials: {token: '${V}'}}}",
        "targets: {a: '${V}'}",
        "targets: {a: {provider: aliyun, region: '${V}'}}",
        "targets: {a: {provider: huaweicloud, region: cn-north-4, tier: '${V}'}}",
        "targets: {a: {provider: huaweicloud, region: cn-north-4, tier: ['${V}']}}",
        "targets: {a: {provider: huaweicloud, region: cn-north-4, endpoints: {mpc: 'http://${V}'}}}",
        "targets: {a: {provider: huaweicloud, region: cn-north-4, endpoints: {mpc: ['${V}', '${V}']}}}",
        "targets: {a: {provider: huaweicloud, region: cn-north-4, rate_limits: {mpc: '${V}'}}}",
        "targets: {a: {provider: huaweicloud, region: cn-north-4, rate_limits: {mpc: '${N}'}}}",
        "targets: {a: {provider: huaweicloud, region: cn-north-4, credentials: {token: '${V}'}}}",
        "targets: {a: {provider: huaweicloud, region: cn-north-4, credentials: {token: {env: '${V}/'}}}}",
        "targets: {a: {provider: aliyun, region: cn-x, inventory: {upload_urls: '${V}'}}}",
        "targets: {a: {provider: aliyun, region: cn-x, inventory: {upload_urls: ['${V}']}}}",
        "targets: {a: {provider: aliyun, region: cn-x, inventory: {job_ids: ['${V} ${V}']}}}",
        "targets: {a: {provider: aliyun, region: cn-x, inventory: {job_ids: {file: 'no/${V}.txt'}}}}",
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_the_value_of_a_variable_is_not_repeated(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]], text: str, strict: bool
) -> None:
    configuration, diagnostics = validate(f"version: 1\n{text}\n", strict=strict, V=VALUE, N="7654321")
    assert configuration is None
    assert VALUE not in repr(diagnostics)
    assert "7654321" not in repr(diagnostics)


@pytest.mark.parametrize(
    "name",
    ["HUAWEICLOUD_SDK_SK", "API_KEY", "MY_APIKEY", "SLACK_WEBHOOK", "SLACK_WEBHOOK_URL", "SENTRY_DSN", "DB_PASS"],
)
@pytest.mark.parametrize(
    "place", ["settings: {plan_ttl: '${%s}'}", "targets: {a: {provider: aliyun, region: '${%s}'}}"]
)
def test_variables_that_hold_a_secret_stand_in_no_value(
    mistakes: Callable[..., list[str]], name: str, place: str
) -> None:
    found = mistakes(f"version: 1\n{place % name}\n", **{name: "cn-x"})
    assert [f"environment variable {name} holds a secret, as its name says" in line for line in found] == [True]
