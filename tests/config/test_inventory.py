"""Tasks that the API cannot list."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reconciler.config import inventory
from reconciler.config.model import Configuration
from reconciler.diagnostics import Diagnostic
from reconciler.selectors import syntax

TARGET = "version: 1\ntargets:\n  ali:\n    provider: aliyun\n    region: cn-shanghai\n    inventory:\n"
JOBS_FILE = TARGET + "      job_ids: {file: jobs.txt}\n"
URLS_FILE = TARGET + "      upload_urls: {file: lists/urls.txt}\n"
LIST_FORM = '{"RequestId":"R","UploadJobs":[{"JobId":"j1","SourceURL":"https://h/a?sig=1"},{"JobId":"j2","SourceURL":"https://h/b"}]}'
WRAPPED = '{"UploadJobs":{"UploadJob":[{"JobId":"j3","SourceURL":"https://h/c"}]}}'
BARE = '{"UploadJob":[{"JobId":"j4","SourceURL":"https://h/d"}]}'


def known(configuration: Configuration) -> Mapping[str, tuple[str, ...]]:
    found = configuration.targets["ali"].inventory
    assert found is not None
    return found


def test_inline(accepted: Callable[..., Configuration]) -> None:
    text = TARGET + "      job_ids: [b, a, b]\n      upload_urls: ['https://h/a', 'oss://b/o']\n"
    found = known(accepted(text))
    assert found["job_ids"] == ("b", "a")
    assert found["upload_urls"] == ("https://h/a", "oss://b/o")


def test_files_are_relative_to_the_file_that_names_them(accepted: Callable[..., Configuration]) -> None:
    files = {"conf/reconciler.yaml": URLS_FILE, "conf/lists/urls.txt": "https://h/a\n", "lists/urls.txt": "wrong"}
    assert known(accepted(files))["upload_urls"] == ("https://h/a",)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_comments_blanks_and_saved_answers(accepted: Callable[..., Configuration], end: str) -> None:
    lines = ["# jobs", "", "  j9  ", LIST_FORM, WRAPPED, BARE, "j1", "j9"]
    found = known(accepted({"reconciler.yaml": JOBS_FILE, "jobs.txt": "\ufeff" + end.join(lines)}))
    assert found["job_ids"] == ("j9", "j1", "j2", "j3", "j4")
    lines = [LIST_FORM, "https://h/z#frag", WRAPPED, BARE]
    found = known(accepted({"reconciler.yaml": URLS_FILE, "lists/urls.txt": end.join(lines)}))
    assert found["upload_urls"] == (
        "https://h/a?sig=1",
        "https://h/b",
        "https://h/z#frag",
        "https://h/c",
        "https://h/d",
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("two words", "an entry must not contain spaces or control characters"),
        ("x\x1by", "an entry must not contain spaces or control characters"),
        ('"j1', "a job id is up to 256 letters, digits, `-` and `_`"),
        ('"https://h/a', "not a URL: it begins with a scheme such as https://, and holds no quotes or angle brackets"),
        ("<https://h/a>", "not a URL: it begins with a scheme such as https://, and holds no quotes or angle brackets"),
        ("[", "one entry a line, without the brackets or dashes of a list"),
        ('["j1", "j2"]', "one entry a line, without the brackets or dashes of a list"),
        ("- j1", "one entry a line, without the brackets or dashes of a list"),
        ("x" * 257, "a job id is up to 256 letters, digits, `-` and `_`"),
        ("a,b", "a job id is up to 256 letters, digits, `-` and `_`"),
        ("a%2Cb", "a job id is up to 256 letters, digits, `-` and `_`"),
        ("{broken", "not a JSON object on one line"),
        ("{" * 100_000, "not a JSON object on one line"),
        ('{"Error": 1}', "no answer of UploadMediaByURL: it has no list `UploadJobs`"),
        ('{"UploadJobs": "x"}', "no answer of UploadMediaByURL: it has no list `UploadJobs`"),
        ('{"UploadJobs": [{"Size": 1}]}', "a job of this answer has neither `JobId` nor `SourceURL`"),
        ('{"UploadJobs": [5]}', "a job of this answer has neither `JobId` nor `SourceURL`"),
    ],
)
def test_bad_lines_name_file_and_line(mistakes: Callable[..., list[str]], line: str, reason: str) -> None:
    files = {"reconciler.yaml": JOBS_FILE, "jobs.txt": f"ok\n# comment\n{line}\n"}
    assert mistakes(files) == [f"jobs.txt:3:1 error: {reason}"]


def test_forms_are_told_apart_under_either_key(accepted: Callable[..., Configuration]) -> None:
    lines = ["j1", '"j2"', "'https://h/b',", '"https://h/c"', '""', '{"UploadJobs":[{"SourceURL":"https://h/d"}]}']
    for text, name in ((JOBS_FILE, "jobs.txt"), (URLS_FILE, "lists/urls.txt")):
        found = known(accepted({"reconciler.yaml": text, name: "\n".join(lines)}))
        assert (found["job_ids"], found["upload_urls"]) == (("j1", "j2"), ("https://h/b", "https://h/c", "https://h/d"))


def test_many_bad_lines_are_cut_short(mistakes: Callable[..., list[str]]) -> None:
    found = mistakes({"reconciler.yaml": JOBS_FILE, "jobs.txt": "a b\n" * 100})
    assert len(found) == 21
    assert found[-1] == "jobs.txt:21:1 error: too many mistakes: the rest is not checked"


@pytest.mark.parametrize("line", ["<https://h/a?Signature=s3cret", "aws_secret = s3cret", '{"a": "s3cret"}', "{s3cret"])
def test_bad_lines_are_not_quoted(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]], line: str
) -> None:
    """A branch may name any file that the job can read."""
    _, diagnostics = validate({"reconciler.yaml": JOBS_FILE, "jobs.txt": f"{line}\n"})
    assert diagnostics
    assert "s3cret" not in repr(diagnostics)


@pytest.mark.parametrize("strict", [True, False])
def test_a_file_that_is_missing(mistakes: Callable[..., list[str]], strict: bool) -> None:
    assert mistakes(JOBS_FILE, strict=strict) == [
        "reconciler.yaml:7:23 error: the inventory `jobs.txt` cannot be read: No such file or directory"
    ]


def test_a_file_of_several_targets_is_read_once(
    accepted: Callable[..., Configuration], mistakes: Callable[..., list[str]]
) -> None:
    both = JOBS_FILE + JOBS_FILE.partition("targets:\n")[2].replace("ali:", "another:")
    targets = accepted({"reconciler.yaml": both, "jobs.txt": "j1\n"}).targets.values()
    assert [(target.inventory or {})["job_ids"] for target in targets] == [("j1",), ("j1",)]
    assert len(mistakes({"reconciler.yaml": both, "jobs.txt": "a b\n"})) == 1, "and its mistakes are told once"


def test_a_file_that_a_variable_names(accepted: Callable[..., Configuration]) -> None:
    text = TARGET + "      job_ids: {file: '${DIR}/jobs.txt'}\n"
    assert known(accepted(text))["job_ids"] == ()
    assert known(accepted({"reconciler.yaml": text, "d/jobs.txt": "j1\n"}, DIR="d"))["job_ids"] == ("j1",)


def test_files_that_cannot_be_read(
    mistakes: Callable[..., list[str]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "jobs.txt").write_bytes(b"j1\n\xff\n")
    assert mistakes(JOBS_FILE) == [
        "reconciler.yaml:7:23 error: the inventory `jobs.txt` cannot be read: not UTF-8 at byte 3"
    ]
    monkeypatch.setattr(inventory, "MAX_BYTES", 2)
    assert "larger than" in mistakes(JOBS_FILE)[0]
    (folder / "jobs.txt").unlink()
    (folder / "jobs.txt").mkdir()
    assert mistakes(JOBS_FILE)[0].endswith("it is not a regular file")
    (folder / "jobs.txt").rmdir()
    os.mkfifo(folder / "jobs.txt")
    assert mistakes(JOBS_FILE)[0].endswith("it is not a regular file")
    assert "embedded null " in mistakes(TARGET + '      job_ids: {file: "a\\0b"}\n')[0]


@pytest.mark.parametrize("name", ["OUT/token", "/proc/self/environ", "linked", "through/token", ".env/token"])
def test_a_file_outside_of_the_directory_given_is_not_read(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]],
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
) -> None:
    secret = tmp_path_factory.mktemp("secret")
    (folder / ".env").mkdir()
    for place in (secret, folder / ".env"):
        (place / "token").write_text("s3cret\n", encoding="utf-8")
    (folder / "linked").symlink_to(secret / "token")
    (folder / "through").symlink_to(secret)
    path = name.replace("OUT", os.path.relpath(secret, folder))
    configuration, diagnostics = validate(TARGET + f"      job_ids: {{file: {path}}}\n")
    assert configuration is None
    assert any(f"the inventory `{path}` cannot be read: it" in one.message for one in diagnostics) or "OUT" in name
    assert "s3cret" not in repr(diagnostics)


def test_inline_mistakes(mistakes: Callable[..., list[str]]) -> None:
    text = TARGET + "      job_ids: [341, 'a b', '']\n      upload_urls: {url: x}\n      extra: 1\n"
    assert mistakes(text) == [
        'reconciler.yaml:7:17 error: must be text, but is a number (put it in quotes: `"341"`)',
        "reconciler.yaml:7:22 error: an entry must not contain spaces or control characters",
        "reconciler.yaml:7:29 error: must not be empty",
        "reconciler.yaml:8:7 error: missing key `file`",
        "reconciler.yaml:8:21 error: unknown key `url`",
        "reconciler.yaml:9:7 error: unknown key `extra`",
    ]


# Values of selectors.

POLICY = """\
version: 1
targets: {hw: {provider: huaweicloud, region: cn-north-4}}
policies:
  p:
    resource: huaweicloud.mpc.packaging
    match: {id: {in: {file: lists/ids.txt}}}
    ensure: absent
"""


def test_values_of_a_selector_stand_one_a_line(accepted: Callable[..., Configuration]) -> None:
    lines = "\ufeff# of ticket 4711\r\n\r\n  10743  \n'10744'\n\"10745\",\n10743\n"
    files = {"conf/reconciler.yaml": POLICY, "conf/lists/ids.txt": lines, "lists/ids.txt": "1"}
    found = accepted(files)
    assert found.policies["p"].match == syntax.Test("id", syntax.Operator.IN, ("10743", "10744", "10745"))
    inline = accepted({"conf/reconciler.yaml": POLICY.replace("{file: lists/ids.txt}", "['10745', '10744', '10743']")})
    assert inline.fingerprint == found.fingerprint
    files["conf/lists/ids.txt"] = "10743\n"
    assert accepted(files).fingerprint != found.fingerprint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "the list `lists/ids.txt` cannot be read: No such file or directory"),
        ("- 10743\n", "line 1 of `lists/ids.txt`: one entry a line, without the dashes of a list"),
        ("10743\ntask 4\n", "line 2 of `lists/ids.txt` can be no id of huaweicloud.mpc.packaging"),
        (
            "# none yet\n",
            "`lists/ids.txt` has no entry: an empty list matches nothing (write at least one, one a line)",
        ),
    ],
)
def test_a_list_that_is_none(mistakes: Callable[..., list[str]], content: str | None, said: str) -> None:
    text = {"reconciler.yaml": POLICY} | ({} if content is None else {"lists/ids.txt": content})
    assert mistakes(text) == [f"reconciler.yaml:6:{29 if 'can be no' in said else 22} error: {said}"]


@pytest.mark.parametrize("path", ["../ids.txt", "/etc/hostname", ".hidden/ids.txt"])
def test_lists_stay_within_the_directories_given(mistakes: Callable[..., list[str]], folder: Path, path: str) -> None:
    (folder.parent / "ids.txt").write_text("somebody-elses\n")
    files = {"reconciler.yaml": POLICY.replace("lists/ids.txt", path), ".hidden/ids.txt": "somebody-elses\n"}
    (said,) = mistakes(files)
    assert "cannot be read: it " in said
    assert "elses" not in said
