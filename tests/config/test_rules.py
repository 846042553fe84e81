"""Each kind of mistake under the rule that code scanning knows it by."""

from collections.abc import Callable

import pytest

from reconciler.config.model import Configuration
from reconciler.diagnostics import Diagnostic, Rule

Validate = Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]]


TARGET = "targets: {t: {provider: huaweicloud, region: cn-north-4}}\n"
STREAMS = "targets: {t: {provider: aliyun, region: cn-shanghai}}\n"
UPLOADS = "targets: {u: {provider: aliyun, region: cn-shanghai"


def policy(match: str, resource: str = "huaweicloud.mpc.packaging", rest: str = "") -> str:
    return f"version: 1\n{TARGET}policies: {{p: {{resource: {resource}, match: {match}, ensure: absent{rest}}}}}\n"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("version: [", Rule.YAML_SYNTAX),
        ("version: 1\n\tx: 2", Rule.YAML_SYNTAX),
        ("version: 1\nversion: 1\n", Rule.DUPLICATE),
        ("version: 1\nx: 1\n", Rule.UNKNOWN_KEY),
        ("version: 2\n", Rule.STRUCTURE),
        ("settings: {}\n", Rule.STRUCTURE),
        ("version: 1\nsettings: {concurrency: many}\n", Rule.STRUCTURE),
        ("version: 1\nsettings: {plan_ttl: 0s}\n", Rule.STRUCTURE),
        ("version: 1\nsettings: {backend: 'postgresql://me:pw@h/db'}\n", Rule.SECRET),
        (
            "version: 1\ntargets: {t: {provider: huaweicloud, region: cn-north-4, credentials: {token: AKIA}}}\n",
            Rule.SECRET,
        ),
        ("version: 1\ntargets: {t: {provider: huawei, region: x}}\n", Rule.UNKNOWN_REFERENCE),
        (policy("{status: pending}", "huaweicloud.mpc.packagin"), Rule.UNKNOWN_REFERENCE),
        (policy("{status: pending}", rest=", targets: [nowhere]"), Rule.UNKNOWN_REFERENCE),
        (policy("{status: pending}", rest=", targets: ['x-*']"), Rule.UNKNOWN_REFERENCE),
        (policy("{status: pending}", "aliyun.vod.url_upload"), Rule.UNKNOWN_REFERENCE),
        ("version: 1\nprotect: {p: {resource: 'x.*', match: all}}\n", Rule.UNKNOWN_REFERENCE),
        (f"version: 1\n{UPLOADS}, inventory: {{job_ids: ['a b']}}}}}}\n", Rule.INVENTORY),
        (f"version: 1\n{UPLOADS}, inventory: {{job_ids: {{file: none.txt}}}}}}}}\n", Rule.INVENTORY),
        ("version: 1\ntargets: {t: {provider: huaweicloud, region: '${X Y}'}}\n", Rule.ENVIRONMENT),
        (policy("{status: pending, input.bucket: '${B}'}"), Rule.ENVIRONMENT),
        (policy("{statuss: pending}"), Rule.UNKNOWN_FIELD),
        (policy("{status: pendin}"), Rule.SELECTOR_TYPE),
        (policy("{progress: {glob: x}}"), Rule.SELECTOR_TYPE),
        (policy("{status: pending, created_at: 6h}"), Rule.SELECTOR_TYPE),
        (policy("{}"), Rule.SELECTOR),
        (policy("{not: [{status: pending}]}"), Rule.SELECTOR),
        (policy("all", "huaweicloud.vod.editing"), Rule.DEAD_END),
        (policy("{status: running}"), Rule.NEVER_ACTS),
        (policy("{status: running}", "aliyun.vod.stream").replace(TARGET, STREAMS), Rule.NEVER_ACTS),
        (policy("{status: pending}", rest=", cancel_running: true"), Rule.NEVER_ACTS),
        (policy("{status: pending}", rest=", limits: {max_actions: 0, on_excess: defer}"), Rule.NEVER_ACTS),
        (f"settings: {{limits: {{max_percent: 0, on_excess: defer}}}}\n{policy('{status: pending}')}", Rule.NEVER_ACTS),
        (
            "settings: {run_limits: {max_actions: 0}}\n"
            + policy("{status: pending}", rest=", limits: {on_excess: defer}"),
            Rule.NEVER_ACTS,
        ),
        ("version: 1\nprotect: {p: {resource: 'huaweicloud.*', match: {input.bucket: x}}}\n", Rule.PROTECTION_BREADTH),
    ],
)
def test_a_mistake_has_its_rule(validate: Validate, text: str, rule: Rule) -> None:
    _, found = validate(text)
    assert [diagnostic.rule for diagnostic in found] == [rule], [diagnostic.message for diagnostic in found]


def test_a_variable_that_is_not_set(validate: Validate) -> None:
    _, [found] = validate("version: 1\ntargets: {t: {provider: huaweicloud, region: '${X}'}}\n", strict=True)
    assert found.rule is Rule.ENVIRONMENT


@pytest.mark.parametrize("files", [{}, {"a.reconciler.yml": "version: 1"}])
def test_no_file(validate: Validate, files: dict[str, str]) -> None:
    _, [found] = validate(files)
    assert found.rule is Rule.FILE


def test_a_name_in_two_files(validate: Validate) -> None:
    text = f"version: 1\n{TARGET}"
    _, [found] = validate({"a.reconciler.yaml": text, "b.reconciler.yaml": text})
    assert found.rule is Rule.DUPLICATE
    _, [found] = validate({f"{name}.reconciler.yaml": "version: 1\nsettings: {concurrency: 2}\n" for name in "ab"})
    assert found.rule is Rule.DUPLICATE


def test_what_runs_may_be_canceled_where_the_policy_says_so_and_the_cloud_does(validate: Validate) -> None:
    for match in ("{status: running}", "{status: [pending, running]}"):
        text = policy(match, "aliyun.vod.stream", ", cancel_running: true").replace(TARGET, STREAMS)
        loaded, found = validate(text)
        assert (found, loaded is not None and loaded.policies["p"].cancel_running) == ((), True)


def test_where_nothing_cancels_what_runs_validate_says_which_kinds_have_it(validate: Validate) -> None:
    loaded, (found,) = validate(policy("{status: pending}", rest=", cancel_running: true"))
    assert loaded is None
    assert "huaweicloud.mpc.packaging" in found.message
    assert "aliyun.vod.stream" in found.hint
