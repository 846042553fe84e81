"""What is told of requests holds no secret, whatever is sent, and whatever a server makes of it."""

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import quote

import httpx
import pytest

from reconciler.provider.loopback import Received, Reply, serving
from reconciler.providers.transport.answers import Redactor
from reconciler.providers.transport.trace import DIRECT, EVENTS, REQUESTS, Tracer, about
from reconciler.providers.transport.wire import Wire

SECRET = 'Zq7/se"cr&et+9vX<=>'
TOKEN = "MIIq7t0ken" + "x/+" * 1500
HEX = "5f0e" * 16
SIGNED = f"https://h.example/v.mp4?Signature={HEX[:40]}&Expires=1"
CANARIES = (SECRET, TOKEN[:40], HEX[:24], "mypassword")


class Heard(logging.Handler):
    """All that is told, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.events: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        facts: dict[str, object] = record.__dict__["facts"]
        self.events.append(facts)
        self.text += record.getMessage() + json.dumps(facts, ensure_ascii=False) + "\n"


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler = Heard()
    for logger in (EVENTS, REQUESTS):
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield handler
    for logger in (EVENTS, REQUESTS):
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def _exchange(answer: Callable[[Received], Reply], target: str = "", *, direct: bool = False) -> None:
    """Send a request whose headers and query hold secrets."""

    async def run() -> None:
        redactor = Redactor((SECRET, TOKEN))
        async with (
            serving(answer) as server,
            httpx.AsyncClient(transport=Wire(tracer=Tracer(redactor, "x-action", "x-retry")), trust_env=False) as http,
        ):
            url = f"{server.url}{target or f'/v1/jobs?UploadURLs={quote(quote(SIGNED, safe=str()), safe=str())}&id=1'}"
            headers = {
                "X-Auth-Token": TOKEN,
                "Authorization": f"HMAC Access=AK, SignedHeaders=host, Signature={HEX}",
                "X-Action": "ListJobs",
            }
            extensions = {DIRECT: True} if direct else {}
            await http.send(httpx.Request("GET", url, headers=headers, extensions=extensions))

    asyncio.run(run())


def _forms(text: str) -> Iterator[str]:
    yield from (text, json.dumps(text)[1:-1], quote(text), quote(text, safe=""), escape(text), text.upper())
    yield json.dumps(text)[1:-1].replace("/", "\\/")
    yield "".join(f"\\u{ord(character):04x}" for character in text)
    yield quote(quote(text, safe=""), safe="")


def _echo(request: Received) -> str:
    """All that came, in every form that a server may give it."""
    secrets = [SECRET, *(value for values in request.headers.values() for value in values), HEX, SIGNED]
    return " ".join(form for text in secrets for form in _forms(text)) + request.target + f" see {SIGNED}"


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 429, 500, 503])
def test_an_echo_of_what_was_sent_is_masked(heard: Heard, status: int) -> None:
    def answer(request: Received) -> Reply:
        headers = {
            "Location": f"/login?next={HEX}&t={TOKEN[:100]}",
            "X-Retry": TOKEN[:4000],
            "X-RateLimit-Remaining": SECRET,
            "X-Request-Id": HEX,
            "Server": f"proxy for {SIGNED}",
            "X-Subject-Token": TOKEN[:100],
            "Set-Cookie": f"session={HEX}",
        }
        return Reply(status, _echo(request).encode(), headers)

    _exchange(answer)
    assert "ListJobs" in heard.text
    assert f'"status": {status}' in heard.text
    for canary in CANARIES:
        assert canary not in heard.text
        assert canary.lower() not in heard.text.lower()
    assert "Signature=5f0e" not in heard.text
    assert "Signature%3D" not in heard.text


@pytest.mark.parametrize("pad", range(0, 3000, 500))
def test_no_beginning_of_a_secret_is_left_where_a_long_body_is_cut(heard: Heard, pad: int) -> None:
    body = ("." * pad + TOKEN * 60).encode()
    _exchange(lambda _: Reply(400, body))
    assert TOKEN[:8] not in heard.text


def test_bodies_of_success_and_values_of_queries_are_not_told(heard: Heard) -> None:
    _exchange(lambda _: Reply(200, b'{"secret": "mypassword"}'), "/p/1?a=mypassword&a=2&mypassword&=x")
    told = [event for event in heard.events if event.get("event")]
    assert [str(event["url"]).partition("/p/1")[2] for event in told] == ["?a&..."] * 2
    assert "mypassword" not in heard.text
    assert "body" not in told[1]


def test_paths_of_the_machines_own_services_are_not_told(heard: Heard) -> None:
    _exchange(lambda _: Reply(404, b"no"), "/credentials/mypassword", direct=True)
    assert "/... ListJobs: HTTP 404" in heard.text
    assert "mypassword" not in heard.text


def test_what_moves_a_terminal_is_told_as_text(heard: Heard) -> None:
    _exchange(lambda _: Reply(500, "\x1b[31m\u202ebad\x00".encode() + b"\xff\xfe", {"X-Request-Id": "a\x1b[2Jb"}))
    assert "\\\\x1b[31m\\\\u202ebad" in heard.text
    assert "\x1b" not in heard.text


def test_whoever_does_not_listen_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for logger in (EVENTS, REQUESTS):
        monkeypatch.setattr(logger, "isEnabledFor", lambda _: False)
    redactor = Redactor((base64.b64encode(b"x").decode(),))
    request = httpx.Request("GET", "http://127.0.0.1/")
    with Tracer(redactor).telling(request) as answers:
        assert answers == []
    assert request.extensions == {}


def test_what_it_is_about_ends_with_its_context() -> None:
    from reconciler.providers.transport.trace import what_about  # noqa: PLC0415 - only here

    with about(target="t"), about(resource="r", target="u"):
        assert dict(what_about()) == {"target": "u", "resource": "r"}
    assert dict(what_about()) == {}
