"""Plans and reports that the golden files show. One function for each situation a reviewer may meet."""

import dataclasses
from dataclasses import replace

from reconciler.config.model import Mode, OnBlocked
from reconciler.diagnostics import Severity
from reconciler.exceptions import ExitCode
from reconciler.planning.change import Change, Observed, Skipped
from reconciler.planning.estimate import Estimate
from reconciler.planning.limits import Guard, GuardCheck, Overrides, Refused
from reconciler.planning.plan import Plan, Sources
from reconciler.planning.policy_plan import Note, PolicyPlan, ScopePlan, Source
from reconciler.planning.report import FailOn, Outcome, Report, Result
from reconciler.providers.registry import catalogue
from reconciler.redaction import presentable
from reconciler.tasks.observation import Completeness, Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import Timestamp

NOW = 1_767_325_445  # 2026-01-02T03:44:05Z

PACKAGING = "huaweicloud.mpc.packaging"
TRANSCODING = "huaweicloud.mpc.transcoding"
SNAPSHOT = "huaweicloud.mpc.snapshot"
EDITING = "huaweicloud.vod.editing"
UPLOAD = "aliyun.vod.url_upload"
CANCEL, DELETE, BOTH = (Action.CANCEL,), (Action.DELETE,), (Action.CANCEL, Action.DELETE)

EVIL = (
    "a|b`c <script>alert(1)</script> @everyone #123 <!-- --> \x1b[31mred\x1b[0m \u202egnp.exe\u202c zero\u200bwidth\n"
    "| new row | [link](http://evil) ![i](http://evil) :tada: https://h/v.mp4?token=s3cret&sig=abc \ud800 $x$ \\"
)
EVIL_ID = EVIL.replace("?token=s3cret&sig=abc", "")
"""Ids are written as they are, since calls are made with them."""


def observed(status: str = "pending", created: str = "2026-01-01T00:00:00Z", **rest: str | int) -> Observed:
    return {"status": status, "created_at": created} | {name.replace("__", "."): value for name, value in rest.items()}


def change(task_id: str, resource: str = TRANSCODING, steps: tuple[Action, ...] = CANCEL, **rest: object) -> Change:
    defaults: dict[str, object] = {
        "target": "aliyun-shanghai" if resource.startswith("aliyun") else "huawei-prod",
        "policies": ("one-transcode-per-object",),
        "reason": "one-transcode-per-object: number 2 for uploads, a.mp4, oldest first; at most 1 may be there",
        "observed": observed(provider_status="QUEUEING", input__bucket="uploads", input__object="a.mp4"),
    }
    return Change(resource=resource, task_id=task_id, steps=steps, **{**defaults, **rest})  # type: ignore[arg-type]
    # ^ a table of defaults has no type per key


def skipped(task_id: str, reason: str, *protections: str, status: str = "running") -> Skipped:
    return Skipped(
        "huawei-prod", TRANSCODING, task_id, ("one-transcode-per-object",), reason, observed(status), protections
    )


def scope(resource: str = TRANSCODING, target: str = "huawei-prod", **rest: object) -> ScopePlan:
    row = catalogue().resource_types.get(resource)
    defaults: dict[str, object] = {
        "tasks": {"pending": 30, "running": 10},
        "requests": 4,
        "completeness": Completeness.COMPLETE,
        "object_fields": row.object_fields if row else (),
    }
    return ScopePlan(target, resource, **{**defaults, **rest})  # type: ignore[arg-type]  # as in `change`


def policy(name: str = "one-transcode-per-object", resource: str = TRANSCODING, **rest: object) -> PolicyPlan:
    return PolicyPlan(name, (resource,), ("huawei-prod",), **rest)  # type: ignore[arg-type]  # as in `change`


EMPTY = Plan(
    tool_version="0.1.0",
    created_at=Timestamp(NOW - 60),
    expires_at=Timestamp(NOW + 86_340),
    configuration=Sources("sha256:" + "c0ffee00" * 8, ("reconciler.yaml",)),
    scopes=(scope(), scope(PACKAGING, tasks={}), scope(UPLOAD, "aliyun-shanghai")),
    policies=(policy(matched=3, kept=3), policy("packaging-record-retention", PACKAGING)),
    changes=(),
)


def refused(change: Change, check: GuardCheck) -> Refused:
    fields = {field.name: getattr(change, field.name) for field in dataclasses.fields(Change)}
    return Refused(**fields, guard=check.guard, limit=check.limit, needed=check.needed)


KINDS = (
    change(
        "341c92e6c18dc435ee31253685f9c0a1",
        UPLOAD,
        policies=("no-stale-legacy-uploads",),
        reason="no-stale-legacy-uploads: no task may be there whose upload_url is like https://legacy.example.com/*",
        observed=observed(upload_url="https://legacy.example.com/v.mp4?~d9b5fb3d", file_size=1048576),
    ),
    change(
        "7005",
        PACKAGING,
        DELETE,
        policies=("packaging-record-retention",),
        reason="packaging-record-retention: finished_at is older than 30d",
        observed=observed("succeeded", "2025-11-01T10:00:00Z", finished_at="2025-11-01T10:20:00Z"),
    ),
    change("9001", SNAPSHOT, policies=("no-forgotten-snapshots",), reason="no-forgotten-snapshots"),
    change("24010"),
    change("24011", policies=("one-transcode-per-object", "nothing-from-tests")),
    change(
        "e-77",
        EDITING,
        policies=("no-stuck-edits",),
        reason="no-stuck-edits: older than 6h",
        observed=observed(provider_status="WAITING", asset_id="f488337c31c8e4622f1590735b134c65"),
    ),
)
SCOPES = (*EMPTY.scopes, scope(SNAPSHOT), scope(EDITING))
"""Those of the five kinds."""

GUARDS = (GuardCheck(Guard.MAX_ACTIONS, 500, 812, 2000), GuardCheck(Guard.MAX_PERCENT, 30, 812, 2000, "huawei-prod"))

PLANS: dict[str, Plan] = {
    "empty": EMPTY,
    "five_kinds": replace(
        EMPTY,
        estimate=Estimate({"aliyun.vod": 2, "huaweicloud.mpc": 3_900, "huaweicloud.vod": 2}, 2_340, 100),
        changes=KINDS,
        scopes=SCOPES,
        policies=(
            policy(
                "no-stale-legacy-uploads",
                UPLOAD,
                matched=1,
                surplus=1,
                changes=1,
                description="Uploads from the retired CDN must not wait in the queue.",
            ),
            policy("no-forgotten-snapshots", SNAPSHOT, matched=1, surplus=1, changes=1),
            policy(matched=5, surplus=2, changes=2, kept=3, source=Source("policies/transcoding.reconciler.yaml", 7)),
            policy("packaging-record-retention", PACKAGING, matched=1, surplus=1, changes=1, suspended=False),
            policy("someday", PACKAGING, suspended=True),
        ),
    ),
    "two_step": replace(
        EMPTY,
        changes=(change("7001", PACKAGING, BOTH), change("7002", PACKAGING, DELETE, observed=observed("failed"))),
        policies=(policy(resource=PACKAGING, matched=2, surplus=2, changes=2),),
        overrides=Overrides(max_actions=900),
    ),
    "blocked": replace(
        EMPTY,
        changes=(change("24010"),),
        blocked=(skipped("24008", "a running task can be neither canceled nor deleted"),),
        policies=(
            policy(
                matched=2,
                surplus=2,
                changes=1,
                blocked=1,
                on_blocked=OnBlocked.FAIL,
                source=Source("policies/transcoding.reconciler.yaml", 7),
            ),
        ),
    ),
    "protected": replace(
        EMPTY,
        protected=(skipped("24001", "protected by legal-hold", "legal-hold", status="pending"),),
        policies=(policy(matched=1, surplus=1, protected=1),),
    ),
    "unknown": replace(
        EMPTY,
        policies=(policy(matched=0, unknown=4), policy("no-stale", UPLOAD, unknown=2)),
        scopes=(scope(unknown=3), scope(PACKAGING, tasks={}), scope(UPLOAD, "aliyun-shanghai", unknown=2)),
        diagnostics=(
            Note(Severity.WARNING, "2 matching tasks are kept for want of a time", "huawei-prod", None, "no-stale"),
        ),
    ),
    "guard_breach": replace(
        EMPTY,
        changes=KINDS[:2],
        scopes=SCOPES,
        refused=tuple(refused(one, GUARDS[0]) for one in KINDS[2:]),
        deferred=40,
        policies=(
            policy(
                matched=812,
                surplus=812,
                refused=812,
                guards=GUARDS,
                source=Source("a directory, 100%: odd/x.reconciler.yaml", 3),
            ),
            policy("packaging-record-retention", PACKAGING, matched=41, surplus=41, changes=1, deferred=40),
        ),
    ),
    "reported": replace(
        EMPTY,
        changes=KINDS[:1],
        scopes=SCOPES,
        reported=KINDS[1:3],
        policies=(
            policy("no-stale-legacy-uploads", UPLOAD, matched=1, surplus=1, changes=1),
            policy(
                "packaging-record-retention", PACKAGING, matched=1, surplus=1, reported=1, mode=Mode.REPORT, blocked=0
            ),
            policy(
                "no-forgotten-snapshots",
                SNAPSHOT,
                matched=1,
                surplus=1,
                reported=1,
                mode=Mode.REPORT,
                opens_at=Timestamp(NOW + 3_600),
                timezone="Europe/Berlin",
            ),
        ),
    ),
    "run_breach": replace(
        EMPTY,
        refused=tuple(refused(change(name), GuardCheck(Guard.MAX_ACTIONS, 1, 2, 10)) for name in ("24010", "24011")),
        policies=(
            policy(matched=2, surplus=2, refused=2, guards=(GuardCheck(Guard.MAX_PERCENT, 30, 2, 10, "huawei-prod"),)),
        ),
        run_guards=(
            GuardCheck(Guard.MAX_ACTIONS, 1, 2, 10),
            GuardCheck(Guard.MAX_PERCENT, 10, 2, 10, "huawei-prod", TRANSCODING),
        ),
    ),
    "failed_scope": replace(
        EMPTY,
        changes=(change("24010"),),
        scopes=(
            scope(),
            scope(
                SNAPSHOT,
                tasks={},
                completeness=Completeness.FAILED,
                error=Fault(Meaning.PERMISSION, "no permission", "MPC.10231", 403, "req-1"),
            ),
        ),
        diagnostics=(
            Note(
                Severity.ERROR,
                "could not be listed, so nothing is changed there: HTTP 403 MPC.10231: no permission",
                "huawei-prod",
                SNAPSHOT,
            ),
            Note(Severity.ERROR, "no credentials were found", "huawei-test"),
        ),
    ),
    "unstable_scope": replace(
        EMPTY,
        scopes=(
            scope(
                completeness=Completeness.UNSTABLE,
                error=Fault(Meaning.MALFORMED, "the total moved from 41 to 39 to 44 in three passes"),
            ),
        ),
    ),
    "hostile": replace(
        EMPTY,
        changes=(
            change(
                EVIL_ID,
                reason=presentable(EVIL),
                observed={"status": "pending", "input.object": presentable(EVIL), "title": "汉字" * 80},
            ),
        ),
        policies=(policy(matched=1, changes=1, description=presentable(EVIL)),),
        protected=(replace(skipped(EVIL_ID, presentable(EVIL), "legal-hold"), observed={presentable(EVIL): EVIL}),),
        configuration=replace(EMPTY.configuration, files=(presentable(EVIL),)),
        diagnostics=(Note(Severity.WARNING, presentable(EVIL), presentable(EVIL)),),
    ),
}

BIG = replace(
    EMPTY,
    changes=tuple(
        change(str(number), observed=observed(input__object=f"very/long/path/{number}/" + "x|" * 60))
        for number in range(3000)
    ),
    policies=(policy(matched=3000, surplus=3000, changes=3000),),
)
"""More than fits a comment, more than one screenful."""


def result(task_id: str, outcome: Outcome, now: str | None, detail: str = "", **rest: object) -> Result:
    return Result.of(change(task_id), outcome, detail, now=now, **rest)  # type: ignore[arg-type]  # as in `change`


EVERY_OUTCOME = Report(
    run_id="01JGZ2Q0V6",
    targets=EMPTY.targets,
    tool_version="0.1.0",
    plan_digest=PLANS["five_kinds"].digest,
    started_at=Timestamp(NOW),
    finished_at=Timestamp(NOW + 95),
    results=(
        result("24010", Outcome.DONE, "canceled", calls=1, started_ms=100, finished_ms=2300),
        result("24011", Outcome.SATISFIED, "canceled", "it was canceled before"),
        result("24012", Outcome.MISSED, "running", "it started first"),
        result(
            "24013",
            Outcome.FAILED,
            "pending",
            error=Fault(Meaning.PERMANENT, "the task is locked", "MPC.10203", 400, "req-9"),
            calls=1,
        ),
        result("24014", Outcome.UNKNOWN, None, "no answer came", error=Fault(Meaning.LOST, "timed out"), calls=2),
        result("24015", Outcome.NOT_ATTEMPTED, None, "the deadline passed"),
    ),
)

REPORTS: dict[str, Report] = {
    "nothing": replace(EVERY_OUTCOME, results=()),
    "all_done": replace(EVERY_OUTCOME, results=EVERY_OUTCOME.results[:2]),
    "every_outcome": EVERY_OUTCOME,
    "interrupted": replace(
        EVERY_OUTCOME,
        results=(EVERY_OUTCOME.results[0], result("24015", Outcome.NOT_ATTEMPTED, None, "the run was interrupted")),
        interrupted=ExitCode.INTERRUPTED,
    ),
    "refused": replace(
        EVERY_OUTCOME,
        results=(result("24015", Outcome.NOT_ATTEMPTED, None, "a guard refused"),),
        refused=True,
        diagnostics=(
            Note(Severity.ERROR, "max_actions 500 is exceeded: pass --max-actions 812", policy="one-transcode"),
        ),
    ),
    "errored": replace(
        EVERY_OUTCOME, results=(), errored=True, blocked=2, blocked_fails=True, fail_on=(FailOn.MISSED,)
    ),
    "hostile": replace(
        EVERY_OUTCOME,
        results=(
            Result.of(
                PLANS["hostile"].changes[0],
                Outcome.FAILED,
                presentable(EVIL),
                error=Fault(Meaning.PERMANENT, presentable(EVIL), presentable(EVIL), 400, presentable(EVIL)),
            ),
        ),
    ),
}
