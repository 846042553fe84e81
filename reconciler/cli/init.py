"""`reconciler init`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import argument, flag
from reconciler.cli.places import somebody_is_there, write
from reconciler.cli.signals import Interrupted
from reconciler.exceptions import ExitCode, UsageError
from reconciler.providers.registry import catalogue
from reconciler.redaction import presentable
from reconciler.reports.cells import counted
from reconciler.scaffold.choices import (
    CLOUDS,
    Choices,
    Cloud,
    ContinuousIntegration,
    NewTarget,
    checked_name,
    checked_region,
    proposed,
)
from reconciler.scaffold.repository import FIRST_STEPS, repository_files
from reconciler.scaffold.writing import write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_CI = [choice.value for choice in ContinuousIntegration]


@click.command("init")
@argument("directory", type=click.Path(path_type=Path), default=Path(), metavar="[DIR]")
@flag("--cloud", "clouds", multiple=True, type=click.Choice(list(CLOUDS)), help="Cloud to begin with (repeatable).")
@flag("--region", "regions", multiple=True, metavar="REGION", help="Region of the target; one for each --cloud.")
@flag("--target", "targets", multiple=True, metavar="NAME", help="Name of the target; one for each --cloud.")
@flag("--ci", type=click.Choice(_CI), help="Write workflows for pull or merge requests.")
@flag("--no-input", is_flag=True, help="Ask nothing, also on a terminal: take the defaults.")
def command(
    directory: Path,
    clouds: tuple[str, ...],
    regions: tuple[str, ...],
    targets: tuple[str, ...],
    ci: str | None,
    no_input: bool,
) -> int:
    """Write a working GitOps repository: configuration, policy, test, workflow, README.

    DIR is made where it is missing (default: the current directory). Nothing that exists is ever overwritten. On a
    terminal what no flag says is asked; elsewhere, and with --no-input, it begins with huaweicloud, cn-north-4,
    huawei-prod and github.
    """
    ask = not no_input and somebody_is_there()
    if ask and not (clouds and regions and targets and ci):
        sys.stderr.write("Enter takes what stands in brackets. Everything can be changed later, in the files.\n")
    chosen = [CLOUDS[name] for name in dict.fromkeys(clouds or _clouds(ask=ask))]
    choices = Choices(
        tuple(
            _target(cloud, region, name, ask=ask)
            for cloud, region, name in zip(
                chosen, _each("--region", regions, chosen), _each("--target", targets, chosen), strict=True
            )
        ),
        ContinuousIntegration(ci or _answer("Review changes on", "github", click.Choice(_CI), ask=ask)),
    )
    files = repository_files(choices, catalogue())
    write_all(directory, files)
    write(_summary(directory, files))
    return ExitCode.OK


def _clouds(*, ask: bool) -> Sequence[str]:
    """The names of the clouds to begin with."""

    def read(text: str) -> str:
        names = [name.strip() for name in text.split(",")]
        return ",".join(click.Choice(list(CLOUDS)).convert(name, None, None) for name in names)

    default, *_ = CLOUDS
    question = f"Cloud, or several with commas between ({', '.join(CLOUDS)})"
    return _answer(question, default, read, ask=ask).split(",")


def _each(name: str, given: Sequence[str], chosen: Sequence[Cloud]) -> Sequence[str | None]:
    """One value for each cloud: those given, in order, or none at all."""
    if not given:
        return [None] * len(chosen)
    if len(given) != len(chosen):
        clouds = " and ".join(cloud.name for cloud in chosen)
        raise UsageError(f"{name} is given {counted(len(given), 'time')}, but the repository begins with {clouds}")
    return given


def _target(cloud: Cloud, region: str | None, name: str | None, *, ask: bool) -> NewTarget:
    options = catalogue().providers[cloud.provider]

    def region_of(text: str) -> str:
        return checked_region(text, cloud, options)

    usual, question = proposed(cloud, options), f"Region of {cloud.title(options)}"
    region = region_of(region) if region is not None else _checked(question, usual.region, region_of, ask)
    name = checked_name(name) if name is not None else _checked("Name of the target", usual.name, checked_name, ask)
    return NewTarget(cloud, name, region)


def _checked(question: str, default: str, check: Callable[[str], str], ask: bool) -> str:
    """The answer, asked again until `check` is content."""

    def read(text: str) -> str:
        try:
            return check(text)
        except UsageError as error:
            raise click.UsageError(f"{error.message}\n  {error.hint}") from error

    return _answer(question, default, read, ask=ask)


def _answer(question: str, default: str, kind: click.Choice[str] | Callable[[str], str], *, ask: bool) -> str:
    """What the user answers; the default where nobody is asked. Questions go to stderr."""
    if not ask:
        return default
    try:
        if isinstance(kind, click.Choice):
            return str(click.prompt(question, default=default, type=kind, err=True))
        return str(click.prompt(question, default=default, value_proc=kind, err=True))
    except (click.Abort, Interrupted):
        sys.stderr.write("\nNothing was written.\n")  # the cursor still stands behind the question
        raise


def _summary(directory: Path, files: Iterable[str]) -> str:
    """What was written, and what to type next."""
    names = list(files)
    here = str(directory) == "."
    place = "the current directory" if here else presentable(str(directory))
    enter = [] if here else [f"    cd {presentable(shlex.quote(str(directory)))}", ""]
    lines = [f"Wrote {counted(len(names), 'file')} to {place}:", "", *(f"  {name}" for name in names), ""]
    lines += ["Next, on a local cloud and without an account (README.md says how it goes on):", "", *enter]
    for step in FIRST_STEPS:
        lines += [f"  {step.says}", *(f"    {command}" for command in step.commands), ""]
    return "\n".join(lines)
