"""The program: finds the command, and turns every failure into a message and a documented exit code."""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import io
import logging
import os
import re
import sys
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.examples import epilog
from reconciler.cli.places import STDOUT, write
from reconciler.cli.signals import Interrupted, held, interruptible
from reconciler.exceptions import ExitCode, InvalidConfiguration, ReconcilerError, bug, innermost, traceback_lines
from reconciler.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click.shell_completion import CompletionItem

    from reconciler.diagnostics import Diagnostic

_COMMANDS = {
    "validate": "Check configuration files; report every mistake at once.",
    "test": "Run the unit tests of policies.",
    "plan": "Compare the policies with the clouds and show what apply would do.",
    "show": "Render a saved plan or report.",
    "comment": "Write a saved plan or report as the one comment of a pull or merge request.",
    "diff": "Say what changed between two saved plans.",
    "apply": "Cancel and delete what the policies ask for, verify it, and report.",
    "run": "Keep the policies in cycles: by schedule, with metrics, until a signal ends it.",
    "query": "List tasks of one resource type.",
    "doctor": "Check every target without changing anything, and say what to do.",
    "why": "Say what the policies make of a task and why, condition by condition.",
    "explain": "Describe a resource type: fields, statuses, lifecycle, calls, permissions.",
    "permissions": "Write the least-privilege IAM and RAM policy documents for this configuration.",
    "history": "Show past runs and what they did.",
    "init": "Write a working GitOps repository: configuration, policy, test, workflow, README.",
    "completion": "Print the script that completes commands and names in a shell.",
    "schema": "Print the JSON Schema of configuration or test files.",
    "simulator": "Serve local clouds for trying and testing.",
    "demo": "Run the whole loop, from YAML to verified cancellation, on local clouds.",
}


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})
"""Why writing to a stream that is open fails."""

_OURS = "RECONCILER_"

COMPLETING = "_RECONCILER_COMPLETE"
"""By which the script of a shell asks for completions: the name is click's."""

_OTHER_VARIABLES = frozenset(
    f"{_OURS}{name}"
    for name in (
        *("ENDPOINT_HOSTS", "CREDENTIAL_SOURCES", "SHARD_INDEX", "SHARD_TOTAL"),
        *("DATABASE", "PACKAGE", "ATTESTATIONS"),
    )
)
"""Those that no flag has: of the program, and of the repositories and workflows that `init` writes."""

_OF_KUBERNETES = re.compile(r"_SERVICE_(?:HOST|PORT)|_PORT(?:$|_[0-9]+_)")
"""Kubernetes tells every container of a service that is called `reconciler` where that is."""


def _variables(command: click.Command | None) -> frozenset[str]:
    parameters = command.params if command else []
    return frozenset(parameter.envvar for parameter in parameters if isinstance(parameter.envvar, str))


class _Program(click.Group):
    """Commands are imported only when they are called, so that `--help` is quick."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:  # versions of click differ in where they print this, and in the code
            sys.stderr.write(f"{ctx.get_help()}\n")
            ctx.exit(ExitCode.USAGE)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        with held():  # half a module is of no use to anybody
            command = importlib.import_module(f"reconciler.cli.{cmd_name}").command
        if not gc.isenabled():  # see main.py
            gc.freeze()
            gc.set_threshold(10_000)  # a page of a list makes hundreds of objects, and lets all of them go
            gc.enable()
        assert isinstance(command, click.Command)  # noqa: S101 - for the type checker; the table above is ours
        command.epilog = epilog(cmd_name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - for a shell alone

        commands = [CompletionItem(name, help=text) for name, text in _COMMANDS.items() if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from reconciler.diagnostics import suggestion  # noqa: PLC0415 - only for a typo

            near = suggestion(args[0], _COMMANDS)
            hint = f" Did you mean {near!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        self._warn_of_variables(ctx, command)
        return name, command, rest

    def _warn_of_variables(self, ctx: click.Context, command: click.Command | None) -> None:
        """Say which RECONCILER_* no flag reads: a protection that is misspelled must not be silently none."""
        given = {name for name in os.environ if name.startswith(_OURS) and not _OF_KUBERNETES.search(name)}
        unknown = given - _OTHER_VARIABLES - _variables(command)
        if not unknown:
            return
        from reconciler.diagnostics import suggestion  # noqa: PLC0415 - only for a variable of another command

        known = _OTHER_VARIABLES.union(*(_variables(self.get_command(ctx, other)) for other in _COMMANDS))
        for name in sorted(unknown - known):
            near = suggestion(name.removeprefix(_OURS), [other.removeprefix(_OURS) for other in known])
            hint = f"; did you mean {_OURS}{near}?" if near else ""
            sys.stderr.write(f"Warning: {presentable(name)}: there is no such variable{hint}\n")


@click.command(
    cls=_Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every flag can also be set as RECONCILER_<FLAG>, such as RECONCILER_FORMAT=json. Exit codes: 0 ok, "
    "1 error, 2 changes (plan --detailed-exitcode), 3 partial, 4 refused, 5 stale plan, 6 locked, 64 usage, "
    "65 invalid, 130/143 interrupted.",
)
@click.version_option(__version__, prog_name="reconciler")
def program() -> None:
    """Declare in YAML which media-processing tasks may exist; plan, review and apply the difference."""


def run(words: list[str]) -> int:
    """Run the program, and return its exit code. click's own 2 is never used for a mistake: here it means "changes"."""
    if sys.stdout is None:
        sys.stderr.write("Error: cannot write to stdout: it is closed\n  send it to /dev/null to do without it\n")
        return ExitCode.ERROR
    STDOUT.taken = False
    logging.getLogger("reconciler").handlers.clear()
    if os.environ.get(COMPLETING):  # a shell would show what is said in the middle of the user's line
        sys.stderr = io.StringIO()
    return _flushed(words, _run(words))


def _flushed(words: list[str], code: int) -> int:
    """Write out what is left in the buffer of stdout; where that fails the interpreter must not try it once more."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if code == ExitCode.OK and not isinstance(error, BrokenPipeError):
            return _fail(words, ExitCode.ERROR, f"cannot write to stdout: {error.strerror}")
        return code or ExitCode.ERROR
    return code


def _run(words: list[str]) -> int:
    try:
        with interruptible():
            code = program.main(words, prog_name="reconciler", standalone_mode=False)
    except Interrupted as stop:
        return _fail(words, ExitCode(stop.exit_code), "interrupted")
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        return _fail(words, ExitCode.USAGE, presentable(error.format_message()), _usage_hint(error))
    except (KeyboardInterrupt, click.Abort):
        return _fail(words, ExitCode.INTERRUPTED, "interrupted")
    except BrokenPipeError:  # the reader of stdout went away (`| head`): nothing is left to say
        return ExitCode.ERROR
    except Exception as error:  # noqa: BLE001 - the one edge at which a bug becomes a message
        return _failed(words, error)
    return code if isinstance(code, int) else ExitCode.OK


def _failed(words: list[str], error: Exception) -> int:
    """Say what went wrong: by the cause where tasks that ran side by side raised several."""
    cause = innermost(error) if isinstance(error, ExceptionGroup) else error
    if isinstance(cause, ReconcilerError):
        return _report(words, cause)
    # click's own texts, such as --help; what the commands write and read has its message by now.
    if isinstance(cause, OSError) and cause.errno in _FULL and cause.filename is None:
        return _fail(words, ExitCode.ERROR, f"cannot write to stdout: {cause.strerror}")
    if isinstance(cause, FileNotFoundError) and _is_nowhere():
        hint = "change to a directory that exists"
        return _fail(words, ExitCode.ERROR, "the current directory does not exist any more", hint)
    hint = "This is a bug in reconciler. Please report it with this line and the command; -v shows the traceback."
    if {"-v", "-vv", "--verbose"}.intersection(words) or logging.getLogger("reconciler").isEnabledFor(logging.INFO):
        sys.stderr.write("".join(f"{presentable(line)}\n" for line in traceback_lines(error)))
    return _fail(words, ExitCode.ERROR, f"internal error: {bug(error)}", hint)


def _is_nowhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - nothing else here needs pathlib
    except OSError:
        return True
    return False


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"see `{context.command_path} --help`" if isinstance(context, click.Context) else ""


def _report(words: list[str], error: ReconcilerError) -> int:
    message, hint = error.message, error.hint
    if not isinstance(error, InvalidConfiguration):
        return _fail(words, error.exit_code, message, hint)
    from reconciler.reports.diagnostics import render_diagnostics  # noqa: PLC0415 - only on failure

    text = f"{render_diagnostics(error.diagnostics)}\nError: {message}"
    return _emit(words, error.exit_code, text, message, hint, error.diagnostics)


def _fail(words: list[str], code: ExitCode, message: str, hint: str = "") -> int:
    return _emit(words, code, f"Error: {message}" + (f"\n  {hint}" if hint else ""), message, hint)


def _emit(
    words: list[str], code: ExitCode, text: str, message: str, hint: str, diagnostics: Iterable[Diagnostic] = ()
) -> int:
    """Write a failure to stderr, and under `--format json` also as the one document on stdout."""
    if logging.getLogger("reconciler").handlers:
        from reconciler.cli.logs import say  # noqa: PLC0415 - it is there by now, and else would take its time

        mistakes = [f"{found.location}: {found.message}" for found in diagnostics]
        say(text, logging.ERROR, message, exit_code=int(code), hint=hint, diagnostics=mistakes)
    else:  # whoever mistyped a flag did not come to the log
        sys.stderr.write(text + "\n")
    if _wants_json(words) and not STDOUT.taken:
        from reconciler.reports.diagnostics import FAILURE, Failure  # noqa: PLC0415 - only on failure

        document = FAILURE.text(Failure(code, message, hint, tuple(diagnostics)))
        with contextlib.suppress(OSError, ReconcilerError):  # what cannot be written to stdout was said on stderr
            write(document, "json")
    return code


def _wants_json(words: list[str]) -> bool:
    """Whether `--format json` was asked for, also where parsing the command line failed."""
    flags = words[: words.index("--")] if "--" in words else words
    asked = os.environ.get("RECONCILER_FORMAT")
    for flag, following in zip(flags, [*flags[1:], ""], strict=True):  # of several the last one holds
        if flag == "--format" or flag.startswith("--format="):
            asked = flag.partition("=")[2] or following
    return asked == "json"
