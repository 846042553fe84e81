"""What a provider is written against: the one module of this project that a package of its own imports.

A provider is an object of the entry-point group `reconciler.providers` that implements `Provider`. The clouds that
come with the program are written against this module as well, and import nothing else of it.

- What it offers: `ProviderOptions` (what its targets may say in YAML) and rows (`ResourceType` with its `Field`s, its
  `Listing` and its `Operation`s).
- What it does: a `Client` of one `Target` lists a scope (`Observation`), reads ids (`Readings`), acts on them. It
  raises nothing for what the cloud does: a failure is a `Fault`, whose `Meaning` says what follows from it. A lost
  answer is never success, an id that was not answered is unknown, and what was not sent is `UNREACHABLE`.
- What it builds on: `RowClient` lists, reads and acts as rows say, once a cloud has said how a call gets there. It is
  an `HttpClient`, which sends a request in its turn, within bounds, signed anew at each try (`RenewingAuth`). Of calls
  that no row can describe `json_object` reads the answer, `tasks_in` and `task_from` turn its rows into tasks, and
  `Redactor` quotes what the server said without its secrets. `Secrets` reads what a target names.

Each name is loaded when it is asked for: the rows and options of a provider, which `validate` reads, need no library
that talks to anybody. `docs/how-to/provider.md` shows a whole one on a page.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.config.model import Credentials, Rate, Secret, Target
    from reconciler.exceptions import CredentialsError, ProviderError
    from reconciler.providers.asked_keys import Ask, AskedKey, LastResort, renewed
    from reconciler.providers.base import (
        ACCESS_KEY_KEYS,
        AccountCall,
        Client,
        Examining,
        HttpProvider,
        Look,
        PolicyLanguage,
        Provider,
        Readings,
    )
    from reconciler.providers.client import HttpClient
    from reconciler.providers.credential_source import (
        CredentialSource,
        Passing,
        RenewingAuth,
        canonical_query,
        signature,
        signed_headers,
        stamp,
    )
    from reconciler.providers.credentials import (
        AccessKey,
        ResolvedCredentials,
        UnusableFile,
        ini_section,
        instant,
        json_file,
        option,
        principal_name,
        secret_in,
        secret_in_file,
        secret_text,
    )
    from reconciler.providers.listing import Bounds
    from reconciler.providers.records import Row, impossible_ids, task_from, tasks_in
    from reconciler.providers.row_client import WHOLE, RowClient
    from reconciler.providers.secret_sources import CredentialSearch, Secrets
    from reconciler.providers.transport.answers import (
        Redactor,
        header_text,
        json_object,
        malformed,
        parsed_object,
        said_in,
    )
    from reconciler.providers.transport.caller import READS, WRITES, Auth, Retries, Tally, all_or_fault
    from reconciler.providers.transport.codes import Codes, Said
    from reconciler.providers.transport.endpoint import base_url, credentials_url, service_url, vendor_url
    from reconciler.providers.transport.messages import destination
    from reconciler.providers.transport.pacing import Quota, always
    from reconciler.providers.transport.surroundings import Surroundings, Turns
    from reconciler.redaction import masked, presentable
    from reconciler.tasks.observation import Completeness, Fault, Meaning, Observation, Scope
    from reconciler.tasks.resource_type import (
        Action,
        Inventory,
        InventoryList,
        Listing,
        Operation,
        Paging,
        Permissions,
        ProviderOptions,
        Reading,
        ResourceType,
    )
    from reconciler.tasks.sink import Collected, Sink, by_id
    from reconciler.tasks.task import TERMINAL, Field, FieldType, Status, Task, TaskKey

# One name a line would be a page of names.
# fmt: off
__all__ = [
    "ACCESS_KEY_KEYS", "API_VERSION", "READS", "TERMINAL", "WHOLE", "WRITES", "AccessKey", "AccountCall", "Action",
    "Ask", "AskedKey", "Auth", "Bounds", "Client", "Codes", "Collected", "Completeness", "CredentialSearch",
    "CredentialSource", "Credentials", "CredentialsError", "Examining", "Fault", "Field", "FieldType", "HttpClient",
    "HttpProvider", "Inventory", "InventoryList", "LastResort", "Listing", "Look", "Meaning", "Observation",
    "Operation", "Paging", "Passing", "Permissions", "PolicyLanguage", "Provider", "ProviderError", "ProviderOptions",
    "Quota", "Rate", "Reading", "Readings", "Redactor", "RenewingAuth", "ResolvedCredentials", "ResourceType",
    "Retries", "Row", "RowClient", "Said", "Scope", "Secret", "Secrets", "Sink", "Status", "Surroundings", "Tally",
    "Target", "Task", "TaskKey", "Turns", "UnusableFile", "all_or_fault", "always", "base_url", "by_id",
    "canonical_query", "credentials_url", "destination", "header_text", "impossible_ids", "ini_section", "instant",
    "json_file", "json_object", "malformed", "masked", "option", "parsed_object", "presentable", "principal_name",
    "renewed", "said_in", "secret_in", "secret_in_file", "secret_text", "service_url", "signature", "signed_headers",
    "stamp", "task_from", "tasks_in", "vendor_url",
]
# fmt: on
API_VERSION = 1
"""Version of this module. It grows when a name is taken away or means something else; a provider may say which it was
written for in its attribute `api_version`, and is left out where that is another."""

_HOMES = (
    *("tasks.task", "tasks.resource_type", "providers.base", "config.model", "tasks.observation", "tasks.sink"),
    *("redaction", "exceptions", "providers.records", "providers.credentials", "providers.secret_sources"),
    *("providers.transport.surroundings", "providers.transport.pacing", "providers.transport.endpoint"),
    *("providers.transport.codes", "providers.transport.answers", "providers.transport.messages"),
    "providers.credential_source",
    *("providers.transport.caller", "providers.asked_keys", "providers.client", "providers.row_client"),
)
"""The modules that the names above come from, those first that take least to load."""


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"reconciler.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
