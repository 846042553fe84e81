"""`reconciler completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from reconciler.cli.options import argument
from reconciler.cli.places import write
from reconciler.exceptions import ExitCode

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
    """Print the script that completes commands, flags, resource types, targets and policies in a shell.

    Names of targets and policies are those of the configuration in the current directory, or in the paths that stand
    before them. Completing uses no network, no credentials and no variables, and says nothing where it fails.
    """
    from reconciler.cli.program import COMPLETING, program  # noqa: PLC0415 - which finds this module by its name

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - for the type checker: click has the three
    write(found(program, {}, "reconciler", COMPLETING).source().lstrip() + "\n")
    return ExitCode.OK
