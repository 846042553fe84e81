"""What an editor inserts as a beginning is a configuration, word for word."""

import re
from pathlib import Path

import pytest

from reconciler.config.loader import check as check_configuration
from reconciler.providers.registry import catalogue
from tests.editor.texts import CURSOR, Opened, offered


def expanded(snippet: str) -> str:
    """What a snippet leaves in the file if nothing is changed at its tab stops."""
    chosen = re.sub(r"\$\{\d+\|([^,|]*)[^|]*\|\}", r"\1", snippet)
    return re.sub(r"\$\d+", "", re.sub(r"\$\{\d+:([^}]*)\}", r"\1", chosen))


TARGETS = """\
targets:
  t:
    provider: huaweicloud
    region: cn-north-4
  u:
    provider: aliyun
    region: cn-shanghai
    inventory: {job_ids: [j1]}
"""


@pytest.mark.parametrize(
    ("section", "label"),
    [
        ("targets", "target of huaweicloud"),
        ("targets", "target of aliyun"),
        ("targets", "target of aws"),
        ("protect", "protection"),
        ("policies", "policy: no such tasks"),
        ("policies", "policy: no more than N tasks"),
    ],
)
def test_a_skeleton_is_a_configuration(
    opened: Opened, section: str, label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = f"version: 1\n{TARGETS if section != 'targets' else ''}{section}:\n  "
    body = expanded(offered(opened, begin + CURSOR + "\n")[label].inserted).replace("\n", "\n  ")
    text = begin + body + "\n"
    assert opened(text).complaints() == []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "source-urls.txt").write_text("https://h/v.mp4\n", encoding="utf-8")
    (tmp_path / "reconciler.yaml").write_text(text, encoding="utf-8")
    assert check_configuration([], catalogue(), environment={})[0] is not None
