"""Metrics in the text format of Prometheus: what one run was like, and counters over all runs.

https://prometheus.io/docs/instrumenting/exposition_formats/

A metric is a row of `METRICS`. Labels hold names of the configuration and words of closed sets: no id of a task, no
URL, nothing that a cloud wrote.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from reconciler import __version__
from reconciler.planning.plan import Plan, RunOutcome
from reconciler.reports import Measured
from reconciler.reports.diagnostics import FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric as Family

    from reconciler.planning.report import Report


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    """Counts over all runs. In a file it goes on from what stands there."""


class Of(StrEnum):
    """What the samples of a metric are renewed with."""

    RUN = "run"
    PLAN = "plan"
    """All of them with each plan: what it does not look at any more has none."""
    DAEMON = "daemon"


@dataclass(frozen=True, slots=True)
class Metric:
    """One row: the name, what it says, and the labels of its samples."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: Kind = Kind.GAUGE
    of: Of = Of.RUN


def _of_policy(name: str, text: str) -> Metric:
    return Metric(f"reconciler_policy_{name}_tasks", text, ("policy",), of=Of.PLAN)


BUILD = Metric("reconciler_build_info", "1; the version of the tool stands in the label.", ("version",))
LAST_RUN = Metric("reconciler_last_run_timestamp_seconds", "When the last run ended, in Unix time.", ("command",))
LAST_SUCCESS = Metric(
    "reconciler_last_success_timestamp_seconds",
    "When the last run ended that went well, in Unix time: outcome ok, or changes of a plan.",
    ("command",),
)
DURATION = Metric(
    "reconciler_stage_duration_seconds", "How long a stage of the last run took: list or apply.", ("command", "stage")
)
OUTCOME = Metric(
    "reconciler_run_outcome", "1 for the outcome of the last run, 0 for all others.", ("command", "outcome")
)
RUNS = Metric("reconciler_runs_total", "Runs, by how they ended.", ("command", "outcome"), Kind.COUNTER)
TASKS = Metric(
    "reconciler_tasks",
    "Tasks that the last plan saw, by normalised status.",
    ("target", "resource", "status"),
    of=Of.PLAN,
)
OLDEST = Metric(
    "reconciler_oldest_pending_task_age_seconds",
    "Age of the oldest pending task, when the last plan was made. No sample where there is none.",
    ("target", "resource"),
    of=Of.PLAN,
)
COMPLETE = Metric(
    "reconciler_scope_complete",
    "1 where the last plan saw all tasks of the target and resource type, 0 where it could not.",
    ("target", "resource"),
    of=Of.PLAN,
)
OF_POLICIES = {
    "matched": _of_policy("matched", "Tasks that satisfy the selector, by the last plan."),
    "changes": _of_policy("planned", "Changes that the last plan makes."),
    "reported": _of_policy("reported", "Tasks that are only reported: the policy is in report mode."),
    "refused": _of_policy("refused", "Tasks that are not changed because a guard refuses."),
    "deferred": _of_policy("deferred", "Tasks that are left to later runs by on_excess: defer."),
    "blocked": _of_policy("blocked", "Tasks that no operation takes out of the policy."),
    "protected": _of_policy("protected", "Tasks that a protection holds."),
    "unknown": _of_policy("unknown", "Tasks of which it cannot be said whether they match."),
}
"""By the field of a plan's policy that each tells."""
OUTCOMES = Metric(
    "reconciler_changes_total",
    "Changes that were carried out or tried, by outcome. One that several policies ask for counts for each.",
    ("policy", "operation", "outcome"),
    Kind.COUNTER,
)
REQUESTS = Metric(
    "reconciler_requests_total", "Requests sent, retries included, logins not.", ("target", "service"), Kind.COUNTER
)
THROTTLED = Metric(
    "reconciler_requests_throttled_total", "Requests that a quota refused.", ("target", "service"), Kind.COUNTER
)
RETRIED = Metric("reconciler_requests_retried_total", "Requests that asked again.", ("target", "service"), Kind.COUNTER)
NEXT_RUN = Metric("reconciler_next_run_timestamp_seconds", "When the next run begins, in Unix time.", of=Of.DAEMON)
PERIOD = Metric(
    "reconciler_period_seconds",
    "Time between two runs by the schedule: from the last one to the next, or the one before that, if it is longer.",
    of=Of.DAEMON,
)
CONFIGURATION = Metric(
    "reconciler_configuration_valid",
    "1 where the configuration as it stands could be read, 0 where the last good one is used.",
    of=Of.DAEMON,
)
BACKING_OFF = Metric(
    "reconciler_target_failures",
    "How often in a row all of the target failed, which is then left alone for longer and longer. None: it did not.",
    ("target",),
    of=Of.DAEMON,
)

METRICS = (
    *(BUILD, LAST_RUN, LAST_SUCCESS, DURATION, OUTCOME, RUNS, TASKS, OLDEST, COMPLETE, *OF_POLICIES.values()),
    *(OUTCOMES, REQUESTS, THROTTLED, RETRIED, NEXT_RUN, PERIOD, CONFIGURATION, BACKING_OFF),
)

_ENDS = tuple(dict.fromkeys((*map(str, RunOutcome), *FAILURES.values())))
"""How runs end."""

_LARGEST = 16 * 2**20
"""Characters of a file of metrics that is read."""


@dataclass(slots=True)
class Samples(Collector):
    """The samples of all metrics, by the values of their labels."""

    _values: dict[Metric, dict[tuple[str, ...], float]] = field(default_factory=dict)
    _text: str = ""
    """What `text` gives, until a sample changes: it is asked for far more often."""

    @classmethod
    def read(cls, text: str) -> Samples:
        """The samples of a file that `text` wrote. What is not as it writes them is left out."""
        known = {metric.name: metric for metric in METRICS}
        samples = cls()
        try:
            for family in text_string_to_metric_families(text if len(text) <= _LARGEST else ""):
                for sample in family.samples:
                    metric = known.get(sample.name)
                    if metric is not None and {*sample.labels} == {*metric.labels} and 0 <= sample.value < 2**62:
                        samples.set(metric, sample.value, *(sample.labels[name] for name in metric.labels))
        except (ValueError, KeyError, IndexError):  # what the parser raises for text of no form
            return cls()
        return samples

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        self._text = ""
        self._values.setdefault(metric, {})[labels] = value

    def add(self, metric: Metric, value: float, *labels: str) -> None:
        """Count `value` more."""
        self.set(metric, (self.get(metric, *labels) or 0) + value, *labels)

    def clear(self, *metrics: Metric) -> None:
        """Forget all samples of these."""
        self._text = ""
        for metric in metrics:
            self._values.pop(metric, None)

    def get(self, metric: Metric, *labels: str) -> float | None:
        return self._values.get(metric, {}).get(labels)

    def collect(self) -> Iterator[Family]:
        """As prometheus-client asks for them."""
        for metric in METRICS:
            if found := self._values.get(metric):
                made = (GaugeMetricFamily if metric.kind is Kind.GAUGE else CounterMetricFamily)(
                    metric.name, metric.help, labels=metric.labels
                )
                for labels, value in sorted(found.items()):
                    made.add_metric(labels, value)
                yield made

    def text(self) -> str:
        """All of it, as Prometheus and the textfile collector of the node exporter read it."""
        self._text = self._text or generate_latest(self).decode()
        return self._text

    def note_build(self) -> None:
        """Note what writes them."""
        self.clear(BUILD)
        self.set(BUILD, 1, __version__)

    def note(self, item: Plan | Report | None, measured: Measured, now: int) -> None:
        """Note a run that ended at `now` (seconds since the epoch, UTC), with its plan or its report; with None
        where it came to neither: then `measured` has its outcome."""
        plan = item if isinstance(item, Plan) else measured.plan
        command = measured.command
        ended = measured.outcome or (item.outcome.value if item is not None else RunOutcome.ERROR.value)
        self.clear(*(metric for metric in METRICS if metric.of is Of.PLAN and plan is not None))
        self.note_build()
        if plan is not None:
            self._note_plan(plan)
        if item is not None and not isinstance(item, Plan):
            self._note_report(item)
        self.set(LAST_RUN, now, command)
        if ended in {RunOutcome.OK, RunOutcome.CHANGES}:
            self.set(LAST_SUCCESS, now, command)
        self.add(RUNS, 1, command, ended)
        for outcome in _ENDS:
            self.set(OUTCOME, ended == outcome, command, outcome)
        for stage, seconds in measured.stages.items():
            self.set(DURATION, seconds, command, stage)
        for (target, service), sent in measured.traffic.items():
            self.add(REQUESTS, sent.requests, target, service)
            self.add(THROTTLED, sent.throttled, target, service)
            self.add(RETRIED, sent.retried, target, service)

    def _note_plan(self, plan: Plan) -> None:
        for scope in plan.scopes:
            self.set(COMPLETE, scope.complete, *scope.key)
            for status, count in scope.tasks.items():
                self.set(TASKS, count, *scope.key, status)
            if scope.oldest_pending is not None:
                self.set(OLDEST, max(0, plan.created_at - scope.oldest_pending), *scope.key)
        for policy in plan.policies:
            for name, metric in OF_POLICIES.items():
                self.set(metric, getattr(policy, name), policy.name)

    def _note_report(self, report: Report) -> None:
        counts = Counter(
            (policy, "_then_".join(result.steps), result.outcome)
            for result in report.results
            for policy in result.policies
        )
        for labels, count in counts.items():
            self.add(OUTCOMES, count, *labels)


def render_metrics(item: Plan | Report, measured: Measured | None, before: str = "") -> str:
    """The text of a file of metrics. `before` is what it held: counters go on, and a run that failed keeps the time of
    the last one that went well."""
    ended = item.created_at if isinstance(item, Plan) else item.finished_at
    command = "plan" if isinstance(item, Plan) else "apply"
    return _counted_on(before, item, measured or Measured(command), int(ended))


def render_failure(measured: Measured, now: int, before: str = "") -> str:
    """As `render_metrics`, of a run that ended at `now` without a plan or a report."""
    return _counted_on(before, None, measured, now)


def _counted_on(before: str, item: Plan | Report | None, measured: Measured, ended: int) -> str:
    samples = Samples.read(before)
    samples.note(item, measured, ended)
    return samples.text()
