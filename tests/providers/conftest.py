"""Fixtures captured from the vendors' SDKs, and the SDKs' own signers as oracles."""

# ruff: noqa: PLC0415 - importing Huawei's SDK writes into $HOME, which must be replaced first

import asyncio
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.provider.loopback import Received, Reply, serving

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture(scope="session")
def huaweicloud_captured() -> dict[str, Any]:
    """72 requests of huaweicloudsdkmpc and huaweicloudsdkvod."""
    document: dict[str, Any] = json.loads((FIXTURES / "huaweicloud_sdk_requests.json").read_text("utf-8"))
    return document


@pytest.fixture(scope="session")
def aliyun_captured() -> dict[str, Any]:
    """Requests of alibabacloud_vod20170321 and its predecessor."""
    document: dict[str, Any] = json.loads((FIXTURES / "aliyun_sdk_requests.json").read_text("utf-8"))
    return document


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The SDKs' modules, imported with a home of their own: importing Huawei's writes ~/.huaweicloud."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the vendors' modules say while they are imported is theirs
            from alibabacloud_tea_openapi.utils import Utils
            from huaweicloudsdkcore.auth.credentials import BasicCredentials
            from huaweicloudsdkcore.auth.internal import MetadataAccessor, OidcStsAccessor
            from huaweicloudsdkcore.http.http_client import HttpClient
            from huaweicloudsdkcore.http.http_config import HttpConfig
            from huaweicloudsdkcore.sdk_request import SdkRequest
            from huaweicloudsdkcore.signer.signer import Signer
        yield SimpleNamespace(
            AliyunSigner=Utils,
            BasicCredentials=BasicCredentials,
            SdkRequest=SdkRequest,
            HuaweicloudSigner=Signer,
            MetadataAccessor=MetadataAccessor,
            OidcStsAccessor=OidcStsAccessor,
            HttpClient=HttpClient,
            HttpConfig=HttpConfig,
        )


@pytest.fixture(scope="session")
def vendor() -> SimpleNamespace:
    """alibabacloud_credentials' providers, and a way to let one of them ask a machine of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        from alibabacloud_credentials.provider import oidc, ram_role_arn
        from alibabacloud_credentials.provider.ecs_ram_role import EcsRamRoleCredentialsProvider
        from alibabacloud_credentials.provider.uri import URLCredentialsProvider
        from Tea.core import TeaCore

    def ask(machine: Callable[[Received], Reply], made: Any) -> Any:  # noqa: ANN401 - the library ships no types
        async def run() -> Any:  # noqa: ANN401 - likewise
            async with serving(machine) as server:
                host = server.url.removeprefix("http://")

                def plainly(request: Any, options: Any) -> Any:  # noqa: ANN401 - likewise
                    request.protocol = "http"  # the library knows https only, which the test does not serve
                    return TeaCore.do_action(request, options)

                provider = made(server.url) if not hasattr(made, "get_credentials") else made
                with pytest.MonkeyPatch.context() as patch:
                    for module in (oidc, ram_role_arn):
                        patch.setattr(module, "TeaCore", SimpleNamespace(do_action=plainly))
                    for name in ("_sts_endpoint", "_EcsRamRoleCredentialsProvider__metadata_service_host"):
                        if hasattr(provider, name):
                            setattr(provider, name, host)
                    return await asyncio.to_thread(provider.get_credentials)

        return asyncio.run(run())

    return SimpleNamespace(
        RamRoleArn=ram_role_arn.RamRoleArnCredentialsProvider,
        Oidc=oidc.OIDCRoleArnCredentialsProvider,
        Ecs=EcsRamRoleCredentialsProvider,
        Uri=URLCredentialsProvider,
        ask=ask,
    )
