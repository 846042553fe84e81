"""The text of every file of a new repository. Pure: nothing is written here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from reconciler.config.schema import render_schema
from reconciler.policy_tests.schema import render_schema as render_test_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    from reconciler.scaffold.choices import Choices, NewTarget
    from reconciler.tasks.resource_type import Catalogue


@dataclass(frozen=True, slots=True)
class Step:
    """What some lines of shell are for, and the lines."""

    says: str
    commands: tuple[str, ...]


FIRST_STEPS = (
    Step("Check the configuration, and test the policies:", ("reconciler validate", "reconciler test")),
    Step(
        "Start a local cloud in the background, and point this shell at it:",
        ("reconciler simulator --seed simulator/seed.yaml &", "set -a; . simulator/simulator.env; set +a"),
    ),
    Step("See what would be changed, and why:", ("reconciler plan --out plan.json",)),
    Step(
        "See it as reviewers will, as a comment and in a browser:",
        ("reconciler comment plan.json --dry-run", "reconciler show plan.json --format html > plan.html"),
    ),
    Step("Do what the plan says, and nothing more:", ("reconciler apply --plan plan.json",)),
    Step("Stop the local cloud:", ("kill %1",)),
)
"""From the first check to an applied plan, typed in the root of a new repository."""

_HERE = files("reconciler.scaffold")
_PLACEHOLDER = re.compile(r"@\{([a-z_]+)\}")
_FILLED = ".template"
_DOT = "dot-"

_PLAIN = re.compile(r"[a-z][a-z0-9-]*")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def repository_files(choices: Choices, catalogue: Catalogue) -> dict[str, str]:
    """Text by path (with `/`) below the root of the repository, sorted."""
    values = _values(choices)
    rooms = {"common": values, choices.ci.value: values}
    rooms |= {target.cloud.name: values | _target(target) for target in choices.targets}
    written = {
        name: text for room, values in rooms.items() for name, text in _below(_HERE / "templates" / room, "", values)
    }
    return dict(sorted((written | _schemas(catalogue)).items()))


def _schemas(catalogue: Catalogue) -> dict[str, str]:
    """Written from the code, so that they are those of the version that is installed."""
    return {
        "schemas/reconciler.schema.json": render_schema(catalogue),
        "schemas/reconciler-test.schema.json": render_test_schema(catalogue),
    }


def _values(choices: Choices) -> dict[str, str]:
    targets = choices.targets
    rooms = [target.cloud.name for target in targets]
    providers = dict.fromkeys(target.cloud.provider for target in targets)
    return {
        "targets": "\n".join(
            _filled(_fragment(target.cloud.name, "target.yaml"), _target(target)) for target in targets
        ),
        "seed": "\n".join(_fragment(room, "seed.yaml") for room in rooms),
        "simulator_variables": "\n".join(_fragment(provider, "simulator.env") for provider in providers),
        "credentials": "\n\n".join(_fragment(provider, "credentials.md") for provider in providers),
        "files": "\n".join(filter(None, (_fragment(room, "files.md") for room in (*rooms, choices.ci.value)))),
        "change": _fragment(choices.ci.value, "change.md"),
        "steps": "\n\n".join(_numbered(number, step) for number, step in enumerate(FIRST_STEPS, 1)),
    }


def _numbered(number: int, step: Step) -> str:
    """A step as an item of a Markdown list, with its commands to copy."""
    commands = "\n".join(f"   {command}" for command in step.commands)
    return f"{number}. {step.says}\n\n   ```sh\n{commands}\n   ```"


def _target(target: NewTarget) -> dict[str, str]:
    return {"target": _yaml(target.name), "region": _yaml(target.region)}


def _yaml(text: str) -> str:
    """A name (letters, digits and `-`) as a scalar that every reader of YAML takes for text."""
    return text if _PLAIN.fullmatch(text) and text not in _WORDS_OF_YAML else f'"{text}"'


def _fragment(room: str, name: str) -> str:
    """A piece of text without its last line break; empty where the room has none."""
    file = _HERE / "fragments" / room / name
    return file.read_text(encoding="utf-8").removesuffix("\n") if file.is_file() else ""


def _below(directory: Traversable, prefix: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and text of each file below a room of the templates; nothing where there is no such room."""
    if not directory.is_dir():
        return
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name):
        name = re.sub(f"^{_DOT}", ".", entry.name)
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{name}/", values)
            continue
        text = entry.read_text(encoding="utf-8")
        if name.endswith(_FILLED):
            name, text = name.removesuffix(_FILLED), _filled(text, values)
        yield f"{prefix}{name}", text


def _filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders filled. A line that holds nothing but an empty value goes with it."""
    kept = [line for line in text.splitlines() if not _is_empty(line, values)]
    tail = "\n" if text.endswith("\n") else ""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], "\n".join(kept)) + tail


def _is_empty(line: str, values: Mapping[str, str]) -> bool:
    found = _PLACEHOLDER.fullmatch(line.strip())
    return found is not None and not values[found[1]]
