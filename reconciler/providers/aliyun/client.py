"""The client of one Alibaba Cloud target: the way to the account's services, and what is done with URL upload jobs,
which no call lists."""

from __future__ import annotations

import logging
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from reconciler.provider import (
    READS,
    WHOLE,
    WRITES,
    AccessKey,
    Bounds,
    Fault,
    Meaning,
    Observation,
    Operation,
    Paging,
    Passing,
    ProviderError,
    Quota,
    Readings,
    ResourceType,
    Retries,
    RowClient,
    Surroundings,
    Tally,
    Target,
    Task,
    TaskKey,
    all_or_fault,
    always,
    canonical_query,
    impossible_ids,
    principal_name,
)
from reconciler.providers.aliyun import mps, url_upload
from reconciler.providers.aliyun.answers import canceled_in, infos_in
from reconciler.providers.aliyun.asked_keys import account_of
from reconciler.providers.aliyun.credentials import AliyunCredentials, find_credentials
from reconciler.providers.aliyun.endpoints import endpoint, served_region, sts_endpoint
from reconciler.providers.aliyun.errors import CODES
from reconciler.providers.aliyun.inventory import (
    IDS,
    JOB_IDS,
    UPLOAD_URLS,
    URLS,
    Infos,
    Question,
    Resolved,
    cut_off,
    named,
    questions,
    united,
    value_of,
)
from reconciler.providers.aliyun.profiles import VendorProfile
from reconciler.providers.aliyun.signing import SignatureAuth
from reconciler.providers.aliyun.url_upload import URL_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import httpx

    from reconciler.provider import Sink

VERSIONS = MappingProxyType({"vod": "2017-03-21", "mps": "2014-06-18"})
"""Of the API of each service."""

LOGGER = logging.getLogger("reconciler.credentials")

T = TypeVar("T")


class AliyunClient(RowClient[AliyunCredentials]):
    """Lists, reads and cancels jobs. Raises CredentialsError when made without credentials; sends nothing yet."""

    quotas = MappingProxyType({action: Quota(*window) for action, window in (url_upload.QUOTAS | mps.QUOTAS).items()})
    codes = CODES
    retry_header = "x-acs-retry-after"
    call_header = "x-acs-action"

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        resolved = find_credentials(target, surroundings)
        self._region = served_region(target)
        self._urls_of = {name: f"{endpoint(target, name, surroundings.environment)}/" for name in VERSIONS}
        asks = not resolved.names_account and (surroundings.sts_url or not target.endpoints)
        self._sts = sts_endpoint(surroundings) if asks else ""
        urls = [*self._urls_of.values(), *([self._sts] if asks else [])]
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
        return f"{name}/{self._region}"

    async def owner(self) -> str | Fault:
        """The account as the token service names it, where that is asked."""
        if not self._sts:
            return ""
        try:
            return f"account {await account_of(await self._source.current(), self._sts, self.ask)}"
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
        """Call the action `path`. Parameters go into the query; the body stays empty, as the vendor's SDK does it."""
        url = self._urls_of[service]
        return await self.send(
            method,
            f"{url}?{canonical_query(parameters)}",
            {"x-acs-action": path, "x-acs-version": VERSIONS[service], "Accept": "application/json"},
            judge,
            service=service,
            group=f"{url} {self.resolved.owner(self.target)}",
            quota=path,
            retries=retries,
            tally=tally,
            permitted=permitted,
        )

    async def observe(
        self, resource: ResourceType, statuses: frozenset[str] | None, sink: Sink | None = None, bounds: Bounds = WHOLE
    ) -> Observation:
        if resource.listing.paging is not Paging.INVENTORY:
            return await super().observe(resource, statuses, sink, bounds)
        # The API cannot filter, and the user's own list is not longer than what is held of it.
        tally = Tally()
        resolved = await self._resolve(tally)
        if isinstance(resolved, Fault):
            return self.observation(resource, tally, resolved)
        unfound = tuple(named(entry, self.target.masked) for entry in resolved.unfound)
        return self.observation(resource, tally, resolved.tasks, resolved.fault, unfound)

    async def first_page(self, resource: ResourceType, tally: Tally) -> Collection[Task] | Fault | None:
        if resource.listing.paging is not Paging.INVENTORY:
            return await super().first_page(resource, tally)
        ids, urls = ((self.target.inventory or {}).get(key, ()) for key in (JOB_IDS, UPLOAD_URLS))
        question = next(iter([*questions(IDS, ids[:10]), *questions(URLS, urls[:10])]), None)
        if question is None:
            return None
        infos = await self._ask(question, tally)
        return infos if isinstance(infos, Fault) else infos.tasks

    async def _resolve(self, tally: Tally) -> Resolved | Fault:
        """Look the whole inventory of the target up; a fault where any call failed."""
        ids, urls = ((self.target.inventory or {}).get(key, ()) for key in (JOB_IDS, UPLOAD_URLS))
        for fault in impossible_ids(URL_UPLOAD, ids).values():
            return fault
        asked = [*questions(IDS, ids), *questions(URLS, urls)]
        self.watch.expects(len(asked))
        answers = await all_or_fault(self._ask(question, tally) for question in asked)
        if isinstance(answers, Fault):
            return answers
        full = [question for question, infos in zip(asked, answers, strict=True) if cut_off(infos, question)]
        again = [Question(question.parameter, (entry,)) for question in full for entry in question.entries]
        single = await all_or_fault(self._ask(question, tally) for question in again)
        if isinstance(single, Fault):
            return single
        whole = [infos for question, infos in zip(asked, answers, strict=True) if question not in full]
        return united([*whole, *single], answers)

    async def _ask(self, question: Question, tally: Tally) -> Infos | Fault:
        """One call of GetURLUploadInfos."""
        judge = partial(infos_in, question=question, client=self)
        listing, parameters = URL_UPLOAD.listing, [(question.parameter, value_of(question))]
        infos = await self.call("vod", listing.method, listing.path, parameters, judge, retries=READS, tally=tally)
        self.watch.page()
        return infos

    async def read_some(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        if resource.listing.paging is not Paging.INVENTORY:
            return await super().read_some(resource, ids)
        infos = await self._ask(Question(IDS, tuple(ids)), Tally())
        if isinstance(infos, Fault):
            return Readings({}, dict.fromkeys(ids, infos))
        tasks = {task.id: task for task in infos.tasks}
        contradicted = {task.id for task in infos.contradicted}
        faults: dict[str, Fault] = {}
        for task_id in ids:
            if task_id in tasks and task_id in infos.missing:
                del tasks[task_id]
                faults[task_id] = Fault(Meaning.MALFORMED, "unexpected answer: the job is listed and in NonExists")
            elif task_id in contradicted:
                faults[task_id] = Fault(Meaning.MALFORMED, "unexpected answer: records that contradict each other")
            elif task_id in infos.missing:
                tasks[task_id] = Task.gone(TaskKey(self.target.name, resource.name, task_id))
            elif task_id not in tasks:
                faults[task_id] = Fault(Meaning.MALFORMED, "unexpected answer: neither listed nor in NonExists")
        return Readings(tasks, faults)

    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        if resource.listing.paging is not Paging.INVENTORY:
            return await super().act(resource, operation, ids, permitted)
        judge = partial(canceled_in, operation=operation, ids=ids, client=self)
        verdict = await self.call(
            resource.service,
            operation.method,
            operation.path,
            [(operation.id_parameter, ",".join(ids))],
            judge,
            retries=WRITES,
            tally=Tally(),
            permitted=permitted,
        )
        if not isinstance(verdict, Fault):
            return dict(verdict)
        if len(ids) > 1 and verdict.meaning in {Meaning.CHANGED, Meaning.PERMANENT, Meaning.GONE}:
            # The whole call was refused, for one job perhaps and certainly without effect: each is tried alone.
            alone = [await self.act(resource, operation, [task_id], permitted) for task_id in ids]
            return {task_id: fault for each in alone for task_id, fault in each.items()}
        return dict.fromkeys(ids, verdict)
