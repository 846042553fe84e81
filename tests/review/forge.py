"""Servers on loopback that speak the comment APIs of GitHub and GitLab, as far as `comment` uses them.

They check what the real ones check: tokens and headers, lengths, pages. What a test wants to go wrong is a `Fault`.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

TOKEN = "ghs_Zq7planted0token9vX"
SHA = "5c0ffee5" * 5


@dataclass(frozen=True)
class Account:
    """`kind`: `User`, `Bot` (the token of an installation), or `Reader`, whose token may not write."""

    login: str
    kind: str = "User"


@dataclass
class Note:
    id: int
    author: Account
    body: str
    system: bool = False


@dataclass
class Reply:
    status: int
    content: object = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.content is None else json.dumps(self.content).encode()


@dataclass
class Fault:
    """Replaces the answer to the next `times` requests of this method. `after`: they have their effect first.

    Without a reply the connection is closed instead.
    """

    method: str
    reply: Reply | None = None
    times: int = 1
    after: bool = False
    path: str = ""


@dataclass(frozen=True)
class Call:
    method: str
    target: str
    headers: Mapping[str, str]
    body: Any

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def query(self, name: str, default: str) -> str:
        return parse_qs(self.target.partition("?")[2]).get(name, [default])[0]


@dataclass
class Forge:
    """What both have in common. `page_size` is a cap of the server's own, so that few comments make many pages."""

    accounts: dict[str, Account] = field(default_factory=lambda: {TOKEN: Account("reviewer")})
    notes: list[Note] = field(default_factory=list)
    numbers: tuple[int, ...] = (7,)
    requests_of_commit: list[dict[str, Any]] = field(default_factory=list)
    page_size: int = 100
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    before: Callable[[Call], None] = lambda _: None
    url: str = ""
    longest: int = 65536
    lag: int = 0
    """Lists after a write that still show what was there before it."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._before_write: list[Note] = []
        self._lagging = 0
        self._next = 100

    def add(self, body: str, author: str = "reviewer", kind: str = "User", **more: Any) -> Note:  # noqa: ANN401 - fields
        self._next += 1
        note = Note(self._next, Account(author, kind), body, **more)
        self.notes.append(note)
        return note

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.method != "GET"]

    def answer(self, call: Call) -> Reply | None:
        self.before(call)
        with self._lock:
            self.calls.append(call)
            if call.method != "GET":
                self._before_write, self._lagging = [replace(note) for note in self.notes], self.lag
            fault = next((f for f in self.faults if f.method == call.method and f.path in call.path and f.times), None)
            if fault is None:
                return self.handle(call)
            fault.times -= 1
            if fault.after:
                done = self.handle(call)
                assert 200 <= done.status < 300, done
            return fault.reply

    def handle(self, call: Call) -> Reply:
        raise NotImplementedError

    def note(self, number: str) -> Note | None:
        return next((note for note in self.notes if note.id == int(number)), None)

    def page(self, call: Call) -> tuple[list[Note], int, bool]:
        """The notes of one page, its number, and whether there are more."""
        size = min(int(call.query("per_page", "20")), self.page_size, 100)
        page = int(call.query("page", "1"))
        shown = self._before_write if self._lagging else self.notes
        self._lagging = max(0, self._lagging - 1)
        rows = sorted(shown, key=lambda note: note.id, reverse=self.descending(call))
        return rows[(page - 1) * size : page * size], page, page * size < len(rows)

    def descending(self, call: Call) -> bool:
        raise NotImplementedError

    @contextmanager
    def running(self) -> Iterator["Forge"]:
        forge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10
            disable_nagle_algorithm = True  # headers and body are two writes

            def handle(self) -> None:
                """`curl --fail` hangs up on a refusal without reading it; the end of that connection is no news."""
                with suppress(ConnectionError):
                    super().handle()

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                raw = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.command, self.path, headers, json.loads(raw) if raw else None)
                reply = forge.answer(call)
                if reply is None:
                    self.close_connection = True
                    return
                body = reply.body()
                self.send_response(reply.status)
                sent = {"Content-Type": "application/json; charset=utf-8", **reply.headers}
                for name, value in sent.items():
                    self.send_header(name, value)
                if reply.status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server looks them up

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = False
        self.url = f"http://127.0.0.1:{server.server_address[1]}{self.root}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    root = ""


class GitHubServer(Forge):
    """`octo/media`, with pull requests of `numbers`. Lists link to its numeric address, as the real one does."""

    root = "/api/v3"  # as on an Enterprise Server
    repository = "octo/media"

    def handle(self, call: Call) -> Reply:
        if not call.headers.get("user-agent"):
            return Reply(403, {"message": "Request forbidden by administrative rules."})
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        account = self.accounts.get(token)
        if account is None:
            return Reply(401, {"message": "Bad credentials", "documentation_url": "https://docs.example.com"})
        assert call.headers["accept"] == "application/vnd.github+json"
        assert call.headers["x-github-api-version"] == "2022-11-28"
        path = call.path.removeprefix(self.root)
        if path == "/user":
            return self._user(account)
        here = rf"/(?:repos/{self.repository}|repositories/4711)"
        if found := re.fullmatch(rf"{here}/issues/(\d+)/comments", path):
            return self._thread(call, account, int(found[1]))
        if found := re.fullmatch(rf"/repos/{self.repository}/issues/comments/(\d+)", path):
            return self._comment(call, account, found[1])
        if path == f"/repos/{self.repository}/commits/{SHA}/pulls":
            return Reply(200, self.requests_of_commit)
        return Reply(404, {"message": "Not Found", "status": "404"})

    def _user(self, account: Account) -> Reply:
        if account.kind == "Bot":
            return Reply(403, {"message": "Resource not accessible by integration", "status": "403"})
        return Reply(200, {"login": account.login, "type": "User", "id": 1})

    def _thread(self, call: Call, account: Account, number: int) -> Reply:
        if number not in self.numbers:
            return Reply(404, {"message": "Not Found"})
        if call.method == "GET":
            rows, page, more = self.page(call)
            headers = {}
            if more:
                url = f"{self.url}/repositories/4711/issues/{number}/comments?per_page={call.query('per_page', '30')}"
                headers["Link"] = f'<{url}&page={page + 1}>; rel="next", <{url}&page=99>; rel="last"'
            return Reply(200, [self._shown(note) for note in rows], headers)
        if refusal := self._refusal(call, account):
            return refusal
        return Reply(201, self._shown(self.add(call.body["body"], account.login, account.kind)))

    def _comment(self, call: Call, account: Account, number: str) -> Reply:
        note = self.note(number)
        if note is None:
            return Reply(404, {"message": "Not Found"})
        if call.method == "DELETE":
            self.notes.remove(note)
            return Reply(204)
        if refusal := self._refusal(call, account):
            return refusal
        note.body = call.body["body"]  # whoever may write to the repository may edit anybody's comment
        return Reply(200, self._shown(note))

    def _refusal(self, call: Call, account: Account) -> Reply | None:
        if account.kind == "Reader" or account.login == "reader[bot]":
            return Reply(403, {"message": "Resource not accessible by integration"})
        if len(call.body["body"]) > self.longest:
            message = f"body is too long (maximum is {self.longest} characters)"
            return Reply(422, {"message": "Validation Failed", "errors": [{"field": "body", "message": message}]})
        return None

    def _shown(self, note: Note) -> dict[str, object]:
        user = {"login": note.author.login, "type": note.author.kind}
        return {
            "id": note.id,
            "body": note.body,
            "user": user if note.author.login else None,
            "html_url": f"https://github.example.com/{self.repository}/pull/7#issuecomment-{note.id}",
        }

    def descending(self, call: Call) -> bool:  # noqa: ARG002 - GitLab sorts as it is asked to
        return False


class GitLabServer(Forge):
    """`group/sub/media`, number 42, with merge requests of `numbers`."""

    root = "/api/v4"
    project = "group/sub/media"

    def handle(self, call: Call) -> Reply:
        account = self.accounts.get(call.headers.get("private-token", ""))
        if account is None:
            return Reply(401, {"message": "401 Unauthorized"})
        path = call.path.removeprefix(self.root)
        if path == "/user":
            return Reply(200, {"id": 1, "username": account.login})
        found = re.fullmatch(r"/projects/([^/]+)(/.*)", path)
        if found is None or unquote(found[1]) not in {self.project, "42"}:
            return Reply(404, {"message": "404 Project Not Found"})
        rest = found[2]
        if rest == f"/repository/commits/{SHA}/merge_requests":
            return Reply(200, self.requests_of_commit)
        if found := re.fullmatch(r"/merge_requests/(\d+)/notes(?:/(\d+))?", rest):
            if int(found[1]) not in self.numbers:
                return Reply(404, {"message": "404 Not found"})
            return self._note(call, account, found[2]) if found[2] else self._thread(call, account)
        return Reply(404, {"error": "404 Not Found"})

    def _thread(self, call: Call, account: Account) -> Reply:
        if call.method == "GET":
            rows, page, more = self.page(call)
            headers = {"x-page": str(page), "x-next-page": str(page + 1) if more else ""}
            return Reply(200, [self._shown(note) for note in rows], headers)
        if refusal := self._refusal(call, account):
            return refusal
        return Reply(201, self._shown(self.add(call.body["body"], account.login)))

    def _note(self, call: Call, account: Account, number: str) -> Reply:
        note = self.note(number)
        if note is None:
            return Reply(404, {"message": "404 Note Not Found"})
        if note.author.login != account.login:
            return Reply(403, {"message": "403 Forbidden"})
        if call.method == "DELETE":
            self.notes.remove(note)
            return Reply(204)
        if refusal := self._refusal(call, account):
            return refusal
        note.body = call.body["body"]
        return Reply(200, self._shown(note))

    def _refusal(self, call: Call, account: Account) -> Reply | None:
        if account.kind == "Reader":
            scopes = {"error": "insufficient_scope", "error_description": "The request requires higher privileges"}
            return Reply(403, {**scopes, "scope": "api"})
        if len(call.body["body"]) > self.longest:
            return Reply(400, {"message": {"note": [f"is too long (maximum is {self.longest} characters)"]}})
        return None

    def _shown(self, note: Note) -> dict[str, object]:
        author = {"id": 1, "username": note.author.login}
        return {"id": note.id, "body": note.body, "author": author, "system": note.system, "noteable_iid": 7}

    def descending(self, call: Call) -> bool:
        return call.query("sort", "desc") == "desc"
