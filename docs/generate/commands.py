"""The page of the commands, from click."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Final

import click

from docs.generate.markdown import code, fence, page, prose, table
from reconciler.cli.examples import EXAMPLES
from reconciler.cli.program import program

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = """\
A PATH is a configuration file, or a directory that is searched for `reconciler.yaml` and `*.reconciler.yaml`; without
any, the current directory is. A flag that is *repeatable* may stand several times; in its variable the values are
separated by blanks. A flag of the command line wins over its variable.

stdout carries what was asked for, and nothing else; with JSON as the format, one document, also on failure. Log,
progress and diagnostics go to stderr. See [exit codes](exit-codes.md) and [formats](formats.md)."""

_HELP: Final = sorted(program.context_settings["help_option_names"], key=len, reverse=True)


def commands_page() -> str:
    """Every command with its arguments, flags, defaults and variables."""
    return page("Commands", _INTRODUCTION, _index(), *(_section(name, command) for name, command in _commands()))


def _commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(program, info_name="reconciler")
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        if command is not None:
            yield name, command


def _index() -> str:
    rows = [(f"[{name}](#{name})", prose(command.get_short_help_str(limit=200))) for name, command in _commands()]
    own = [option for option in program.params if isinstance(option, click.Option)]
    always = [f"`{' '.join(_spellings(option))}`: {option.help}" for option in own]
    # Not from the parameters: which spellings of it they have depends on who asked first.
    always.append(f"`{' '.join(_HELP)}`: Show the help of the program or of a command and exit.")
    return table(("command", "purpose"), rows) + f"\n\n{prose(' '.join(always))}"


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"reconciler {name}")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    parts = [f"## {name}", *map(prose, _paragraphs(command)), fence(usage)]
    if options:
        parts.append(table(("flag", "default", "variable", "meaning"), [_row(option, context) for option in options]))
    parts.append(f"```sh\n{EXAMPLES[name].strip()}\n```")
    return "\n\n".join(parts)


def _paragraphs(command: click.Command) -> list[str]:
    """The help text; a marker of click's, which keeps lines apart, is left out."""
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str, str]:
    flag = ", ".join(code(spelling) for spelling in _spellings(option, context))
    meaning = prose(f"{option.help or ''}{_bounds(option.type)}")
    if option.multiple and "repeatable" not in meaning:
        meaning += " Repeatable."
    if option.required:
        meaning += " Required."
    variable = code(option.envvar) if isinstance(option.envvar, str) else ""
    return flag, _default(option, context), variable, meaning


def _spellings(option: click.Option, context: click.Context | None = None) -> list[str]:
    """The long form first, with what follows it."""
    names = sorted([*option.opts, *option.secondary_opts], key=len, reverse=True)
    if context is None or option.is_flag or option.count:
        return names
    value = "|".join(option.type.choices) if isinstance(option.type, click.Choice) else option.make_metavar(context)
    return [f"{name} {value}" for name in names]


def _default(option: click.Option, context: click.Context) -> str:
    default = option.get_default(context, call=False)
    shown = option.show_default and isinstance(default, str | int | float) and not isinstance(default, bool)
    return code(str(default)) if shown else ""


def _bounds(kind: object) -> str:
    if not isinstance(kind, click.IntRange | click.FloatRange):
        return ""
    if kind.min is not None and kind.max is not None:
        return f" From {kind.min} to {kind.max}."
    return f" At least {kind.min}." if kind.min is not None else f" At most {kind.max}."
