"""What is a selector, what is not, and what is said of it."""

import re
from ast import literal_eval
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Problem, Rule, Severity
from reconciler.selectors.parse import MAX_CONDITIONS, MAX_DEPTH, parse_selector
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Selector
from reconciler.selectors.syntax import Test as Condition
from reconciler.tasks.resource_type import ResourceType

PENDING = Condition("status", Operator.EQ, "pending")
STATUSES = ("pending", "running", "succeeded", "failed", "canceled")
WORDS = ("INIT", "WAITING", "PROCESSING", "SUCCEED", "FAILED", "CANCELED", "NEED_TO_BE_AUDIT", "NO_TASK")
FIELDS = (
    "created_at",
    "id",
    "input.bucket",
    "labels.*",
    "progress",
    "provider_status",
    "status",
    "template_ids",
    "user_data",
)
TEXT = (
    *("eq", "ne", "in", "not_in", "glob", "not_glob", "regex", "not_regex", "contains", "not_contains", "exists"),
    "missing",
)
TIME = ("older_than", "newer_than", "before", "after", "exists", "missing")


@pytest.mark.parametrize(
    ("match", "selector"),
    [
        ("all", Everything()),
        ({"status": "pending"}, PENDING),
        ({"status": ["pending", "running", "pending"]}, Condition("status", Operator.IN, ("pending", "running"))),
        ({"progress": 5}, Condition("progress", Operator.EQ, 5)),
        ({"user_data": {"contains": "x"}}, Condition("user_data", Operator.CONTAINS, "x")),
        ({"template_ids": {"contains": "7"}}, Condition("template_ids", Operator.CONTAINS, "7")),
        ({"provider_status": "WAITING"}, Condition("provider_status", Operator.EQ, "WAITING")),
        ({"provider_status": {"glob": "NEW_*"}}, Condition("provider_status", Operator.GLOB, "NEW_*")),
        ({"created_at": {"older_than": "1d12h"}}, Condition("created_at", Operator.OLDER_THAN, 129_600)),
        (
            {"created_at": {"before": "2025-06-15T23:06:40+08:00"}},
            Condition("created_at", Operator.BEFORE, 1_750_000_000),
        ),
        ({"id": {"exists": False}}, Condition("id", Operator.EXISTS, False)),
        (
            {"progress": {"gte": 1, "lt": 9}},
            AllOf((Condition("progress", Operator.GTE, 1), Condition("progress", Operator.LT, 9))),
        ),
        ({"status": "pending", "progress": 0}, AllOf((PENDING, Condition("progress", Operator.EQ, 0)))),
        ({"any": [{"status": "pending"}, {"progress": 0}]}, AnyOf((PENDING, Condition("progress", Operator.EQ, 0)))),
        ({"all": [{"status": "pending"}]}, AllOf((PENDING,))),
        ({"not": {"any": [{"status": "pending"}]}}, Negation(AnyOf((PENDING,)))),
        (
            {"status": "pending", "not": {"progress": 0}},
            AllOf((PENDING, Negation(Condition("progress", Operator.EQ, 0)))),
        ),
    ],
)
def test_reads_selectors(match: object, selector: Selector, packaging: ResourceType) -> None:
    assert parse_selector(match, [packaging]) == (selector, [])


@pytest.mark.parametrize(
    "match",
    [
        {"user_data": {"in": ["a", "b"], "not_in": ["b"]}},
        {"user_data": {"glob": ["a*", "b*"], "not_glob": "a*"}},
        {"user_data": {"glob": "a*", "not_regex": "a*"}},
        {"progress": {"eq": 8, "gt": 7}},
        {"any": [{"user_data": {"exists": False}}, {"user_data": "a"}]},
        {"user_data": {"exists": False}, "not": {"user_data": {"eq": "a", "missing": False}}},
        {"not": {"all": [{"user_data": "a"}, {"status": "pending"}]}, "user_data": "a"},
    ],
)
def test_conditions_that_some_task_satisfies_contradict_nothing(match: object, packaging: ResourceType) -> None:
    assert parse_selector(match, [packaging])[1] == []


MISTAKES = r"""
None
  -: an empty match selects nothing -> write `match: all` to select every task
{}
  -: an empty match selects nothing -> write `match: all` to select every task
""
  -: an empty match selects nothing -> write `match: all` to select every task
[{"status": "pending"}]
  -: a match is a mapping, not a list -> write `any: [...]` or `all: [...]`
"everything"
  -: a match is a mapping of fields to conditions, or `all`, but this is the text `everything`
    -> write `match: all` to select every task
{1: "x"}
  -: a key must be text, but this is the number `1` -> put it in quotes
{"statuss": "pending"}
  statuss!: `statuss` is not a field of cloud.mpc.packaging -> did you mean `status`? [FIELDS]
{"input": {"bucket": "x"}}
  input!: `input` is not a field of cloud.mpc.packaging -> did you mean `input.bucket`? [FIELDS]
{"or": []}
  or!: `or` is not a field of cloud.mpc.packaging -> did you mean `any`? [FIELDS]
{"zzz": 1}
  zzz!: `zzz` is not a field of cloud.mpc.packaging [FIELDS]
{"status": None}
  status: the condition of `status` is empty -> to select tasks without it, write `status: {exists: false}`
{"status": {}}
  status: the condition of `status` is empty -> to select tasks without it, write `status: {exists: false}`
{"status": []}
  status: an empty list matches nothing -> name at least one value
{"user_data": {"starts": "x"}}
  user_data.starts!: `starts` is not an operator of `user_data`, which is text [TEXT]
{"created_at": {"older": "6h"}}
  created_at.older!: `older` is not an operator of `created_at`, which is a timestamp
    -> did you mean `older_than`? [TIME]
{"created_at": {"glob": "2025*"}}
  created_at.glob!: `glob` does not apply to `created_at`, which is a timestamp [TIME]
{"user_data": {"not": {"glob": "x"}}}
  user_data.not!: `not` is not an operator of `user_data`, which is text
    -> combinators stand around fields: `not: {user_data: ...}` [TEXT]
{"user_data": {"any": ["x"]}}
  user_data.any!: `any` is not an operator of `user_data`, which is text
    -> combinators stand around fields: `any: [{user_data: ...}]` [TEXT]
{"id": {True: 1}}
  id: an operator must be text, but this is the flag `true`
{"user_data": {"in": "x"}}
  user_data.in: `in` takes a list, but this is the text `x` -> write `in: [x]`
{"user_data": {"eq": ["x"]}}
  user_data.eq: `eq` takes one value, not a list -> write `in: [...]`
{"user_data": {"ne": ["x"]}}
  user_data.ne: `ne` takes one value, not a list -> write `not_in: [...]`
{"user_data": {"glob": []}}
  user_data.glob: an empty list matches nothing -> name at least one value
{"user_data": {"glob": ["x*", 7]}}
  user_data.glob.1: `user_data` is text, but this is the number `7` -> put it in quotes
{"user_data": {"not_regex": ["a", "("]}}
  user_data.not_regex.1: `(`: not a regular expression of re2: missing ): (
{"user_data": {"no_glob": "x"}}
  user_data.no_glob!: `no_glob` is not an operator of `user_data`, which is text -> did you mean `not_glob`? [TEXT]
{"user_data": {"not_exists": True}}
  user_data.not_exists!: `not_exists` is not an operator of `user_data`, which is text
    -> write `not: {user_data: {exists: ...}}` [TEXT]
{"user_data": {"unlike": "x"}}
  user_data.unlike!: `unlike` is not an operator of `user_data`, which is text -> did you mean `not_glob`? [TEXT]
{"user_data": {"starts_not_with": "x"}}
  user_data.starts_not_with!: `starts_not_with` is not an operator of `user_data`, which is text [TEXT]
{"created_at": {"not_older_than": "6h"}}
  created_at.not_older_than!: `not_older_than` is not an operator of `created_at`, which is a timestamp
    -> write `not: {created_at: {older_than: ...}}` [TIME]
{"created_at": {"younger_than": "6h"}}
  created_at.younger_than!: `younger_than` is not an operator of `created_at`, which is a timestamp
    -> did you mean `newer_than`? [TIME]
{"created_at": {"less_than": "6h"}}
  created_at.less_than!: `less_than` is not an operator of `created_at`, which is a timestamp [TIME]
{"progress": {"at_least": 5}}
  progress.at_least!: `at_least` is not an operator of `progress`, which is a whole number
    -> did you mean `gte`? [eq ne in not_in gt gte lt lte exists missing]
{"status": "not_pending"}
  status: `not_pending` is not a status [STATUSES]
{"user_data": {"missing": False}}
  user_data.missing!: `missing` stands beside an operator, and there is none here
    -> to select tasks without it, write `user_data: {exists: false}`
{"user_data": {"exists": True, "missing": False}}
  user_data.missing!: `exists` says already whether the field must be there -> leave out `missing`
{"user_data": {"contains": "x", "missing": "false"}}
  user_data.missing: `missing` takes `true` or `false`, not the text `false` -> leave out the quotes [true false]
{"created_at": {"newer_than": "1d", "older_than": "2d"}}
  created_at: no value of `created_at` satisfies both: created_at newer than 1d and created_at older than 2d
    -> exchange the two, or write one under each of `any: [...]`
{"created_at": {"after": "2025-06-15T15:06:40Z", "before": "2025-06-15T15:06:41Z"}}
  created_at: no value of `created_at` satisfies both: created_at after 2025-06-15T15:06:40Z and
    created_at before 2025-06-15T15:06:41Z
{"progress": {"gt": 4, "lt": 5}}
  progress: no value of `progress` satisfies both: progress > 4 and progress < 5
{"all": [{"created_at": {"newer_than": "1d"}}, {"all": [{"created_at": {"older_than": "2d"}}]}]}
  -: no value of `created_at` satisfies both: created_at newer than 1d and created_at older than 2d
    -> exchange the two, or write one under each of `any: [...]`
{"user_data": {"eq": "a", "ne": "a"}}
  user_data: no value of `user_data` satisfies both: user_data is a and user_data is not a
{"user_data": {"in": ["a", "b"], "not_in": ["b", "c", "a"]}}
  user_data: no value of `user_data` satisfies both: user_data is one of a, b and user_data is none of b, c, a
{"user_data": {"in": ["a", "ab"], "not_glob": "a?", "ne": "a"}}
  user_data: no value of `user_data` satisfies all: user_data is one of a, ab and user_data not like a? and
    user_data is not a
{"user_data": {"glob": ["x*", "y"], "not_glob": ["y", "z", "x*"]}}
  user_data: no value of `user_data` satisfies both: user_data like one of x*, y and
    user_data not like any of y, z, x*
{"user_data": {"regex": "a", "not_regex": "a"}}
  user_data: no value of `user_data` satisfies both: user_data matches a and user_data does not match a
{"template_ids": {"contains": "7", "not_contains": ["8", "7"]}}
  template_ids: no value of `template_ids` satisfies both: template_ids contains 7 and
    template_ids does not contain any of 8, 7
{"user_data": {"glob": "x*"}, "not": {"any": [{"user_data": {"glob": "x*"}}, {"status": "pending"}]}}
  -: no value of `user_data` satisfies both: user_data like x* and not user_data like x*
{"status": "pending", "all": [{"status": ["running", "failed"]}]}
  -: no value of `status` satisfies both: status is pending and status is one of running, failed
{"progress": {"eq": 5, "gt": 5}}
  progress: no value of `progress` satisfies both: progress is 5 and progress > 5
{"all": [{"user_data": {"exists": False}}, {"not": {"user_data": "a"}}]}
  -: no value of `user_data` satisfies both: user_data is not set and not user_data is a
{"any": [{"progress": {"gt": 5}, "all": [{"progress": {"lt": 5}}]}]}
  any.0: no value of `progress` satisfies both: progress > 5 and progress < 5
{"id": {"in": "ids.txt"}}
  id.in: `in` takes a list, but this is the text `ids.txt` -> write `in: {file: ids.txt}`
{"user_data": {"in": {"file": "ids.txt"}}}
  user_data.in: no file can be read here -> write the list itself
{"user_data": {"in": []}}
  user_data.in: an empty list matches nothing -> name at least one value
{"user_data": 123}
  user_data: `user_data` is text, but this is the number `123` -> put it in quotes
{"id": ["x", 10743]}
  id.1: `id` is text, but this is the number `10743` -> put it in quotes
{"user_data": True}
  user_data: `user_data` is text, but this is the flag `true` -> put it in quotes
{"user_data": 1.5}
  user_data: `user_data` is text, but this is the number `1.5` -> put it in quotes
{"user_data": ""}
  user_data: an empty text is never a value: an empty field counts as missing
    -> select tasks without it by `user_data: {exists: false}`
{"template_ids": {"contains": 7}}
  template_ids.contains: `template_ids` holds texts, but this is the number `7` -> put it in quotes
{"template_ids": "7"}
  template_ids: `template_ids` is a list of texts, which is compared by an operator only
    -> write for example `template_ids: {contains: "..."}`
    [glob not_glob regex not_regex contains not_contains exists missing]
{"progress": "5"}
  progress: `progress` is a whole number, but this is the text `5` -> leave out the quotes: `5`
{"progress": 5.0}
  progress: `progress` is a whole number, but this is the number `5.0`
{"progress": {"gt": True}}
  progress.gt: `progress` is a whole number, but this is the flag `true`
{"id": {"exists": "true"}}
  id.exists: `exists` takes `true` or `false`, not the text `true` -> leave out the quotes [true false]
{"status": "Pending"}
  status: `Pending` is not a status -> did you mean `pending`? [STATUSES]
{"status": {"ne": "WAITING"}}
  status.ne: `WAITING` is not a status
    -> it is the vendor's word: write `status: pending`, or name it under `provider_status` [STATUSES]
{"status": ["unknown"]}
  status.0: `unknown` is not a status
    -> tasks of a vendor status that is not in the table are selected by `status: {exists: false}` [STATUSES]
{"provider_status": {"not_in": ["WAITNG"]}}
  provider_status.not_in.0: `WAITNG` is not a status of the vendor -> did you mean `WAITING`? [WORDS]
{"provider_status": "pending"}
  provider_status: `pending` is not a status of the vendor
    -> `pending` is a value of `status`, not of `provider_status` [WORDS]
{"created_at": "2025-06-15T15:06:40Z"}
  created_at: `created_at` is a timestamp, which is compared by an operator only
    -> write for example `created_at: {older_than: 6h}` [TIME]
{"created_at": {"older_than": "6 hours"}}
  created_at.older_than: `6 hours`: not a duration -> write it like `90s`, `15m`, `6h`, `7d`, `2w` or `1d12h`
{"created_at": {"older_than": 6}}
  created_at.older_than: `created_at` is compared with a duration here, but this is the number `6`
    -> add a unit: `6h`, `6d`
{"created_at": {"newer_than": "0s"}}
  created_at.newer_than: `0s`: a duration must be longer than zero
{"created_at": {"before": "2025-06-15"}}
  created_at.before: `2025-06-15`: a timestamp needs a time and a zone -> write `2025-06-15T00:00:00Z`
{"created_at": {"after": 1750000000}}
  created_at.after: `created_at` is compared with a timestamp here, but this is the number `1750000000`
    -> write it like `2025-01-31T08:00:00Z`
{"user_data": {"regex": "("}}
  user_data.regex: `(`: not a regular expression of re2: missing ): (
{"user_data": {"glob": "a[b"}}
  user_data.glob: `a[b`: `[` opens a set that is never closed -> write `[[]` for the character itself
{"any": []}
  any: `any` needs at least one match in its list
{"all": {"id": "x"}}
  all: `all` takes a list of matches, but this is a mapping -> write `all: [...]`
{"not": [{"id": "x"}]}
  not: `not` takes one match, not a list -> write `not: {any: [...]}`
{"not": "all"}
  not: `all` selects everything and is allowed only as the whole match: `match: all`
{"not": {}}
  not: an empty mapping sets no condition -> name a field, or leave it out
{"any": ["pending"]}
  any.0: a mapping of fields to conditions belongs here, but this is the text `pending`
"""
"""A match, and what is said of it: path (`!`: of the key), message, `->` hint, `[allowed]`."""
_ALLOWED = {FIELDS: "FIELDS", TEXT: "TEXT", TIME: "TIME", STATUSES: "STATUSES", WORDS: "WORDS"}


def _written(problem: Problem) -> str:
    path = ".".join(map(str, problem.path)) or "-"
    hint = f" -> {problem.hint}" if problem.hint else ""
    allowed = f" [{_ALLOWED.get(problem.allowed) or ' '.join(problem.allowed)}]" if problem.allowed else ""
    return f"{path}{'!' if problem.at_key else ''}: {problem.message}{hint}{allowed}"


@pytest.mark.parametrize(("match", "said"), re.findall(r"^(\S.*)\n((?: .*\n)+)", MISTAKES, re.MULTILINE))
def test_says_what_is_wrong(match: str, said: str, packaging: ResourceType) -> None:
    selector, [found] = parse_selector(literal_eval(match), [packaging])
    assert selector is None
    assert _written(found) == " ".join(line.strip() for line in said.splitlines())


def test_reports_every_mistake_at_once_under_the_path_given(packaging: ResourceType) -> None:
    match = {"status": ["waiting", "pending", "x"], "any": [{"idd": "1"}, {"not": {"progress": {"gt": "x", "gtt": 1}}}]}
    selector, problems = parse_selector(match, [packaging], ("policies", "p", "match"))
    assert selector is None
    assert [problem.path[3:] for problem in problems] == [
        ("status", 0),
        ("status", 2),
        ("any", 0, "idd"),
        ("any", 1, "not", "progress", "gt"),
        ("any", 1, "not", "progress", "gtt"),
    ]
    assert all(problem.path[:3] == ("policies", "p", "match") for problem in problems)


def test_a_field_that_some_types_lack_is_a_warning(packaging: ResourceType, editing: ResourceType) -> None:
    selector, problems = parse_selector({"input.bucket": {"glob": "legal-*"}}, [packaging, editing])
    assert selector == Condition("input.bucket", Operator.GLOB, "legal-*")
    assert problems == [
        Problem(
            ("input.bucket",),
            "`input.bucket` is not a field of cloud.vod.editing: it is unknown there, and unknown protects all their "
            "tasks",
            "narrow `resource`, or write a protection for each kind",
            at_key=True,
            severity=Severity.WARNING,
            rule=Rule.PROTECTION_BREADTH,
        )
    ]


def test_whether_a_lacking_field_exists_is_no_question(packaging: ResourceType, editing: ResourceType) -> None:
    assert parse_selector({"user_data": {"exists": True}}, [packaging, editing])[1] == []


def test_a_field_that_no_type_has_is_an_error(editing: ResourceType, upload: ResourceType) -> None:
    _, [problem] = parse_selector({"edit_type": "CLIP"}, [editing, upload])
    assert problem.severity is Severity.ERROR
    assert problem.message == "`edit_type` is not a field of any of cloud.vod.editing, cloud.vod.url_upload"


def test_a_vendor_status_of_any_of_the_types_is_allowed(packaging: ResourceType, upload: ResourceType) -> None:
    assert parse_selector({"provider_status": "CANCELED"}, [upload, packaging])[1] == []
    _, [problem] = parse_selector({"provider_status": "CANCELED"}, [upload])
    assert "CANCELED" not in problem.allowed


def test_without_a_type_there_is_nothing_to_check() -> None:
    assert parse_selector({"x": None}, []) == (None, [])


def _nested(levels: int) -> dict[str, Any]:
    match: dict[str, Any] = {"status": "pending"}
    for _ in range(levels):
        match = {"not": match}
    return match


def test_depth_is_bounded(packaging: ResourceType) -> None:
    assert parse_selector(_nested(MAX_DEPTH), [packaging])[1] == []
    for levels in (MAX_DEPTH + 1, 100_000):
        _, problems = parse_selector(_nested(levels), [packaging])
        assert [(len(one.path), one.message) for one in problems] == [
            (MAX_DEPTH + 1, "combinators are nested more than 50 levels deep")
        ]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"glob": "{legal,tax}-*"}, "`{legal,tax}-*`: braces compare literally"),
        ("legal-*", "`legal-*` compares literally; did you mean glob?"),
        ({"ne": "legal-?"}, "`legal-?` compares literally; did you mean glob?"),
        ({"contains": "legal/*"}, "`legal/*` compares literally; did you mean glob?"),
        ({"not_in": ["a", "b[12]"]}, "`b[12]` compares literally; did you mean glob?"),
        ("legal ", "`legal ` begins or ends with a blank, which compares as well"),
        ({"glob": "\u00a0legal-*"}, "`\\xa0legal-*` begins or ends with a blank, which compares as well"),
        ("legal", None),
        ({"glob": "legal-[ab]?*"}, None),
        ({"contains": " keep "}, None),
        ({"contains": "https://h/a?k=1"}, None),
        ('{"a": [1]}', None),
        ({"glob": '*{"a":1,"b":2}*'}, None),
        ({"regex": "^(legal|tax)-.*$"}, None),
        ({"regex": "a*.mp4 "}, "`a*.mp4 ` begins or ends with a blank, which compares as well"),
        ({"regex": "(?i)^(?:legal) $"}, "`(?i)^(?:legal) $` begins or ends with a blank, which compares as well"),
        ({"regex": "^ legal"}, "`^ legal` begins or ends with a blank, which compares as well"),
        ({"regex": r"\ legal\ $"}, None),
        ({"regex": "[ ]legal[ ]"}, None),
        ({"regex": "/legal/"}, None),
    ],
)
def test_text_that_compares_otherwise_than_it_reads(
    packaging: ResourceType, condition: object, message: str | None
) -> None:
    selector, problems = parse_selector({"input.bucket": condition}, [packaging])
    assert selector is not None
    assert [(one.severity, one.message) for one in problems] == ([(Severity.WARNING, message)] if message else [])


def test_everything_that_is_odd_about_a_text_is_told(packaging: ResourceType) -> None:
    """In a list, of each kind the first: it may be long."""
    row = replace(packaging, fields={"input.object": replace(packaging.fields["input.bucket"], name="input.object")})
    _, problems = parse_selector({"input.object": {"glob": "/{a,b}*\u00a0 "}}, [row])
    assert [one.message.partition("` ")[2] or one.message.partition("`: ")[2] for one in problems] == [
        "begins or ends with a blank, which compares as well",
        "begins with `/`, which the name of an object does not",
        "braces compare literally",
    ]
    _, problems = parse_selector({"input.object": ["a ", "b ", "/c", "*", "/* "]}, [row])
    assert [one.path[-1] for one in problems] == [0, 2, 3]


@pytest.mark.parametrize(
    "condition",
    [
        *("/legal/a.mp4", {"glob": "/legal/*"}, {"in": ["a", "/b"]}, {"regex": "^/legal"}, {"regex": r"\A\/legal"}),
        {"regex": "(?i)^(?:(/legal|/tax))/"},
    ],
)
def test_the_name_of_an_object_does_not_begin_with_a_slash(packaging: ResourceType, condition: object) -> None:
    row = replace(packaging, fields={"input.object": replace(packaging.fields["input.bucket"], name="input.object")})
    _, (problem,) = parse_selector({"input.object": condition}, [row])
    assert problem.severity is Severity.WARNING
    assert "begins with `/`" in problem.message


def test_patterns_have_a_bound_in_sum(packaging: ResourceType) -> None:
    slow = {"any": [{"user_data": {"regex": f"(a{{1,99}}){{1,{count}}}b"}} for count in range(2, 8)] * 9}
    _, problems = parse_selector(slow, [packaging])
    assert problems == [
        Problem(
            (), "the patterns of this match take too long; use fewer, or count up to less in them", rule=Rule.SELECTOR
        )
    ]
    fast = {"any": [{"user_data": {"glob": f"prefix-{number}-*"}} for number in range(3000)]}
    assert parse_selector(fast, [packaging])[1] == []


def test_a_mapping_that_holds_itself_ends(packaging: ResourceType) -> None:
    loop: dict[str, Any] = {}
    loop["any"] = [loop, loop]
    selector, problems = parse_selector(loop, [packaging])
    assert selector is None
    assert problems[-1] == Problem((), "too many mistakes: the rest of this match is not checked", rule=Rule.SELECTOR)


def test_the_number_of_conditions_is_bounded(packaging: ResourceType) -> None:
    _, problems = parse_selector({"any": [{"progress": number} for number in range(MAX_CONDITIONS)]}, [packaging])
    assert problems == [Problem((), "a match may not have more than 10000 conditions", rule=Rule.SELECTOR)]


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**4_000),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["all", "pending", "WAITING", "6h", "0s", "(", "[", "\ud800", "2025-06-15", "2025-06-15T00:00:00Z"]
    ),
)
_KEYS = st.one_of(
    st.sampled_from([*FIELDS, "all", "any", "not", *Operator]),
    st.text(max_size=4),
    st.integers(),
    st.none(),
    st.booleans(),
)
_DATA = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=3)),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.one_of(_DATA, st.dictionaries(_KEYS, _DATA, max_size=3)))
def test_never_raises_on_plain_data(types: tuple[ResourceType, ...], match: object) -> None:
    selector, problems = parse_selector(match, types)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    assert (selector is None) == bool(errors)
    assert all(problem.message.isprintable() and problem.hint.isprintable() for problem in problems)


@settings(max_examples=200)
@given(st.data())
def test_reads_every_well_formed_document(
    types: tuple[ResourceType, ...], documents: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    match = data.draw(documents)
    selector, problems = parse_selector(match, types)
    assert selector is not None
    assert all(problem.severity is Severity.WARNING for problem in problems)


@pytest.mark.parametrize("match", [{"user_data": 10**5_000}, {"id": {"in": 10**5_000}}, {"id": {"in": [-(10**5_000)]}}])
def test_a_number_of_any_length_can_be_reported(match: object, packaging: ResourceType) -> None:
    _, [problem] = parse_selector(match, [packaging])
    assert "`a very large number`" in problem.message


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"user_data": {"exists": False}}, "`user_data` is not a field of cloud.vod.editing"),
        ({"not": {"input.bucket": "x"}}, "`input.bucket` is not a field of cloud.vod.editing"),
        ({"status": ["failed", "canceled"]}, "cloud.vod.url_upload has no status `canceled`"),
        ({"status": {"ne": "canceled"}}, "cloud.vod.url_upload has no status `canceled`"),
        ({"provider_status": ["INIT", "CANCELED", "FAILED"]}, "cloud.vod.editing has no status `INIT`"),
    ],
)
def test_what_several_kinds_do_not_share_is_a_mistake_in_a_policy(
    match: object, said: str, types: tuple[ResourceType, ...]
) -> None:
    selector, problems = parse_selector(match, types, shared=True)
    assert selector is None
    assert [problem.message for problem in problems] == [said]
    assert problems[0].hint == "narrow `resource`, or write a policy for each kind"
    assert parse_selector(match, types)[0] is not None, "to a protection, it is a warning at most"
    assert parse_selector(match, types[:1], shared=True)[1] == []


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("24 010", ["`24 010` can be no id of cloud.mpc.packaging"]),
        (["24010", "a,b", "c,d"], ["`a,b` can be no id of cloud.mpc.packaging"]),
        ({"in": ["ids.txt"]}, ["`ids.txt` can be no id of cloud.mpc.packaging"]),
        ({"glob": "a.*"}, []),
        ({"ne": "24010"}, []),
    ],
)
def test_an_id_that_no_task_can_have_is_a_warning(condition: object, said: list[str], packaging: ResourceType) -> None:
    selector, problems = parse_selector({"id": condition}, [packaging])
    assert selector is not None
    assert [problem.message for problem in problems] == said
