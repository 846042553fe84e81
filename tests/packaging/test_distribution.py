"""What users install: built from the tree and from the sdist, and used from a directory far from both.

The environment holds the wheel and what the wheel says it needs, nothing else: neither the checkout nor the
development tools. It is made without network, of the packages that are installed for the tests.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reconciler import __version__
from reconciler.config.schema import render_schema
from reconciler.providers.registry import catalogue

ROOT = Path(__file__).parents[2]
VALID = """
version: 1
targets:
  prod: {provider: huaweicloud, region: cn-north-4}
policies:
  p: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}
"""


@dataclass(frozen=True)
class Distribution:
    """What was built, once per run: `wheel` from the tree, `rebuilt` from the sdist."""

    wheel: Path
    sdist: Path
    rebuilt: Path
    environment: Path

    def run(self, *words: str, directory: Path) -> subprocess.CompletedProcess[str]:
        """Run the installed program in `directory`, with nothing of this process's Python settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RECONCILER_"))}
        return subprocess.run(
            [str(self.environment / "bin" / "reconciler"), *words],
            cwd=directory,
            env=kept | {"HOME": str(directory), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """Built by the first worker that needs it; the others wait at the lock and take what is there."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "distribution"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "ready").exists():
            _build(ROOT, place / "tree", "--wheel")
            _build(ROOT, place / "source")  # an sdist, and a wheel of it
            _install(_only(place / "tree", "*.whl"), place / "environment")
            (place / "ready").touch()
    tree, source = place / "tree", place / "source"
    return Distribution(_only(tree, "*.whl"), _only(source, "*.tar.gz"), _only(source, "*.whl"), place / "environment")


def _build(source: Path, target: Path, *flags: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", *flags, "--outdir", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)


def _only(directory: Path, pattern: str) -> Path:
    (found,) = directory.glob(pattern)
    return found


def _install(wheel: Path, environment: Path) -> None:
    venv.create(environment, with_pip=False, symlinks=True)
    site = next((environment / "lib").glob("python*")) / "site-packages"
    python = environment / "bin" / "python"
    installer = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    offline = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*installer, *offline, str(wheel)], check=True, capture_output=True, text=True)
    for name in _needed(wheel):
        _link(metadata.distribution(name), site)


def _needed(wheel: Path) -> set[str]:
    """Names of everything that the wheel needs, and of what that needs in turn; extras of its own left out."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode("utf-8").splitlines()
    waiting = [Requirement(line.removeprefix("Requires-Dist: ")) for line in lines if line.startswith("Requires-Dist")]
    needed: set[tuple[str, str]] = set()
    seen: set[tuple[str, str]] = set()
    pending = [(requirement, "") for requirement in waiting]
    while pending:
        requirement, extra = pending.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *requirement.extras):
            key = (canonicalize_name(requirement.name), wanted)
            if key not in seen:
                seen.add(key)
                needed.add(key)
                requires = metadata.distribution(requirement.name).requires or []
                pending += [(Requirement(text), wanted) for text in requires]
    return {name for name, _ in needed}


def _link(installed: metadata.Distribution, site: Path) -> None:
    """Show an installed distribution in another environment, by links to its top-level files and directories."""
    for top in {file.parts[0] for file in installed.files or () if file.parts[0] not in {"..", "__pycache__"}}:
        link = site / top
        if not link.exists():
            link.symlink_to(Path(str(installed.locate_file(top))))


def _members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def _tracked(*names: str) -> Iterator[str]:
    """Files of the checkout below the directories named, as a build should see them."""
    for name in names:
        for path in (ROOT / name).rglob("*"):
            if path.is_file() and not {"__pycache__", "node_modules"} & set(path.parts):
                yield path.relative_to(ROOT).as_posix()


INFO = f"media_reconciler-{__version__}.dist-info"


def test_the_wheel_holds_the_package_and_the_schemas_and_nothing_else(distribution: Distribution) -> None:
    expected = {*_tracked("reconciler"), *(f"reconciler/{name}" for name in _tracked("schemas"))}
    expected |= {f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    assert _members(distribution.wheel) == expected


@pytest.mark.parametrize(
    "name",
    [
        "reconciler/py.typed",
        "reconciler/requirements.lock",
        "reconciler/schemas/reconciler.schema.json",
        "reconciler/schemas/plan.schema.json",
        "reconciler/schemas/report.schema.json",
        "reconciler/simulator/demo/reconciler.yaml.template",
        "reconciler/simulator/demo/seed.yaml",
        "reconciler/simulator/demo/inventory/source-urls.txt",
        f"{INFO}/licenses/LICENSE",
    ],
)
def test_the_wheel_holds(distribution: Distribution, name: str) -> None:
    assert name in _members(distribution.wheel)


def test_the_sdist_builds_the_same_wheel(distribution: Distribution) -> None:
    assert _members(distribution.rebuilt) == _members(distribution.wheel)


def test_the_sdist_holds_what_it_takes_to_test_it(distribution: Distribution) -> None:
    with tarfile.open(distribution.sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    wanted = {
        "pyproject.toml",
        ".ci/run",
        ".pre-commit-hooks.yaml",
        "action.yml",
        "Makefile",
        "constraints.txt",
        "hatch_build.py",
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "LICENSE",
    }
    wanted |= {*_tracked("reconciler", "schemas", "tests", "docs", "examples", "ci")}
    assert wanted - names == set()
    assert not [name for name in names if name.startswith((".venv/", ".git/", "tests/editor/node_modules/"))]


def test_the_wheel_names_what_it_is(distribution: Distribution) -> None:
    with zipfile.ZipFile(distribution.wheel) as archive:
        facts = archive.read(f"{INFO}/METADATA").decode("utf-8")
        points = archive.read(f"{INFO}/entry_points.txt").decode("utf-8")
    assert f"Name: media-reconciler\nVersion: {__version__}\n" in facts
    assert "License-Expression: Apache-2.0\n" in facts
    assert "Requires-Python: >=3.11\n" in facts
    assert "reconciler = reconciler.cli.main:main" in points
    assert "[reconciler.providers]" in points


def test_the_page_of_an_index_has_links_that_lead_somewhere(distribution: Distribution) -> None:
    with zipfile.ZipFile(distribution.wheel) as archive:
        facts = message_from_string(archive.read(f"{INFO}/METADATA").decode("utf-8"))
    urls = dict(line.split(", ") for line in facts.get_all("Project-URL", ()))
    root = f"{urls['Source']}/blob/v{__version__}/"
    links = re.findall(r"\]\(([^)]*)\)", str(facts.get_payload()))
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []
    ours = {link.removeprefix(root).partition("#")[0] for link in links if link.startswith(root)}
    assert [name for name in ours if not (ROOT / name).exists()] == []
    written = re.findall(r"\]\((?!https:)([^)]*)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {link.partition("#")[0] for link in written} == ours


def test_the_installed_program_is_the_one_of_the_wheel(distribution: Distribution, tmp_path: Path) -> None:
    python = distribution.environment / "bin" / "python"
    where = "import reconciler; print(reconciler.__file__)"
    found = subprocess.run([str(python), "-I", "-c", where], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).is_relative_to(distribution.environment)


def test_version(distribution: Distribution, tmp_path: Path) -> None:
    finished = distribution.run("--version", directory=tmp_path)
    assert (finished.returncode, finished.stdout) == (0, f"reconciler, version {__version__}\n")


def test_validate(distribution: Distribution, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(VALID, encoding="utf-8")
    finished = distribution.run("validate", directory=tmp_path)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "Valid: 1 file, 1 target, 1 policy, 0 warnings.\n"


def test_explain_knows_the_resource_types_of_every_provider(distribution: Distribution, tmp_path: Path) -> None:
    finished = distribution.run("explain", directory=tmp_path)
    names = [line.split()[0] for line in finished.stdout.splitlines()]
    assert (finished.returncode, names) == (0, list(catalogue().resource_types))


def test_schema_is_that_of_the_checkout(distribution: Distribution, tmp_path: Path) -> None:
    finished = distribution.run("schema", directory=tmp_path)
    assert (finished.returncode, finished.stdout) == (0, render_schema(catalogue()))


def test_demo(distribution: Distribution, tmp_path: Path) -> None:
    finished = distribution.run("demo", directory=tmp_path)
    assert (finished.returncode, finished.stderr) == (0, "")
    *_, count, last = finished.stdout.splitlines()
    assert count.startswith("By the clouds' own count: ")
    (page,) = re.findall(r"/\S+/plan\.html", last)
    assert {"plan.html", "report.html"} <= {file.name for file in Path(page).parent.iterdir()}
    shutil.rmtree(Path(page).parent)
    assert list(tmp_path.iterdir()) == []
