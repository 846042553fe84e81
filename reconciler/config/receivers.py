"""`settings.notify`: who is told of runs, its schema, and what is read of it."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.config.entries import WrongType, mapping, text, texts
from reconciler.config.environment import Expanded, Unexpanded, quoted, without_variables
from reconciler.config.model import Event, Receiver
from reconciler.config.schema_parts import (
    Schema,
    choice,
    described,
    list_of,
    map_of_named,
    optional,
    or_variable,
    record,
    reference,
    snippet,
)
from reconciler.config.schema_parts import (
    text as text_schema,
)
from reconciler.config.schema_targets import url_pattern
from reconciler.config.targets import masked_in, secret_at
from reconciler.diagnostics import Problem, Rule, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reconciler.config.entries import Findings, Source
    from reconciler.diagnostics import DocumentPath

WEBHOOK_PATTERN: Final = url_pattern("/[A-Za-z0-9._~%:=+,/-]*")

TEMPLATE_NAMES: Final = (
    *("title", "events", "outcome", "command", "targets", "run_id", "time"),
    *("changes", "problems", "recovered", "text"),
)
"""What may stand in the braces of a template."""

BRACES: Final = re.compile(r"(?P<literal>\{\{|\}\})|\{(?P<name>[^{}]*)\}|(?P<odd>[{}])")

_MEANINGS: Final[Mapping[Event, str]] = MappingProxyType(
    {
        Event.CHANGES: "Tasks were canceled, or records deleted.",
        Event.REFUSED: "A guard or an approval refused.",
        Event.FAILED: "Something could not be observed, locked or changed, or the run could not even begin.",
        Event.ABOVE: "More tasks match a policy than its notify_above.",
        Event.RECOVERED: "What was told before is over.",
    }
)
_LONGEST_TEMPLATE: Final = 2000
_TOKEN: Final = re.compile(r"(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{20,}")
"""What no path has but as a secret: the addresses that services hand out for messages are theirs who know them."""


def receivers_schema() -> Schema:
    url = or_variable(text_schema(WEBHOOK_PATTERN, "an https:// URL (http:// for loopback hosts only) without a query"))
    webhook = record(
        {
            "url": optional(
                described(
                    url,
                    "Where messages are sent, by POST of JSON; left empty, nowhere.",
                    "https://hooks.example.com/reconciler",
                    "${OPS_HOOK:-}",
                )
            ),
            "secret": described(
                reference("secret"),
                "Where the secret is read from that signs them: an environment variable or a file.",
                {"env": "OPS_HOOK_SECRET"},
            ),
        },
        ["url", "secret"],
        title="webhook",
    )
    example = {"url": "https://hooks.example.com/reconciler", "secret": {"env": "OPS_HOOK_SECRET"}}
    template = text_schema() | {"maxLength": _LONGEST_TEMPLATE}
    names = ", ".join(f"{{{name}}}" for name in TEMPLATE_NAMES)
    keys = {
        "webhook": described(webhook, "A server that takes signed messages.", example),
        "apprise": described(
            reference("secret"),
            "Where the URLs of Apprise are read from, which lead to chats, mail and more; never what they are.",
            {"env": "OPS_APPRISE"},
        ),
        "on": described(
            list_of(choice({event.value: meaning for event, meaning in _MEANINGS.items()}), uniqueItems=True),
            "What is told. Default: all of it.",
            [event.value for event in (Event.REFUSED, Event.FAILED, Event.RECOVERED)],
            default=[event.value for event in Event],
        ),
        "template": described(
            template, f"The text of a message, in which these are filled in: {names}.", "{title}: {problems}"
        ),
    }
    receiver: Schema = record(keys, (), ("webhook", "apprise", "on"), title="receiver")
    receiver |= {"if": {"required": ["apprise"]}, "else": {"required": ["webhook"]}}
    starts = [
        snippet("receiver: webhook", "A server that takes signed messages.", {"${1:ops}": {"webhook": example}}),
        snippet("receiver: apprise", "Chats, mail and more.", {"${1:chat}": {"apprise": {"env": "${2:OPS_APPRISE}"}}}),
    ]
    entries = map_of_named("receiver", receiver, *starts)
    return described(entries, "Who is told of runs, by name of the receiver.", {"ops": {"webhook": example}})


def receivers_of(entries: Mapping[str, object], source: Source | None, findings: Findings) -> Mapping[str, Receiver]:
    """The receivers in the one file that has them. What is wrong is among the findings, and touches no other one."""
    found: dict[str, Receiver] = {}
    if source is None:
        return found
    for name in sorted(entries):
        path = ("settings", "notify", name)
        try:
            body = mapping(entries, name)
            for problem in (*_secrets(path, source), *_mistakes(body, path)):
                findings.problem(source.document, problem)
            found[name] = _receiver(name, body, source.document.file.parent)
        except WrongType as error:
            findings.doubt(source.document, path, error)
    return MappingProxyType(found)


def _receiver(name: str, body: Mapping[str, object], directory: Path) -> Receiver:
    webhook = mapping(body, "webhook")
    url = webhook.get("url")
    if "apprise" not in body and "secret" not in webhook:  # nobody is told who could not know that it is us
        raise WrongType(name, "a mapping with `apprise`, or `webhook` and its `secret`")
    try:
        told = frozenset(map(Event, texts(body, "on") or Event))
    except ValueError:
        raise WrongType("on", f"a list of {', '.join(Event)}") from None
    return Receiver(
        name=name,
        on=told,
        url=text(webhook, "url") or "",
        secret=secret_at(webhook, "secret", directory) if "secret" in webhook else None,
        apprise=secret_at(body, "apprise", directory) if "apprise" in body else None,
        template=text(body, "template") or "",
        masked=masked_in(body, [url]) | _path_of(url),
    )


def _path_of(url: object) -> dict[str, str]:
    """What is most of a secret in a URL that variables gave, and what is shown in its place."""
    if not isinstance(url, Expanded):
        return {}
    path = str(url).partition("://")[2].partition("/")[2]
    return {f"/{path}": url.written} if path else {}


def _secrets(path: DocumentPath, source: Source) -> Iterator[Problem]:
    """That a URL holds what nobody may read, and is written all the same."""
    written: object = source.document.data
    for key in (*path, "webhook", "url"):
        written = written.get(key) if isinstance(written, dict) else None
    if isinstance(written, str) and any(map(_TOKEN.fullmatch, without_variables(written).split("/"))):
        hint = "write ${VARIABLE} in its place; and renew it if it was committed"
        place = (*path, "webhook", "url")
        yield Problem(place, "a URL with a secret in it must not stand in the configuration", hint, rule=Rule.SECRET)


def _mistakes(body: Mapping[str, object], path: DocumentPath) -> Iterator[Problem]:
    if "webhook" in body and "apprise" in body:
        message = "a receiver has `webhook` or `apprise`, not both"
        yield Problem((*path, "apprise"), message, "make two of it", at_key=True, rule=Rule.STRUCTURE)
    if body.get("on") == [Event.RECOVERED.value]:
        message = "nothing is told: what recovers was told before"
        yield Problem((*path, "on"), message, "add `failed` or `refused`", rule=Rule.NEVER_ACTS)
    template = body.get("template")
    if isinstance(template, Expanded | Unexpanded):
        hint = "write the text itself"
        yield Problem((*path, "template"), "no variable may stand in a template", hint, rule=Rule.ENVIRONMENT)
    elif isinstance(template, str):
        yield from _odd_braces(template, (*path, "template"))


def _odd_braces(template: str, path: DocumentPath) -> Iterator[Problem]:
    for match in BRACES.finditer(template):
        if match["odd"]:
            hint = "write {{ or }} for a brace itself"
            yield Problem(path, "a brace of the template has no other one", hint, rule=Rule.STRUCTURE)
        elif match["name"] is not None and match["name"] not in TEMPLATE_NAMES:
            message, hint = f"the template names {quoted(match['name'])}", did_you_mean(match["name"], TEMPLATE_NAMES)
            message += ", which is nothing that a message has"
            yield Problem(path, message, hint, TEMPLATE_NAMES, rule=Rule.UNKNOWN_FIELD)
