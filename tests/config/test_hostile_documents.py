"""Whatever a document holds, it is diagnosed, never an exception."""

from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.config.loader import check
from reconciler.diagnostics import Diagnostic
from reconciler.tasks.resource_type import Catalogue

KEYS = st.sampled_from(
    [
        "version",
        "settings",
        "targets",
        "protect",
        "policies",
        "a",
        "b",
        "provider",
        "region",
        "endpoints",
        "mpc",
        "<<",
        "rate_limits",
        "credentials",
        "profile",
        "token",
        "env",
        "file",
        "inventory",
        "job_ids",
        "upload_urls",
        "limits",
        "resource",
        "match",
        "ensure",
        "at_most",
        "per",
        "keep",
        "suspend",
        "status",
        "any",
        "not",
        "glob",
        "max_actions",
    ]
)
LEAVES = st.sampled_from(
    [
        None,
        "",
        "x",
        "all",
        "absent",
        "pending",
        "huaweicloud",
        "aliyun",
        "${X}",
        "$${",
        "${",
        "*",
        "a",
        "\x00",
        "é\u202e",
        0,
        -1,
        1,
        1.5,
        float("nan"),
        float("inf"),
        10**90,
        True,
        "huaweicloud.mpc.packaging",
        "aliyun.vod.url_upload",
        "sqlite:///x",
        "postgresql://u:p@[h/d",
        "https://[",
        "6h",
        "100/min",
        "reconciler.yaml",
        ".",
    ]
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5))
SECTIONS = st.fixed_dictionaries(
    {"version": st.just(1)},
    optional={
        "settings": st.dictionaries(
            st.sampled_from(["limits", "backend", "plan_ttl", "concurrency"]), TREES, max_size=3
        ),
        "targets": st.dictionaries(KEYS, st.dictionaries(KEYS, TREES, max_size=6), max_size=3),
        "policies": st.dictionaries(KEYS, st.dictionaries(KEYS, TREES, max_size=6), max_size=3),
        "protect": st.dictionaries(KEYS, st.dictionaries(KEYS, TREES, max_size=6), max_size=3),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(first=TREES | SECTIONS, second=SECTIONS, strict=st.booleans())
def test_any_document(catalogue: Catalogue, folder: Path, first: object, second: object, strict: bool) -> None:
    (folder / "a.reconciler.yaml").write_text(yaml.safe_dump(first), encoding="utf-8")
    (folder / "b.reconciler.yaml").write_text(yaml.safe_dump(second), encoding="utf-8")
    configuration, diagnostics = check([], catalogue, environment={}, strict=strict)
    assert configuration is not None or diagnostics
    for diagnostic in diagnostics:
        assert _words(diagnostic).isprintable()


def test_what_is_allowed_may_be_as_hostile_as_what_is_not(catalogue: Catalogue, folder: Path) -> None:
    """The targets that a policy may name are listed to whoever names another one."""
    (folder / "reconciler.yaml").write_text(
        """
version: 1
targets:
  "a\\e[31m\\u202e\\u009b": {provider: huaweicloud, region: cn-north-4}
policies:
  p: {resource: huaweicloud.mpc.snapshot, targets: [elsewhere], match: {status: pending}, ensure: absent}
""",
        encoding="utf-8",
    )
    _, diagnostics = check([], catalogue, environment={}, strict=False)
    assert ("a\\x1b[31m\\u202e\\x9b",) in [diagnostic.allowed for diagnostic in diagnostics]
    assert all(_words(diagnostic).isprintable() for diagnostic in diagnostics)


def _words(diagnostic: Diagnostic) -> str:
    texts = (diagnostic.message, diagnostic.excerpt, diagnostic.path, diagnostic.hint, *diagnostic.allowed)
    return " ".join(texts)
