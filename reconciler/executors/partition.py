"""Which accounts there are to part, and who of several gets which. Pure.

Four jobs that are told `0/4` to `3/4` and nothing of each other do all work and none of it twice, as each finds the
same partition of the same configuration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from heapq import heapify, heapreplace
from typing import TYPE_CHECKING, Final

from reconciler.exceptions import UsageError
from reconciler.planning import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reconciler.config.model import Configuration, Target
    from reconciler.planning.change import Chosen
    from reconciler.tasks.observation import Scope

SHARD_INDEX: Final = "RECONCILER_SHARD_INDEX"
SHARD_TOTAL: Final = "RECONCILER_SHARD_TOTAL"

MOST_SHARDS: Final = 10_000
"""Each is a process of its own: nobody starts more, and a total that was mistyped is told before anything is done."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Work that stays together: targets that share a quota, or may, and are locked as one.

    `key` is the same wherever these targets are one unit, and shows nothing but the provider: a name may hold what a
    variable gave.
    """

    key: str
    scopes: tuple[Scope, ...]
    """What is looked at there, sorted."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Names, sorted."""
        return tuple(sorted({scope.target for scope in self.scopes}))


def units(configuration: Configuration) -> tuple[Unit, ...]:
    """The targets that active policies look at, by account as far as the configuration tells; by key.

    Targets of a provider and region belong together where they state the same account (what only targets of that
    provider have, such as a project); one that states none belongs to all whose credentials come from the same place.
    Those that are parted by mistake, two profiles of one account say, still exclude each other by its lock.
    """
    looked_at: dict[str, list[Scope]] = {}
    for scope in configuration.scopes():
        looked_at.setdefault(scope.target, []).append(scope)
    targets = {name: configuration.targets[name] for name in looked_at}
    undecided = {mark for target in targets.values() if not _stated(target) for mark in _places(target)}
    marks = {name: [*_stated(target), *undecided.intersection(_places(target))] for name, target in targets.items()}
    found = []
    for names in _joined(marks):
        key = sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        scopes = tuple(scope for name in names for scope in looked_at[name])
        found.append(Unit(f"{targets[names[0]].provider}/{key}", scopes))
    return tuple(sorted(found, key=lambda unit: unit.key))


_Mark = tuple[str, ...]
"""What targets of one account have in common."""


def _stated(target: Target) -> list[_Mark]:
    """The account that a target names: one, or none."""
    named = target.stated_account
    return [("account", target.provider, target.region.casefold(), named)] if named else []


def _places(target: Target) -> list[_Mark]:
    """Where its credentials come from: one place in common is enough, as the same key may be spelled with a token."""
    return [("place", target.provider, target.region.casefold(), place) for place in target.credentials.places]


def _joined(marks: Mapping[str, Iterable[_Mark]]) -> list[list[str]]:
    """The names, sorted, in sets of those that a chain of common marks connects."""
    above: dict[str, str] = {name: name for name in marks}

    def top(name: str) -> str:
        while above[name] != name:
            above[name] = name = above[above[name]]
        return name

    first: dict[_Mark, str] = {}
    for name, of_it in marks.items():
        for mark in of_it:
            above[top(name)] = top(first.setdefault(mark, name))
    sets: dict[str, list[str]] = {}
    for name in sorted(marks):
        sets.setdefault(top(name), []).append(name)
    return list(sets.values())


def split(units: Iterable[Unit], total: int, weights: Mapping[str, int]) -> tuple[tuple[Unit, ...], ...]:
    """The units in `total` shards, longest first, each to the shard that has least to do until then.

    No shard takes longer than 4/3 of the longest of the best partition (Graham, 1969). `weights` are the requests of
    the last run, by target; one that it did not see weighs by its scopes as those that it saw do on average, and none
    less than one request a scope. More shards than units leave some empty.

    They must be the same in all shards of a whole. Jobs that each ask the history may be told differently: one that
    is started again finds the runs of those that ended meanwhile, its part fits none of theirs, and what lies between
    is nobody's. Where no one hands the same to all, give none.
    """
    shards: list[list[Unit]] = [[] for _ in range(total)]
    loads = [(0, index) for index in range(total)]
    heapify(loads)
    for weight, unit in _weighed(units, weights):
        load, index = loads[0]
        shards[index].append(unit)
        heapreplace(loads, (load + weight, index))
    return tuple(map(tuple, shards))


def longest_first(units: Iterable[Unit], weights: Mapping[str, int]) -> list[Unit]:
    """The units in the order in which they are handed out, weighed as by `split`: whoever is free takes the next."""
    return [unit for _, unit in _weighed(units, weights)]


def _weighed(units: Iterable[Unit], weights: Mapping[str, int]) -> list[tuple[int, Unit]]:
    by_target = {unit: _scopes_by_target(unit) for unit in units}
    seen = [
        (max(weights[name], scopes), scopes)
        for counted in by_target.values()
        for name, scopes in counted.items()
        if name in weights
    ]
    # In units of a fraction of a request, so that all is whole: floats would make sums depend on their order.
    requests, scopes_seen = map(sum, zip(*seen, strict=True)) if seen else (1, 1)

    def weight(unit: Unit) -> int:
        counted = by_target[unit].items()
        return sum(
            max(weights[name], scopes) * scopes_seen if name in weights else scopes * requests
            for name, scopes in counted
        )

    return sorted(((weight(unit), unit) for unit in by_target), key=lambda one: (-one[0], one[1].key))


def _scopes_by_target(unit: Unit) -> dict[str, int]:
    counted: dict[str, int] = {}
    for scope in unit.scopes:
        counted[scope.target] = counted.get(scope.target, 0) + 1
    return counted


def partition_digest(configuration: Configuration, chosen: Chosen, shards: Sequence[Collection[Unit]]) -> str:
    """`sha256:<hex>` over what is asked for, what of it, and who does which part.

    `configuration` is narrowed to the targets and policies of the run, `chosen` to its tasks. Parts of one digest make
    a whole. The same in every checkout, as the fingerprint is.
    """
    asked: Mapping[str, object] = {
        "configuration": configuration.fingerprint,
        "policies": {name: policy.scopes for name, policy in configuration.policies.items()},
        "tasks": sorted(chosen.names),
        "shards": [sorted(unit.key for unit in shard) for shard in shards],
    }
    return canonical.sha256(asked)


_SYSTEMS: Final = (
    (SHARD_INDEX, SHARD_TOTAL, 0),
    # https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
    ("JOB_COMPLETION_INDEX", SHARD_TOTAL, 0),
    # https://docs.gitlab.com/ci/variables/predefined_variables/
    ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
)
"""The variables of index and total, and what the first index is. Kubernetes tells no total, GitHub neither of them:
the manifest and the workflow hand them on under our names."""

_BY_HAND = "or give both by hand, such as --shard 0/4 for the first of four"


def shard_of(text: str, environment: Mapping[str, str]) -> tuple[int, int]:
    """The index, from 0, and the total that `--shard` names: `INDEX/TOTAL`, or `auto` for what the environment says.

    Raises UsageError where that is no shard, or where variables contradict each other.
    """
    if text != "auto":
        written = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text, re.ASCII)
        if written is None:
            raise UsageError(f"--shard {text}: expected INDEX/TOTAL or auto", "for the first of four give --shard 0/4")
        return _shard(int(written[1]), int(written[2]), 0, f"--shard {text}")
    told = {
        f"{index} and {total}": _shard(_number(index, environment), _number(total, environment), first, index)
        for index, total, first in _SYSTEMS
        if index in environment
    }
    awaited = [index for index, total, _ in _SYSTEMS if not told or total == SHARD_TOTAL]
    if not told or (SHARD_TOTAL in environment and not environment.keys() & {*awaited}):
        kept = f", though {SHARD_TOTAL} is set" if SHARD_TOTAL in environment else ""
        raise UsageError(
            f"--shard auto: nothing says which shard this is: neither {' nor '.join(awaited)} is set{kept}",
            f"set {SHARD_INDEX} and {SHARD_TOTAL} where the jobs are defined, {_BY_HAND}",
        )
    if len({*told.values()}) > 1:
        shown = "; ".join(f"{index}/{total} by {names}" for names, (index, total) in told.items())
        raise UsageError(
            f"--shard auto: the environment names several shards: {shown}",
            f"unset those variables that are not about these jobs, {_BY_HAND}",
        )
    return next(iter(told.values()))


def _number(name: str, environment: Mapping[str, str]) -> int:
    given = environment.get(name)
    if given is not None and re.fullmatch("[0-9]{1,9}", given, re.ASCII):
        return int(given)
    reason = "is not set" if given is None else "holds no whole number"
    raise UsageError(f"--shard auto: {name} {reason}", f"set it where the jobs are defined, {_BY_HAND}")


def _shard(index: int, total: int, first: int, where: str) -> tuple[int, int]:
    """Raises UsageError unless there is such a shard."""
    if not 1 <= total <= MOST_SHARDS:
        raise UsageError(f"{where}: a total of {total} shards is not possible", f"give one of 1 to {MOST_SHARDS}")
    if not first <= index < first + total:
        last = first + total - 1
        raise UsageError(f"{where}: of {total} shards none has the index {index}", f"give one of {first} to {last}")
    return index - first, total
