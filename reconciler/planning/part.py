"""Parts of a plan, or of a run, that several processes make, each of other accounts.

    plan --shard 0/2 --out a.json      a part: what was seen there, and what is asked for of it
    plan --shard 1/2 --out b.json
    show a.json b.json                 one plan: the guards are held against all parts together

A part is a plan by itself, with what its readers need not know and a plan of all does: how far each of several policies
needs a task to go, what its own guards leave to later runs, and what can be said only of all that was listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from reconciler.planning.change import Count, Digest, Name, Observed, ResourceName, TaskId, check_steps
from reconciler.planning.notes import Conclusions
from reconciler.planning.policy_plan import Note
from reconciler.redaction import Shown
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey


@dataclass(frozen=True, slots=True)
class Shard(Shown):
    """Which part it is: number `index`, from 0, of `total`."""

    index: Count
    total: Annotated[int, Meta(ge=1)]
    partition: Digest
    """Of which accounts are in which part. Those of other digests are parts of something else."""

    def __post_init__(self) -> None:
        Shown.__post_init__(self)
        if self.index >= self.total:
            raise ValueError("index is less than total")

    def __str__(self) -> str:
        return f"{self.index}/{self.total}"

    @property
    def told(self) -> str:
        """Which one it is, for whoever compares it with the others."""
        return f"shard {self} of partition {self.partition}"


@dataclass(frozen=True, slots=True)
class Claim(Shown):
    """What one policy wants of a task."""

    policy: Name
    reason: str
    steps: tuple[Action, ...]

    def __post_init__(self) -> None:
        Shown.__post_init__(self)
        check_steps(self.steps)


@dataclass(frozen=True, slots=True)
class Claimed(Shown):
    """A task that policies want out, and that the lists of a plan do not say all of."""

    target: Name
    resource: ResourceName
    task_id: TaskId
    observed: Observed
    claims: Annotated[tuple[Claim, ...], Meta(min_length=1)]

    @property
    def key(self) -> TaskKey:
        return TaskKey(self.target, self.resource, self.task_id)


@dataclass(frozen=True, slots=True)
class Part(Shown):
    """What a plan of all takes besides the plan of the part."""

    shard: Shard
    claimed: tuple[Claimed, ...] = ()
    """Tasks that several policies want out, or that the part leaves to later runs."""
    notes: tuple[Note, ...] = ()
    """Those of its diagnostics that stand whatever others have seen."""
    conclusions: Conclusions = field(default_factory=Conclusions)
    """What the others were made of."""
