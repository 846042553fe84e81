"""Whatever a server answers, reading it gives tasks or a fault: it never raises, nor takes nonsense for a list."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.exceptions import ProviderError
from reconciler.providers.aliyun import PROVIDER as ALIYUN_PROVIDER
from reconciler.providers.aliyun.answers import canceled_in, infos_in
from reconciler.providers.aliyun.asked_keys import AssumedRole, CredentialsUri, EcsRole, OidcRole, Role, account_of
from reconciler.providers.aliyun.inventory import Infos, Question
from reconciler.providers.aliyun.url_upload import URL_UPLOAD
from reconciler.providers.asked_keys import Ask
from reconciler.providers.credential_source import Fixed
from reconciler.providers.credentials import AccessKey
from reconciler.providers.huaweicloud import PROVIDER as HUAWEICLOUD_PROVIDER
from reconciler.providers.huaweicloud.asked_keys import Agency, Container, IdentityToken
from reconciler.providers.huaweicloud.endpoints import project_named
from reconciler.providers.huaweicloud.signing import Login, SignatureAuth, Token, TokenAuth, TokenIssuer
from reconciler.providers.pages import Page, page_in, united
from reconciler.providers.registry import catalogue
from reconciler.providers.transport.answers import Redactor
from reconciler.providers.transport.wire import Wire
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action, ResourceType
from tests.providers.aliyun import cloud as aliyun
from tests.providers.huaweicloud import cloud as huaweicloud
from tests.providers.loopback import around

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["a1", "WAITING", "PENDING", "Success", "cn-north-4", "9999-12-31T23:59:59-23:59", "2099-01-01"]),
)
KEYS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "task_array",
            "tasks",
            "jobs",
            "results",
            "total",
            "count",
            "is_truncated",
            "next_marker",
            "task_id",
            "job_id",
            "asset_id",
            "status",
            "create_time",
            "input",
            "bucket",
            "URLUploadInfoList",
            "NonExists",
            "CanceledJobs",
            "JobId",
            "Status",
            "UploadURL",
            "CreationTime",
            "FileSize",
            "error_code",
            "error_msg",
            "error",
            "Code",
            "Message",
            "RequestId",
            "credential",
            "Credentials",
            "access",
            "secret",
            "securitytoken",
            "expires_at",
            "AccessKeyId",
            "AccessKeySecret",
            "SecurityToken",
            "Expiration",
            "AccountId",
            "projects",
            "name",
            "id",
            "token",
        ]
    ),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)
BODIES = st.one_of(st.binary(max_size=60), DOCUMENTS.map(lambda data: json.dumps(data).encode()))
STATUSES = st.sampled_from([200, 201, 204, 302, 304, 400, 401, 403, 404, 429, 500, 503])
DATES = st.sampled_from(
    ["soon", "Tue, 02 Jan 100000000000000000000 03:04:05 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "0", "-1"]
)


def encoded(headers: Mapping[str, bytes]) -> dict[bytes, bytes]:
    return {name.encode(): text for name, text in headers.items()}


HEADERS = st.dictionaries(
    st.sampled_from(["Date", "Retry-After", "Location", "X-Request-Id", "X-Subject-Token"]),
    st.one_of(DATES, st.text(st.characters(max_codepoint=255)).map(lambda text: text.encode("latin-1"))),
).map(lambda headers: {name: text if isinstance(text, bytes) else text.encode() for name, text in headers.items()})
ANSWERS = st.builds(
    lambda status, body, headers, media: httpx.Response(
        status, content=body, headers=[*({b"Content-Type": media} | encoded(headers)).items()]
    ),
    STATUSES,
    BODIES,
    HEADERS,
    st.sampled_from([b"", b"text/html", b"application/json"]),
)

HUAWEICLOUD = [row for row in catalogue().resource_types.values() if row.provider == "huaweicloud"]
HUAWEI = HUAWEICLOUD_PROVIDER.client(
    huaweicloud.target("http://127.0.0.1:1"), concurrency=1, surroundings=around(huaweicloud.KEYS)
)
ALI = ALIYUN_PROVIDER.client(aliyun.target("http://127.0.0.1:1"), concurrency=1, surroundings=around(aliyun.KEYS))


def now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


@settings(max_examples=200)
@given(ANSWERS, st.sampled_from(HUAWEICLOUD))
def test_a_page_of_huaweicloud(answer: httpx.Response, kind: ResourceType) -> None:
    found = page_in(answer, HUAWEI, kind)
    assert isinstance(found, Page | Fault)
    if isinstance(found, Fault):
        return
    body = json.loads(answer.content)
    assert answer.status_code == 200
    assert kind.listing.envelope in body
    tasks, contradicted = united(kind, found.tasks)
    assert all(kind.has_id(task.id) for task in tasks.values())
    assert contradicted.keys().isdisjoint(tasks)


@settings(max_examples=200)
@given(ANSWERS, st.sampled_from(["JobIds", "UploadURLs"]))
def test_what_aliyun_says_of_jobs(answer: httpx.Response, parameter: str) -> None:
    question = Question(parameter, ("a1", "https://h/v.mp4"))
    found = infos_in(answer, question, ALI)
    assert isinstance(found, Infos | Fault)
    if isinstance(found, Infos):
        assert answer.status_code == 200
        assert found.missing <= set(question.entries)
        assert found.unanswered <= set(question.entries)


@settings(max_examples=200)
@given(ANSWERS)
def test_what_aliyun_says_of_canceling(answer: httpx.Response) -> None:
    operation = URL_UPLOAD.operation(Action.CANCEL)
    assert operation is not None
    found = canceled_in(answer, operation, ["a1", "b2"], ALI)
    if isinstance(found, Fault):
        return
    assert answer.status_code == 200
    assert found.keys() == {"a1", "b2"}
    accepted = [task_id for task_id, fault in found.items() if fault is None]
    assert all(task_id in answer.content.decode("utf-8", "replace") for task_id in accepted)


LOGIN = Login("user", "password", "domain")
KEY = AccessKey("id", "secret")
ROLE = Role("acs:ram::1:role/r", "https://sts.example.com")
SERVICES: dict[str, Callable[[Ask, Path], Coroutine[None, None, AccessKey | Token | str]]] = {
    "agency of an ECS": lambda ask, _: Agency().key(ask),
    "identity provider": lambda ask, file: IdentityToken("idp", str(file), "https://iam.example.com").key(ask),
    "pod identity": lambda ask, file: Container("https://pod.example.com", str(file)).key(ask),
    "IAM login": lambda ask, _: TokenIssuer(LOGIN, "https://iam.example.com", "cn-north-4").token(ask),
    "RAM role of an ECS": lambda ask, _: EcsRole().key(ask),
    "credentials URI": lambda ask, _: CredentialsUri("https://keys.example.com").key(ask),
    "assumed role": lambda ask, _: AssumedRole(ROLE, KEY).key(ask),
    "OIDC role": lambda ask, file: OidcRole(ROLE, "provider", str(file)).key(ask),
    "account of a key": lambda ask, _: account_of(KEY, "https://sts.example.com", ask),
}


class Says(Wire):
    """A network on which everybody says the same."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__({})
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        del request
        return self._answer


@settings(max_examples=75, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANSWERS)
@pytest.mark.parametrize("service", SERVICES)
def test_who_hands_out_credentials(service: str, tmp_path: Path, answer: httpx.Response) -> None:
    """What is not refused can be sent: it breaks no header."""
    file = tmp_path / "identity"
    file.write_text("identity")
    try:
        got = asyncio.run(SERVICES[service](Ask(Says(answer), Redactor(), around(), ALI.codes), file))
    except ProviderError:
        return
    request = httpx.Request("GET", "https://mpc.example.com/")
    match got:
        case AccessKey():
            SignatureAuth(Fixed(got), now).mark(request, got)
        case Token():
            TokenAuth(Fixed(got)).mark(request, got)
    assert all(value.isascii() and value.decode().isprintable() for _, value in request.headers.raw)


@settings(max_examples=200)
@given(ANSWERS)
def test_the_project_of_a_region(answer: httpx.Response) -> None:
    found = project_named(answer, "cn-north-4", HUAWEI)
    assert isinstance(found, Fault) or re.fullmatch(r"[\w-]{1,64}", found, re.ASCII)


@pytest.mark.parametrize("reported", ['"error_code": "MPC.10202"', '"Code": "Nonsense"', '"error": {"code": 500}'])
@pytest.mark.parametrize("kind", HUAWEICLOUD, ids=lambda kind: kind.name)
def test_an_error_beside_an_empty_page_is_no_page(kind: ResourceType, reported: str) -> None:
    body = f'{{"{kind.listing.envelope}": [], "{kind.listing.total}": 0, {reported}}}'
    assert isinstance(page_in(httpx.Response(200, content=body), HUAWEI, kind), Fault)


def test_an_error_beside_empty_lists_is_neither_no_jobs_nor_not_canceled() -> None:
    body = '{"RequestId": "1", "Code": "Throttling.User", "URLUploadInfoList": [], "NonExists": ["a1"]}'
    found = infos_in(httpx.Response(200, content=body), Question("JobIds", ("a1",)), ALI)
    assert isinstance(found, Fault)
    assert found.meaning is Meaning.THROTTLED
    operation = URL_UPLOAD.operation(Action.CANCEL)
    assert operation is not None
    body = '{"RequestId": "1", "Code": "OperationDenied", "CanceledJobs": ["a1"], "NonExists": []}'
    verdict = canceled_in(httpx.Response(200, content=body), operation, ["a1"], ALI)
    assert isinstance(verdict, Fault)
    assert verdict.meaning.effect_uncertain
