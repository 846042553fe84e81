"""The way to one account's VOD: credentials, endpoint, and paced calls by action."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from reconciler.provider import (
    PACES,
    AccessKey,
    Ask,
    Caller,
    Clocks,
    CredentialsError,
    CredentialSource,
    Excerpts,
    Fault,
    Fixed,
    Origin,
    Passing,
    ProviderError,
    Quota,
    Retries,
    Surroundings,
    Tally,
    Target,
    Wire,
    always,
    principal_name,
    renewed,
    sources_of,
)
from reconciler.providers.aliyun.credentials import find_credentials
from reconciler.providers.aliyun.endpoints import endpoint, sts_endpoint
from reconciler.providers.aliyun.signing import SignatureAuth, canonical_query
from reconciler.providers.aliyun.sts import account_of
from reconciler.providers.aliyun.vendor_profile import VendorProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from reconciler.providers.aliyun.credentials import Found

__all__ = ["QUOTAS", "Gateway"]

VERSION = "2017-03-21"

# https://help.aliyun.com/document_detail/342790.html: per account, RAM users summed, for each action.
QUOTAS: Mapping[str, Quota] = {"CancelUrlUploadJobs": Quota(50, 1.0), "GetURLUploadInfos": Quota(100, 1.0)}

MARGIN = 15 * 60.0
"""Seconds before their end that credentials are renewed, as the vendor's SDK does it."""

LOGGER = logging.getLogger("reconciler.credentials")

_VENDOR_HOST = re.compile(r"vod(?:-vpc)?\.(?P<region>[a-z0-9-]+)\.aliyuncs\.com")
"""Public, and within a VPC."""

T = TypeVar("T")


class Gateway:
    """Calls of one target. Raises CredentialsError when made without credentials; nothing is sent until then."""

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        found = find_credentials(target, surroundings)
        self._target = target
        self._found = found
        self._url = f"{endpoint(target, surroundings.environment)}/"
        self._origin = Origin(found.source, found.tried)
        self.excerpts = Excerpts(found.secrets, target.masked)
        self.now = surroundings.now
        asks = not found.names_account and (surroundings.sts_url or not target.endpoints)
        self._sts = sts_endpoint(surroundings) if asks else ""
        self._clocks = surroundings.shared.of(Clocks, partial(Clocks, self.now))
        self._hosts = {self._url, *found.issuers} | ({self._sts} if asks else set())
        wire = Wire(surroundings.environment, on_answer=self._clocks.note)
        self._ask = Ask(wire, self.excerpts, surroundings)
        self._source = _source(found, self._ask)
        self._caller = Caller(
            auth=SignatureAuth(self._source, surroundings.now, surroundings.nonce),
            concurrency=concurrency,
            excerpts=self.excerpts,
            surroundings=surroundings,
            wire=wire,
            retry_header="x-acs-retry-after",
        )
        rate = target.rate_limits.get("vod")
        self._paces = {
            action: PACES.pace(
                f"{self._url} {principal_name(found.principal) if found.principal else sources_of(target)}",
                action,
                quota if rate is None else quota.at_rate(rate),
                monotonic=surroundings.monotonic,
                sleep=surroundings.sleep,
            )
            for action, quota in QUOTAS.items()
        }

    @property
    def skews(self) -> tuple[int, ...]:
        return self._clocks.skews(self._hosts)

    @property
    def requests(self) -> int:
        return self._caller.requests

    async def close(self) -> None:
        await self._caller.close()

    async def account(self) -> str | Fault:
        """The account as the token service names it, else who the key belongs to, with the region that is served.

        Where the target names an endpoint of its own, the vendor's token service is not asked.
        """
        principal = self._found.principal
        if self._sts:
            try:
                key = await self._source.current()
            except ProviderError as error:
                return self._origin.explained(error.fault)
            try:
                principal = await account_of(key, self._sts, self._ask)
            except ProviderError as error:
                where = f"target {self._target.name}: STS does not tell its account, so that its key stands for it"
                LOGGER.warning("%s: %s", where, error.message)
        name = principal_name(principal) if principal else sources_of(self._target)
        served = _VENDOR_HOST.fullmatch(urlsplit(self._url).hostname or "")
        return f"{name}/{served['region'] if served else self._target.region}"

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
        headers = {"x-acs-action": action, "x-acs-version": VERSION, "Accept": "application/json"}
        request = self._caller.request("POST", f"{self._url}?{canonical_query(parameters)}", headers)
        verdict = await self._caller.send(
            request, judge, pace=self._paces[action], retries=retries, tally=tally, permitted=permitted
        )
        return self._origin.explained(verdict) if isinstance(verdict, Fault) else verdict


def _source(found: Found, ask: Ask) -> CredentialSource[AccessKey]:
    match found.credentials:
        case AccessKey() as key if found.again is None:
            return Fixed(key)
        case AccessKey() as key:
            return renewed(partial(_reread, found), ask, MARGIN, first=key)
        case VendorProfile() as profile:
            return Passing(partial(profile.key, ask))
        case asked:
            return renewed(partial(asked.key, ask), ask, MARGIN, shared_by=asked)


async def _reread(found: Found) -> AccessKey:
    again = found.again() if found.again else None
    if not isinstance(again, AccessKey):
        raise CredentialsError(f"{found.source}: another kind of credentials than before")
    return again
