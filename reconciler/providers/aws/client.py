"""The client of one AWS target: the way to the account's MediaConvert in a region."""

from __future__ import annotations

import logging
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from reconciler.provider import (
    AccessKey,
    Fault,
    Passing,
    ProviderError,
    Quota,
    RowClient,
    always,
    canonical_query,
    principal_name,
)
from reconciler.providers.aws.asked_keys import account_of
from reconciler.providers.aws.credentials import AwsCredentials, VendorProfile, find_credentials
from reconciler.providers.aws.endpoints import endpoint
from reconciler.providers.aws.errors import CODES
from reconciler.providers.aws.mediaconvert import QUOTAS
from reconciler.providers.aws.signing import SignatureAuth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

    from reconciler.provider import Retries, Surroundings, Tally, Target

SERVICE = "mediaconvert"
LOGGER = logging.getLogger("reconciler.credentials")

T = TypeVar("T")


class AwsClient(RowClient[AwsCredentials]):
    """Lists, reads and cancels jobs. Raises CredentialsError when made without credentials; sends nothing yet."""

    quotas = MappingProxyType({service: Quota(*window) for service, window in QUOTAS.items()})
    codes = CODES

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        resolved = find_credentials(target, surroundings)
        self._url = endpoint(target, SERVICE, surroundings)
        self._sts = ""
        if surroundings.sts_url or "sts" in target.endpoints or not target.endpoints:
            self._sts = endpoint(target, "sts", surroundings)
        urls = [url for url in (self._url, self._sts) if url]
        super().__init__(target, resolved, urls, concurrency=concurrency, surroundings=surroundings)

    def auth(self) -> SignatureAuth:
        match self.resolved.credentials:
            case AccessKey() as key:
                self._source = self.standing(key)
            case VendorProfile() as profile:
                self._source = Passing(partial(profile.key, self.ask))
            case asked:
                self._source = self.asked(asked)
        return SignatureAuth(self._source, self.now, self.codes, service=SERVICE, region=self.target.region)

    async def account(self) -> str | Fault:
        """The account as the token service names it, else who the key belongs to, with the region.

        Where the target names an endpoint of its own, the vendor's token service is not asked.
        """
        name = self.resolved.owner(self.target)
        if self._sts:
            try:
                key = await self._source.current()
            except ProviderError as error:
                return self.resolved.explained(error.fault)
            try:
                name = principal_name(await account_of(key, self._sts, self.target.region, self.ask))
            except ProviderError as error:
                where = f"target {self.target.name}: STS does not tell its account, so that its key stands for it"
                LOGGER.warning("%s: %s", where, error.message)
        return f"{name}/{self.target.region}"

    async def owner(self) -> str | Fault:
        """The account as the token service names it, where that is asked. GetCallerIdentity needs no right."""
        if not self._sts:
            return ""
        try:
            key = await self._source.current()
            return f"account {await account_of(key, self._sts, self.target.region, self.ask)}"
        except ProviderError as error:
            return self.resolved.explained(error.fault)

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        parameters: Sequence[tuple[str, str]],
        judge: Callable[[httpx.Response], T | Fault],
        *,
        retries: Retries,
        tally: Tally,
        permitted: Callable[[], bool] = always,
    ) -> T | Fault:
        query = canonical_query(parameters)
        return await self.send(
            method,
            f"{self._url}{path}{'?' if query else ''}{query}",
            {"Accept": "application/json"},
            judge,
            service=service,
            group=f"{self._url} {self.resolved.owner(self.target)}",
            retries=retries,
            tally=tally,
            permitted=permitted,
        )
