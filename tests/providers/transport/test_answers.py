"""Whatever comes instead of the documented form is named, briefly and without secrets."""

from __future__ import annotations

import re

import httpx
import pytest

from reconciler.exceptions import ProviderError
from reconciler.providers.transport.answers import Excerpts, clock_skew, json_object
from reconciler.providers.transport.endpoint import base_url, is_loopback
from reconciler.tasks.fault import Fault, Meaning
from tests.providers.loopback import FROZEN, ODD_ANSWERS

OBJECTS = {"an object without anything", "another envelope"}
ON_THE_WIRE = {"an encoding nobody asked for"}


@pytest.mark.parametrize("name", sorted(ODD_ANSWERS.keys() - OBJECTS - ON_THE_WIRE))
def test_odd_answers_are_malformed(name: str) -> None:
    reply = ODD_ANSWERS[name]
    fault = json_object(httpx.Response(reply.status, headers=reply.headers, content=reply.body), Excerpts())
    assert isinstance(fault, Fault)
    assert fault.meaning is Meaning.MALFORMED
    assert fault.http_status == reply.status
    assert len(fault.message) < 250
    assert "secret" not in fault.message


@pytest.mark.parametrize("media", ["application/json", "application/json;charset=utf-8", "text/plain", ""])
def test_an_object_is_an_object(media: str) -> None:
    headers = {"Content-Type": media} if media else {}
    assert json_object(httpx.Response(200, headers=headers, content=b'{"a": 1}'), Excerpts()) == {"a": 1}


def test_excerpts_mask_before_they_cut() -> None:
    secret = "S" * 40
    excerpt = Excerpts((secret, ""))(f"{'x' * 280}{secret}", 300)
    assert "SS" not in excerpt
    assert Excerpts((secret,))(f"{'x' * 299}{secret}").count("S") == 0
    assert secret not in repr(Excerpts((secret,)))


def test_excerpts_learn_what_was_renewed() -> None:
    excerpts = Excerpts(("first",))
    excerpts.learn(("second", ""))
    assert excerpts("first second third") == "*** *** third"
    excerpts.learn(("first-and-more",))
    assert excerpts("first-and-more first") == "*** ***"


def test_excerpts_leave_no_half_of_a_mark() -> None:
    url = f"https://h/{'x' * 40}.mp4?token=t"
    for limit in range(20, 70):
        shown = Excerpts()(url, limit)
        assert len(shown) <= limit
        assert not re.search(r"\?~[0-9a-f]{0,7}(…|$)", shown)


def test_excerpts_are_presentable() -> None:
    shown = Excerpts()("a\x1b[31m\u202eb https://h/v?token=t")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "token" not in shown


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("Tue, 02 Jan 2024 03:04:05 GMT", "this clock is 0 s behind the server's"),
        ("Tue, 02 Jan 2024 02:44:05 GMT", "this clock is 1200 s ahead of the server's"),
        ("yesterday", ""),
        (None, ""),
    ],
)
def test_clock_skew(date: str | None, words: str) -> None:
    assert clock_skew(httpx.Response(401, headers={"Date": date} if date else {}), FROZEN) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://mpc.example.com", "https://mpc.example.com"),
        ("https://mpc.example.com/gateway/", "https://mpc.example.com/gateway"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_endpoints(text: str, expected: str) -> None:
    assert base_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://mpc.example.com",
        "http://127.0.0.1.example.com",
        "ftp://localhost",
        "mpc.example.com",
        "",
        "https://",
        "https://user:hunter2@mpc.example.com",
        "https://mpc.example.com?x=hunter2",
        "https://[",
    ],
)
def test_endpoints_that_must_not_be_used(text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        base_url(text)
    assert "hunter2" not in caught.value.message


def test_loopback() -> None:
    assert is_loopback("127.8.9.1")
    assert not is_loopback("128.0.0.1")
