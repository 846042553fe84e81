"""`${VAR}` in targets and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.config.model import Configuration

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
        ("${UNSET}-${P}", False, "${UNSET}-p1"),
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


def test_the_provider_is_never_expanded(mistakes: Callable[..., list[str]]) -> None:
    text = "version: 1\ntargets: {a: {provider: '${P}', region: r}}\n"
    assert mistakes(text, P="aliyun") == ["reconciler.yaml:2:25 error: unknown provider `${P}`"]


def test_policies_are_literal(mistakes: Callable[..., list[str]]) -> None:
    text = """\
version: 1
targets: {hw: {provider: huaweicloud, region: r}}
policies:
  p: {resource: huaweicloud.mpc.packaging, match: {input.bucket: "${B}"}, ensure: absent, description: "${free}"}
"""
    assert mistakes(text) == [
        "reconciler.yaml:4:66 warning: `${` is literal text here: variables are expanded in targets and settings only"
    ]


def test_expanded_values_are_checked(mistakes: Callable[..., list[str]]) -> None:
    text = "version: 1\ntargets: {a: {provider: aliyun, region: '${R}'}}\n"
    assert mistakes(text, R="eu-1") == ["reconciler.yaml:2:41 error: `eu-1` must be a region of aliyun"]
