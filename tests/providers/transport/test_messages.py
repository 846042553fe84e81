"""Requests and answers are httpx's own, to who looks at them and to the server."""

import httpx
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reconciler.providers.transport.messages import Request, Response, destination

SERVERS = [
    "https://mpc.region-1.example.com",
    "http://127.0.0.1:8080",
    "https://h:443",
    "HTTP://Host",
    "http://[::1]:1",
]
PIECES = [*"aé +?&=#~:@'\\|\"/", "%2F", "%2f", "%", "%zz", "..", "/."]
URLS = st.builds(
    lambda server, path: f"{server}{''.join(path)}", st.sampled_from(SERVERS), st.lists(st.sampled_from(PIECES))
)


@given(URLS, st.sampled_from(["GET", "POST", "DELETE"]), st.sampled_from([b"", b"body"]))
@example("https://me:pw@host/path", "GET", b"")
@example("https://host", "POST", b"")
@example("https://host/a/../b?c", "GET", b"")
def test_a_request_goes_where_one_of_httpx_goes(url: str, method: str, body: bytes) -> None:
    try:
        theirs = httpx.Request(method, url, content=body or None)
    except httpx.InvalidURL:
        assume(False)
    assume(theirs.url.host)
    ours = Request(method, url, (), body, {})
    place = destination(ours)
    assert place == destination(theirs)
    assert (place.scheme, place.target.encode()) == (theirs.url.scheme, theirs.url.raw_path)
    assert (ours.method, ours.url, ours.content) == (theirs.method, theirs.url, theirs.content)
    assert dict(ours.headers) == dict(theirs.headers)


def test_headers_that_are_given_stand_once() -> None:
    given = [("Accept", "*/*"), ("host", "other"), ("Content-Length", "0"), ("accept", "text/plain")]
    request = Request("POST", "https://h/", given, b"", {})
    assert request.headers.raw == [(b"host", b"other"), (b"Content-Length", b"0"), (b"accept", b"text/plain")]


def test_another_url_leads_elsewhere() -> None:
    request = Request("GET", "https://h/a?b", (), b"", {})
    request.url = httpx.URL("https://i/c?d")
    assert destination(request) == ("https", "i", "/c?d")
    assert request.url.host == "i"


def test_an_answer_reads_like_one_of_httpx() -> None:
    request = httpx.Request("GET", "https://h/")
    headers = [(b"Content-Type", b"application/json; charset=latin-1"), (b"X-Twice", b"1"), (b"X-Twice", b"2")]
    ours, theirs = (
        Response(404, headers, b'{"a": "\xe9"}', request),
        httpx.Response(404, headers=headers, content=b'{"a": "\xe9"}', request=request),
    )
    assert (ours.content, ours.text, ours.status_code) == (theirs.content, theirs.text, theirs.status_code)
    assert ours.read() == theirs.read()
    assert ours.headers.get_list("x-twice") == ["1", "2"]
    assert ours.is_client_error
    assert ours.request is request
