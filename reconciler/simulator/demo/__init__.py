"""The world of `reconciler demo`: a seed for the local clouds, and a configuration that cleans it up."""

from importlib.resources import files
from pathlib import Path

_HERE = files(__name__)
_CONFIGURATION = {
    "reconciler.yaml.template": "reconciler.yaml",
    "inventory/source-urls.txt": "inventory/source-urls.txt",
}
"""Files here, and what they are there: in an installed package, none may pass for somebody's configuration."""

SEED = (_HERE / "seed.yaml").read_text(encoding="utf-8")


def write_configuration(directory: Path) -> None:
    """Copy the configuration into an existing, empty directory."""
    for name, written in _CONFIGURATION.items():
        place = directory / written
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text((_HERE / name).read_text(encoding="utf-8"), encoding="utf-8")
