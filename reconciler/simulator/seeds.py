"""Seeds: the world that a simulator starts with, from YAML.

Format, with every key optional:

    now: 2026-01-31T12:00:00Z             # virtual time; the real one by default
    accounts:
      huaweicloud: [{access_key_id: AK, secret_access_key: SK, projects: {cn-north-4: PROJECT_ID}}]
      aliyun: [{access_key_id: AK, secret_access_key: SK}]
      aws: [{count: 200, access_key_id: "AK{n}", secret_access_key: SK, account_id: "{n:012d}"}]
    options: {numeric_ids: true, response_shape: wrapped, quotas: documented}
    tasks:
      huaweicloud.mpc.packaging:
        - {id: 100211, status: pending, created: 7d, starts_at: 5m, ends_at: 20m, ends_as: failed}
        - {count: 5000, status: [succeeded, failed], created: 30d, every: 1m, input: {bucket: b, object: "{n}.mp4"}}

`created`, `started`, `finished` are ages or timestamps, `starts_at` and `ends_at` lie ahead. With `count`, `{n}`
(also `{n:05d}` and `{n%10}`) in any text is the number of the row from 1 on, a list of statuses is taken in turn,
and each row is older than the one before by `every`. `owner` is a project id or an account (`account_id`, else the
access key id), or `each`: one such row in each. Without it, the row belongs to the first. `extra` takes fields that the
vendor does not document. `accounts: 200` makes as many of the default ones, and each has every row without an owner.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from reconciler.simulator.aliyun import cloud as aliyun
from reconciler.simulator.aws import cloud as aws
from reconciler.simulator.clock import duration, moment
from reconciler.simulator.huaweicloud import kinds
from reconciler.simulator.options import (
    DEFAULT_ACCOUNTS,
    DOCUMENTED_QUOTAS,
    Accounts,
    AliyunAccount,
    AwsAccount,
    HuaweicloudAccount,
    Options,
    Refused,
    ResponseShape,
    UnknownIds,
    default_accounts,
)
from reconciler.simulator.store import Row

Source = str | Path | Mapping[str, Any] | None

_FIELDS = {**kinds.FIELDS, **aliyun.FIELDS, **aws.FIELDS}
_TIMES = ("created", "started", "finished", "starts_at", "ends_at")
_ROW_KEYS = frozenset({"id", "status", "owner", "ends_as", "count", "every", "extra", *_TIMES})
_ALIASES = {"upload_url": "UploadURL", "media_id": "MediaId"}
_EACH = "each"
_PLACEHOLDER = re.compile(r"\{n(?:%(\d+))?(?::(0?\d+)d)?\}")


class SeedError(ValueError):
    """A seed that cannot be used; the text names the place in it and what is wrong."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A seed that was read and checked."""

    accounts: Accounts = DEFAULT_ACCOUNTS
    options: Options = field(default_factory=Options)
    now: datetime | None = None
    rows: tuple[Row, ...] = ()


def read_seed(source: Source, accounts: int | None = None) -> Seed:
    """Read a seed from a file, YAML text (which has a line break or a colon and a blank) or a mapping.

    `accounts` is what the seed's own key says where it is a number.
    """
    document = _document(source)
    _known("seed", document, {"now", "accounts", "options", "tasks"})
    if accounts is not None:
        if document.get("accounts") is not None:
            raise SeedError("accounts: the seed says which there are, so their number cannot be given beside it")
        document = {**document, "accounts": accounts}
    now, known = document.get("now"), document.get("accounts")
    many = _checked("accounts", _count, known) if isinstance(known, int) else None
    found = default_accounts(many) if many else _accounts(_mapping("accounts", known))
    return Seed(
        accounts=found,
        options=Options(**read_options(_mapping("options", document.get("options")))),
        now=_checked("now", moment, now) if now is not None else None,
        rows=tuple(
            row
            for given in _rows(_mapping("tasks", document.get("tasks")))
            for row in _owned(given, found, _EACH if many else "")
        ),
    )


def _document(source: Source) -> Mapping[str, Any]:
    if source is None or isinstance(source, Mapping):
        return source or {}
    text = str(source)
    if isinstance(source, Path) or not ("\n" in text or ": " in text):
        try:
            text = Path(source).read_text(encoding="utf-8")
        except OSError as failure:
            raise SeedError(f"{source}: {failure.strerror}") from failure
    try:
        # A subclass of SafeLoader: it builds plain values only.
        return _mapping("seed", yaml.load(text, _UniqueKeys))  # noqa: S506 - as said
    except yaml.YAMLError as broken:
        raise SeedError(f"seed: {broken}") from broken


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key that comes twice is an error: half of the tasks would be missing without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _accounts(given: Mapping[str, Any]) -> Accounts:
    _known("accounts", given, {"huaweicloud", "aliyun", "aws"})
    if not given:
        return DEFAULT_ACCOUNTS
    return Accounts(
        huaweicloud=tuple(_account("huaweicloud", HuaweicloudAccount, given)),
        aliyun=tuple(_account("aliyun", AliyunAccount, given)),
        aws=tuple(_account("aws", AwsAccount, given)),
    )


def _account(vendor: str, build: type[Any], given: Mapping[str, Any]) -> Iterator[Any]:
    for number, entry in enumerate(given.get(vendor) or ()):
        place = f"accounts.{vendor}[{number}]"
        account = dict(_mapping(place, entry))
        count = account.pop("count", None)
        _known(place, account, {"count", *build.__dataclass_fields__})
        for name in ("access_key_id", "secret_access_key"):
            if not account.get(name):
                raise SeedError(f"{place}: {name} is missing")
        if count is None:
            yield build(**account)
            continue
        for n in range(1, _checked(f"{place}.count", _count, count) + 1):
            yield build(**_filled(account, n))


def read_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of `Options` from text; quotas are `documented` or a map such as `{mpc: 100/1m}`."""
    _known("options", given, set(Options.__dataclass_fields__))
    enums = {"unknown_ids": UnknownIds, "response_shape": ResponseShape, "refused": Refused}
    read = dict(given)
    for name, enum in enums.items():
        if name in read:
            read[name] = _checked(f"options.{name}", enum, read[name])
    for name in ("numeric_ids", "init_cancellable"):
        if not isinstance(read.get(name, False), bool):
            raise SeedError(f"options.{name}: must be true or false, not {read[name]!r}")
    if "cancel_reads" in read:
        read["cancel_reads"] = _checked("options.cancel_reads", int, read["cancel_reads"])
    if "quotas" in read:
        read["quotas"] = _quotas(read["quotas"])
    return read


def _quotas(given: object) -> Mapping[str, tuple[int, float]]:
    if given in ("documented", True):
        return DOCUMENTED_QUOTAS
    if given in ("off", False, None):
        return {}
    quotas = {}
    for group, text in _mapping("options.quotas", given).items():
        place = f"options.quotas.{group}"
        _known("options.quotas", {group: text}, set(DOCUMENTED_QUOTAS))
        most, _, window = str(text).partition("/")
        quotas[group] = (_checked(place, int, most), _checked(place, duration, window).total_seconds())
    return quotas


def _rows(given: Mapping[str, Any]) -> Iterator[Row]:
    _known("tasks", given, set(_FIELDS))
    for kind, entries in given.items():
        if not isinstance(entries, list):
            raise SeedError(f"tasks.{kind}: must be a list of tasks")
        for number, entry in enumerate(entries):
            place = f"tasks.{kind}[{number}]"
            yield from _expanded(place, kind, _mapping(place, entry))


def _expanded(place: str, kind: str, entry: Mapping[str, Any]) -> Iterator[Row]:
    entry = {_ALIASES.get(key, key): content for key, content in entry.items()}
    _known(place, entry, _ROW_KEYS | _FIELDS[kind])
    for name in _TIMES:
        if name in entry:
            _checked(f"{place}.{name}", _time, entry[name])
    count, step = entry.get("count"), _checked(f"{place}.every", duration, entry.get("every", "1s"))
    if count is None:
        yield _row(kind, entry, 1, timedelta(0), templated=False)
        return
    for n in range(1, _checked(f"{place}.count", _count, count) + 1):
        yield _row(kind, entry, n, step * (n - 1), templated=True)


def _count(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise ValueError(f"must be a whole number, not {given!r}")
    return given


def _owned(row: Row, accounts: Accounts, default: str) -> Iterator[Row]:
    """The row for its owner, or for each owner of its cloud."""
    owner = row.owner or default
    if owner != _EACH:
        yield row
        return
    for one in accounts.owners(row.kind.partition(".")[0]):
        yield replace(row, owner=one)


def _row(kind: str, entry: Mapping[str, Any], n: int, older: timedelta, *, templated: bool) -> Row:
    fields = {name: content for name, content in entry.items() if name in _FIELDS[kind]} | (entry.get("extra") or {})
    status, identifier, owner = entry.get("status", "pending"), str(entry.get("id", "")), str(entry.get("owner", ""))
    if isinstance(status, list):
        status = status[(n - 1) % len(status)]
    if templated:
        fields, identifier, owner = _filled(fields, n), _filled(identifier, n), _filled(owner, n)
    times = {name: entry[name] for name in _TIMES if name in entry}
    if older:
        created = times.get("created", 0)
        shifted = _time(created)
        times["created"] = shifted - older if isinstance(shifted, datetime) else (shifted + older).total_seconds()
    return Row(
        kind=kind,
        id=identifier,
        status=str(status),
        owner=owner,
        ends_as=entry.get("ends_as", "succeeded"),
        fields=fields,
        **times,
    )


def _time(text: Any) -> datetime | timedelta:  # noqa: ANN401 - a value of YAML
    if isinstance(text, datetime):
        return moment(text)
    try:
        return duration(text)
    except ValueError:
        return moment(text)


def _filled(tree: Any, n: int) -> Any:  # noqa: ANN401 - a value of YAML
    """Put the row's number into every text of a template."""
    if isinstance(tree, str):
        return _PLACEHOLDER.sub(lambda match: _number(n, match[1], match[2]), tree)
    if isinstance(tree, Mapping):
        return {key: _filled(content, n) for key, content in tree.items()}
    return [_filled(content, n) for content in tree] if isinstance(tree, list) else tree


def _number(n: int, modulus: str | None, width: str | None) -> str:
    return format(n % int(modulus) if modulus else n, f"{width}d" if width else "d")


def _mapping(place: str, given: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a value of YAML
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise SeedError(f"{place}: must be a mapping, not {given!r}")
    return given


def _known(place: str, given: Mapping[str, Any], names: set[str] | frozenset[str]) -> None:
    for name in given:
        if name not in names:
            close = get_close_matches(str(name), names, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(names))}"
            raise SeedError(f"{place}: unknown key {name!r}; {hint}")


def _checked(place: str, read: Any, text: Any) -> Any:  # noqa: ANN401 - any reader of any value of YAML
    try:
        return read(text)
    except (ValueError, TypeError, AttributeError) as broken:
        raise SeedError(f"{place}: {broken}") from broken
