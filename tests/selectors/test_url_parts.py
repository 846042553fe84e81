"""What conditions see of a URL."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.syntax import Truth
from reconciler.selectors.trace import describe
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.task import Field, FieldType
from reconciler.tasks.url_parts import UrlPart, part_of


@pytest.fixture(scope="module")
def upload_of_url(upload: ResourceType) -> ResourceType:
    url = Field("upload_url", FieldType.STRING, "Source", example="https://h/a", url=True)
    return replace(upload, fields={**upload.fields, "upload_url": url})


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://Media.Example.COM/A/b.mp4?k=1#x", "media.example.com", "/A/b.mp4"),
        ("https://media.example.com:443/a", "media.example.com", "/a"),
        ("http://media.example.com:80/a", "media.example.com", "/a"),
        ("http://media.example.com:/a", "media.example.com", "/a"),
        ("https://media.example.com:8443/a", "media.example.com:8443", "/a"),
        ("https://user:secret@media.example.com/a", "media.example.com", "/a"),
        ("https://media.example.com", "media.example.com", "/"),
        ("https://media.example.com?k=1", "media.example.com", "/"),
        ("https://[2001:DB8::1]:443/a", "[2001:db8::1]", "/a"),
        ("s3://Bucket/key/a b", "bucket", "/key/a b"),
        ("https://m\u00fcnchen.example/a", "m\u00fcnchen.example", "/a"),
        # What is no URL, or is read in different ways, has no part.
        *((text, None, None) for text in ("", "media.example.com/a", "https:///a", "https://?k", "/a", "https://h:x/")),
        ("https://good.example\\@evil.example/a", None, None),
        ("https://good.example@evil.example@good.example/a", None, None),
        ("https://good.example%2eevil.example/a", None, None),
        ("https://good.example\t.evil.example/a", None, None),
        (" https://good.example/a", None, None),
        ("https://[::1]x/a", None, None),
    ],
)
def test_parts(url: str, host: str | None, path: str | None) -> None:
    assert (part_of(url, UrlPart.HOST), part_of(url, UrlPart.PATH)) == (host, path)


@given(st.text(max_size=40).map("https://".__add__))
def test_no_part_holds_a_query(url: str) -> None:
    for part in UrlPart:
        assert not {"?", "#"} & set(part_of(url, part) or "")


@pytest.mark.parametrize("url", ["https://" + "a@" * 8000, "https://" + "a:" * 8000, "https://h/" + "?" * 16000])
def test_a_hostile_url_takes_no_time(url: str) -> None:
    for _ in range(200):
        part_of(url, UrlPart.HOST)


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ({"upload_url.host": "legacy.example.com"}, Truth.TRUE),
        ({"upload_url.host": "LEGACY.example.com:443"}, Truth.TRUE),
        ({"upload_url.host": ["a.example", "Legacy.Example.com"]}, Truth.TRUE),
        ({"upload_url.host": {"glob": "*.EXAMPLE.com"}}, Truth.TRUE),
        ({"upload_url.host": {"regex": r"^LEGACY\.\D+$"}}, Truth.TRUE),
        ({"upload_url.host": {"not_contains": "Legacy"}}, Truth.FALSE),
        ({"upload_url.path": {"glob": "/drafts/*"}}, Truth.TRUE),
        ({"upload_url.path": {"glob": "/Drafts/*"}}, Truth.FALSE),
        ({"upload_url.path": {"contains": "secret"}}, Truth.FALSE),
        ({"upload_url": {"contains": "secret"}}, Truth.TRUE),
        ({"upload_url.path": {"exists": True}}, Truth.TRUE),
    ],
)
def test_conditions_on_parts(condition: dict[str, object], truth: Truth, upload_of_url: ResourceType) -> None:
    selector, problems = parse_selector(condition, [upload_of_url])
    assert selector is not None, problems
    holds = compile_selector(selector, None)
    assert holds({"upload_url": "https://Legacy.example.com:443/drafts/a.mp4?key=secret"}) is truth
    (name,) = condition
    assert describe(selector).startswith(f"{name} ")
    if "exists" not in str(condition) and name != "upload_url":
        assert holds({"upload_url": "no URL"}) is holds({}) is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"upload_url.host": "https://h.example"}, "`https://h.example` is no host: it holds a `/`, as URLs do"),
        ({"upload_url.host": {"glob": "*.example/*"}}, "`*.example/*` is no host: it holds a `/`, as URLs do"),
        ({"upload_url.path": "a.mp4"}, "`a.mp4` does not begin with `/`, as the path of a URL does"),
        (
            {"upload_url.path": {"not_glob": "drafts/*"}},
            "`drafts/*` does not begin with `/`, as the path of a URL does",
        ),
        ({"upload_url.path": "/a?k=1"}, "`/a?k=1` holds a `?`: a query is no part of the path"),
        ({"upload_url.host": "*.example"}, "`*.example` compares literally; did you mean glob?"),
        ({"upload_url.path": {"glob": "*/a?.mp4"}}, None),
        ({"upload_url.path": {"contains": "drafts"}}, None),
    ],
)
def test_what_no_part_can_be_is_a_warning(
    condition: dict[str, object], said: str | None, upload_of_url: ResourceType
) -> None:
    selector, problems = parse_selector(condition, [upload_of_url])
    assert selector is not None
    assert [problem.message for problem in problems] == ([said] if said else [])


def test_a_part_that_is_written_as_an_operator_is_recognised(upload_of_url: ResourceType) -> None:
    _, (problem,) = parse_selector({"upload_url": {"host": "x"}}, [upload_of_url])
    assert problem.hint == "did you mean `upload_url.host`?"


def test_only_what_holds_a_url_has_parts(upload_of_url: ResourceType) -> None:
    assert {"upload_url.host", "upload_url.path"} == upload_of_url.selectable.keys() - upload_of_url.fields.keys()
    _, (problem,) = parse_selector({"upload_url.query": "x"}, [upload_of_url])
    assert problem.message == "`upload_url.query` is not a field of cloud.vod.url_upload"
    _, (problem,) = parse_selector({"user_data.host": "x"}, [upload_of_url])
    assert "is not a field" in problem.message


@pytest.mark.parametrize(
    ("condition", "doubted"),
    [
        ("legacy.example.com/a.mp4", True),
        (["https://h/a", "h/a"], True),
        ({"ne": "h/a"}, True),
        ({"glob": "legacy.example.com/*"}, True),
        ({"not_glob": ["https://*", "/a*"]}, True),
        ("https://legacy.example.com/a.mp4", False),
        ({"glob": "http*"}, False),
        ({"glob": "*/legacy/*"}, False),
        ({"glob": "[hs]*"}, False),
        ({"contains": "legacy.example.com/"}, False),
        ({"regex": "legacy.example.com/"}, False),
    ],
)
def test_a_url_without_a_scheme_is_doubted(condition: object, doubted: bool, upload_of_url: ResourceType) -> None:
    selector, problems = parse_selector({"upload_url": condition}, [upload_of_url])
    assert selector is not None
    assert [problem.message.partition("` ")[2] for problem in problems] == (
        ["is no URL: it does not begin with a scheme, such as `https://`"] if doubted else []
    )
