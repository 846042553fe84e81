"""The client of one Alibaba Cloud target."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from reconciler.provider import (
    WRITES,
    Fault,
    HttpClient,
    Meaning,
    Observation,
    Operation,
    Readings,
    ResourceType,
    Surroundings,
    Tally,
    Target,
    Task,
    TaskKey,
    impossible_ids,
)
from reconciler.providers.aliyun.answers import canceled_in
from reconciler.providers.aliyun.gateway import Gateway
from reconciler.providers.aliyun.inventory import IDS, ask, named, questions, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.providers.aliyun.answers import Question

__all__ = ["AliyunClient"]


class AliyunClient(HttpClient[Gateway]):
    """Looks up, reads and cancels URL upload jobs."""

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        self._inventory = target.inventory or {}
        self._hidden = target.masked
        super().__init__(target, Gateway(target, concurrency=concurrency, surroundings=surroundings))

    async def observe(self, resource: ResourceType, statuses: frozenset[str] | None) -> Observation:
        del statuses  # the API cannot filter
        tally = Tally()
        resolved = await resolve(self.gateway, self.target, self._inventory, tally)
        if isinstance(resolved, Fault):
            return self.observation(resource, tally, resolved)
        unfound = tuple(named(entry, self._hidden) for entry in resolved.unfound)
        return self.observation(resource, tally, resolved.tasks, resolved.fault, unfound)

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        refused = impossible_ids(resource, ids)
        asked = list(questions(IDS, (task_id for task_id in dict.fromkeys(ids) if task_id not in refused)))
        parts = await asyncio.gather(*(self._read(resource, question) for question in asked))
        tasks = {task_id: task for part in parts for task_id, task in part.tasks.items()}
        return Readings(tasks, refused | {task_id: fault for part in parts for task_id, fault in part.faults.items()})

    async def _read(self, resource: ResourceType, question: Question) -> Readings:
        infos = await ask(self.gateway, self.target, question, Tally())
        if isinstance(infos, Fault):
            return Readings({}, dict.fromkeys(question.entries, infos))
        tasks = {task.id: task for task in infos.tasks}
        faults: dict[str, Fault] = {}
        for task_id in question.entries:
            if task_id in tasks and task_id in infos.missing:
                del tasks[task_id]
                faults[task_id] = Fault(Meaning.MALFORMED, "unexpected answer: the job is listed and in NonExists")
            elif task_id in infos.contradicted:
                del tasks[task_id]
                faults[task_id] = Fault(Meaning.MALFORMED, "unexpected answer: records that contradict each other")
            elif task_id in infos.missing:
                tasks[task_id] = Task.gone(TaskKey(self.target, resource.name, task_id))
            elif task_id not in tasks:
                faults[task_id] = Fault(Meaning.MALFORMED, "unexpected answer: neither listed nor in NonExists")
        return Readings(tasks, faults)

    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        judge = partial(
            canceled_in,
            operation=operation,
            ids=ids,
            redactor=self.gateway.redactor,
            now=self.gateway.now,
        )
        parameters = {operation.id_parameter: ",".join(ids)}
        verdict = await self.gateway.call(
            operation.path, parameters, judge, retries=WRITES, tally=Tally(), permitted=permitted
        )
        if not isinstance(verdict, Fault):
            return dict(verdict)
        if len(ids) > 1 and verdict.meaning in {Meaning.CHANGED, Meaning.PERMANENT, Meaning.GONE}:
            # The whole call was refused, for one job perhaps and certainly without effect: each is tried alone.
            alone = [await self.act(resource, operation, [task_id], permitted) for task_id in ids]
            return {task_id: fault for each in alone for task_id, fault in each.items()}
        return dict.fromkeys(ids, verdict)
