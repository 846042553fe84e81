"""The arrows of the architecture: imports point downwards only, and what talks to the world stands at the edge.

Reads every import with `ast`, those under TYPE_CHECKING and inside functions included.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    *("cli", "daemon", "scaffold", "notifications", "review", "reports", "policy_tests"),
    *("executors", "engine", "documents", "planning", "backends", "providers", "config", "selectors", "tasks"),
)
"""Top to bottom: a room may import rooms below it, and itself."""

BOTTOM = {
    "__init__": frozenset[str](),
    "diagnostics": frozenset({"redaction"}),
    "redaction": frozenset[str](),
    "exceptions": frozenset({"tasks", "diagnostics", "redaction"}),
}
"""Modules under all layers, and what they import in turn. `tasks` imports `redaction` alone of them."""

BLIND_TO_PROVIDERS = ("config", "selectors", "planning", "policy_tests")
"""They receive the catalogue of resource types as an argument."""

ASYNC_ROOMS = frozenset({"cli", "daemon", "engine", "executors", "notifications", "provider", "providers", "simulator"})


class Import(NamedTuple):
    """Both are names of modules."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer.replace('.', '/')}.py:{self.line} imports {self.imported}"


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): path for path in sorted((ROOT / "reconciler").rglob("*.py"))}


def _imports(module: str, path: Path) -> Iterator[Import]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for name in _imported(node, package):
            yield Import(module, name, getattr(node, "lineno", 0))


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """What one statement imports: a module where there is one of that name, else the module that holds the name."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            submodule = f"{base}.{alias.name}"
            yield submodule if submodule in MODULES else base


@cache
def imports() -> tuple[Import, ...]:
    """All that there are. Not read by everybody who looks which tests there are."""
    return tuple(found for module, path in MODULES.items() for found in _imports(module, path))


def internal() -> list[Import]:
    return [found for found in imports() if found.imported.split(".")[0] == "reconciler"]


CLOUDS = {
    module
    for module, path in MODULES.items()
    if module.startswith("reconciler.providers.") and path.name == "__init__.py" and not module.endswith(".transport")
}


def room(module: str) -> str:
    """`cli` of `reconciler.cli.plan`, `__init__` of `reconciler` itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def _allowed(importer: str) -> frozenset[str]:
    """The rooms that a room may import."""
    if importer == "__init__":  # the bottom, which holds the version; and the front door, which opens when it is asked
        return frozenset({"engine", "planning", "exceptions"})
    if importer in BOTTOM:
        return BOTTOM[importer] | {importer}
    if importer == "simulator":
        return frozenset({"simulator"})
    if importer == "__main__":
        return frozenset({"cli"})
    below = frozenset(LAYERS[LAYERS.index("providers" if importer == "provider" else importer) :])
    if importer in {"provider", "providers"}:  # the clouds are written against the public module
        below |= {"provider"}
    if importer == "tasks":
        return below | {"redaction"}
    return below | frozenset(BOTTOM) | (frozenset({"simulator"}) if importer == "cli" else frozenset())


def test_every_room_has_its_place() -> None:
    known = {*LAYERS, *BOTTOM, "provider", "simulator", "__main__"}
    assert {room(module) for module in MODULES} == known


def test_imports_point_downwards() -> None:
    assert [str(found) for found in internal() if room(found.imported) not in _allowed(room(found.importer))] == []


@pytest.mark.parametrize("blind", BLIND_TO_PROVIDERS)
def test_the_pure_core_knows_no_provider(blind: str) -> None:
    arrows = [
        str(found) for found in internal() if room(found.importer) == blind and room(found.imported) == "providers"
    ]
    assert arrows == []


def test_exceptions_take_from_the_domain_only_what_a_fault_is() -> None:
    tree = ast.parse(MODULES["reconciler.exceptions"].read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    domain = [node for node in imports if (node.module or "").startswith("reconciler.tasks")]
    assert {alias.name for node in domain for alias in node.names} == {"Fault", "Meaning"}


def _cloud(module: str) -> str:
    """The package of the provider that a module belongs to; empty where it belongs to none."""
    name = ".".join(module.split(".")[:3])
    return name if name in CLOUDS else ""


def test_nobody_knows_a_cloud_but_itself() -> None:
    assert {f"reconciler.providers.{name}" for name in ("aliyun", "aws", "huaweicloud")} == CLOUDS
    arrows = [str(found) for found in internal() if _cloud(found.imported) not in {"", _cloud(found.importer)}]
    assert arrows == []


def test_the_clouds_are_written_against_the_public_module_alone() -> None:
    """As a provider of another package is."""
    outside = [found for found in internal() if _cloud(found.importer) and not _cloud(found.imported)]
    assert {found.imported for found in outside} == {"reconciler.provider"}


VENDORS = (
    r"(?i)huawei|aliyun|alibaba|mediaconvert|\b(mpc|vod|mps|mts|oss|obs)\b|\bcn-[a-z]|job_ids|upload_urls"
    r"|\bproject_id\b|UploadMediaByURL"
)
NAMES_CLOUDS = {
    "reconciler.scaffold.choices": "the templates of a new repository are those of two clouds",
    "reconciler.cli.examples": "an example of nothing is none",
    "reconciler.cli.init": "its help says with what a new repository begins",
    "reconciler.cli.demo": "it plays on local ones, and keeps the credentials for real ones away",
    "reconciler.cli.simulator": "it is told which clouds it stands for",
}


def test_the_core_names_no_cloud() -> None:
    """What one vendor calls its own is said in its package: a key, a region, a service, an example."""
    named = {
        module
        for module, path in MODULES.items()
        if not _cloud(module) and room(module) != "simulator" and re.search(VENDORS, path.read_text(encoding="utf-8"))
    }
    assert named == NAMES_CLOUDS.keys()


def test_asyncio_stands_at_the_edge() -> None:
    users = [found for found in imports() if found.imported.split(".")[0] == "asyncio"]
    assert [str(found) for found in users if room(found.importer) not in ASYNC_ROOMS] == []


def test_only_the_command_line_and_the_front_doors_import_by_name() -> None:
    """What is imported by a computed name, this file cannot see; of the front doors it sees the types. The factory of
    an executor is the user's."""
    users = [found for found in imports() if found.imported == "importlib"]
    assert [
        str(found) for found in users if room(found.importer) not in {"cli", "__init__", "provider", "executors"}
    ] == []


def test_nothing_is_carried_out_but_by_who_holds_the_locks() -> None:
    """What carries out calls requires a `Held`, and one function makes it, once lease, fence and recovery are there."""
    makers = [
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Held"
    ]
    assert makers == ["reconciler.engine.hold"]


def _defined(tree: ast.AST, before: str = "") -> Iterator[str]:
    """The functions and classes of a module, as `Class.method`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield before + node.name
            yield from _defined(node, f"{before}{node.name}.")


def test_the_way_from_a_saved_plan_to_its_call_leads_through_what_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    steps = re.findall(r"^(?:[0-9]+\.|   -) `(\S+\.py)` `(\S+)`", page, re.MULTILINE)
    assert len(steps) > 15
    for file, name in steps:
        assert name in _defined(ast.parse((ROOT / "reconciler" / file).read_text(encoding="utf-8"))), file


def test_no_rings_of_modules() -> None:
    assert _ring(internal()) == []


def test_a_ring_would_be_found() -> None:
    there = Import("reconciler.planning.plan", "reconciler.planning.plan", 1)
    back = Import("reconciler.planning.plan", "reconciler.planning.plan", 1)
    assert set(_ring([*internal(), there, back])) == {there.importer, back.importer}


def _ring(imports: list[Import]) -> list[str]:
    """Modules that import each other in a ring, or none. A package that re-exports its own modules is no ring."""
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in imports:
        if not found.imported.startswith(f"{found.importer}.") or MODULES[found.importer].name != "__init__.py":
            graph[found.importer].add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_reader_of_imports_sees_them_all(tmp_path: Path) -> None:
    """A test that cannot fail is a defect: types, functions and relative imports are found."""
    module = tmp_path / "probe.py"
    module.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from reconciler.cli import main\n"
        "def late():\n    import asyncio\n    from ..reports import registry\n",
        encoding="utf-8",
    )
    found = {(entry.imported, entry.line) for entry in _imports("reconciler.tasks.probe", module)}
    assert found == {("typing", 1), ("reconciler.cli.main", 3), ("asyncio", 5), ("reconciler.reports.registry", 6)}
