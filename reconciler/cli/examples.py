"""The examples at the end of each `--help`, which the reference shows as well: every line can be typed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "validate": """
# The files of the current directory and below
reconciler validate
# Annotations on a pull request
reconciler validate policies/ --format github
""",
        "test": """
reconciler test
# Those of one directory, with the names of what passed
reconciler test policies/ -v
# For the test view of a CI system
reconciler test --junit tests.xml
""",
        "plan": """
reconciler plan
# Save it for a review; end with 2 where there are changes
reconciler plan --out plan.json --detailed-exitcode
# A part of it, with what is sent and answered
reconciler plan --target 'huawei-*' --policy retention -vv
# Several outputs of one run
reconciler plan --report markdown=plan.md --report html=plan.html
""",
        "show": """
reconciler show plan.json
reconciler show plan.json --format html > plan.html
""",
        "comment": """
# In a job of GitHub Actions or GitLab CI
reconciler comment plan.json
# What it would say
reconciler comment plan.json --dry-run
""",
        "diff": """
reconciler diff yesterday.json today.json
# Is it still what was reviewed?
reconciler diff approved.json plan.json --detailed-exitcode
""",
        "apply": """
# Plan, show, ask, do
reconciler apply
# What was reviewed, and nothing else
reconciler apply --plan plan.json
# From a schedule; wait while another apply is at work
reconciler apply --auto-approve --lock-timeout 10m --format json
# One task, once
reconciler apply --task 10743
# One noisy policy, once, beyond its limit
reconciler apply --max-actions retention=2000
""",
        "run": """
reconciler run --every 5m
# By the rules of cron, in a time zone; change nothing
reconciler run --schedule "7 * * * *" --timezone Asia/Shanghai --plan-only
# A single cycle, for a CronJob, with metrics for the textfile collector
reconciler run --once --report metrics=reconciler.prom
""",
        "query": """
reconciler query huaweicloud.mpc.packaging
# What has waited for long
reconciler query huaweicloud.vod.editing --where 'created_at older_than 6h'
# The latest twenty
reconciler query huaweicloud.mpc.packaging --sort -created_at --limit 20
# Whose tasks they are, the most first
reconciler query huaweicloud.mpc.transcoding --count-by input.bucket
# For another program
reconciler query huaweicloud.mpc.packaging --target prod --format csv
""",
        "doctor": """
reconciler doctor
# For a bug report
reconciler doctor --target huawei-prod --format json --trace trace.jsonl
""",
        "why": """
reconciler why 10743
# One task of one target, as it was on Monday
reconciler why prod/huaweicloud.mpc.packaging/10743 --snapshot monday.json
""",
        "explain": """
# All kinds of tasks
reconciler explain
reconciler explain huaweicloud.mpc.packaging
reconciler explain huaweicloud.mpc.packaging --format mermaid
""",
        "permissions": """
# For credentials that apply, and for those of a pull request
reconciler permissions
reconciler permissions --role plan --target huawei-prod
""",
        "history": """
reconciler history
# One run, by the beginning of its id
reconciler history 01a22a58
# Who touched a task, when, why, how approved, and what became of it
reconciler history --task 10042 --format jsonl
# Whether it is as it was written; keep the head that it prints elsewhere
reconciler history verify
# Free a lock that a machine left behind
reconciler history unlock huawei-prod
""",
        "init": """
reconciler init media-gitops
reconciler init media-gitops --no-input --cloud huaweicloud --cloud aws
""",
        "completion": """
# Once for this shell
eval "$(reconciler completion bash)"
# From now on, in bash, zsh and fish
reconciler completion bash >> ~/.bashrc
reconciler completion zsh > "${fpath[1]}/_reconciler"
reconciler completion fish > ~/.config/fish/completions/reconciler.fish
""",
        "schema": """
reconciler schema > reconciler.schema.json
reconciler schema --of plan
""",
        "simulator": """
reconciler simulator --port 8799
reconciler simulator --seed seed.yaml
""",
        "demo": """
reconciler demo
""",
    }
)
"""By command. Lines with `#` say what the next one is for."""


def epilog(name: str) -> str:
    r"""The examples of a command, for click: `\b` keeps it from filling the lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in EXAMPLES[name].strip().splitlines())
