"""Files as people have them half-written in an editor, and what is offered where the cursor is."""

from collections.abc import Callable

from reconciler.providers.registry import catalogue
from tests.editor.language_server import Completion, Document

Opened = Callable[..., Document]
"""The fixture that opens a text in the editor."""
CURSOR = "@@"
"""Where the cursor is, in the texts of these tests."""
COMBINATORS = {"all", "any", "not", "all (every task)"}
RESOURCES, PROVIDERS = catalogue().resource_types, catalogue().providers
PACKAGING, URL_UPLOAD = "huaweicloud.mpc.packaging", "aliyun.vod.url_upload"


def at_cursor(text: str) -> tuple[str, int, int]:
    """The text without its cursor; line and column of it, behind the line that leads to the schema."""
    before, _, after = text.partition(CURSOR)
    return before + after, before.count("\n") + 1, len(before) - before.rfind("\n") - 1


def offered(opened: Opened, text: str, schema: str = "reconciler.schema.json") -> dict[str, Completion]:
    """What is offered at the cursor, by label."""
    whole, line, column = at_cursor(text)
    return {found.label: found for found in opened(whole, schema).completions(line, column)}


def policy(body: str, resource: str = PACKAGING) -> str:
    return f"version: 1\npolicies:\n  p:\n    resource: {resource}\n    " + body.replace("\n", "\n    ") + "\n"


def match(body: str, resource: str = PACKAGING) -> str:
    return policy("match:\n  " + body.replace("\n", "\n  ") + "\nensure: absent", resource)


def target(body: str, provider: str = "huaweicloud") -> str:
    return f"version: 1\ntargets:\n  t:\n    provider: {provider}\n    " + body.replace("\n", "\n    ") + "\n"


def protection(resource: str, body: str = CURSOR) -> str:
    return f"version: 1\nprotect:\n  p:\n    resource: {resource}\n    match:\n      {body}\n"
