"""Fixtures captured from the vendors' SDKs, and the SDKs' own signers as oracles."""

# ruff: noqa: PLC0415 - what the library says while it is imported is its own

import asyncio
import json
import warnings
from collections.abc import Callable
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
def vendor() -> SimpleNamespace:
    """alibabacloud_credentials' providers, and a way to let one of them ask a machine of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
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
