"""How far clocks are apart, by the `Date` of answers: every answer counts, for the service that gave it."""

from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.transport.clocks import Clocks, clock_skew, http_date
from tests.providers.loopback import FROZEN, dated

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
        ("Tuesday, 02-Jan-24 02:44:05 GMT", "this clock is 1200 s ahead of the server's"),
        ("Tue Jan  2 02:44:05 2024", "this clock is 1200 s ahead of the server's"),
        ("Tue, 02 Jan 2024 05:44:05 +0300", "this clock is 1200 s ahead of the server's"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", ""),
        ("Tue, 02 Jan 100000000000000000000 03:04:05 GMT", ""),
        ("Fri, 31 Dec 9999 23:59:59 -2359", ""),
        ("yesterday", ""),
        (None, ""),
    ],
)
def test_clock_skew(date: str | None, words: str) -> None:
    assert clock_skew(httpx.Response(401, headers={"Date": date} if date else {}), FROZEN) == words


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
