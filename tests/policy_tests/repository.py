"""A small repository of policies over the real resource types, and the running of tests in it."""

from pathlib import Path
from textwrap import dedent, indent

from reconciler.exceptions import InvalidConfiguration
from reconciler.policy_tests.loader import PolicyTests, load_tests
from reconciler.policy_tests.model import Failure, Result, Results
from reconciler.policy_tests.runner import Selection, run_tests
from reconciler.providers.registry import catalogue
from reconciler.reports.policy_tests.words import failure_reasons, failure_sentence

CONFIGURATION = """
version: 1
targets:
  huawei-a: {provider: huaweicloud, region: cn-north-4, project_id: "${PROJECT_ID}"}
  huawei-b: {provider: huaweicloud, region: cn-north-4}
  aliyun-a: {provider: aliyun, region: cn-shanghai, inventory: {job_ids: [j1]}}
protect:
  legal-hold: {resource: "huaweicloud.mpc.*", match: {input.bucket: {glob: "legal-*"}}}
policies:
  stale-uploads:
    resource: aliyun.vod.url_upload
    match:
      status: pending
      upload_url: {glob: "https://legacy.example.com/*"}
      created_at: {older_than: 6h}
    ensure: absent
  one-transcode:
    resource: huaweicloud.mpc.transcoding
    match: {status: pending}
    ensure: {at_most: 1, per: [input.bucket, input.object], keep: oldest}
  no-drafts:
    resource: huaweicloud.mpc.packaging
    targets: [huawei-b]
    match: {input.bucket: drafts}
    ensure: absent
  old-records:
    resource: huaweicloud.mpc.packaging
    match: {status: [succeeded, failed, canceled], finished_at: {older_than: 30d}}
    ensure: absent
  all-snapshots:
    resource: huaweicloud.mpc.snapshot
    match: {status: pending}
    ensure: absent
    suspend: true
"""
NOON = "2026-11-01T12:00:00Z"


class Repository:
    """A folder with a configuration and test files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("reconciler.yaml", CONFIGURATION)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def load(self) -> PolicyTests:
        """The tests that are there. No variable is set."""
        return load_tests([], catalogue(), environment={})

    def run(self, selection: Selection | None = None) -> Results:
        return run_tests(self.load(), catalogue(), selection or Selection())

    def one(self, body: str) -> Result:
        """Run a single test, whose text this is without its name."""
        self.write("t.reconciler-test.yaml", one_test(body))
        (result,) = self.run().results
        return result

    def failures(self, body: str) -> list[str]:
        """What is wrong with a single test, a line each."""
        result = self.one(body)
        return [failure_sentence(failure) for failure in result.failures]

    def reasons(self, body: str) -> list[str]:
        """Why the first thing is wrong."""
        result = self.one(body)
        return list(failure_reasons(result.failures[0], result.test.now))

    def failure(self, body: str) -> Failure:
        (failure,) = self.one(body).failures
        return failure

    def mistakes(self, text: str | None = None) -> list[str]:
        """What is wrong with the files, `file:line:column: message (hint)` each; `text` is that of a test file."""
        if text is not None:
            self.write("t.reconciler-test.yaml", text)
        return _mistakes([])

    def mistakes_of(self, path: Path) -> list[str]:
        """What is wrong with one file, wherever the current directory is."""
        return _mistakes([path, self.folder / "reconciler.yaml"])

    def mistakes_in(self, body: str) -> list[str]:
        """What is wrong with a single test, without the places."""
        return [found.split(": ", 1)[1] for found in self.mistakes(one_test(body))]


def _mistakes(paths: list[Path]) -> list[str]:
    try:
        load_tests(paths, catalogue(), environment={})
    except InvalidConfiguration as invalid:
        return [
            f"{found.location}: {found.message}{f' ({found.hint})' if found.hint else ''}"
            for found in invalid.diagnostics
        ]
    return []


def one_test(body: str) -> str:
    return f"version: 1\nnow: {NOON}\ntests:\n  it:\n{indent(dedent(body).strip(), '    ')}\n"
