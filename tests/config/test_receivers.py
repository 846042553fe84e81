"""Who is told of runs: what may be written, and what of it is never repeated."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.config.loader import settings_known
from reconciler.config.model import Configuration, Event, Secret
from reconciler.diagnostics import Diagnostic
from reconciler.tasks.resource_type import Catalogue

POLICY = """
targets: {hw: {provider: huaweicloud, region: cn-north-4}}
policies:
  none-waits: {resource: huaweicloud.mpc.packaging, match: {status: pending}, ensure: absent, notify_above: 5}
"""
TOKEN = "aB3dE5gH7jK9mN1pQ3sT5v"


def settings(receiver: str) -> str:
    return f"version: 1\nsettings:\n  notify:\n    ops: {receiver}\n"


def test_a_webhook(accepted: Callable[..., Configuration]) -> None:
    text = settings("{webhook: {url: 'https://h.example.com/x:1', secret: {file: keys/hook}}, on: [failed, recovered]}")
    receiver = accepted({"conf/reconciler.yaml": text}).settings.notify["ops"]
    assert (receiver.url, receiver.secret) == ("https://h.example.com/x:1", Secret(file=Path("conf/keys/hook")))
    assert receiver.on == {Event.FAILED, Event.RECOVERED}
    assert receiver.masked == {}


def test_apprise_and_all_events(accepted: Callable[..., Configuration]) -> None:
    receiver = accepted(settings("{apprise: {env: URLS}}")).settings.notify["ops"]
    assert (receiver.apprise, receiver.on) == (Secret(env="URLS"), frozenset(Event))


def test_what_a_variable_gives_is_masked(accepted: Callable[..., Configuration]) -> None:
    """A name that says that it holds a secret is no mistake here: that is what the address is."""
    text = settings("{webhook: {url: '${OPS_WEBHOOK}', secret: {env: A}}}")
    url = f"https://h.example.com/{TOKEN}"
    receiver = accepted(text, OPS_WEBHOOK=url).settings.notify["ops"]
    assert receiver.url == url
    assert receiver.masked == dict.fromkeys((url, "h.example.com", f"/{TOKEN}"), "${OPS_WEBHOOK}")
    assert TOKEN not in repr(receiver)
    assert accepted(text).settings.notify["ops"].url == ""


def test_a_number_above_which_somebody_is_told(accepted: Callable[..., Configuration]) -> None:
    configuration = accepted(settings("{apprise: {env: URLS}}") + POLICY)
    assert configuration.policies["none-waits"].notify_above == 5
    assert configuration.warnings == ()
    other = accepted(settings("{apprise: {env: URLS}}") + POLICY.replace("5", "6"))
    assert configuration.fingerprint == other.fingerprint  # it asks for the same


@pytest.mark.parametrize("heard", ["version: 1\n", settings("{apprise: {env: URLS}, on: [failed]}")])
def test_a_number_that_tells_nobody(mistakes: Callable[..., list[str]], heard: str) -> None:
    (found,) = mistakes(heard + POLICY)
    assert "warning: `notify_above` tells nobody: no entry under `settings.notify` has `above` in its `on`" in found


@pytest.mark.parametrize(
    ("receiver", "message"),
    [
        ("{}", "4:5 error: missing key `webhook`"),
        ("{apprise: {env: A}, webhok: {}}", "4:30 error: unknown key `webhok` (did you mean `webhook`?)"),
        ("{webhook: {url: 'https://h.example.com'}}", "4:11 error: missing key `secret`"),
        (
            "{webhook: {url: 'https://h.example.com', secret: {env: A}}, apprise: {env: B}}",
            "4:70 error: a receiver has `webhook` or `apprise`, not both (make two of it)",
        ),
        (
            "{apprise: {env: A}, on: [fail]}",
            "4:35 error: `fail` is not an allowed value (did you mean `failed`?)",
        ),
        ("{apprise: {env: A}, on: []}", "4:34 error: must not be empty"),
        (
            "{apprise: {env: A}, on: [recovered]}",
            "4:34 error: nothing is told: what recovers was told before (add `failed` or `refused`)",
        ),
        (
            "{apprise: {env: A}, template: '{titel}'}",
            ("4:40 error: the template names `titel`, which is nothing that a message has (did you mean `title`?)"),
        ),
        (
            "{apprise: {env: A}, template: '{title.__class__}'}",
            "4:40 error: the template names `title.__class__`, which is nothing that a message has",
        ),
        (
            "{apprise: {env: A}, template: 'x } y'}",
            "4:40 error: a brace of the template has no other one (write {{ or }} for a brace itself)",
        ),
        (
            "{apprise: {env: A}, template: '${TEAM}: {title}'}",
            "4:40 error: no variable may stand in a template (write the text itself)",
        ),
    ],
)
def test_mistakes(mistakes: Callable[..., list[str]], receiver: str, message: str) -> None:
    assert mistakes(settings(receiver), TEAM="media") == [f"reconciler.yaml:{message}"]


@pytest.mark.parametrize(
    ("receiver", "message"),
    [
        (f"{{apprise: 'slack://{TOKEN}'}}", "a secret must not stand in the configuration"),
        (
            f"{{webhook: {{url: 'https://h.example.com', secret: {TOKEN}}}}}",
            "a secret must not stand in the configuration",
        ),
        (
            f"{{webhook: {{url: 'https://h.example.com/T0/{TOKEN}', secret: {{env: A}}}}}}",
            "a URL with a secret in it must not stand in the configuration",
        ),
        (f"{{webhook: {{url: 'https://h.example.com/x?t={TOKEN}', secret: {{env: A}}}}}}", "without a query"),
        (f"{{webhook: {{url: 'https://me:{TOKEN}@h.example.com/x', secret: {{env: A}}}}}}", "must be an https:// URL"),
        (f"{{webhook: {{url: 'http://h.example.com/{TOKEN}x', secret: {{env: A}}}}}}", "must be an https:// URL"),
        (f"{{webhook: 'https://h.example.com/{TOKEN}'}}", "must be a mapping, but is text"),
        (f"{{apprise:\n        'slack://{TOKEN}'}}", "a secret must not stand in the configuration"),
    ],
)
def test_a_secret_is_not_repeated(
    validate: Callable[..., tuple[Configuration | None, tuple[Diagnostic, ...]]], receiver: str, message: str
) -> None:
    configuration, diagnostics = validate(settings(receiver))
    assert configuration is None
    assert message in "".join(found.message for found in diagnostics)
    assert TOKEN not in repr(diagnostics)


def test_what_is_wrong_elsewhere_leaves_the_receivers(
    write: Callable[..., None], catalogue: Catalogue, folder: Path
) -> None:
    """They are told of it."""
    write({"reconciler.yaml": settings("{apprise: {env: A}}") + "    other: {apprise: 5}\n  concurrency: many\n"})
    known = settings_known([folder], catalogue, environment={})
    assert [*known.notify] == ["ops"]


@pytest.mark.parametrize("body", ["{webhook: {url: 'https://h.example.com'}}", "{webhook: 5}", "{}", "5"])
def test_who_is_not_wholly_known_is_told_nothing(
    write: Callable[..., None], catalogue: Catalogue, folder: Path, body: str
) -> None:
    write({"reconciler.yaml": settings(body) + "    other: {apprise: {env: A}}\n"})
    assert [*settings_known([folder], catalogue, environment={}).notify] == ["other"]
