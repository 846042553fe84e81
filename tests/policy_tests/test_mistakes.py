"""What is wrong with a test file is said all at once, each mistake at its place, and with what would be right."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy_tests.repository import NOON, Repository, one_test

EXPECT = "expect: {stale-uploads: {}}"
CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text("utf-8"))


def text_of(case: dict[str, Any]) -> str:
    if "task" in case:
        return one_test(f"tasks:\n  - {case['task'].strip()}\n{EXPECT}")
    return one_test(case["body"]) if "body" in case else str(case["text"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(text_of(case).split())[-50:])
def test_a_mistake_is_said_at_its_place(repository: Repository, case: dict[str, Any]) -> None:
    found = [mistake.removeprefix("t.reconciler-test.yaml:") for mistake in repository.mistakes(text_of(case))]
    assert found == case["said"]


def test_names_are_defined_once_in_all_files(repository: Repository) -> None:
    repository.write("a.reconciler-test.yaml", one_test(f"tasks: [{{id: a}}]\n{EXPECT}"))
    assert repository.mistakes(one_test(f"tasks: [{{id: a}}]\n{EXPECT}")) == [
        (
            "t.reconciler-test.yaml:4:3: `it` is defined twice: first at a.reconciler-test.yaml:4:3 "
            "(rename or remove one of the two)"
        )
    ]


def test_mistakes_of_all_files_come_at_once_and_in_order(repository: Repository) -> None:
    for name in ("b", "a"):
        text = f"version: 1\nnow: {NOON}\ntests: {{{name}: {{tasks: [x]}}}}\n"
        repository.write(f"{name}.reconciler-test.yaml", text)
    found = [mistake.split(": ")[0] for mistake in repository.mistakes()]
    assert found == [f"{name}.reconciler-test.yaml:3:{column}" for name in ("a", "b") for column in (9, 21)]


def test_mistakes_of_an_invalid_configuration_come_with_them(repository: Repository) -> None:
    repository.write("reconciler.yaml", "version: 1\npolicys: {}\n")
    found = repository.mistakes("version: 1\ntests: {a: {tusks: 1}}\n")
    assert "reconciler.yaml:2:1: unknown key `policys` (did you mean `policies`?)" in found
    assert "t.reconciler-test.yaml:2:13: unknown key `tusks` (did you mean `tasks`?)" in found


def test_a_warning_of_the_configuration_is_no_mistake_of_a_test(repository: Repository) -> None:
    assert repository.mistakes(one_test(f"tasks: [{{id: a, status: running}}]\n{EXPECT}")) == []
    assert [warning.path for warning in repository.load().configuration.warnings] == [
        "protect.legal-hold.match.input.bucket"
    ]


BY_WORD = "huaweicloud.mpc.packaging, match: {provider_status: INIT}"


@pytest.mark.parametrize(
    "more",
    [
        f"policies: {{by-word: {{resource: {BY_WORD}, ensure: absent}}}}",
        f"protect: {{by-word: {{resource: {BY_WORD}}}}}",
        (
            "policies: {by-word: {resource: huaweicloud.mpc.packaging, match: {status: pending}, "
            "ensure: {at_most: 1, per: [provider_status]}}}"
        ),
    ],
)
def test_a_status_of_several_words_is_no_answer_where_the_word_decides(repository: Repository, more: str) -> None:
    """No listed task is without its word: what is left out would be unknown, and a test pass on what cannot be."""
    repository.write("more.reconciler.yaml", f"version: 1\n{more}\n")
    body = "target: huawei-b\ntasks: [{id: a, %s}]\nexpect: {no-drafts: {}}"
    assert repository.mistakes_in(body % "status: pending") == [
        (
            "`provider_status` decides here, and pending may be any of INIT WAITING "
            "(write `provider_status: INIT` instead of `status`)"
        )
    ]
    assert repository.mistakes_in(body % "status: succeeded") == []
    assert repository.mistakes_in(f"policies: [no-drafts]\n{body}" % "provider_status: WAITING") == []


def test_a_hostile_name_does_nothing_in_a_message(repository: Repository) -> None:
    found = repository.mistakes_in('tasks: [{"id": "a", "x\\e]0;y": 1}]\n' + EXPECT)
    assert found == ["`x\\x1b]0;y` is not a field of aliyun.vod.url_upload"]


def test_a_file_that_cannot_be_read_says_so(repository: Repository) -> None:
    (repository.folder / "t.reconciler-test.yaml").symlink_to("nowhere")
    assert repository.mistakes() == ["t.reconciler-test.yaml:1:1: the file cannot be read: No such file or directory"]
