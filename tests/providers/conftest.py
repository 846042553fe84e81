"""Fixtures captured from the vendors' SDKs, and the SDKs' own signers as oracles."""

# ruff: noqa: PLC0415 - importing Huawei's SDK writes into $HOME, which must be replaced first

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            from huaweicloudsdkcore.sdk_request import SdkRequest
            from huaweicloudsdkcore.signer.signer import Signer
        yield SimpleNamespace(
            AliyunSigner=Utils, BasicCredentials=BasicCredentials, SdkRequest=SdkRequest, HuaweicloudSigner=Signer
        )
