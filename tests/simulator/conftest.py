"""The vendors' own SDKs as clients of the simulator."""

# ruff: noqa: ANN401 - the vendors' SDKs and the decoded answers have no types

import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from reconciler.simulator import HuaweicloudAccount, Simulator


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def start() -> Iterator[Callable[..., Simulator]]:
    """Start a simulator from a seed; it stops at the end of the test."""
    running = []

    def begin(seed: Any = None, **keywords: Any) -> Simulator:
        simulator = Simulator(seed, **keywords)
        context = simulator.running()
        context.__enter__()
        running.append(context)
        return simulator

    yield begin
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture
def simulator(start: Callable[..., Simulator]) -> Simulator:
    """A running simulator without tasks."""
    return start()


@pytest.fixture
def account(simulator: Simulator) -> HuaweicloudAccount:
    """The Huawei Cloud account of `simulator`."""
    return simulator.accounts.huaweicloud[0]


def _huaweicloud_client(sdk: SimpleNamespace, simulator: Simulator, build: Any, **changed: str) -> Any:
    account = simulator.accounts.huaweicloud[0]
    credentials = sdk.BasicCredentials(
        changed.get("access_key_id", account.access_key_id),
        changed.get("secret_access_key", account.secret_access_key),
        changed.get("project_id", account.owners()[0]),
    )
    token = changed.get("security_token", account.security_token)
    if token:
        credentials = credentials.with_security_token(token)
    return build.new_builder().with_credentials(credentials).with_endpoint(simulator.url).build()


@pytest.fixture
def mpc_client(sdk: SimpleNamespace) -> Callable[..., Any]:
    """Huawei's client of MPC for a simulator; keywords replace parts of the credentials."""
    return lambda simulator, **changed: _huaweicloud_client(sdk, simulator, sdk.mpc.MpcClient, **changed)


@pytest.fixture
def vod_client(sdk: SimpleNamespace) -> Callable[..., Any]:
    """Huawei's client of VOD for a simulator."""
    return lambda simulator, **changed: _huaweicloud_client(sdk, simulator, sdk.vod.VodClient, **changed)


@pytest.fixture
def aliyun_client(sdk: SimpleNamespace) -> Callable[..., Any]:
    """Aliyun's client of VOD for a simulator; keywords replace parts of its configuration."""

    def build(simulator: Simulator, **changed: str) -> Any:
        account = simulator.accounts.aliyun[0]
        settings = {
            "access_key_id": account.access_key_id,
            "access_key_secret": account.secret_access_key,
            "security_token": account.security_token or None,
            "endpoint": urlsplit(simulator.url).netloc,
            "protocol": "HTTP",
        }
        return sdk.AliyunClient(sdk.openapi.Config(**{**settings, **changed}))

    return build


@pytest.fixture
def send() -> Callable[..., Reply]:
    """Send a request as it is, without following or repairing anything."""

    def exchange(
        simulator: Simulator, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=10)
        try:
            connection.request(method, target, body or None, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    return exchange


@pytest.fixture
def signed(sdk: SimpleNamespace) -> Callable[..., dict[str, str]]:
    """Headers of a request, signed by Huawei's own signer."""

    def sign(simulator: Simulator, method: str, target: str, **headers: str) -> dict[str, str]:
        account = simulator.accounts.huaweicloud[0]
        path, _, query = target.partition("?")
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        request = sdk.SdkRequest(
            method=method,
            schema="http",
            host=urlsplit(simulator.url).netloc,
            resource_path=path,
            query_params=parse_qsl(query),
            header_params={"X-Project-Id": account.owners()[0], **named},
        )
        credentials = sdk.BasicCredentials(account.access_key_id, account.secret_access_key)
        signed_headers: dict[str, str] = credentials.sign_request(request).header_params
        return signed_headers

    return sign
