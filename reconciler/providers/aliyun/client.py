"""The client of one Alibaba Cloud target."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.provider import (
    WRITES,
    Fault,
    Meaning,
    Observation,
    Operation,
    Readings,
    ResourceType,
    Tally,
    Task,
    TaskKey,
)
from reconciler.providers.aliyun.answers import Question, canceled_in
from reconciler.providers.aliyun.gateway import Gateway
from reconciler.providers.aliyun.inventory import IDS, ask, named, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["AliyunClient"]


class AliyunClient(Gateway):
    """Looks up, reads and cancels URL upload jobs."""

    async def observe(self, resource: ResourceType, statuses: frozenset[str] | None) -> Observation:
        del statuses  # the API cannot filter
        tally = Tally()
        resolved = await resolve(self, tally)
        if isinstance(resolved, Fault):
            return self.observation(resource, tally, resolved)
        unfound = tuple(named(entry, self.target.masked) for entry in resolved.unfound)
        return self.observation(resource, tally, resolved.tasks, resolved.fault, unfound)

    async def read_some(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        infos = await ask(self, Question(IDS, tuple(ids)), Tally())
        if isinstance(infos, Fault):
            return Readings({}, dict.fromkeys(ids, infos))
        tasks = {task.id: task for task in infos.tasks}
        faults: dict[str, Fault] = {}
        for task_id in ids:
            if task_id in tasks and task_id in infos.missing:
                del tasks[task_id]
                faults[task_id] = Fault(Meaning.MALFORMED, "unexpected answer: the job is listed and in NonExists")
            elif task_id in infos.contradicted:
                del tasks[task_id]
                faults[task_id] = Fault(Meaning.MALFORMED, "unexpected answer: records that contradict each other")
            elif task_id in infos.missing:
                tasks[task_id] = Task.gone(TaskKey(self.target.name, resource.name, task_id))
            elif task_id not in tasks:
                faults[task_id] = Fault(Meaning.MALFORMED, "unexpected answer: neither listed nor in NonExists")
        return Readings(tasks, faults)

    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        judge = partial(canceled_in, operation=operation, ids=ids, gateway=self)
        parameters = {operation.id_parameter: ",".join(ids)}
        verdict = await self.call(operation.path, parameters, judge, retries=WRITES, tally=Tally(), permitted=permitted)
        if not isinstance(verdict, Fault):
            return dict(verdict)
        if len(ids) > 1 and verdict.meaning in {Meaning.CHANGED, Meaning.PERMANENT, Meaning.GONE}:
            # The whole call was refused, for one job perhaps and certainly without effect: each is tried alone.
            alone = [await self.act(resource, operation, [task_id], permitted) for task_id in ids]
            return {task_id: fault for each in alone for task_id, fault in each.items()}
        return dict.fromkeys(ids, verdict)
