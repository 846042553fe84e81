"""What holds for every test; a terminal in an empty directory, with local clouds that hold nothing yet."""

import asyncio
import gc
import inspect
import warnings
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from hypothesis import settings

from reconciler.providers.aliyun import asked_keys as of_aliyun
from reconciler.providers.aws import asked_keys as of_aws
from reconciler.providers.huaweicloud import asked_keys as of_huaweicloud
from reconciler.simulator import Simulator
from tests.terminal import Terminal, credentials

settings.register_profile("reconciler", deadline=None)  # a busy machine is no defect
settings.load_profile("reconciler")


def pytest_collection_finish() -> None:
    """What is there before the first test is no garbage: looking for some need not go through thousands of tests."""
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """The id of a test stands in the environment of what it starts, where nothing starts with one of 128 kB."""
    assert len(item.nodeid) < 1_000, "name the parameters by what they are about: pytest.param(..., id=...)"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that is a coroutine has a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}))
    return True


_OF_VENDORS = {
    "AliyunClient": "alibabacloud_vod20170321.client:Client",
    "AliyunError": "darabonba.exceptions:DaraException",
    "AliyunSigner": "alibabacloud_tea_openapi.utils:Utils",
    "BasicCredentials": "huaweicloudsdkcore.auth.credentials:BasicCredentials",
    "HttpClient": "huaweicloudsdkcore.http.http_client:HttpClient",
    "HttpConfig": "huaweicloudsdkcore.http.http_config:HttpConfig",
    "HuaweicloudError": "huaweicloudsdkcore.exceptions.exceptions:ServiceResponseException",
    "HuaweicloudSigner": "huaweicloudsdkcore.signer.signer:Signer",
    "MetadataAccessor": "huaweicloudsdkcore.auth.internal:MetadataAccessor",
    "OidcStsAccessor": "huaweicloudsdkcore.auth.internal:OidcStsAccessor",
    "Region": "huaweicloudsdkcore.region.region:Region",
    "RuntimeOptions": "darabonba.runtime:RuntimeOptions",
    "SdkRequest": "huaweicloudsdkcore.sdk_request:SdkRequest",
    "aliyun": "alibabacloud_vod20170321.models",
    "mpc": "huaweicloudsdkmpc.v1",
    "openapi": "alibabacloud_tea_openapi.models",
    "vod": "huaweicloudsdkvod.v1",
}


class VendorsSdk:
    """The vendors' own SDKs, imported where they are asked for. What they say while they are is theirs."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - they have no types
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return resolve_name(_OF_VENDORS[name])


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorsSdk]:
    """With a home of their own: importing Huawei's writes ~/.huaweicloud."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield VendorsSdk()


@pytest.fixture(autouse=True)
def no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the metadata service of the machine that it runs on, whatever it forgets."""
    for module in (of_huaweicloud, of_aliyun, of_aws):
        monkeypatch.setenv(module.DISABLED, "true")
        monkeypatch.setattr(module, "METADATA", "http://127.0.0.1:9")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator().running() as running:
        yield running


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], simulator: Simulator
) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in credentials(simulator).items():
        monkeypatch.setenv(name, value)
    return Terminal(tmp_path, simulator, capsys)
