"""Alibaba Cloud: ApsaraVideo VOD."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.providers.aliyun.client import AliyunClient
from reconciler.providers.aliyun.credentials import KEYS
from reconciler.providers.aliyun.endpoints import REGIONS, SERVICES
from reconciler.providers.aliyun.permissions import RamPolicies
from reconciler.providers.aliyun.url_upload import URL_UPLOAD
from reconciler.providers.transport.surroundings import Surroundings
from reconciler.tasks.catalogue import ProviderOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Target
    from reconciler.providers.policy_language import PolicyLanguage
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["PROVIDER", "Aliyun"]


def _entries(description: str) -> dict[str, object]:
    inline = {"type": "array", "items": {"type": "string", "minLength": 1}}
    from_file = {
        "type": "object",
        "properties": {"file": {"type": "string", "minLength": 1, "description": "File of one entry a line."}},
        "required": ["file"],
        "additionalProperties": False,
    }
    return {"description": description, "if": {"type": "array"}, "then": inline, "else": from_file}


class Aliyun:
    """Implements `reconciler.providers.base.Provider`."""

    name = "aliyun"
    options = ProviderOptions(
        name="aliyun",
        properties=MappingProxyType(
            {
                "region": {
                    "type": "string",
                    "enum": list(REGIONS),
                    "description": "Region of the VOD service. Upload by URL exists in these only.",
                },
                "inventory": {
                    "type": "object",
                    "description": "The jobs to look after: the API has no list call.",
                    "properties": {
                        "upload_urls": _entries("Source URLs, each of which stands for all jobs that fetch it."),
                        "job_ids": _entries("Job ids as UploadMediaByURL returned them."),
                    },
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            }
        ),
        required=("region", "inventory"),
        services=SERVICES,
        credentials=KEYS,
    )
    resource_types: Mapping[str, ResourceType] = MappingProxyType({URL_UPLOAD.name: URL_UPLOAD})
    policy_language: PolicyLanguage = RamPolicies()

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        self._surroundings = surroundings

    def for_run(self) -> Aliyun:
        """With surroundings that all its clients share."""
        return Aliyun(Surroundings())

    def client(self, target: Target, *, concurrency: int, surroundings: Surroundings | None = None) -> AliyunClient:
        """A client of `target`. Raises CredentialsError; sends nothing yet."""
        return AliyunClient(
            target, concurrency=concurrency, surroundings=surroundings or self._surroundings or Surroundings()
        )


PROVIDER = Aliyun()
