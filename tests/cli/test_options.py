"""What every flag, argument and variable of every command keeps."""

import click
import pytest

from reconciler.cli.program import program
from tests.terminal import HEAD, Terminal

POLICY = "\npolicies:\n  p: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}\n"
CONTEXT = click.Context(program)
COMMANDS = {name: program.get_command(CONTEXT, name) for name in program.list_commands(CONTEXT)}
PARAMETERS = [(name, parameter) for name, command in COMMANDS.items() if command for parameter in command.params]
FLAGS = [(name, one) for name, one in PARAMETERS if isinstance(one, click.Option) and one.envvar]
ARGUMENTS = [(name, one) for name, one in PARAMETERS if isinstance(one, click.Argument)]


def words(command: str) -> list[str]:
    """A command line with what the command cannot do without."""
    return [command, *("x" for name, argument in ARGUMENTS if name == command and argument.required)]


@pytest.mark.parametrize("value", ["", " \t"])
@pytest.mark.parametrize(("command", "flag"), FLAGS, ids=[f"{name} {flag.name}" for name, flag in FLAGS])
def test_an_empty_variable_is_an_error(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: str, flag: click.Option, value: str
) -> None:
    """What a step of a job should have found out, and did not, is never "everything"."""
    monkeypatch.setenv(str(flag.envvar), value)
    terminal.tells(64, f"{flag.envvar} is empty", *words(command))


@pytest.mark.parametrize(
    ("command", "flag"),
    [(name, flag) for name, flag in FLAGS if not (flag.is_flag or flag.count)],
    ids=[f"{name} {flag.name}" for name, flag in FLAGS if not (flag.is_flag or flag.count)],
)
def test_an_empty_flag_is_an_error(terminal: Terminal, command: str, flag: click.Option) -> None:
    terminal.tells(64, f"{flag.opts[0]} is empty", *words(command), f"{flag.opts[0]}=")


@pytest.mark.parametrize(("command", "argument"), ARGUMENTS, ids=[f"{name} {one.name}" for name, one in ARGUMENTS])
def test_an_empty_argument_is_an_error(terminal: Terminal, command: str, argument: click.Argument) -> None:
    given = [one for name, one in ARGUMENTS if name == command]
    terminal.tells(
        64, "is empty", command, *("" if one is argument else "x" for one in given[: given.index(argument) + 1])
    )


@pytest.mark.parametrize(
    ("variable", "warning"),
    [
        ("RECONCILER_TARGETS", "; did you mean RECONCILER_TARGET?"),
        ("RECONCILER_ENDPOINT_HOST", "; did you mean RECONCILER_ENDPOINT_HOSTS?"),
        ("RECONCILER_WHATEVER_IT_IS", ""),
        ("RECONCILER_JUNIT", None),
        ("RECONCILER_ENDPOINT_HOSTS", None),
        ("RECONCILER_SHARD_INDEX", None),
        ("RECONCILER_SHARD_TOTAL", None),
        ("RECONCILER_SHARDS_TOTAL", "; did you mean RECONCILER_SHARD_TOTAL?"),
        ("RECONCILER_SERVICE_HOST", None),
        ("RECONCILER_PORT_80_TCP_ADDR", None),
    ],
)
def test_a_variable_that_nothing_reads_is_told(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, variable: str, warning: str | None
) -> None:
    terminal.write(HEAD + POLICY)
    monkeypatch.setenv(variable, "127.0.0.1")
    finished = terminal.run("plan")
    told = "" if warning is None else f"Warning: {variable}: there is no such variable{warning}\n"
    assert (finished.code, finished.err) == (0, told)
