"""Credentials that end are renewed in time, by one at a time, and never shown."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.provider.loopback import Time
from reconciler.providers.aliyun.asked_keys import KEY_NAMES
from reconciler.providers.asked_keys import Ask, temporary_key
from reconciler.providers.credential_source import PAUSE, Fixed, Passing, Renewed, RenewingAuth, signed_headers, stamp
from reconciler.providers.credentials import AccessKey
from reconciler.providers.transport.answers import Redactor
from reconciler.providers.transport.codes import NO_CODES
from reconciler.providers.transport.wire import Wire
from reconciler.tasks.observation import Fault, Meaning
from tests.providers.loopback import FROZEN, around

MARGIN = 900.0
HOUR = 3600.0
AWAY = ProviderError(Fault(Meaning.UNREACHABLE, "sts.example.com: no connection"))


class Cloud:
    """Hands out numbered keys that live for `lifetime` seconds; the clock is that of the test."""

    def __init__(self, lifetime: float | None = HOUR) -> None:
        self.time = Time()
        self.lifetime = lifetime
        self.asked = 0
        self.error: ProviderError | None = None
        self.same = False
        self.learnt: list[str] = []

    def now(self) -> datetime:
        return FROZEN + timedelta(seconds=self.time.now - 1000.0)

    async def fetch(self) -> AccessKey:
        self.asked += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        end = None if self.lifetime is None else self.now() + timedelta(seconds=self.lifetime)
        number = 1 if self.same else self.asked
        return AccessKey(f"id-{number}", f"hunter-{number}", f"token-{number}", end)

    def source(self, first: AccessKey | None = None) -> Renewed[AccessKey]:
        return Renewed(
            self.fetch,
            margin=MARGIN,
            now=self.now,
            monotonic=self.time.monotonic,
            learn=self.learnt.extend,
            first=first,
        )


def tried(act: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await act()

    asyncio.run(run())


def test_it_is_fetched_once_for_all_that_ask_together() -> None:
    cloud = Cloud()

    async def act() -> None:
        source = cloud.source()
        keys = await asyncio.gather(*(source.current() for _ in range(20)))
        assert {key.id for key in keys} == {"id-1"}

    tried(act)
    assert cloud.asked == 1
    assert cloud.learnt == ["hunter-1", "token-1"]


@pytest.mark.parametrize(("lifetime", "margin"), [(12 * HOUR, MARGIN), (HOUR, MARGIN), (1000.0, 250.0), (80.0, 20.0)])
def test_it_is_renewed_before_it_ends(lifetime: float, margin: float) -> None:
    cloud = Cloud(lifetime)

    async def act() -> None:
        source = cloud.source()
        await source.current()
        cloud.time.now += lifetime - margin - 1
        assert (await source.current()).id == "id-1"
        cloud.time.now += 2
        keys = await asyncio.gather(*(source.current() for _ in range(20)))
        assert {key.id for key in keys} == {"id-2"}

    tried(act)
    assert cloud.asked == 2


def test_one_without_an_end_is_never_renewed_by_itself() -> None:
    cloud = Cloud(None)

    async def act() -> None:
        source = cloud.source()
        await source.current()
        cloud.time.now += 10**6
        assert (await source.current()).id == "id-1"

    tried(act)


def test_a_renewal_that_fails_does_no_harm_while_it_is_good(caplog: pytest.LogCaptureFixture) -> None:
    cloud = Cloud()

    async def act() -> None:
        source = cloud.source()
        await source.current()
        cloud.error = AWAY
        cloud.time.now += HOUR - 100
        for _ in range(5):
            assert (await source.current()).id == "id-1"
        assert cloud.asked == 2, "it is not asked at every request"
        cloud.time.now += PAUSE
        assert (await source.current()).id == "id-1"
        assert cloud.asked == 3
        cloud.error = None
        cloud.time.now += PAUSE
        assert (await source.current()).id == "id-4"

    with caplog.at_level(logging.WARNING):
        tried(act)
    assert "no connection" in caplog.text
    assert "hunter" not in caplog.text


def test_a_renewal_that_fails_for_want_of_a_network_is_tried_again_by_the_next_request() -> None:
    cloud = Cloud()

    async def act() -> None:
        source = cloud.source()
        cloud.error = AWAY
        for _ in range(3):
            with pytest.raises(ProviderError, match="no connection"):
                await source.current()
        assert cloud.asked == 3
        together = await asyncio.gather(*(source.current() for _ in range(8)), return_exceptions=True)
        assert all(isinstance(each, ProviderError) for each in together)
        assert cloud.asked == 4, "who waited for the same failure does not ask again"
        cloud.error = None
        assert (await source.current()).id == "id-5"

    tried(act)


def test_a_renewal_that_is_refused_is_not_repeated_at_once() -> None:
    cloud = Cloud()

    async def act() -> None:
        source = cloud.source()
        await source.current()
        cloud.error = CredentialsError("not your role")
        cloud.time.now += HOUR + 1
        for _ in range(5):
            with pytest.raises(ProviderError, match="not your role"):
                await source.current()
        assert cloud.asked == 2

    tried(act)


def test_a_service_that_hands_out_the_same_is_not_asked_at_every_request() -> None:
    cloud = Cloud()
    cloud.same = True

    async def act() -> None:
        source = cloud.source()
        await source.current()
        cloud.lifetime = -1.0
        cloud.time.now += HOUR
        for _ in range(5):
            await source.current()
        assert cloud.asked == 2

    tried(act)


def test_a_refusal_renews_once_for_all() -> None:
    cloud = Cloud()

    async def act() -> None:
        source = cloud.source()
        refused = await source.current()
        fresh = await asyncio.gather(*(source.renewed(refused) for _ in range(8)))
        assert {key.id if key else None for key in fresh} == {"id-2"}
        assert cloud.asked == 2
        second = await source.current()
        assert await source.renewed(second) is None, "refused again: it is something else"
        assert cloud.asked == 2
        cloud.time.now += PAUSE
        third = await source.renewed(second)
        assert third is not None
        assert third.id == "id-3"

    tried(act)


def test_what_is_read_again_and_is_the_same_is_no_renewal() -> None:
    cloud = Cloud(None)
    cloud.same = True

    async def act() -> None:
        first = AccessKey("id-1", "hunter-1", "token-1")
        source = cloud.source(first)
        assert await source.current() == first
        assert cloud.asked == 0
        assert await source.renewed(first) is None
        assert cloud.asked == 1

    tried(act)


def test_what_stays_as_it_is() -> None:
    async def act() -> None:
        key = AccessKey("id", "hunter")
        assert await Fixed(key).current() == key
        assert await Fixed(key).renewed(key) is None

    tried(act)


def test_what_somebody_else_keeps_is_asked_for_each_time() -> None:
    cloud = Cloud()

    async def act() -> None:
        source = Passing(cloud.fetch)
        first = await source.current()
        fresh = await source.renewed(first)
        assert fresh is not None
        assert fresh.id == "id-2"

    tried(act)


def test_who_is_interrupted_while_renewing_keeps_nobody_else_from_it() -> None:
    cloud = Cloud()

    async def act() -> None:
        source = cloud.source()
        first = asyncio.create_task(source.current())
        second = asyncio.create_task(source.current())
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).id.startswith("id-")

    tried(act)


def test_secrets_are_not_shown() -> None:
    cloud = Cloud()

    async def act() -> None:
        source = cloud.source()
        key = await source.current()
        assert "hunter" not in f"{source!r} {key!r} {Fixed(key)!r} {vars(source)!r}"
        assert "token-" not in f"{key!r} {vars(source)!r}"
        cloud.error = CredentialsError("refused")
        cloud.time.now += HOUR
        with pytest.raises(ProviderError) as caught:
            await source.current()
        assert "hunter" not in "".join(traceback.format_exception(caught.value))

    tried(act)


TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60)


@given(
    secrets=st.lists(TEXT, min_size=1, max_size=3), around_it=st.text(max_size=400), status=st.sampled_from([403, 500])
)
def test_a_refusal_that_echoes_secrets_shows_none(secrets: list[str], around_it: str, status: int) -> None:
    redactor = Redactor()
    redactor.learn(secrets)
    ask = Ask(Wire(), redactor, around(), NO_CODES)
    shown = str(ask.refusal(httpx.Response(status), f"{around_it}{around_it.join(secrets)} {' '.join(secrets)}"))
    assert not any(secret in shown for secret in secrets if secret.strip("*") and secret not in around_it)


@given(
    st.dictionaries(
        st.sampled_from(["AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration", "Other"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=20), st.just("2024-01-02T03:04:05Z")),
    )
)
def test_a_key_is_whole_and_fit_for_a_header_or_none(body: dict[str, object]) -> None:
    key = temporary_key(body, KEY_NAMES)
    if key is None:
        return
    assert all(text and text.isascii() and text.isprintable() for text in (key.id, *key.secrets))
    assert len(key.secrets) == 2
    assert key.expires_at is not None
    assert key.expires_at.tzinfo is UTC


def test_a_moment_is_written_in_its_own_zone() -> None:
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC)
    for moment in (noon, noon.astimezone(timezone(timedelta(hours=8))), noon):
        assert stamp(moment.replace(microsecond=1), "%H:%M:%S%z") == moment.strftime("%H:%M:%S%z")


def test_headers_that_cannot_be_sent_are_no_bug_of_whoever_signs_them() -> None:
    request = httpx.Request("GET", "https://h/", headers={"Other": "x"})
    request.headers["X-Token"] = "\u00e9"
    assert [*signed_headers(request, {"x-token", "host"}.__contains__)] == ["host", "x-token"]


async def test_what_was_renewed_while_a_request_waited_for_its_turn_signs_it() -> None:
    taken: list[str] = []

    class Noting(RenewingAuth[AccessKey]):
        def mark(self, _: httpx.Request, credential: AccessKey) -> None:
            taken.append(credential.id)

    cloud, request = Cloud(), httpx.Request("GET", "https://h")
    auth = Noting(cloud.source())
    first = await auth.current()
    assert auth.sign(request, first) == first
    second = await auth.renewed(first)
    assert auth.sign(request, first) == second
    cloud.time.now += HOUR  # the second has ended, too: whoever knows better refuses either
    assert auth.sign(request, first) == first
    assert taken == ["id-1", "id-2", "id-1"]
