"""Providers of other packages: what is sound is found, and what is not is told and out alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.providers.registry import providers

SOUND = """
from dataclasses import replace
from types import MappingProxyType
from reconciler.providers.huaweicloud import PROVIDER as OTHER
from reconciler.tasks.resource_type import ProviderOptions

ROW = replace(OTHER.resource_types["huaweicloud.mpc.snapshot"], name="mine.media.snapshot")

class Mine:
    name = "mine"
    options = ProviderOptions("mine", MappingProxyType({}), (), ("media",), {})
    resource_types = MappingProxyType({ROW.name: ROW})
    def client(self, target, *, concurrency): raise NotImplementedError
    def for_run(self): return self

PROVIDER = Mine()
"""
TWICE = """
FIELDS = {name: replace(ROW.fields["id"], name=name) for name in ("labels.*", "labels.team")}
Mine.resource_types = {ROW.name: replace(ROW, fields={**ROW.fields, **FIELDS})}
"""
UNSOUND = {
    "raises": (
        "mine",
        "raise RuntimeError('no \\x1b[2J license')",
        "cannot be loaded: RuntimeError at mine_provider.py:1",
    ),
    "exits": ("mine", "import sys; sys.exit(3)", "cannot be loaded: SystemExit at mine_provider.py:1"),
    "lacks what it imports": (
        "mine",
        "import no_such_module",
        "cannot be loaded: ModuleNotFoundError at mine_provider.py:1",
    ),
    "has no provider": ("mine", "", "cannot be loaded: AttributeError"),
    "is none": ("mine", "PROVIDER = 5", "it has no method client"),
    "lacks a method": ("mine", f"{SOUND}\ndel Mine.for_run", "it has no method for_run"),
    "lacks options": ("mine", f"{SOUND}\nMine.options = None", "its options are no ProviderOptions"),
    "has options of another form": (
        "mine",
        SOUND.replace('("media",), {})', '("media",), ("token",))'),
        "its options hold no mappings of properties, each a mapping, and of credentials",
    ),
    "has an inventory of nothing": (
        "mine",
        SOUND.replace('("media",), {})', '("media",), {}, inventory="ids")'),
        "its inventory has no lists",
    ),
    "has no service": (
        "mine",
        SOUND.replace('("media",), {})', "(), {})"),
        "the resource type mine.media.snapshot is of a service that its options do not name",
    ),
    "has an object of no field": (
        "mine",
        SOUND.replace('"mine.media.snapshot")', '"mine.media.snapshot", object_fields=("path",))'),
        "the object_fields of the resource type mine.media.snapshot are not all among its fields",
    ),
    "has no rows": ("mine", f"{SOUND}\nMine.resource_types = {{}}", "no mapping of resource types"),
    "has another's row": (
        "mine",
        f"{SOUND}\nMine.resource_types = OTHER.resource_types",
        "the resource type huaweicloud.mpc.transcoding is not called mine.<service>.<kind>",
    ),
    "has a field twice": (
        "mine",
        f"{SOUND}{TWICE}",
        "the field labels.team of the resource type mine.media.snapshot is one of those that another stands for",
    ),
    "is of another time": (
        "mine",
        f"{SOUND}\nMine.api_version = 0",
        "it is written for version 0 of reconciler.provider, and this is version 1",
    ),
    "has another's name": ("huaweicloud", SOUND, "another provider has this name"),
    "goes by another name": ("yours", SOUND, "its entry point is called yours, but its name is 'mine'"),
}


def install(directory: Path, name: str, source: str) -> None:
    (directory / "mine_provider.py").write_text(source, encoding="utf-8")
    metadata = directory / "mine_provider-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-provider\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[reconciler.providers]\n{name} = mine_provider:PROVIDER\n")


@pytest.mark.parametrize(("source", "count", "said"), [(SOUND, 15, ""), ("1 / 0", 14, "The provider mine of ")])
def test_one_that_is_installed_is_found_or_told(tmp_path: Path, source: str, count: int, said: str) -> None:
    install(tmp_path, "mine", source)
    finished = subprocess.run(
        [sys.executable, "-m", "reconciler", "explain", "--format", "json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    names = {row["name"] for row in json.loads(finished.stdout)["resource_types"]}
    assert len(names) == count
    assert ("mine.media.snapshot" in names) == (not said)
    assert {"huaweicloud.mpc.snapshot", "aliyun.vod.url_upload"} < names
    assert (finished.stderr.count("\n"), finished.stderr[: len(said)]) == (bool(said), said)


@pytest.mark.parametrize("case", UNSOUND)
def test_an_unsound_one_is_told_and_out_alone(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name, source, why = UNSOUND[case]
    install(tmp_path, name, source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_provider", raising=False)
    found = providers.__wrapped__()
    kinds = [kind for each in found.values() for kind in each.resource_types]
    assert {kind.split(".")[0] for kind in kinds} == {"huaweicloud", "aliyun", "aws"}
    assert sum(len(each.resource_types) for each in found.values()) == 14
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"The provider {name} of mine-provider is left out: ")
    assert why in said
    assert "\n" not in said
