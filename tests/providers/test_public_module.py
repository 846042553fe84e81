"""The public module of providers: what it offers, and that a provider can be written against it alone."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler import provider

EXAMPLE = Path(__file__).parents[2] / "examples" / "provider"
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "provider.md"

NAMES = """
ACCESS_KEY_KEYS API_VERSION READS TERMINAL WHOLE WRITES AccessKey AccountCall Action Ask AskedKey Auth Bounds Client
Codes Collected Completeness CredentialSearch CredentialSource Credentials CredentialsError Examining Fault Field
FieldType HttpClient HttpProvider Inventory InventoryList LastResort Listing Look Meaning Observation Operation Paging
Passing Permissions PolicyLanguage Provider ProviderError ProviderOptions Quota Rate Reading Readings Redactor
RenewingAuth ResolvedCredentials ResourceType Retries Row RowClient Said Scope Secret Secrets Sink Status Surroundings
Tally Target Task TaskKey Turns UnusableFile all_or_fault always base_url by_id canonical_query credentials_url
destination header_text impossible_ids ini_section instant json_file json_object malformed masked option parsed_object
presentable principal_name renewed said_in secret_in secret_in_file secret_text service_url signature signed_headers
stamp task_from tasks_in vendor_url
"""


def test_what_it_offers() -> None:
    """Whoever takes a name away, or gives it another meaning, raises API_VERSION."""
    assert provider.__all__ == NAMES.split()
    assert all(hasattr(provider, name) for name in provider.__all__)
    assert provider.API_VERSION == 1


def test_the_suite_needs_no_pytest_to_be_imported() -> None:
    check = "import sys; import reconciler.provider.testing; sys.exit('pytest' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


class Jobs(ThreadingHTTPServer):
    """The service that the page describes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.states = {"1": "QUEUED", "2": "BUSY", "3": "QUEUED"}
        self.received: list[str] = []

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its URL, while it serves from a thread of its own."""
        thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        with self:
            thread.start()
            try:
                yield f"http://127.0.0.1:{self.server_port}"
            finally:
                self.shutdown()
                thread.join()


class Handler(BaseHTTPRequestHandler):
    server: Jobs

    def do_GET(self) -> None:
        wanted = parse_qs(urlsplit(self.path).query).get("ids", [*self.server.states])
        jobs = [
            {"id": job, "state": state, "created": "2026-01-01T00:00:00Z"}
            for job, state in self.server.states.items()
            if job in wanted
        ]
        self._answer(200, {"jobs": jobs, "total": len(jobs)})

    def do_DELETE(self) -> None:
        self.server.states[self.path.rpartition("/")[2]] = "STOPPED"
        self._answer(204)

    def _answer(self, status: int, body: object = None) -> None:
        assert self.headers["Authorization"] == "Bearer hunter2"
        self.server.received.append(f"{self.command} {self.path}")
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: stderr is the test's."""


def page_source() -> list[str]:
    """The provider of the page, and its tests."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    server = Jobs()
    with server.running():
        yield server


def test_the_provider_of_the_page_plans_and_applies_a_cancel(tmp_path: Path, jobs: Jobs) -> None:
    """As a package of its own, which imports nothing of the program but the public module."""
    source, _ = page_source()
    assert (EXAMPLE / "mine_provider.py").read_text(encoding="utf-8") == source
    assert set(re.findall(r"(?:from|import) (reconciler[.\w]*)", source)) == {"reconciler.provider"}
    copied = shutil.copytree(EXAMPLE, tmp_path / "package")  # building leaves things behind
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(tmp_path / "installed"), str(copied)], check=True, capture_output=True)
    (tmp_path / "reconciler.yaml").write_text(
        f"""version: 1
targets:
  here:
    provider: mine
    region: here-1
    endpoints: {{media: "http://127.0.0.1:{jobs.server_port}"}}
    credentials: {{token: {{env: MINE_TOKEN}}}}
policies:
  none-waits: {{resource: mine.media.job, match: {{status: pending, created_at: {{older_than: 6h}}}}, ensure: absent}}
"""
    )

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(tmp_path / "installed"),
            "MINE_TOKEN": "hunter2",
            "HOME": str(tmp_path),
        }
        command = [sys.executable, "-m", "reconciler", *words]
        return subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", check=False, env=environment, cwd=tmp_path
        )

    assert run("validate").returncode == 0
    planned = run("plan", "--format", "json")
    assert planned.returncode == 0, planned.stderr
    assert [change["id"].rpartition("/")[2] for change in json.loads(planned.stdout)["changes"]] == ["1", "3"]
    assert jobs.received == ["GET /jobs?page=0&size=100"]
    applied = run("apply", "--auto-approve")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert jobs.states == {"1": "STOPPED", "2": "BUSY", "3": "STOPPED"}
    sent = sorted(call for call in jobs.received if call.startswith("DELETE"))  # side by side, so in any order
    assert sent == ["DELETE /jobs/1", "DELETE /jobs/3"]
    assert "hunter2" not in planned.stdout + planned.stderr + applied.stdout + applied.stderr
    assert json.loads(run("plan", "--format", "json").stdout)["changes"] == []
