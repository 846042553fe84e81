"""Flags that several commands share. Every flag can also be set as RECONCILER_<FLAG>."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from reconciler.config.model import MOST_ACTIONS
from reconciler.exceptions import UsageError
from reconciler.reports import FORMATS, TaskView
from reconciler.tasks.timestamps import parse_duration, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = TypeVar("Command", bound=Callable[..., Any])


class _Given(click.Parameter):
    """A parameter that is never empty: what a step of a job should have found out, and did not, must not turn into
    "everything", nor a plan that was to be handed on into a plan made anew."""

    def consume_value(self, ctx: click.Context, opts: Any) -> tuple[Any, ParameterSource]:  # noqa: ANN401 - click's own
        value, source = super().consume_value(ctx, opts)
        name = self.opts[0] if isinstance(self, click.Option) else self.opts[0].upper()
        given = [os.environ.get(self.envvar)] if isinstance(self.envvar, str) else []
        if source is ParameterSource.COMMANDLINE:
            given = list(value) if isinstance(value, list | tuple) else [value]
        elif given:
            name = str(self.envvar)
        if any(isinstance(text, str) and not text.strip() for text in given) and not ctx.resilient_parsing:
            raise click.UsageError(f"{name} is empty; leave it out to go without it", ctx)
        return value, source


class _Flag(_Given, click.Option):
    pass


class _Argument(_Given, click.Argument):
    pass


def argument(name: str, **attributes: Any) -> Callable[[Command], Command]:  # noqa: ANN401 - click's own
    """A click argument."""
    return click.argument(name, cls=_Argument, **attributes)


def flag(name: str, *more: str, **attributes: Any) -> Callable[[Command], Command]:  # noqa: ANN401 - click's own
    """A click option that can also be set by RECONCILER_<NAME>. Repeated values are split at blanks there."""
    variable = "RECONCILER_" + name.removeprefix("--").split("/", 1)[0].upper().replace("-", "_")
    return click.option(name, *more, cls=_Flag, envvar=variable, **attributes)


def paths_argument(command: Command) -> Command:
    return argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")(command)


def _named(section: int, ending: str = "") -> Callable[[click.Context, click.Parameter, str], Any]:
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> Any:  # noqa: ANN401 - click's own
        from reconciler.cli.names import named  # noqa: PLC0415 - for a shell alone

        return named(section, ctx, incomplete, ending)

    return complete


def resource_types(_: click.Context, __: click.Parameter, incomplete: str) -> Any:  # noqa: ANN401 - click's own
    """Completes the name of a resource type."""
    from reconciler.cli import names  # noqa: PLC0415 - for a shell alone

    return names.resource_types(incomplete)


def filter_options(command: Command, *, policies: bool = True) -> Command:
    globs = {"multiple": True, "metavar": "GLOB"}
    if policies:
        command = flag("--policy", "policies", shell_complete=_named(1), help="Only these policies.", **globs)(command)
    return flag("--target", "targets", shell_complete=_named(0), help="Only these targets.", **globs)(command)


def task_options(command: Command) -> Command:
    command = flag(
        "--tasks-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Only the tasks that this file names, one a line.",
    )(command)
    return flag(
        "--task",
        "tasks",
        multiple=True,
        metavar="ID",
        help="Only this task: its id, or <target>/<resource>/<id> (repeatable).",
    )(command)


def _shard_option(command: Command) -> Command:
    return flag(
        "--shard",
        metavar="I/N|auto",
        help="Only the accounts of this part of N, from 0; auto: as the job of a CI system or of Kubernetes says.",
    )(command)


class Elsewhere(NamedTuple):
    """Who else works on the accounts, as the flags say."""

    shard: str | None = None
    executor: str | None = None
    scheduler: str | None = None


def executor_options(command: Command) -> Command:
    command = flag("--scheduler", metavar="ADDRESS", help="The Dask cluster of --executor dask: tls://HOST:PORT.")(
        command
    )
    command = flag(
        "--executor",
        metavar="dask|MODULE:FACTORY",
        help="Let others work on the accounts: a Dask cluster, or the concurrent.futures.Executor that FACTORY gives.",
    )(command)
    return _shard_option(command)


def format_option(*formats: str) -> Callable[[Command], Command]:
    return flag(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="What to write to stdout.",
    )


def report_option(command: Command) -> Command:
    return flag(
        "--report",
        "reports",
        multiple=True,
        metavar="FORMAT=FILE",
        help=f"Also write to a file (repeatable): {', '.join(FORMATS)}.",
    )(command)


def color_option(command: Command) -> Command:
    return flag(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Colour on stdout. auto honours NO_COLOR, FORCE_COLOR and the terminal.",
    )(command)


class _Verbosity(click.IntRange):
    """How often the flag stands; its variable may be a number as well as `true`, as of other flags without a value."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's own
        with suppress(click.BadParameter):
            return int(click.BOOL.convert(str(value), param, ctx))
        return super().convert(value, param, ctx)


def verbose_flag(help_text: str) -> Callable[[Command], Command]:
    """`-v`, which may stand several times."""
    return flag("--verbose", "-v", count=True, type=_Verbosity(min=0), help=help_text)


def view_option(command: Command) -> Command:
    return flag(
        "--view",
        type=click.Choice([view.value for view in TaskView]),
        default=TaskView.AUTO.value,
        show_default=True,
        help="What text says of each task. auto: all of it for up to 20, a line each for up to 200, else groups.",
    )(command)


def log_options(command: Command) -> Command:
    """What commands share which use the network."""
    command = flag(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Form of the log on stderr.",
    )(command)
    command = flag(
        "--trace",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write every request and every answer to a file, as JSON lines without secrets.",
    )(command)
    return verbose_flag("Log what is going on to stderr; -vv every request as well.")(command)


class _Limit(click.ParamType[tuple[str | None, int]]):
    """`600`, for every policy, or `POLICY=600`: a pair of the name, or None, and the number."""

    name = "limit"

    def __init__(self, most: int) -> None:
        self._number = click.IntRange(0, most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str | None, int]:  # noqa: ANN401 - click's own
        if isinstance(value, tuple):
            return value
        policy, named, number = str(value).rpartition("=")
        if named and not policy:
            self.fail(f"{value!r} names no policy", param, ctx)
        return policy or None, int(self._number(number, param, ctx))


def limit_options(command: Command) -> Command:
    command = flag(
        "--max-percent",
        type=_Limit(100),
        multiple=True,
        shell_complete=_named(1, "="),
        metavar="[POLICY=]N",
        help="Let this policy (default: each, and all together) change up to N percent of a scope, whatever its limit.",
    )(command)
    return flag(
        "--max-actions",
        type=_Limit(MOST_ACTIONS),
        multiple=True,
        shell_complete=_named(1, "="),
        metavar="[POLICY=]N",
        help="Let this policy (default: each, and all together) make up to N changes, whatever its limit.",
    )(command)


def duration(name: str, text: str) -> int:
    """Seconds of a duration given on the command line; `0s` is allowed. Raises UsageError."""
    if text in {"0", "0s"}:
        return 0
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{name} {text}: {error}") from error


def moment(name: str, text: str | None) -> int | None:
    """Seconds since the epoch (UTC) of an RFC 3339 time given on the command line. Raises UsageError."""
    if text is None:
        return None
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise UsageError(f"{name} {text}: {error}") from error
