"""Golden files: the whole text that is expected, in a file that reviewers read.

After a wanted change: `make goldens`, then read the difference.
"""

import os
from pathlib import Path


def golden(file: Path, text: str) -> str:
    """What `file` holds, which `text` is to equal; with UPDATE_GOLDENS in the environment the file becomes `text`."""
    if os.environ.get("UPDATE_GOLDENS"):
        file.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8")
