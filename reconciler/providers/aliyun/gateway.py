"""The way to one account's VOD: credentials, endpoint, and paced calls by action."""

from __future__ import annotations

import logging
import re
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from reconciler.provider import (
    AccessKey,
    Fault,
    HttpClient,
    Passing,
    ProviderError,
    Quota,
    Retries,
    Surroundings,
    Tally,
    Target,
    always,
    principal_name,
)
from reconciler.providers.aliyun.asked_keys import account_of
from reconciler.providers.aliyun.credentials import AliyunCredentials, find_credentials
from reconciler.providers.aliyun.endpoints import endpoint, sts_endpoint
from reconciler.providers.aliyun.errors import CODES
from reconciler.providers.aliyun.profiles import VendorProfile
from reconciler.providers.aliyun.signing import SignatureAuth, canonical_query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

__all__ = ["Gateway"]

VERSION = "2017-03-21"

LOGGER = logging.getLogger("reconciler.credentials")

_VENDOR_HOST = re.compile(r"vod(?:-vpc)?\.(?P<region>[a-z0-9-]+)\.aliyuncs\.com")
"""Public, and within a VPC."""

T = TypeVar("T")


class Gateway(HttpClient[AliyunCredentials]):
    """Calls of one target. Raises CredentialsError when made without credentials; nothing is sent until then."""

    # https://help.aliyun.com/document_detail/342790.html: per account, RAM users summed, for each action.
    quotas = MappingProxyType({"CancelUrlUploadJobs": Quota(50, 1.0), "GetURLUploadInfos": Quota(100, 1.0)})
    codes = CODES
    retry_header = "x-acs-retry-after"

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        resolved = find_credentials(target, surroundings)
        self._url = f"{endpoint(target, surroundings.environment)}/"
        asks = not resolved.names_account and (surroundings.sts_url or not target.endpoints)
        self._sts = sts_endpoint(surroundings) if asks else ""
        self._group = f"{self._url} {resolved.owner(target)}"
        urls = (self._url, self._sts) if asks else (self._url,)
        super().__init__(target, resolved, urls, concurrency=concurrency, surroundings=surroundings)

    def auth(self) -> SignatureAuth:
        match self.resolved.credentials:
            case AccessKey() as key:
                self._source = self.standing(key)
            case VendorProfile() as profile:
                self._source = Passing(partial(profile.key, self.ask))
            case asked:
                self._source = self.asked(asked)
        return SignatureAuth(self._source, self.now, self.surroundings.nonce)

    async def account(self) -> str | Fault:
        """The account as the token service names it, else who the key belongs to, with the region that is served.

        Where the target names an endpoint of its own, the vendor's token service is not asked.
        """
        name = self.resolved.owner(self.target)
        if self._sts:
            try:
                key = await self._source.current()
            except ProviderError as error:
                return self.resolved.explained(error.fault)
            try:
                name = principal_name(await account_of(key, self._sts, self.ask))
            except ProviderError as error:
                where = f"target {self.target.name}: STS does not tell its account, so that its key stands for it"
                LOGGER.warning("%s: %s", where, error.message)
        served = _VENDOR_HOST.fullmatch(urlsplit(self._url).hostname or "")
        return f"{name}/{served['region'] if served else self.target.region}"

    async def call(
        self,
        action: str,
        parameters: Mapping[str, str],
        judge: Callable[[httpx.Response], T | Fault],
        *,
        retries: Retries,
        tally: Tally,
        permitted: Callable[[], bool] = always,
    ) -> T | Fault:
        """Call an action. Parameters go into the query and the body stays empty, as the vendor's SDK does it."""
        return await self.send(
            "POST",
            f"{self._url}?{canonical_query(parameters)}",
            {"x-acs-action": action, "x-acs-version": VERSION, "Accept": "application/json"},
            judge,
            service="vod",
            group=self._group,
            quota=action,
            retries=retries,
            tally=tally,
            permitted=permitted,
        )
