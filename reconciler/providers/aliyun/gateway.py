"""The way to one account's VOD: credentials, endpoint, and paced calls by action."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from reconciler.providers.aliyun.credentials import find_credentials
from reconciler.providers.aliyun.endpoints import endpoint
from reconciler.providers.aliyun.signing import SignatureAuth, canonical_query
from reconciler.providers.transport.answers import Excerpts
from reconciler.providers.transport.caller import Caller, Tally
from reconciler.providers.transport.pacing import PACES, Quota

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from reconciler.config.model import Target
    from reconciler.providers.transport.retries import Retries
    from reconciler.providers.transport.surroundings import Surroundings
    from reconciler.tasks.fault import Fault

__all__ = ["QUOTAS", "Gateway"]

VERSION = "2017-03-21"

# https://help.aliyun.com/document_detail/342790.html: per account, RAM users summed, for each action.
QUOTAS: Mapping[str, Quota] = {"CancelUrlUploadJobs": Quota(50, 1.0), "GetURLUploadInfos": Quota(100, 1.0)}

T = TypeVar("T")


class Gateway:
    """Calls of one target. Raises CredentialsError when made without credentials; nothing is sent until then."""

    def __init__(self, target: Target, group: str, *, concurrency: int, surroundings: Surroundings) -> None:
        found = find_credentials(target, surroundings)
        self._url = f"{endpoint(target)}/"
        self.excerpts = Excerpts(found.key.secrets)
        self.now = surroundings.now
        self._caller = Caller(
            auth=SignatureAuth(found.key, surroundings.now, surroundings.nonce),
            concurrency=concurrency,
            excerpts=self.excerpts,
            surroundings=surroundings,
        )
        rate = target.rate_limits.get("vod")
        self._paces = {
            action: PACES.pace(
                group,
                action,
                quota if rate is None else quota.at_rate(rate),
                monotonic=surroundings.monotonic,
                sleep=surroundings.sleep,
            )
            for action, quota in QUOTAS.items()
        }

    @property
    def requests(self) -> int:
        return self._caller.requests

    async def close(self) -> None:
        await self._caller.close()

    async def call(
        self,
        action: str,
        parameters: Mapping[str, str],
        judge: Callable[[httpx.Response], T | Fault],
        *,
        retries: Retries,
        tally: Tally,
    ) -> T | Fault:
        """Call an action. Parameters go into the query and the body stays empty, as the vendor's SDK does it."""
        headers = {"x-acs-action": action, "x-acs-version": VERSION, "Accept": "application/json"}
        request = self._caller.request("POST", f"{self._url}?{canonical_query(parameters)}", headers)
        return await self._caller.send(request, judge, pace=self._paces[action], retries=retries, tally=tally)
