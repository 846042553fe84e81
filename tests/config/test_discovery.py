"""Which files are found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.config.discovery import discover
from reconciler.config.loader import load_configuration
from reconciler.exceptions import ExitCode, InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.tasks.catalogue import Catalogue


def names(*paths: str) -> list[str]:
    files, diagnostics = discover([Path(path) for path in paths])
    assert diagnostics == []
    return [file.as_posix() for file in files]


def complaint(*paths: str) -> list[str]:
    files, diagnostics = discover([Path(path) for path in paths])
    assert files == []
    return [f"{one.location}: {one.message} ({one.hint})" for one in diagnostics]


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
    write({"elsewhere/.real/reconciler.yaml": "version: 1\n", "conf/x": ""})
    (folder / "conf/linked").symlink_to(folder / "elsewhere/.real", target_is_directory=True)
    (folder / "conf/loop").symlink_to(folder / "conf", target_is_directory=True)
    assert names("conf") == ["conf/linked/reconciler.yaml"]


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


def test_the_other_spelling_is_noticed(write: Callable[..., None]) -> None:
    write({"reconciler.yml": "version: 1\n"})
    assert complaint()[0].endswith("(rename *.yml to *.yaml, or name the file)")


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
