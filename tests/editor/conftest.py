"""A language server that runs as long as the tests do, and a folder that it has open."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.config.schema_keys import SCHEMAS
from tests.editor.language_server import MISSING, Document, LanguageServer


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the schemas in `schemas/`."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "schemas").mkdir()
    for schema in SCHEMAS:
        shutil.copy(schema, folder / "schemas")
    return folder


@pytest.fixture(scope="session")
def server(workspace: Path) -> Iterator[LanguageServer]:
    if MISSING:
        pytest.skip(MISSING)
    with LanguageServer(workspace) as running:
        yield running
        assert running.close() == "", "the language server tried to reach something"


_numbers = count()


@pytest.fixture
def opened(server: LanguageServer, workspace: Path) -> Callable[..., Document]:
    """Opens a text as a new file, with a first line that leads to a schema where the text has none."""

    def run(text: str, schema: str = "reconciler.schema.json") -> Document:
        first = "" if text.startswith("# ") else f"# yaml-language-server: $schema=schemas/{schema}\n"
        return server.open(workspace / f"{next(_numbers)}.yaml", first + text)

    return run
