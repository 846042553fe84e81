"""Whatever comes instead of the documented form is named, briefly and without secrets."""

import json
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.provider.loopback import ODD_ANSWERS
from reconciler.providers.transport.answers import Redactor, header_text, json_object, parsed_object
from reconciler.providers.transport.clocks import Clocks, clock_skew, http_date
from reconciler.tasks.observation import Fault, Meaning
from tests.providers.loopback import FROZEN, dated

OBJECTS = {"an object without anything", "another envelope"}
ON_THE_WIRE = {"an encoding nobody asked for"}


@pytest.mark.parametrize("name", sorted(ODD_ANSWERS.keys() - OBJECTS - ON_THE_WIRE))
def test_odd_answers_are_malformed(name: str) -> None:
    reply = ODD_ANSWERS[name]
    fault = json_object(httpx.Response(reply.status, headers=reply.headers, content=reply.body), Redactor())
    assert isinstance(fault, Fault)
    assert fault.meaning is Meaning.MALFORMED
    assert fault.http_status == reply.status
    assert len(fault.message) < 250
    assert "secret" not in fault.message


@pytest.mark.parametrize("media", ["application/json", "application/json;charset=utf-8", "text/plain", ""])
def test_an_object_is_an_object(media: str) -> None:
    headers = {"Content-Type": media} if media else {}
    assert json_object(httpx.Response(200, headers=headers, content=b'{"a": 1}'), Redactor()) == {"a": 1}


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_no_object_whatever_it_holds(status: int) -> None:
    headers = {"Content-Type": "application/json", "Location": "http://127.0.0.1/"}
    fault = json_object(httpx.Response(status, headers=headers, content=b'{"a": 1}'), Redactor())
    assert isinstance(fault, Fault)
    assert fault.meaning is Meaning.MALFORMED


def test_excerpts_mask_before_they_cut() -> None:
    secret = "S" * 40
    excerpt = Redactor((secret, ""))(f"{'x' * 280}{secret}", 300)
    assert "SS" not in excerpt
    assert Redactor((secret,))(f"{'x' * 299}{secret}").count("S") == 0
    assert secret not in repr(Redactor((secret,)))


def test_excerpts_learn_what_was_renewed() -> None:
    redactor = Redactor(("first",))
    redactor.learn(("second", ""))
    assert redactor("first second third") == "*** *** third"
    redactor.learn(("first-and-more",))
    assert redactor("first-and-more first") == "*** ***"


def test_excerpts_leave_no_half_of_a_mark() -> None:
    url = f"https://h/{'x' * 40}.mp4?token=t"
    for limit in range(20, 70):
        shown = Redactor()(url, limit)
        assert len(shown) <= limit
        assert not re.search(r"\?~[0-9a-f]{0,7}(…|$)", shown)


def test_excerpts_are_presentable() -> None:
    shown = Redactor()("a\x1b[31m\u202eb https://h/v?token=t")
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "token" not in shown


EMPTY = '"task_array": [], "total": 0, "URLUploadInfoList": []'
"""What an answer looks like that says: no tasks."""


@pytest.mark.parametrize(
    ("reported", "code"),
    [
        ('"error_code": "MPC.10202", "error_msg": "bad"', "MPC.10202"),
        ('"error_code": 5001', "5001"),
        ('"error_code": -1', "-1"),
        ('"errorCode": "X.1"', "X.1"),
        ('"error_msg": "bad"', None),
        ('"Code": "InvalidParameter", "Message": "bad", "RequestId": "1"', "InvalidParameter"),
        ('"code": "Forbidden.RAM"', "Forbidden.RAM"),
        ('"error": {"code": 401, "message": "bad"}', "401"),
        ('"error": {"message": "bad"}, "code": 200', "200"),
        ('"error": "bad"', None),
        ('"error": true', None),
        ('"errors": [{"code": "1"}]', None),
        ('"fault": {"code": "F"}', "F"),
        ('"success": false, "message": "bad"', None),
        ('"result": {"error_code": "X.2", "error_msg": "bad"}', "X.2"),
        ('"Response": {"Error": {"Code": "AuthFailure", "Message": "bad"}}', "AuthFailure"),
        ('"error": {}, "status": {"Code": 500, "Message": "bad"}', "500"),
    ],
)
def test_an_error_beside_an_empty_list_is_an_error(reported: str, code: str | None) -> None:
    answer = httpx.Response(200, content=f"{{{EMPTY}, {reported}}}")
    fault = json_object(answer, Redactor())
    assert isinstance(fault, Fault)
    assert (fault.meaning, fault.code, fault.http_status) == (Meaning.MALFORMED, code, 200)
    assert "bad" not in reported or "bad" in fault.message


@pytest.mark.parametrize(
    "reported",
    [
        '"error_code": "", "error_msg": ""',
        '"error_code": null, "error": null',
        '"error_code": 0, "error_msg": "success"',
        '"error_code": "0"',
        '"Code": "200", "Message": "OK", "Success": true',
        '"code": "OK"',
        '"error": {}, "errors": [], "message": "done"',
        '"error": false',
        '"result": {"error_code": "0"}, "data": {}, "header": {"code": 200, "success": true}',
    ],
)
def test_a_code_of_success_is_no_error(reported: str) -> None:
    answer = httpx.Response(200, content=f"{{{EMPTY}, {reported}}}")
    assert isinstance(json_object(answer, Redactor()), dict)


@pytest.mark.parametrize(
    "body", ['{%s, "total": 0}', '{"rows": [{"id": 1, "id": 2}]}', '{"a": {"b": [{"c": 0, "\\u0063": 1}]}}']
)
def test_a_key_that_stands_twice_could_mean_two_things(body: str) -> None:
    """The rows or none, one id or another: neither is believed."""
    answer = httpx.Response(200, content=body.replace("%s", EMPTY))
    fault = json_object(answer, Redactor())
    assert isinstance(fault, Fault)
    assert fault.meaning is Meaning.MALFORMED
    assert "stands twice in one object" in fault.message
    assert parsed_object(answer) is None


TEXTS = st.text(st.sampled_from('ab"\\\\/{}[]:, \u00e9\u6f22\U0001f600\n\x00'), max_size=4)
BLANKS = st.sampled_from(["", "", "", " ", "\n\t"])


@st.composite
def written(draw: st.DrawFn, text: str) -> str:
    """A text as JSON can spell it: any of its characters by an escape."""
    plain = [json.dumps(character, ensure_ascii=False)[1:-1] for character in text]
    escaped = [json.dumps(each)[1:-1] if ord(each) > 127 else f"\\u{ord(each):04x}" for each in text]
    return '"' + "".join(draw(st.sampled_from(pair)) for pair in zip(plain, escaped, strict=True)) + '"'


def _objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects whose keys may stand twice, spelt alike or not."""
    pair = st.tuples(BLANKS, TEXTS.flatmap(written), BLANKS, st.just(":"), BLANKS, inner, BLANKS).map("".join)
    return st.lists(pair, max_size=4).map(lambda pairs: "{" + ",".join(pairs) + "}")


NUMBERS = st.sampled_from(
    ["0", "-0", "1", "1.0", "1e5", "-0.0", "1e999", "5e-324", "18446744073709551616", "9" * 70, "01"]
)
JSON = st.recursive(
    st.one_of(
        TEXTS.flatmap(written), NUMBERS, st.sampled_from(["true", "false", "null", "NaN", "Infinity", '"\\ud800"'])
    ),
    lambda inner: st.one_of(_objects(inner), st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")),
    max_leaves=12,
)


def _strictly(content: bytes) -> dict[str, Any] | None:
    """What Python's own reader makes of it, one object at a time; None where that can be read in two ways, or not."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError(pairs)
        return dict(pairs)

    def refused(constant: str) -> None:
        raise ValueError(constant)

    try:
        found = json.loads(content, object_pairs_hook=unique, parse_constant=refused)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@given(_objects(JSON).map(str.encode))
@example(b'{"a":"\\u0022\\u0022","a":1}')
@example(b'{"":{"a":"\\u0022", "\\u0061":1, "a":"\\u0022\\u0022"}}')
def test_what_may_be_read_in_two_ways_is_not_read_however_it_is_spelt(content: bytes) -> None:
    assert repr(parsed_object(httpx.Response(200, content=content))) == repr(_strictly(content))


@given(_objects(JSON).map(str.encode), st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=2)), max_size=3))
def test_what_is_no_json_is_none_of_any_reader(content: bytes, cuts: list[tuple[int, bytes]]) -> None:
    """Bytes taken out and put in anywhere."""
    for place, put in cuts:
        content = content[:place] + put + content[place + 1 :]
    assert repr(parsed_object(httpx.Response(200, content=content))) == repr(_strictly(content))


def test_most_answers_are_read_by_the_quick_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with blanks in them, and quotes and backslashes in texts."""
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was left to Python's own reader"))
    body = {"total": 1, "tasks": [{"id": "1", "text": 'a "quoted" \\ word, \u6f22', "part": {"id": 1.5, "none": None}}]}
    for content in (json.dumps(body), json.dumps(body, indent=1, ensure_ascii=False)):
        assert parsed_object(httpx.Response(200, content=content.encode())) == body


@pytest.mark.parametrize("meaning", Meaning)
def test_what_an_error_beside_success_may_mean(meaning: Meaning) -> None:
    """It may be worth another try. It never says that a task is gone, nor that an operation had no effect."""
    answer = httpx.Response(200, content=b'{"error_code": "X"}')
    fault = json_object(answer, Redactor(), {"X": meaning}.get)
    believed = {Meaning.THROTTLED, Meaning.UNAVAILABLE, Meaning.CREDENTIALS, Meaning.PERMISSION}
    assert isinstance(fault, Fault)
    assert fault.meaning is (meaning if meaning in believed else Meaning.MALFORMED)


@pytest.mark.parametrize("text", ["a\nb", "a\x00b", "t\xf6ken", "\u2028", "x" * 100_000, "", " \r\n", None, 5, ["a"]])
def test_what_no_header_may_carry(text: object) -> None:
    assert header_text(text) == ""
    assert header_text(" token\r\n") == "token"


# -- clocks ----------------------------------------------------------------------------------------------------


MPC, VOD = "https://mpc.example.com", "https://vod.example.com/base"


def answer(url: str, *dates: str) -> httpx.Response:
    return httpx.Response(
        200, headers=[("Date", date) for date in dates], request=httpx.Request("GET", f"{url}/v1?a=b")
    )


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("Tue, 02 Jan 2024 03:04:05 GMT", "this clock is 0 s behind the server's"),
        ("Tue, 02 Jan 2024 02:44:05 GMT", "this clock is 1200 s ahead of the server's"),
        ("Tue, 02 Jan 2024 02:44:05 -0000", "this clock is 1200 s ahead of the server's"),
        ("Tue Jan  2 02:44:05 2024", "this clock is 1200 s ahead of the server's"),
        ("Tue, 02 Jan 2024 05:44:05 +0300", "this clock is 1200 s ahead of the server's"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", ""),
        ("Sat, 01 Jan 0000 00:00:00 GMT", ""),
        ("Sat, 01 Jan 00 00:00:00 GMT", ""),
        ("Mon, 01 Jan 0001 00:00:00 +2001", ""),
        ("Mon, 01 Jan 1 00:00:00 GMT", ""),
        ("Tuesday, 02-Jan-24 02:44:05 GMT", ""),
        ("Tue, 02 Jan 100000000000000000000 03:04:05 GMT", ""),
        ("Fri, 31 Dec 9999 23:59:59 -2359", ""),
        ("yesterday", ""),
        (None, ""),
    ],
)
def test_clock_skew(date: str | None, words: str) -> None:
    assert clock_skew(httpx.Response(401, headers={"Date": date} if date else {}), "", FROZEN) == words


@given(st.lists(st.tuples(st.sampled_from([MPC, VOD]), st.integers(-(10**6), 10**6)), max_size=8))
def test_no_answer_hides_another(answers: list[tuple[str, int]]) -> None:
    clocks = Clocks(lambda: FROZEN)
    for url, skew in answers:
        clocks.note(answer(url, dated(skew)))
    clocks.note(answer(MPC, "yesterday"))
    for urls in ([MPC], [VOD], [MPC, VOD], [], ["https://iam.example.com"]):
        skews = [skew for url, skew in answers if url in urls]
        assert clocks.skews(urls) == ((min(skews), max(skews)) if skews else ())


def test_of_several_dates_each_counts() -> None:
    clocks = Clocks(lambda: FROZEN)
    clocks.note(answer(MPC, dated(0), "soon", dated(-400)))
    assert clocks.skews([MPC]) == (-400, 0)


@given(st.text(), st.text(alphabet="0123456789GMT:, +-JanFebTue", max_size=40))
def test_no_date_is_too_odd_to_be_read(text: str, likely: str) -> None:
    for date in (http_date(text), http_date(likely)):
        assert date is None or date.utcoffset() == timedelta(0)
