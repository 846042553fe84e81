"""JSON Schema of `targets`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.config.schema_parts import (
    Schema,
    choice,
    described,
    either,
    list_of,
    map_of_named,
    or_variable,
    record,
    reference,
    snippet,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.tasks.resource_type import Catalogue, Inventory, InventoryList, ProviderOptions

COMMON_KEYS: Final = ("provider", "region", "regions", "endpoints", "rate_limits", "credentials", "inventory")
"""Keys of a target that mean the same for every provider; all others are its options."""

_PORT = "(?::(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))?"
_REST = "(?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
_ADDRESS = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_HOST = (  # a name whose end is no number, since 127.1 would be an address to some
    rf"(?:(?:[A-Za-z0-9]{_REST}\.)*[A-Za-z]{_REST}|{_ADDRESS}|\[[0-9A-Fa-f:.]+\])"
)
_LOOPBACK = r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])"
_PATH = "/[A-Za-z0-9._~/-]*"


def url_pattern(path: str) -> str:
    """A URL that is sent something: https, or http on this machine. `path` is a pattern of what may follow the host."""
    return f"^(?:https://{_HOST}|http://{_LOOPBACK}){_PORT}(?:{path})?$"


ENDPOINT_PATTERN = url_pattern(_PATH)
RATE_PATTERN = r"^(?=[0-9.]*[1-9])[0-9]{1,9}(?:\.[0-9]{1,6})?/(?:s|min|h)$"
REGION_PATTERN = "^[a-z0-9][a-z0-9-]*$"
_REGION: Final = "region-1"
"""An example, where a provider gives none."""
_VARIABLE_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"


def targets_schema(catalogue: Catalogue) -> Schema:
    """Targets, told apart by `provider`: the keys of one provider are never offered to another's."""
    providers = dict(sorted(catalogue.providers.items()))
    branches = [
        {
            "if": {"properties": {"provider": {"const": name}}, "required": ["provider"]},
            "then": reference(f"target.{name}"),
        }
        for name in providers
    ]
    services = {name: f"Its services: {', '.join(options.services)}." for name, options in providers.items()}
    target: Schema = {
        "title": "target",
        "type": "object",
        "required": ["provider"],
        "properties": {"provider": described(choice(services), "The cloud that this target is in.", *providers)},
        "allOf": branches,
    }
    starts = [
        snippet(f"target of {name}", f"An account, region and project of {name}.", {"${1:prod}": _example(options, 2)})
        for name, options in providers.items()
    ]
    return described(
        map_of_named("target", target, *starts),
        "Targets: one account, region and project of one provider each, by name. Variables ${NAME} are expanded here.",
        {"prod": _example(next(iter(providers.values())))},
    )


def defaults_schema(catalogue: Catalogue) -> Schema:
    """What holds for all targets of a provider, by its name."""
    providers = dict(sorted(catalogue.providers.items()))
    own = {
        name: described(
            record(_shared_keys(options), title=f"defaults of {name}"),
            f"For every target of {name}. Its own keys win; endpoints and rate_limits are merged by service.",
            {"rate_limits": {options.services[0]: "50/min"}},
        )
        for name, options in providers.items()
    }
    first, options = next(iter(providers.items()))
    example = {first: {"rate_limits": {options.services[0]: "50/min"}}}
    shared = "What all targets of a provider have in common, by provider. Variables ${NAME} are expanded here."
    return described(record(own, title="defaults"), shared, example)


def target_definitions(catalogue: Catalogue) -> dict[str, Schema]:
    """What a target of each provider may say, and the parts that all have in common."""
    targets = {f"target.{name}": _target(options) for name, options in catalogue.providers.items()}
    endpoint = text(ENDPOINT_PATTERN, "an https:// URL of host, port and path (http:// for loopback hosts only)")
    rate = text(RATE_PATTERN, "a rate such as 100/min, 50/s or 1000/h")
    return targets | {"endpoint": or_variable(endpoint), "rate": or_variable(rate), "secret": _secret()}


def _target(options: ProviderOptions) -> Schema:
    plain = described(text(REGION_PATTERN, "the id of a region"), "Region of the target.", _REGION)
    region = {**plain, **_with_examples(options.properties.get("region", {}))}
    examples = region["examples"]
    some = [one for one in examples if "$" not in str(one)] if isinstance(examples, list) else [_REGION]
    one = {key: value for key, value in region.items() if key not in ("description", "examples")}
    properties: dict[str, Schema] = {
        "provider": described({"const": options.name}, "The cloud that this target is in.", options.name),
        "region": or_variable(region),
        "regions": described(
            list_of(one if "enum" in one else {**one, "examples": some}, uniqueItems=True),
            "Instead of region: a target of each, called <name>-<region>. The name alone means all of them.",
            some[:2],
        ),
    }
    if options.inventory is not None:
        properties["inventory"] = _inventory(options.inventory)
    properties |= _shared_keys(options)
    needed = [key for key in dict.fromkeys(("provider", *options.required)) if key != "region"]
    return {
        **record(properties, needed, ("region", "regions"), title=f"target of {options.name}"),
        "description": f"A target of {options.name}.",
        "if": {"required": ["regions"]},
        "else": {"required": ["region"]},
    }


def _shared_keys(options: ProviderOptions) -> dict[str, Schema]:
    """What targets of a provider may have in common."""
    own = {
        key: or_variable({"description": f"The {key} of the target.", **_with_examples(schema)})
        for key, schema in options.properties.items()
        if key not in COMMON_KEYS
    }
    return {
        **own,
        "endpoints": _endpoints(options),
        "rate_limits": _rate_limits(options),
        "credentials": _credentials(options),
    }


def _example(options: ProviderOptions, first_stop: int | None = None) -> Schema:
    """The keys that a target must have. With `first_stop`, as a snippet whose tab stops count from there."""
    values: Schema = {"provider": options.name, "region": _REGION}
    for key in dict.fromkeys(("region", *options.required)):
        listed = _inventory(options.inventory) if key == "inventory" and options.inventory else None
        examples = (listed or _with_examples(options.properties.get(key, {}))).get("examples")
        if isinstance(examples, list):
            values[key] = examples[0]
    if first_stop is not None:
        values["region"] = f"${{{first_stop}:{values['region']}}}"
    return values


def _with_examples(schema: Mapping[str, object]) -> Schema:
    """A provider's own schema of a key; its allowed values are its examples where it names none."""
    allowed = schema.get("enum")
    return {"examples": list(allowed), **schema} if isinstance(allowed, list) else dict(schema)


def _endpoints(options: ProviderOptions) -> Schema:
    urls = {
        service: described(
            reference("endpoint"),
            f"Base URL of {service}; http:// for loopback hosts only. Default: the provider's own host in the region.",
            f"https://{service}.example.com",
            "http://127.0.0.1:8080",
        )
        for service in options.services
    }
    example = {options.services[0]: "http://127.0.0.1:8080"}
    return described(record(urls), "Base URLs by service, where the provider's own hosts are not meant.", example)


def _rate_limits(options: ProviderOptions) -> Schema:
    rates = {
        service: described(
            reference("rate"),
            f"Most requests to {service}, per s, min or h. Default: the documented quota.",
            "10/s",
            "50/min",
        )
        for service in options.services
    }
    return described(
        record(rates), "Most requests by service, to leave room for others.", {options.services[0]: "50/min"}
    )


def _credentials(options: ProviderOptions) -> Schema:
    secrets = {
        key: described(
            reference("secret"),
            f"Where to read {words}: an environment variable or a file.",
            {"env": f"PROD_{key.upper()}"},
        )
        for key, words in options.credentials.items()
    }
    profile = described(
        or_variable(text()), "Profile in the vendor SDK's own credentials file; no other key beside it.", "default"
    )
    example = {key: {"env": f"PROD_{key.upper()}"} for key in list(options.credentials)[:2]}
    return described(
        {
            **record({"profile": profile, **secrets}, title="credentials"),
            "if": {"required": ["profile"]},
            "then": record({"profile": profile}),
        },
        "Where credentials are read from, never what they are. Default: the SDK's own variables and files.",
        example,
    )


def _secret() -> Schema:
    name = or_variable(text(_VARIABLE_PATTERN, "the name of an environment variable"))
    keys = {
        "env": described(name, "Environment variable that holds the secret.", "PROD_SECRET"),
        "file": described(
            or_variable(text()), "File that holds the secret, relative to this file.", "/run/secrets/prod"
        ),
    }
    # The bound stands apart from the keys: beside them, it keeps yaml-language-server from offering them.
    bound: Schema = {"if": {"required": list(keys)}, "then": {"maxProperties": 1}}
    told = "must be {env: NAME} or {file: PATH}: a secret itself must not stand here"
    return record(keys, title="secret", minProperties=1, errorMessage=told) | bound


def _inventory(inventory: Inventory) -> Schema:
    def entries(of: InventoryList) -> Schema:
        what = f"File of one {of.entry} a line, relative to this file; # comments."
        source = record({"file": described(or_variable(text()), what, of.file)}, ["file"])
        listed: Schema = {"type": "array", "items": or_variable(text())}
        return described(
            either("array", listed, source | {"examples": [{"file": of.file}]}),
            f"Each {of.entry}, or {{file: PATH}}.",
            [of.example],
        )

    lists = {key: entries(of) for key, of in inventory.lists.items()}
    key, first = next(iter(inventory.lists.items()))
    return described(
        record(lists, title="inventory", minProperties=1),
        "The tasks of an API that cannot list them: what to ask about.",
        {key: {"file": first.file}},
    )
