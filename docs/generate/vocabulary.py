"""The pages of what has a closed set of words: operators, formats, exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from docs.generate.markdown import code, in_one_line, page, paragraph, prose, table
from reconciler.config.schema_match import condition
from reconciler.exceptions import ExitCode
from reconciler.reports import FORMATS, SCREEN_FORMATS
from reconciler.reports.metrics import METRICS, Of
from reconciler.selectors.operators import APPLICABLE, MISSING
from reconciler.selectors.syntax import Operator

if TYPE_CHECKING:
    from reconciler.config.schema_parts import Schema

_OPERATORS: Final = """\
A field of a `match` takes a value (the field equals it), a list of values (it equals any of them) or a mapping of these
operators, all of which must hold. Which of them apply depends on the type of the field; `reconciler explain` and the
[resource types](resource-types.md) tell it. Operators that look for text take a list as well: any of it, and for those
that begin with `not_` none of it. A list may stand in a file, one entry a line: `id: {in: {file: ids.txt}}`."""

_LITERALS: Final = """\
A **duration** is a number with a unit, `90s`, `15m`, `6h`, `7d` or `2w`, or several from large to small: `1d12h`. A
**time** is RFC 3339 with a zone: `2025-01-31T08:00:00Z`. A field that a task does not have is *unknown*: no operator
selects it but `exists: false`, also under `not`, unless `missing` beside it says what such a task counts as:
`user_data: {not_contains: keep, missing: true}`."""

_FORMATS: Final = {
    "text": "For a terminal: what would change or has changed, with the reason of each.",
    "json": "The data itself. Everything else is made of it.",
    "markdown": "A comment of a pull or merge request: at most 60,000 characters, details folded.",
    "html": "A page to open in a browser: one file, no network, works without JavaScript.",
    "junit": "JUnit XML, for the test view of a CI system.",
    "github": "Workflow commands of GitHub Actions, which annotate the run.",
    "gitlab": "The `reports:terraform` JSON of GitLab, for the widget of a merge request.",
    "outputs": "Lines of `key=value`, for GITHUB_OUTPUT and for dotenv reports of GitLab.",
    "metrics": "For Prometheus, by the textfile collector: see [metrics](metrics.md).",
}

_METRICS: Final = """\
`reconciler run` serves these at `/metrics`; `plan`, `apply` and `run --once` write them to a file with
`--report metrics=FILE`, for the textfile collector of the node exporter. The file is replaced as a whole. Counters go
on from what it holds, and a run that fails leaves the time of the last one that went well, also where it came to no
plan: a configuration that is broken, a lock, a signal. Times are Unix time. Labels hold names of the configuration and
words of closed sets: never an id of a task, a URL or a text of a cloud."""

_EXIT_CODES: Final = {
    ExitCode.OK: "Nothing to do, or everything done or already satisfied.",
    ExitCode.ERROR: "Something could not be observed whole, credentials, the journal, a test that failed, or a bug.",
    ExitCode.CHANGES: "Only with `--detailed-exitcode`: there are changes, and nothing is wrong.",
    ExitCode.PARTIAL: "Some change failed, is unknown or was not attempted, or is what `--fail-on` names.",
    ExitCode.REFUSED: (
        "A guard refused a policy, for which nothing was changed; or no approval, or another digest than "
        "`--approved-digest`: then nothing was changed at all."
    ),
    ExitCode.STALE: "The saved plan has expired, or was made from another configuration. Nothing was changed.",
    ExitCode.LOCKED: "Another apply holds the account of a target, which got no call. The other targets were done.",
    ExitCode.USAGE: "A bad flag or argument, or an approval that cannot be asked for without a terminal.",
    ExitCode.INVALID: "A configuration, test, plan or report file is invalid.",
    ExitCode.INTERRUPTED: "SIGINT, after the calls in flight were finished and reported.",
    ExitCode.TERMINATED: "SIGTERM or SIGHUP, after the calls in flight were finished and reported.",
}


def operators_page() -> str:
    """Every operator: on which types of field, what it means, and an example."""
    keys: dict[str, Schema] = {}
    kinds: dict[str, list[str]] = {name: [] for name in (*map(str, Operator), MISSING)}
    for kind in APPLICABLE:
        for name, key in _operators(condition(kind)).items():
            if name in kinds:
                keys.setdefault(name, key)
                kinds[name].append(kind.value)
    rows = [
        (
            code(name),
            ", ".join(kinds[name]),
            prose(str(keys[name]["description"])),
            code(f"{name}: {in_one_line(_first_example(keys[name]))}"),
        )
        for name in kinds
    ]
    return page("Operators", _OPERATORS, table(("operator", "types of field", "meaning", "example"), rows), _LITERALS)


def formats_page() -> str:
    """Every format of plans and reports, and which commands write it."""
    rows = [
        (code(name), prose(_FORMATS[name]), "`plan`, `apply`, `show`" if name in SCREEN_FORMATS else "`show`")
        for name in FORMATS
    ]
    text = (
        "`--format` says what a command writes to stdout. `--report FORMAT=FILE` of `plan` and `apply` writes any of "
        "these formats to a file as well, and may be repeated. A plan or report saved as `json` can be rendered in "
        "every other format later, by `show`. Queries of URLs are never written in any of them."
    )
    schemas = (
        "What is in the JSON is described by [plan.schema.json](../../schemas/plan.schema.json) and "
        "[report.schema.json](../../schemas/report.schema.json). Readers should pass over keys that they do not know."
    )
    return page("Formats", paragraph(text), table(("format", "what it is", "`--format` of"), rows), paragraph(schemas))


def metrics_page() -> str:
    """Every metric with its labels, and from where it comes."""
    whence = {Of.RUN: "every run", Of.PLAN: "every plan", Of.DAEMON: "`run` alone"}
    rows = [
        (
            code(metric.name),
            metric.kind.value,
            ", ".join(map(code, metric.labels)),
            whence[metric.of],
            prose(metric.help),
        )
        for metric in METRICS
    ]
    return page("Metrics", _METRICS, table(("metric", "kind", "labels", "from", "meaning"), rows))


def exit_codes_page() -> str:
    """Every exit code and when it is used."""
    interrupted = {ExitCode.INTERRUPTED, ExitCode.TERMINATED}
    rows = [
        (str(int(each)), "interrupted" if each in interrupted else each.name.lower(), prose(_EXIT_CODES[each]))
        for each in ExitCode
    ]
    text = "The same for every command. The JSON names the outcome, and every cause where there are several."
    order = "Where several apply, the first of 130, 143, 64, 65, 1, 6, 5, 4, 3, 2, 0 is taken."
    return page("Exit codes", text, table(("exit", "outcome", "when"), rows), order)


def _operators(schema: Schema) -> dict[str, Schema]:
    """The keys of a condition that is a mapping."""
    mapping = schema if "properties" in schema else schema.get("then")
    keys = mapping.get("properties") if isinstance(mapping, dict) else None
    return keys if isinstance(keys, dict) else {}


def _first_example(key: Schema) -> object:
    examples = key.get("examples")
    return examples[0] if isinstance(examples, list) else None
