"""Many accounts of one cloud, in each of which tasks wait."""

from dataclasses import dataclass

PACKAGING = "huaweicloud.mpc.packaging"
SNAPSHOT = "huaweicloud.mpc.snapshot"

_TARGET = """
  t{0}:
    provider: huaweicloud
    region: cn-north-4
    project_id: "{1}"
    endpoints: {{mpc: "${{URL}}"}}
    rate_limits: {{mpc: 10000/s}}
"""


@dataclass(frozen=True)
class Accounts:
    """So many of them, `t0` and so on, each with so many tasks of one type, all of which a policy wants out: of
    packaging, which is canceled and then deleted, or snapshots, which are canceled."""

    number: int
    tasks: int
    resource: str

    @property
    def projects(self) -> list[str]:
        return [f"{number:032x}" for number in range(1, self.number + 1)]

    @property
    def seed(self) -> dict[str, object]:
        """What is in the clouds: one key leads to all projects."""
        key = {"access_key_id": "AK", "secret_access_key": "SK"}
        projects = {f"region-{number}": project for number, project in enumerate(self.projects)}
        keys = {"huaweicloud": [{**key, "projects": projects}], "aliyun": [key], "aws": [key]}
        row = {"count": self.tasks, "owner": "each", "created": "1d", "input": {"bucket": "legacy"}}
        return {"accounts": keys, "tasks": {self.resource: [row]}}

    @property
    def configuration(self) -> str:
        targets = "".join(_TARGET.format(number, project) for number, project in enumerate(self.projects))
        match = "input.bucket: legacy" if self.resource == PACKAGING else "status: pending"
        policy = f"{{resource: {self.resource}, match: {{{match}}}, ensure: absent, limits: {{max_percent: 100}}}}"
        settings = 'settings: {backend: "${BACKEND}"}'
        return f"version: 1\n{settings}\ntargets:{targets}\npolicies:\n  none-is-left: {policy}\n"
