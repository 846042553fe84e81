"""A small catalogue with the real shapes, and a folder to write configurations to."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.config.loader import check
from reconciler.config.model import Configuration
from reconciler.diagnostics import Diagnostic
from reconciler.providers.aliyun import PROVIDER
from reconciler.tasks.resource_type import Action, Catalogue, Listing, Operation, Paging, ProviderOptions, ResourceType
from reconciler.tasks.task import Field, FieldType, Status
from tests.rows import operation

COMMON = {
    "id": FieldType.STRING,
    "status": FieldType.STATUS,
    "provider_status": FieldType.STRING,
    "created_at": FieldType.TIMESTAMP,
    "finished_at": FieldType.TIMESTAMP,
    "progress": FieldType.INTEGER,
    "template_ids": FieldType.STRINGS,
}
INPUT = {"input.bucket": FieldType.STRING, "input.object": FieldType.STRING}
STATUSES = {
    "WAITING": Status.PENDING,
    "PROCESSING": Status.RUNNING,
    "SUCCEEDED": Status.SUCCEEDED,
    "FAILED": Status.FAILED,
    "CANCELED": Status.CANCELED,
}
CANCEL = operation(Action.CANCEL, "/cancel")
DELETE = operation(Action.DELETE, "/delete")


def resource_type(
    name: str, fields: dict[str, FieldType], *operations: Operation, paging: Paging = Paging.PAGE
) -> ResourceType:
    return ResourceType(
        name=name,
        summary=f"Tasks of {name}.",
        fields={key: Field(key, kind, f"The {key}.") for key, kind in fields.items()},
        statuses=STATUSES,
        listing=Listing("/tasks", "tasks", paging),
        operations=operations,
    )


HUAWEICLOUD = ProviderOptions(
    name="huaweicloud",
    properties={
        "project_id": {"type": "string", "description": "Id of the project.", "minLength": 1},
        "tier": {"type": "string", "description": "For tests.", "enum": ["basic", "pro"]},
    },
    required=(),
    services=("mpc", "vod", "iam"),
    credentials=dict.fromkeys(("access_key_id", "secret_access_key", "security_token", "token"), "a secret"),
    known_regions=("cn-north-4", "cn-north-1", "ap-southeast-3"),
)
ALIYUN = ProviderOptions(
    name="aliyun",
    properties={
        "region": {"type": "string", "pattern": "^cn-[a-z]+$", "patternErrorMessage": "must be a region of aliyun"}
    },
    required=(),
    services=("vod",),
    credentials=dict.fromkeys(("access_key_id", "secret_access_key", "security_token"), "a secret"),
    inventory=PROVIDER.options.inventory,
)
ROWS = (
    resource_type("huaweicloud.mpc.transcoding", COMMON | INPUT, CANCEL, DELETE),
    resource_type("huaweicloud.mpc.packaging", COMMON | INPUT, CANCEL, DELETE),
    resource_type("huaweicloud.mpc.snapshot", COMMON | INPUT, CANCEL),
    resource_type("huaweicloud.vod.editing", COMMON, CANCEL),
    resource_type("aliyun.vod.stream", COMMON, replace(CANCEL, starts=CANCEL.starts | {Status.RUNNING})),
    resource_type("aliyun.vod.url_upload", COMMON | {"upload_url": FieldType.STRING}, CANCEL, paging=Paging.INVENTORY),
)
CATALOGUE = Catalogue({row.name: row for row in ROWS}, {"huaweicloud": HUAWEICLOUD, "aliyun": ALIYUN})


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return CATALOGUE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory of the test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Callable[..., None]:
    """Writes files into the folder, by relative name."""

    def write_files(files: dict[str, str]) -> None:
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    return write_files


@pytest.fixture
def validate(write: Callable[..., None]) -> Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]]:
    """Checks one text, or files by name."""

    def run(
        files: str | dict[str, str], *, strict: bool = False, **environment: str
    ) -> tuple[Configuration | None, tuple[Diagnostic, ...]]:
        write({"reconciler.yaml": files} if isinstance(files, str) else files)
        return check([], CATALOGUE, environment=environment, strict=strict)

    return run


@pytest.fixture
def accepted(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]],
) -> Callable[..., Configuration]:
    """The configuration of a text or files without any error."""

    def run(files: str | dict[str, str], *, strict: bool = False, **environment: str) -> Configuration:
        configuration, diagnostics = validate(files, strict=strict, **environment)
        assert configuration is not None, "\n".join(one_line(diagnostic) for diagnostic in diagnostics)
        return configuration

    return run


@pytest.fixture
def mistakes(validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]]) -> Callable[..., list[str]]:
    """What is wrong with a text or files, a line each: `file:line:column severity: message (hint)`."""

    def run(files: str | dict[str, str], *, strict: bool = False, **environment: str) -> list[str]:
        _, diagnostics = validate(files, strict=strict, **environment)
        return [one_line(diagnostic) for diagnostic in diagnostics]

    return run


def one_line(diagnostic: Diagnostic) -> str:
    hint = f" ({diagnostic.hint})" if diagnostic.hint else ""
    return f"{diagnostic.location} {diagnostic.severity}: {diagnostic.message}{hint}"
