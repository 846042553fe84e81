"""A client of yaml-language-server, the program behind the YAML support of VS Code, Neovim, Emacs and others.

It speaks the Language Server Protocol over the server's standard input and output. The server runs offline: what it
would send anywhere is refused by offline.cjs and named on its stderr, which `close` hands back.
"""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Self

HERE: Final = Path(__file__).parent
PROGRAM: Final = HERE / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
MISSING: Final = (
    "node is not installed"
    if shutil.which("node") is None
    else ""
    if PROGRAM.exists()
    else "yaml-language-server is not installed: run `npm ci --prefix tests/editor`"
)
"""Why the server cannot be started here; empty where it can."""
PATIENCE: Final = 60.0
"""Seconds to wait for any one message; it takes some milliseconds on an idle machine."""

_SETTINGS: Final[Mapping[str, object]] = {
    "yaml": {
        "validate": True,
        "hover": True,
        "completion": True,
        "schemaStore": {"enable": False},
        "kubernetesCRDStore": {"enable": False},
    },
    "redhat": {"telemetry": {"enabled": False}},
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """A diagnostic: its line (from 1) and what it says."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What the editor offers: the word in its list, what it inserts (a snippet), and the text beside the list."""

    label: str
    inserted: str
    documentation: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file that is open in the editor."""

    server: "LanguageServer"
    uri: str

    def complaints(self) -> list[Complaint]:
        """What the server says about the file, once it has looked at it."""
        return [
            Complaint(found["range"]["start"]["line"] + 1, found["message"])
            for found in self.server.diagnostics(self.uri)
        ]

    def completions(self, line: int, column: int) -> list[Completion]:
        """What is offered at a place: `line` and `column` count from 0, as in the protocol."""
        found = self.server.request("textDocument/completion", self._place(line, column)) or {"items": []}
        return [_completion(item) for item in found["items"]]

    def hover(self, line: int, column: int) -> str:
        """The text that is shown at a place, empty where there is none."""
        found = self.server.request("textDocument/hover", self._place(line, column))
        return str(found["contents"]["value"]) if found else ""

    def _place(self, line: int, column: int) -> dict[str, object]:
        return {"textDocument": {"uri": self.uri}, "position": {"line": line, "character": column}}


class LanguageServer:
    """A running server. `workspace` is the folder that the editor has open."""

    def __init__(self, workspace: Path, program: Path = PROGRAM) -> None:
        command = ["node", "--require", str(HERE / "offline.cjs"), str(program), "--stdio"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=workspace
        )
        self._inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._answers: dict[int, dict[str, Any]] = {}
        self._diagnostics: dict[str, list[dict[str, Any]]] = {}
        self._errors: list[bytes] = []
        self._last_id = 0
        self._closed = False
        self._readers = [
            threading.Thread(target=self._read_messages, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        try:
            self._greet(workspace)
        except BaseException:
            self._process.kill()
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> str:
        """Stop the server, and say what it wrote to stderr. The second time it says the same."""
        if self._closed:
            return b"".join(self._errors).decode()
        self._closed = True
        with suppress(RuntimeError, OSError):  # it is gone already
            self.request("shutdown")
            self._send({"method": "exit"})
        self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(BrokenPipeError):  # what was left to write
                _there(stream).close()
        return b"".join(self._errors).decode()

    def open(self, path: Path, text: str | None = None) -> Document:
        """Open the file at `path`, with `text` in place of what it holds, where that is given."""
        uri = path.absolute().as_uri()
        content = path.read_text(encoding="utf-8") if text is None else text
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": content}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return Document(self, uri)

    def request(self, method: str, params: object = None) -> Any:  # noqa: ANN401 - the protocol's own variety
        """The result of a request. Raises RuntimeError for an error, TimeoutError where no answer comes."""
        self._last_id += 1
        number = self._last_id
        self._send({"id": number, "method": method, "params": params})
        self._wait_until(lambda: number in self._answers, method)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def diagnostics(self, uri: str) -> list[dict[str, Any]]:
        """The diagnostics of an open file, as soon as the server has published any, none included."""
        self._wait_until(lambda: uri in self._diagnostics, f"diagnostics of {uri}")
        return self._diagnostics[uri]

    def _greet(self, workspace: Path) -> None:
        folder = {"uri": workspace.absolute().as_uri(), "name": workspace.name}
        text = {"completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}}}
        self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": folder["uri"],
                "workspaceFolders": [folder],
                "capabilities": {"workspace": {"configuration": True, "workspaceFolders": True}, "textDocument": text},
            },
        )
        self._send({"method": "initialized", "params": {}})

    def _wait_until(self, arrived: Callable[[], bool], what: str) -> None:
        while not arrived():
            try:
                message = self._inbox.get(timeout=PATIENCE)
            except queue.Empty:
                raise TimeoutError(f"the language server did not send: {what}") from None
            if message is None:
                for reader in self._readers:  # so that its last words are there
                    reader.join(PATIENCE)
                raise RuntimeError(f"the language server ended before: {what}: {b''.join(self._errors).decode()}")
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self._answers[message["id"]] = message
        elif message["method"] == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message:
            self._send({"id": message["id"], "result": _result(message)})

    def _send(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream = _there(self._process.stdin)
        stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        stream.flush()

    def _read_messages(self) -> None:
        stream = _there(self._process.stdout)
        while length := _content_length(stream):
            self._inbox.put(json.loads(stream.read(length)))
        self._inbox.put(None)

    def _read_errors(self) -> None:
        self._errors.extend(_there(self._process.stderr))


def _result(request: dict[str, Any]) -> object:
    """What an editor answers to a request of the server's: its settings; nothing to anything else."""
    if request["method"] != "workspace/configuration":
        return None
    return [_SETTINGS.get(item.get("section", "")) for item in request["params"]["items"]]


def _content_length(stream: IO[bytes]) -> int:
    """The length of the message whose headers come next; 0 at the end of the stream."""
    length = 0
    for line in iter(stream.readline, b"\r\n"):
        if not line:
            return 0
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return length


def _completion(item: dict[str, Any]) -> Completion:
    documentation = item.get("documentation") or ""
    shown = documentation["value"] if isinstance(documentation, dict) else documentation
    inserted = item["textEdit"]["newText"] if "textEdit" in item else item.get("insertText", item["label"])
    return Completion(item["label"], inserted, shown)


def _there(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
