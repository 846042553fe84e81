"""The table of docs/reliability.md and this folder say the same: no claim without a test, no test without a claim."""

import ast
import re
from pathlib import Path

from tests.faults.test_one_fault import CASES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROW = re.compile(
    r"^\| (?P<fault>[^|]+) \| (?P<promise>[^|]+) \| `(?P<module>[\w/]+)::(?P<test>[^`]+)` \|$", re.MULTILINE
)


def rows() -> list[re.Match[str]]:
    document = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    table = document.partition("| the test that shows it |\n")[2].split("\n\n")[0]
    found = list(ROW.finditer(table))
    assert len(found) == len(table.strip().splitlines()) - 1, "a row of another form"
    return found


def names_in(path: Path) -> set[str]:
    """Functions; in test_one_fault.py the cases of its only one."""
    if path.stem == "test_one_fault":
        return set(CASES)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_the_table_names_exists() -> None:
    for row in rows():
        folder = ROOT if "/" in row["module"] else HERE
        path = folder / f"{row['module']}.py"
        assert path.is_file(), f"{row['fault']}: no file {path.name}"
        assert row["test"] in names_in(path), f"{row['fault']}: {path.name} has no {row['test']}"


def test_every_test_of_this_folder_stands_in_the_table_once() -> None:
    named = [f"{row['module']}::{row['test']}" for row in rows()]
    assert len(named) == len(set(named))
    here = {
        f"{path.stem}::{test}" for path in HERE.glob("test_*.py") if path != Path(__file__) for test in names_in(path)
    }
    assert here == {name for name in named if "/" not in name}
