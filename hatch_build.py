"""Gives README.md links that lead somewhere from the page of an index, too: in the repository they are relative."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE = re.compile(r"\]\((?![a-z]+:|#)(?P<path>[^)\s]+)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Called by hatchling for `dynamic = ["readme"]`."""

    def update(self, metadata: dict[str, Any]) -> None:
        root = f"{metadata['urls']['Source']}/blob/v{metadata['version']}"
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        linked = _RELATIVE.sub(lambda link: f"]({root}/{link['path']})", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": linked}
