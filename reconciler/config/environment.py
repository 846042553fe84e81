"""`${VAR}` and `${VAR:-default}`, which are expanded in targets and settings and stand nowhere else.

What expansion makes has a type of its own: `Unexpanded` where a variable is not set, `Expanded` where one gave the
value. Nobody has to look at the text to tell them from what was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.config.yaml_events import resolve
from reconciler.diagnostics import MAX_PROBLEMS, Problem, Rule
from reconciler.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.yaml_events import Scalar
    from reconciler.diagnostics import DocumentPath

PLACEHOLDER: Final = r"(?:^|[^$])\$\{"
"""Regular expression (ECMA-262 too) of text with a variable in it, for editors, who expand none."""

_REFERENCE = re.compile(
    r"(?P<escaped>\$\$\{)"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:(?!\$\{)[^}])*))?\}"
    r"|(?P<malformed>\$\{)"
)
_SECRET = re.compile(
    r"SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|PASSCODE|CREDENTIAL|WEBHOOK|COOKIE|BEARER"
    r"|(?:API|ACCESS|PRIVATE|SIGNING|ENCRYPTION|MASTER|ACCOUNT|STORAGE|DEPLOY)_?KEY"
    r"|(?:_(?:SK|KEY|PW|PWD|PASS|PAT|AUTH|DSN)|^PGPASS)$",
    re.IGNORECASE,
)
"""Names of variables that hold a secret, in the vendors', forges' and most people's way of naming them."""
_PLACE = re.compile(r"_(?:FILE|PATH|DIR)$|^(?!.*WEBHOOK).*_UR[LI]$", re.IGNORECASE)
"""Names of variables that say where a secret is."""


@dataclass(frozen=True, slots=True)
class Unexpanded:
    """A value that is not known, since a variable in it is not set. No text, so that none takes it for one."""

    written: str


class Expanded:
    """A value that variables gave, in whole or in part. Messages show `written` in its place: it may be a secret.

    `given` is what each of them holds, with `${NAME}` for it.
    """

    written: str
    given: Mapping[str, str]


class _Text(Expanded, str):
    __slots__ = ()


class _Integer(Expanded, int):
    pass


class _Float(Expanded, float):
    pass


def expand(data: object, environment: Mapping[str, str], *, strict: bool) -> tuple[object, list[Problem]]:
    """The data of a file with variables expanded in targets and settings; elsewhere `${` is a mistake.

    An unset variable without default is a mistake when `strict`; its value is Unexpanded either way. `$${` stands for a
    literal `${` everywhere. A variable that is set but empty takes its default, like in a shell. `provider` and
    `regions` are never expanded: what a target may say, and its name, depend on them. Nothing is looked at under keys
    that begin with `x-`, which are a place for anchors.
    """
    expansion = _Expansion(environment, strict=strict)
    return expansion.value(data, ()), expansion.problems


class _Expansion:
    def __init__(self, environment: Mapping[str, str], *, strict: bool) -> None:
        self._environment = environment
        self._strict = strict
        self.problems: list[Problem] = []

    def value(self, value: object, path: DocumentPath) -> object:
        match value:
            case dict():
                for key in value:
                    self._literal(key, (*path, key), at_key=True)
                return {
                    key: inner if not path and is_extension(key) else self.value(inner, (*path, key))
                    for key, inner in value.items()
                }
            case list():
                return [self.value(inner, (*path, index)) for index, inner in enumerate(value)]
            case str() if "${" in value:
                return self._text(value, path) if _expands(path) else self._literal(value, path)
        return value

    def _text(self, written: str, path: DocumentPath) -> object:
        parts: list[str] = []
        given: dict[str, str] = {}
        end, variables, known = 0, False, True
        for match in _REFERENCE.finditer(written):
            found = "${" if match["escaped"] else self._reference(match, path)
            variables |= not match["escaped"]
            known &= found is not None
            if found and self._environment.get(match["name"] or "") == found:
                given[found] = f"${{{match['name']}}}"
            parts += (written[end : match.start()], found or "")
            end = match.end()
        if not known:
            return Unexpanded(written)
        text = "".join((*parts, written[end:]))
        value = resolve(text) if path[0] == "settings" else text  # `concurrency: ${N:-16}` is a number
        return _marked(value, written, given) if variables else value

    def _reference(self, match: re.Match[str], path: DocumentPath) -> str | None:
        """What a variable gives; None where that is not known."""
        if match["malformed"]:
            hint = "write ${NAME} or ${NAME:-default}, without nesting; $${ stands for a literal ${"
            self._problem(path, "`${` does not begin a variable here", hint)
            return None
        name = match["name"]
        if not _may_hold_secret(path) and _SECRET.search(name) and not _PLACE.search(name):
            hint = "credentials read it: {env: NAME}. What stands here is sent, shown and logged"
            self._problem(path, f"environment variable {name} holds a secret, as its name says", hint)
            return None
        if found := self._environment.get(name):
            return found
        if match["default"] is not None:
            return match["default"]
        if name in self._environment:
            return ""
        if self._strict:
            hint = f"set it, or give a default: ${{{name}:-…}}"
            self._problem(path, f"environment variable {name} is not set", hint)
        return None

    def _literal(self, text: str, path: DocumentPath, *, at_key: bool = False) -> str:
        """Text where nothing is expanded."""
        if any(not match["escaped"] for match in _REFERENCE.finditer(text)):
            hint = "write the value itself; $${ stands for a literal ${"
            message = (
                "no variable is expanded here: only in the values of settings, defaults and targets (not of `provider` "
                "and `regions`)"
            )
            self.problems.append(Problem(path, message, hint, at_key=at_key, rule=Rule.ENVIRONMENT))
        return text.replace("$${", "${")

    def _problem(self, path: DocumentPath, message: str, hint: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(path, message, hint, rule=Rule.ENVIRONMENT))


def _may_hold_secret(path: DocumentPath) -> bool:
    """Whether what stands there is hidden wherever it could be shown."""
    return path == ("settings", "backend") or (path[:2] == ("settings", "notify") and path[3:] == ("webhook", "url"))


def without_variables(written: str) -> str:
    """The text with the defaults of variables in it, and nothing where one has none."""
    return _REFERENCE.sub(lambda match: "${" if match["escaped"] else match["default"] or "", written)


def _expands(path: DocumentPath) -> bool:
    if path[:1] == ("targets",):
        return path[2:3] not in (("provider",), ("regions",))
    return path[:1] in (("settings",), ("defaults",))


def is_extension(key: str) -> bool:
    """Whether a key at the top of a file is nobody's: a place for what anchors name."""
    return key.startswith("x-")


def _marked(value: Scalar, written: str, given: Mapping[str, str]) -> object:
    """The value with the mark of where it came from. Truth and emptiness carry none, and need none."""
    made: Expanded
    match value:
        case bool() | None:
            return value
        case str():
            made = _Text(value)
        case int():
            made = _Integer(value)
        case float():
            made = _Float(value)
    made.written, made.given = written, given
    return made


def without_empty(data: Mapping[str, object]) -> dict[str, object]:
    """`data` without extensions, and keys whose value is null or the empty string: where they are optional, they count
    as absent.

    To be called after the structure was checked, which knows the keys. Selectors are left as they are.
    """
    kept: dict[str, object] = {}
    for section, value in data.items():
        if is_extension(section):
            continue
        if section in ("defaults", "targets", "policies", "protect") and isinstance(value, dict):
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


_LONGEST: Final = 80
"""Characters."""


def shown(value: object) -> str:
    """A key or value as it was written, fit for printing, cut where it is long: `${NAME}` for what a variable gave."""
    if isinstance(value, Expanded | Unexpanded):
        value = value.written
    # Stripped before it is cut: half a URL would not be recognised as one that carries a password.
    text = presentable(str(value) if not isinstance(value, int) or value.bit_length() < 1000 else "a large number")
    return f"{text[:_LONGEST]}…" if len(text) > _LONGEST else text


def quoted(value: object) -> str:
    """The same in backticks."""
    return f"`{shown(value)}`"
