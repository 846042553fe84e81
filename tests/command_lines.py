"""Command lines that stand in documents and examples: found in text, and held against the real program."""

import re
import shlex
from collections.abc import Iterator

import click

from reconciler.cli.program import program

_ENDS = {"&&", "||", ";", "|", ">", ">>", "<", "2>", "&"}
_CALL = re.compile(r"(?:^|[\s/])reconciler(?:\s+[a-z-]|$)")
_STANDALONE = {"--version", "--help", "-h"}


def command_lines(script: str) -> Iterator[list[str]]:
    """The words after `reconciler` of each call of it in a shell script or a console session (`$ ` before commands)."""
    for line in script.replace("\\\n", " ").splitlines():
        if not _CALL.search(line):
            continue
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
        for number, word in enumerate(words):
            if word.rsplit("/", 1)[-1] == "reconciler" and _is_command(words[:number]):
                yield _until_end(words[number + 1 :])


def _is_command(before: list[str]) -> bool:
    """Whether a word after these is a program to run: at the start, behind a connective or behind a wrapper."""
    if not before or before[-1] in _ENDS or before[-1] == "exec":
        return True
    return before[-1].startswith("/var/lock/") or all("=" in word for word in before)


def _until_end(words: list[str]) -> list[str]:
    for number, word in enumerate(words):
        if word in _ENDS or word.startswith((">", "2>")):
            return words[:number]
    return words


def check(words: list[str]) -> None:
    """Parse as the program would, and run nothing. Raises click.UsageError."""
    if not words or (words[0] in _STANDALONE and len(words) == 1):
        return
    context = click.Context(program, info_name="reconciler")
    command = program.get_command(context, words[0])
    if command is None:
        raise click.UsageError(f"no such command: {words[0]}")
    try:
        given = ["7" if word == "$NUMBER" else word for word in words[1:]]  # a number, which nothing else passes for
        command.make_context(words[0], given, parent=context).close()
    except click.exceptions.Exit:  # --help
        return
