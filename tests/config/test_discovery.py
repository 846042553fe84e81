"""Which files are found."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.config.discovery import discover
from reconciler.config.loader import check, load_configuration
from reconciler.exceptions import ExitCode, InvalidConfiguration
from reconciler.tasks.resource_type import Catalogue


def names(*paths: str) -> list[str]:
    found = discover([Path(path) for path in paths])
    assert found.diagnostics == ()
    return [file.as_posix() for file in found.files]


def complaint(*paths: str) -> list[str]:
    found = discover([Path(path) for path in paths])
    assert found.files == ()
    return [f"{one.location}: {one.message} ({one.hint})" for one in found.diagnostics]


def test_by_name_recursively_sorted_without_hidden_ones(write: Callable[..., None]) -> None:
    found = ["a/b/team.reconciler.yaml", "a/reconciler.yaml", "b.reconciler.yaml", "reconciler.yaml"]
    others = [".hidden/reconciler.yaml", "a/.x/reconciler.yaml", "other.yaml", "reconciler.yml", ".y.reconciler.yaml"]
    write(dict.fromkeys([*others, *reversed(found)], "version: 1\n"))
    assert names() == found


def test_a_file_that_is_named_may_have_any_name(write: Callable[..., None]) -> None:
    write({"x.txt": "version: 1\n", ".hidden/reconciler.yaml": "version: 1\n"})
    assert names("x.txt", ".hidden") == [".hidden/reconciler.yaml", "x.txt"]


def test_the_same_file_counts_once(write: Callable[..., None], folder: Path) -> None:
    write({"a/reconciler.yaml": "version: 1\n"})
    (folder / "link.reconciler.yaml").symlink_to(folder / "a/reconciler.yaml")
    assert len(names("a/reconciler.yaml", "a", "./a/../a/reconciler.yaml", str(folder))) == 1


def test_links_to_directories_are_followed_and_loops_end(write: Callable[..., None], folder: Path) -> None:
    write({"conf/shared/reconciler.yaml": "version: 1\n", "conf/deep/x": ""})
    (folder / "conf/a").symlink_to(folder / "conf/shared", target_is_directory=True)
    (folder / "conf/loop").symlink_to(folder / "conf", target_is_directory=True)
    assert names("conf") == ["conf/a/reconciler.yaml"]


def test_a_directory_with_the_name_of_a_file_is_searched(write: Callable[..., None]) -> None:
    write({"x.reconciler.yaml/reconciler.yaml": "version: 1\n"})
    assert names() == ["x.reconciler.yaml/reconciler.yaml"]


def test_none_found(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert complaint("empty") == [
        (
            "empty:1:1: no configuration found: looked for reconciler.yaml and *.reconciler.yaml in `empty` and below"
            " (name a file or directory that has one; `reconciler init DIR` writes a first one)"
        )
    ]


@pytest.mark.parametrize("text", ["version: 1\nprotect:\n", '\ufeff# all\r\n"version": 1 # one\r\npolicies: {}\r\n'])
@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("reconciler.yml", "reconciler.yaml"),
        ("a/Reconciler.YAML", "reconciler.yaml"),
        ("legal.yaml", "legal.reconciler.yaml"),
        ("a/legal.reconciler.yml", "legal.reconciler.yaml"),
    ],
)
def test_a_name_that_nearly_fits(write: Callable[..., None], name: str, better: str, text: str) -> None:
    write({"reconciler.yaml": "version: 1\n", name: text, "compose.yaml": "version: '3'\nservices: {}\n"})
    found = discover([])
    assert [file.as_posix() for file in found.files] == ["reconciler.yaml"]
    (warning,) = found.diagnostics
    assert (str(warning.location), warning.severity) == (f"{name}:1:1", "warning")
    assert warning.message.startswith(f"`{name}` looks like configuration, but is not read: its name is neither")
    assert warning.hint == f"rename it to {better}, or name it"
    assert names(".", name) == sorted([name, "reconciler.yaml"])


def test_the_other_spelling_is_noticed(write: Callable[..., None]) -> None:
    write({"reconciler.yml": "version: 1\n"})
    assert complaint()[0].endswith("(rename *.yml to *.yaml, or name the file)")


@pytest.mark.parametrize(
    "marker", ["venv/pyvenv.cfg", "venv/lib/site-packages/x", "node_modules/x", "a/node_modules/b/x"]
)
def test_other_peoples_code_is_left_out(write: Callable[..., None], marker: str) -> None:
    foreign = str(Path(marker).parent / "reconciler" / "demo" / "reconciler.yaml")
    write(
        {"reconciler.yaml": "version: 1\n", marker: "", foreign: "version: 1\n", "venv/lib/python3/site-packages/y": ""}
    )
    assert names() == ["reconciler.yaml"]


def test_a_directory_that_is_given_is_searched_though_it_is_an_environment(write: Callable[..., None]) -> None:
    write({"pyvenv.cfg": "", "reconciler.yaml": "version: 1\n", "lib/python3/site-packages/reconciler.yaml": ""})
    assert names() == ["reconciler.yaml"]


SECRET = "AWS_SECRET_ACCESS_KEY=s3cret\0PATH=/bin\0"
OUT = "it lies outside of the directory given, or is a link that leads out of it"


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory beside the current one, with what is nobody's business."""
    place = tmp_path_factory.mktemp("outside")
    for name in ("environ", "reconciler.yaml", "jobs.txt"):
        (place / name).write_text(SECRET, encoding="utf-8")
    return place


@pytest.mark.parametrize("link", ["leak.reconciler.yaml", "conf/deep/reconciler.yaml"])
@pytest.mark.parametrize("given", [(), ("conf/../.",)])
def test_a_link_that_leads_out_is_refused(
    write: Callable[..., None], folder: Path, outside: Path, link: str, given: tuple[str, ...], catalogue: Catalogue
) -> None:
    write({"conf/deep/x": ""})
    for target in (outside / "environ", Path("/proc/self/environ"), Path("/etc/passwd")):
        (folder / link).unlink(missing_ok=True)
        (folder / link).symlink_to(target)
        _, diagnostics = check([Path(path) for path in given], catalogue, environment={})
        found = [f"{one.location}: {one.message}|{one.excerpt}" for one in diagnostics]
        assert found == [f"{link}:1:1: the file cannot be read: {OUT}|"]


def test_a_link_to_a_directory_that_leads_out_is_refused(
    write: Callable[..., None], folder: Path, outside: Path
) -> None:
    write({"reconciler.yaml": "version: 1\n", "conf/x": ""})
    (folder / "conf/all").symlink_to("/")
    (folder / "conf/side").symlink_to(outside)
    found = discover([])
    assert [file.as_posix() for file in found.files] == ["reconciler.yaml"]
    assert [str(one.location) for one in found.diagnostics] == ["conf/all:1:1", "conf/side:1:1"]
    assert discover([Path("conf/side")]).files == discover([Path("conf/all/etc")]).files == ()


def test_a_link_between_directories_that_are_given_is_followed(
    write: Callable[..., None], folder: Path, outside: Path
) -> None:
    write({"conf/x": ""})
    (folder / "conf/side").symlink_to(outside)
    assert [file.name for file in discover([Path("conf"), outside]).files] == ["reconciler.yaml"]


def test_a_path_that_is_given_must_not_lead_out_by_a_link(folder: Path, outside: Path) -> None:
    (folder / "policies").symlink_to(outside)
    (folder / "one.yaml").symlink_to(outside / "environ")
    for path in ("policies", "policies/environ", "one.yaml", str(folder / "one.yaml"), str(folder / "policies")):
        assert "is a link that leads out of the directory it is in (name what it leads to)" in complaint(path)[0]
    assert [file.name for file in discover([outside / "environ"]).files] == ["environ"]


def test_a_volume_of_kubernetes_is_read(write: Callable[..., None], folder: Path) -> None:
    write({"etc/..2025_01_01/reconciler.yaml": "version: 1\n", "etc/..2025_01_01/x.yaml": "version: 1\n"})
    (folder / "etc/..data").symlink_to("..2025_01_01")
    (folder / "etc/reconciler.yaml").symlink_to("..data/reconciler.yaml")
    found = discover([folder / "etc"])
    assert found.diagnostics == ()
    assert found.roots.read(found.files[0], 99) == b"version: 1\n"


@pytest.mark.parametrize("target", [".git/config", ".env", "conf/.secret/a.yaml"])
def test_a_link_to_something_hidden_is_refused(
    write: Callable[..., None], folder: Path, mistakes: Callable[..., list[str]], target: str
) -> None:
    write({target: SECRET})
    (folder / "x.reconciler.yaml").symlink_to(target)
    assert mistakes({}) == [
        "x.reconciler.yaml:1:1 error: the file cannot be read: it is hidden, or lies in a hidden directory"
    ]


@pytest.mark.parametrize(
    ("given", "left_out"),
    [
        ((), []),
        ((".",), []),
        (("policies/a.reconciler.yaml",), ["more/b.reconciler.yaml:4:1", "reconciler.yaml:2:1"]),
        (("policies/a.reconciler.yaml", "reconciler.yaml"), ["more/b.reconciler.yaml:4:1"]),
        (("policies/a.reconciler.yaml", "."), []),
        (("policies",), ["reconciler.yaml:2:1"]),
        (("more/b.reconciler.yaml",), []),
    ],
)
def test_protections_that_a_narrow_path_leaves_out_are_told(
    write: Callable[..., None], catalogue: Catalogue, given: tuple[str, ...], left_out: list[str]
) -> None:
    target = "targets: {t: {provider: huaweicloud, region: cn-north-4}}\n"
    policy = "p: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}"
    protection = "{resource: huaweicloud.mpc.snapshot, match: all}"
    write(
        {
            "reconciler.yaml": f"version: 1\nprotect:\n  one: {protection}\n",
            "more/b.reconciler.yaml": f"\n# more\nversion: 1\nprotect: {{two: {protection}}}\n",
            "policies/a.reconciler.yaml": f"version: 1\n{target}policies: {{{policy}}}\n",
            "policies/c.reconciler.yaml": "version: 1\n",
        }
    )
    configuration, diagnostics = check([Path(path) for path in given], catalogue, environment={})
    assert configuration is not None
    assert [str(one.location) for one in diagnostics] == left_out
    assert all("its protections do not hold" in one.message for one in configuration.warnings)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_regular_file_is_not_opened(folder: Path, catalogue: Catalogue) -> None:
    os.mkfifo(folder / "pipe")
    _, (found,) = check([folder / "pipe"], catalogue, environment={})
    assert found.message == "the file cannot be read: it is not a regular file"


def test_a_path_that_is_not_there(folder: Path) -> None:
    assert complaint("nowhere", "x\0y") == [
        "nowhere:1:1: `nowhere` does not exist ()",
        "x\\x00y:1:1: `x\\x00y` does not exist ()",
    ]


def test_none_found_ends_with_65(folder: Path, catalogue: Catalogue) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        load_configuration([], catalogue, environment={}, strict=False)
    assert caught.value.exit_code is ExitCode.INVALID
    assert len(caught.value.diagnostics) == 1


def test_a_broken_link_and_an_unreadable_file_are_mistakes(folder: Path, mistakes: Callable[..., list[str]]) -> None:
    (folder / "a.reconciler.yaml").symlink_to(folder / "gone")
    assert mistakes({}) == ["a.reconciler.yaml:1:1 error: the file cannot be read: No such file or directory"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_left_out_of_a_search(write: Callable[..., None], folder: Path) -> None:
    write({"reconciler.yaml": "version: 1\n"})
    os.mkfifo(folder / "pipe.reconciler.yaml")
    assert names() == ["reconciler.yaml"]


def test_paths_are_shown_relative_to_the_current_directory(
    folder: Path, write: Callable[..., None], mistakes: Callable[..., list[str]]
) -> None:
    assert mistakes({"sub/dir/reconciler.yaml": "version: 2\n"})[0].startswith("sub/dir/reconciler.yaml:1:10 ")
