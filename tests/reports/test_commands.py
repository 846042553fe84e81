"""Printed commands, read back by a real shell."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.redaction import presentable
from reconciler.reports.commands import apply_saved, show_saved, word
from tests.reports.examples import EMPTY

BASH = shutil.which("bash")
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.skipif(BASH is None, reason="this machine has no bash")
@given(st.lists(NAMES, min_size=1, max_size=50))
def test_a_shell_reads_every_name_as_it_is(names: list[str]) -> None:
    line = " ".join(["printf '%s\\0'", *map(word, names)])
    assert presentable(line) == line, "it can be printed"
    printed = subprocess.run([BASH or "", "-c", line], capture_output=True, check=True).stdout
    assert printed == b"".join(name.encode() + b"\0" for name in map(_no_flag, names))


def _no_flag(name: str) -> str:
    return f"./{name}" if name.startswith("-") else name


@pytest.mark.parametrize(("name", "written"), [("\udcff", r"$'\xff'"), ("\ud800", r"$'\xed\xa0\x80'")])
def test_what_is_no_text_is_written_by_its_bytes(name: str, written: str) -> None:
    assert word(name) == written


@pytest.mark.parametrize(
    ("files", "paths"),
    [
        (["reconciler.yaml"], ""),
        (["a/x.reconciler.yaml", "reconciler.yaml"], ""),
        (["conf/a/x.reconciler.yaml", "conf/reconciler.yaml"], " conf"),
        (["../conf/reconciler.yaml"], " ../conf"),
        (["/etc/my reconciler/reconciler.yaml"], " '/etc/my reconciler'"),
        (["/a/reconciler.yaml", "b/reconciler.yaml"], " /a/reconciler.yaml b/reconciler.yaml"),
        (["my.yaml"], " my.yaml"),
        (["my-reconciler.yaml"], " my-reconciler.yaml"),
        ([], ""),
    ],
)
def test_where_the_paths_are_not_known_they_follow_from_the_files(files: list[str], paths: str) -> None:
    plan = replace(EMPTY, configuration=replace(EMPTY.configuration, files=tuple(files)))
    assert apply_saved(plan, (), None) == f"reconciler apply --plan FILE{paths}"
    assert apply_saved(plan, ("-x y",), ["-z"]) == "reconciler apply --plan './-x y' ./-z"


def test_a_file_that_is_not_known_is_called_so() -> None:
    assert (show_saved(()), show_saved(("my plan", "b"))) == ("reconciler show FILE", "reconciler show 'my plan' b")
