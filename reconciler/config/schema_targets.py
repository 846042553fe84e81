"""JSON Schema of `settings` and `targets`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.config import schema_parts as parts
from reconciler.config.schema_parts import Schema, either, map_of_named, record, text, whole_number

if TYPE_CHECKING:
    from reconciler.tasks.catalogue import Catalogue, ProviderOptions

__all__ = ["COMMON_KEYS", "limits_schema", "settings_schema", "target_definitions", "targets_schema"]

COMMON_KEYS: Final = ("provider", "region", "endpoints", "rate_limits", "credentials", "inventory")
"""Keys of a target that mean the same for every provider; all others are its options."""

_PORT = "(?::(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))?"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_LOOPBACK = r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])"
_PATH = r"(?:/[A-Za-z0-9._~/-]*)?"
ENDPOINT_PATTERN = f"^(?:https://{_HOST}|http://{_LOOPBACK}){_PORT}{_PATH}$"
RATE_PATTERN = r"^(?=[0-9.]*[1-9])[0-9]{1,9}(?:\.[0-9]{1,6})?/(?:s|min|h)$"
DURATION_PATTERN = f"^(?=.*[1-9]){''.join(f'(?:[0-9]{{1,12}}{unit})?' for unit in 'wdhms')}$"
BACKEND_PATTERN = r"^(?:sqlite:///[^?#]+|postgresql(?:\+[a-z0-9]+)?://.+)$"
REGION_PATTERN = "^[a-z0-9][a-z0-9-]*$"


def limits_schema(description: str, *, variables: bool = False) -> Schema:
    return record(
        {
            "max_actions": whole_number(
                "Most changes of one policy in one run; 0 allows none.", 0, variables=variables
            ),
            "max_percent": whole_number(
                "Most changes of one policy, in percent of the tasks listed per target; enforced from 10 tasks on.",
                0,
                100,
                variables=variables,
            ),
        },
        description=description,
    )


def settings_schema() -> Schema:
    backend = (
        "Where runs, journal and locks are kept: sqlite:///FILE (relative to this file) or postgresql://user@host/db."
    )
    return record(
        {
            "limits": limits_schema("Guards of every policy that sets none of its own.", variables=True),
            "backend": text(backend, BACKEND_PATTERN, "sqlite:///FILE or postgresql://host/db", variables=True),
            "concurrency": whole_number("Requests in flight per target.", 1, 256, variables=True),
            "plan_ttl": text(
                "A saved plan older than this is stale, such as 90s, 15m, 6h, 7d, 2w or 1d12h.",
                DURATION_PATTERN,
                "a duration such as 90s, 15m, 6h or 7d",
                variables=True,
            ),
        },
        description="Settings of the whole configuration.",
    )


def targets_schema(catalogue: Catalogue) -> Schema:
    """Targets, told apart by `provider`: the keys of one provider are never offered to another's."""
    names = sorted(catalogue.providers)
    branches = [
        {
            "if": {"properties": {"provider": {"const": name}}, "required": ["provider"]},
            "then": {"$ref": f"#/definitions/target.{name}"},
        }
        for name in names
    ]
    target: Schema = {
        "type": "object",
        "required": ["provider"],
        "properties": {"provider": {"description": "The cloud that this target is in.", "enum": names}},
        "allOf": branches,
    }
    return map_of_named("a target", target, "Targets: one account, region and project of one provider each, by name.")


def target_definitions(catalogue: Catalogue) -> dict[str, Schema]:
    return {f"target.{name}": _target(options) for name, options in catalogue.providers.items()}


def _target(options: ProviderOptions) -> Schema:
    properties: dict[str, Schema] = {
        "provider": {"description": "The cloud that this target is in.", "const": options.name},
        "region": text("Region of the target.", REGION_PATTERN, "the id of a region", variables=True),
        "endpoints": _endpoints(options),
        "rate_limits": _rate_limits(options),
        "credentials": _credentials(options),
    }
    for key, schema in options.properties.items():
        if key == "inventory":
            properties[key] = _inventory()
        elif key == "region" or key not in COMMON_KEYS:
            properties[key] = parts.with_variables({"description": f"The {key} of the target.", **schema})
    return record(properties, {"provider", "region", *options.required}, f"A target of {options.name}.")


def _endpoints(options: ProviderOptions) -> Schema:
    return record(
        {
            service: text(
                f"Base URL of {service}; default: the provider's own host in the region.",
                ENDPOINT_PATTERN,
                "an https:// URL of host, port and path (http:// for loopback hosts only)",
                variables=True,
            )
            for service in options.services
        },
        description="Base URLs by service, where the provider's own hosts are not meant.",
    )


def _rate_limits(options: ProviderOptions) -> Schema:
    return record(
        {
            service: text(
                f"Requests to {service}, such as 100/min, 50/s or 1000/h; default: the documented quota.",
                RATE_PATTERN,
                "a rate such as 100/min, 50/s or 1000/h",
                variables=True,
            )
            for service in options.services
        },
        description="Most requests by service.",
    )


def _credentials(options: ProviderOptions) -> Schema:
    secret = record(
        {
            "env": text(
                "Environment variable that holds the secret.",
                "^[A-Za-z_][A-Za-z0-9_]*$",
                "the name of an environment variable",
                variables=True,
            ),
            "file": text("File that holds the secret, relative to this file.", variables=True),
        },
        minProperties=1,
        maxProperties=1,
    )
    named = {
        key: {"description": f"Where {key} is read from: an environment variable or a file.", **secret}
        for key in options.credentials
    }
    profile = text("Profile in the vendor SDK's own credentials file.", variables=True)
    return {
        "description": "Where credentials are read from, never what they are. Default: the SDK's variables and files.",
        "type": "object",
        "if": {"required": ["profile"]},
        "then": record({"profile": profile}),
        "else": record(named),
    }


def _inventory() -> Schema:
    def entries(what: str) -> Schema:
        entry = text(f"One {what}.", variables=True)
        source = record({"file": text(f"File of one {what} a line, relative to this file.", variables=True)}, {"file"})
        return either("array", {"type": "array", "items": entry}, source, f"A list of each {what}, or {{file: PATH}}.")

    return record(
        {"job_ids": entries("job id"), "upload_urls": entries("source URL")},
        description="The tasks of an API that cannot list them.",
        minProperties=1,
    )
