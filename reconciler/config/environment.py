"""`${VAR}` and `${VAR:-default}` in targets and settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.config.yaml_scalars import resolve
from reconciler.diagnostics import Problem, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.diagnostics import DocumentPath

__all__ = ["PLACEHOLDER", "expand", "has_placeholder", "without_empty"]

PLACEHOLDER = r"\$\{"
"""Regular expression (ECMA-262 too) of text in which a variable is still to be expanded."""

_REFERENCE = re.compile(
    r"(?P<escaped>\$\$\{)"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:(?!\$\{)[^}])*))?\}"
    r"|(?P<malformed>\$\{)"
)
_SECRET = re.compile(
    r"(?:.*(?:SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|PRIVATE_KEY).*|PGPASS|.*_SK)(?<!_FILE|_PATH)(?<!_DIR|_URL|_URI)",
    re.IGNORECASE,
)
"""Names of variables that hold a secret, in the vendors', forges' and most people's way of naming them."""

_EXPANDED_SECTIONS = ("settings", "targets")
_LITERAL_SECTIONS = ("policies", "protect")


def has_placeholder(text: str) -> bool:
    return "${" in text


def expand(data: object, environment: Mapping[str, str], *, strict: bool) -> tuple[object, list[Problem]]:
    """The data of a file with variables expanded in targets and settings.

    An unset variable without default is a mistake when `strict`, and stays as it is otherwise. `$${` stands for a
    literal `${`. A variable that is set but empty takes its default, like in a shell. `provider` is never expanded:
    what a target may say depends on it.
    """
    if not isinstance(data, dict):
        return data, []
    expansion = _Expansion(environment, strict=strict)
    expanded: dict[str, object] = {}
    for section, value in data.items():
        if section in _EXPANDED_SECTIONS:
            expanded[section] = expansion.value(value, (section,))
        else:
            expanded[section] = value
            if section in _LITERAL_SECTIONS:
                expansion.problems += _literal(value, (section,))
    return expanded, expansion.problems


class _Expansion:
    def __init__(self, environment: Mapping[str, str], *, strict: bool) -> None:
        self._environment = environment
        self._strict = strict
        self.problems: list[Problem] = []

    def value(self, value: object, path: DocumentPath) -> object:
        match value:
            case dict():
                return {key: self.value(inner, (*path, key)) for key, inner in value.items()}
            case list():
                return [self.value(inner, (*path, index)) for index, inner in enumerate(value)]
            case str() if "${" in value and not _is_provider(path):
                return self._text(value, path)
        return value

    def _text(self, text: str, path: DocumentPath) -> object:
        expanded = _REFERENCE.sub(lambda match: self._reference(match, path), text)
        if path[0] == "settings":
            return resolve(expanded)  # `concurrency: ${N:-16}` is a number; in `{...}` it has to be quoted
        return expanded

    def _reference(self, match: re.Match[str], path: DocumentPath) -> str:
        if match["escaped"]:
            return "${"
        if match["malformed"]:
            hint = "write ${NAME} or ${NAME:-default}, without nesting; $${ stands for a literal ${"
            self._problem(path, "`${` does not begin a variable here", hint)
            return match[0]
        if path[0] == "targets" and _SECRET.fullmatch(match["name"]):
            hint = "credentials read it: {env: NAME}. What stands in a target is sent, shown and logged"
            self._problem(path, f"environment variable {match['name']} holds a secret, as its name says", hint)
            return match[0]
        if found := self._environment.get(match["name"]):
            return found
        if match["default"] is not None:
            return match["default"]
        if match["name"] in self._environment:
            return ""
        if self._strict:
            hint = f"set it, or give a default: ${{{match['name']}:-…}}"
            self._problem(path, f"environment variable {match['name']} is not set", hint)
        return match[0]

    def _problem(self, path: DocumentPath, message: str, hint: str) -> None:
        self.problems.append(Problem(path, message, hint, rule=Rule.ENVIRONMENT))


def _is_provider(path: DocumentPath) -> bool:
    return len(path) == 3 and path[0] == "targets" and path[2] == "provider"


def _literal(value: object, path: DocumentPath) -> Iterator[Problem]:
    """Warnings where a policy seems to expect a variable."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _literal(inner, (*path, key))
        case list():
            for index, inner in enumerate(value):
                yield from _literal(inner, (*path, index))
        case str() if "${" in value and path[-1:] != ("description",):
            message = "`${` is literal text here: variables are expanded in targets and settings only"
            yield Problem(path, message, severity=Severity.WARNING, rule=Rule.ENVIRONMENT)


def without_empty(data: Mapping[str, object]) -> dict[str, object]:
    """`data` without keys whose value is null or the empty string: where they are optional, they count as absent.

    To be called after the structure was checked, which knows the keys. Selectors are left as they are.
    """
    kept: dict[str, object] = {}
    for section, value in data.items():
        if section in ("targets", "policies", "protect") and isinstance(value, dict):
            kept[section] = {name: _pruned(body) for name, body in value.items()}
        elif value not in (None, ""):
            kept[section] = _pruned(value)
    return kept


def _pruned(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {
        key: inner if key == "match" else _pruned(inner)
        for key, inner in value.items()
        if key == "match" or inner not in (None, "")
    }
