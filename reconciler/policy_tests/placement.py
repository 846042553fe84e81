"""Where the tasks of a test are: what a task does not say itself follows from the test and its policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.environment import quoted
from reconciler.diagnostics import did_you_mean
from reconciler.selectors.mistake import Mistake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.config.model import Configuration, Policy
    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["Placement"]


class Placement:
    """Finds the resource type and the target of a task.

    `named` are the policies that the test names in `expect`, or else in `policies`; `present` all that are there.
    `resource` and `target` are what the test says for all its tasks. Methods raise Mistake.
    """

    def __init__(
        self,
        configuration: Configuration,
        catalogue: Catalogue,
        *,
        named: Sequence[Policy],
        present: Sequence[Policy],
        resource: str | None,
        target: str | None,
    ) -> None:
        self._configuration = configuration
        self._catalogue = catalogue
        self._named = named
        self._present = present
        self._resource = resource
        self._target = target
        self._fitting: dict[str, list[str]] = {}

    def resource(self, written: str | None) -> ResourceType:
        """The resource type that a task is `written` to have, or else that of the test or its policies."""
        name = written or self._resource or self._only_resource()
        rows = self._catalogue.resource_types
        if name not in rows:
            raise _unknown("resource type", name, sorted(rows))
        return rows[name]

    def target(self, written: str | None, resource: ResourceType) -> str:
        """The target that a task is `written` to be on, or else that of the test or its policies."""
        name = written or self._target or self._first_target(resource)
        fitting = self._targets_of(resource)
        target = self._configuration.targets.get(name)
        if target is None:
            raise _unknown("target", name, fitting)
        if target.provider != resource.provider:
            message = f"target {quoted(name)} is of provider `{target.provider}`, but the task is of {resource.name}"
            raise Mistake(message, allowed=tuple(fitting))
        return name

    def _only_resource(self) -> str:
        found = sorted({policy.resource for policy in self._named})
        if len(found) == 1:
            return found[0]
        why = f"the policies that the test names are about {' and '.join(found)}" if found else "it names no policy"
        hint = "write `resource: ...` in the task or in the test"
        raise Mistake(
            f"the resource type of the task does not follow from the test: {why}",
            hint,
            tuple(found or sorted(self._catalogue.resource_types)),
        )

    def _first_target(self, resource: ResourceType) -> str:
        """The first target that all policies on the resource type share: of those named, or else of all."""
        policies = [policy for policy in self._named if policy.resource == resource.name]
        policies = policies or [policy for policy in self._present if policy.resource == resource.name]
        shared = [name for name in self._targets_of(resource) if all(name in policy.targets for policy in policies)]
        if shared and policies:
            return shared[0]
        why = f"its policies on {resource.name} share none" if policies else f"no policy is about {resource.name}"
        message = f"the target of the task does not follow from the test: {why}"
        raise Mistake(message, "write `target: ...` in the task or in the test", tuple(self._targets_of(resource)))

    def _targets_of(self, resource: ResourceType) -> list[str]:
        if resource.provider not in self._fitting:
            targets = self._configuration.targets.items()
            self._fitting[resource.provider] = sorted(
                name for name, target in targets if target.provider == resource.provider
            )
        return self._fitting[resource.provider]


def _unknown(what: str, name: str, allowed: Sequence[str]) -> Mistake:
    return Mistake(f"unknown {what} {quoted(name)}", did_you_mean(name, allowed), tuple(allowed))
