"""The suite for providers: the clouds in the tree pass it, and that of the documentation; a broken one does not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Self

import httpx
import pytest

from reconciler.provider import AccessKey, Fault, HttpProvider, Meaning, Rate, Readings, Target, Task, TaskKey
from reconciler.provider.loopback import as_json
from reconciler.provider.testing import ProviderSuite
from reconciler.providers.aliyun import PROVIDER as ALIYUN
from reconciler.providers.aws import PROVIDER as AWS
from reconciler.providers.huaweicloud import PROVIDER as HUAWEICLOUD
from reconciler.providers.huaweicloud.client import HuaweicloudClient
from reconciler.providers.huaweicloud.signing import SignatureAuth
from reconciler.simulator import DEFAULT_ACCOUNTS, Simulator
from reconciler.tasks.resource_type import Operation, ResourceType
from tests.providers.aliyun import cloud as aliyun
from tests.providers.huaweicloud import cloud as huaweicloud
from tests.providers.test_public_module import Jobs, page_source

THEIRS = DEFAULT_ACCOUNTS.huaweicloud[0]
THIRD = DEFAULT_ACCOUNTS.aws[0]
ANOTHER = DEFAULT_ACCOUNTS.aliyun[0]


class Simulated(ProviderSuite):
    """A kind of task that the simulator has."""

    signature = "authorization"
    waiting = ("100211", "100212")
    missing = "999999"

    @contextmanager
    def service(self) -> Iterator[str]:
        rows = [{"id": task_id, "status": "pending"} for task_id in self.waiting]
        with Simulator({"tasks": {self.resource.name: rows}}).running() as simulator:
            yield simulator.url
            assert simulator.anomalies == []


class TestHuaweicloud(Simulated):
    provider: HttpProvider[Any] = HUAWEICLOUD
    secrets = (THEIRS.secret_access_key,)
    environment = MappingProxyType(
        {"HUAWEICLOUD_SDK_AK": THEIRS.access_key_id, "HUAWEICLOUD_SDK_SK": THEIRS.secret_access_key}
    )
    throttled = as_json({"error_code": "APIGW.0308", "error_msg": "slowly"}, 429, Retry_After="3")

    @pytest.fixture(autouse=True, params=HUAWEICLOUD.resource_types)
    def of_each_kind(self, request: pytest.FixtureRequest) -> None:
        self.resource = HUAWEICLOUD.resource_types[request.param]

    def target(self, url: str) -> Target:
        return huaweicloud.target(url, options={"project_id": THEIRS.projects["cn-north-4"]})


class TestAliyun(Simulated):
    provider = ALIYUN
    secrets = (ANOTHER.secret_access_key,)
    environment = MappingProxyType(
        {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ANOTHER.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ANOTHER.secret_access_key,
        }
    )
    throttled = as_json({"Code": "Throttling.User", "Message": "slowly"}, 400, Retry_After="3")

    @pytest.fixture(autouse=True, params=ALIYUN.resource_types)
    def of_each_kind(self, request: pytest.FixtureRequest) -> None:
        self.resource = ALIYUN.resource_types[request.param]

    def target(self, url: str) -> Target:
        return aliyun.target(url, inventory={"job_ids": self.waiting})


class TestAws(Simulated):
    provider = AWS
    resource = AWS.resource_types["aws.mediaconvert.job"]
    waiting = ("1671477617078-2886ye", "1671477617079-3997zf")
    missing = "1671477617080-000000"
    secrets = (THIRD.secret_access_key,)
    environment = MappingProxyType(
        {"AWS_ACCESS_KEY_ID": THIRD.access_key_id, "AWS_SECRET_ACCESS_KEY": THIRD.secret_access_key}
    )
    throttled = as_json({"message": "slowly"}, 429, x_amzn_ErrorType="TooManyRequestsException", Retry_After="3")

    def target(self, url: str) -> Target:
        limits = {"mediaconvert": Rate(10_000, 1)}
        return Target("ireland", "aws", "eu-west-1", endpoints={"mediaconvert": url}, rate_limits=limits)


PAGE: dict[str, Any] = {"Jobs": Jobs}
exec("".join(page_source()), PAGE)  # noqa: S102 - the page's own text
TestThePage = PAGE["TestMine"]
"""The provider of docs/how-to/provider.md, and its tests."""


class FollowsRedirects(HuaweicloudClient):
    async def __aenter__(self) -> Self:
        answer = self._caller._wire.handle_async_request

        async def following(request: httpx.Request) -> httpx.Response:
            response = await answer(request)
            while response.has_redirect_location:
                url = request.url.join(response.headers["Location"])
                request = httpx.Request(request.method, url, headers=request.headers)
                response = await answer(request)
            return response

        self._caller._wire.handle_async_request = following  # type: ignore[method-assign] # that is the mistake
        return await super().__aenter__()


class TakesNothingForNoTasks(HuaweicloudClient):
    def body(
        self, response: httpx.Response, task: str = "", read: Callable[[bytes], Any] | None = None
    ) -> dict[str, Any] | Fault:
        return super().body(response, task, read) if response.content else {"total": 0, "task_array": []}


class TakesALostAnswerForSuccess(HuaweicloudClient):
    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        verdicts = await super().act(resource, operation, ids, permitted)
        return {key: None if fault and fault.meaning is Meaning.LOST else fault for key, fault in verdicts.items()}


class SendsLostChangesAgain(HuaweicloudClient):
    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        verdicts = await super().act(resource, operation, ids, permitted)
        lost = any(fault and fault.meaning is Meaning.LOST for fault in verdicts.values())
        return await super().act(resource, operation, ids, permitted) if lost else verdicts


class TakesWhatIsNotShownForGone(HuaweicloudClient):
    async def read_some(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        read = await super().read_some(resource, ids)
        gone = {task_id: Task.gone(TaskKey(self.target.name, resource.name, task_id)) for task_id in ids}
        return Readings({**gone, **read.tasks}, {})


class SignsOnce(SignatureAuth):
    headers: Mapping[str, str] = {}

    def mark(self, request: httpx.Request, credential: AccessKey) -> None:
        if not self.headers:
            super().mark(request, credential)
            self.headers = {name: request.headers[name] for name in ("X-Sdk-Date", "Authorization")}
        request.headers.update(self.headers)


class RetriesWithTheOldSignature(HuaweicloudClient):
    def auth(self) -> SignatureAuth:
        signed = super().auth()
        assert isinstance(signed, SignatureAuth)
        return SignsOnce(signed._source, self.now)


BROKEN = {
    FollowsRedirects: ("test_no_redirect_is_followed", "a redirect is no list"),
    TakesNothingForNoTasks: ("test_what_is_no_list_is_never_an_empty_one", "is no list, and none of tasks"),
    TakesALostAnswerForSuccess: ("test_a_lost_answer_is_no_success_and_not_sent_again", "is lost, not None"),
    SendsLostChangesAgain: ("test_a_lost_answer_is_no_success_and_not_sent_again", "is lost, not "),
    TakesWhatIsNotShownForGone: ("test_an_answer_to_another_question_makes_no_task_gone", "tells nothing of it"),
    RetriesWithTheOldSignature: ("test_a_throttled_read_comes_again_signed_anew", "signed anew"),
}


@pytest.mark.parametrize("client", BROKEN, ids=lambda client: client.__name__)
def test_a_broken_provider_fails(client: type[HuaweicloudClient]) -> None:
    class Broken(HttpProvider[HuaweicloudClient]):
        new_client = client

    suite = TestHuaweicloud()
    suite.provider = Broken()
    suite.resource = huaweicloud.TRANSCODING
    test, rule = BROKEN[client]
    with pytest.raises(AssertionError, match=rule):
        getattr(suite, test)()
