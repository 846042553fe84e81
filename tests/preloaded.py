"""`reconciler`, started from a process that has it imported already.

What a test starts by `program()` is a process of its own, with its own streams, directory, environment, signals and
exit code; only the second that Python takes to import everything is saved. The real program is for tests of how it
starts and ends: of imports, of closed streams, of signals and of kills.

Three processes: the stand-in that the test starts hands its words and its streams to the server, passes on signals and
ends as it is told; the server forks a process that is the program, and one that waits for it.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_STAND_IN = f"""
import json, os, signal, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    socket.send_fds(server, [b"!"], [0, 1, 2])
    server.sendall(json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    for number in {[int(number) for number in _PASSED_ON]}:
        signal.signal(number, lambda number, _: server.send(bytes([number])))
    code = os.waitstatus_to_exitcode(int.from_bytes(server.recv(2), "big"))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@cache
def program() -> Path:
    """The path of the stand-in. The server, and what lies around it, ends with the process that asked first."""
    place = Path(tempfile.mkdtemp(prefix="reconciler-", dir="/tmp"))  # the path of a socket may not be long
    (place / "stand_in.py").write_text(_STAND_IN, encoding="utf-8")
    line = shlex.join([sys.executable, "-IS", str(place / "stand_in.py"), str(place / "socket")])
    (place / "reconciler").write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
    (place / "reconciler").chmod(0o755)
    ours, theirs = socket.socketpair()  # nothing is sent but one word: the server ends when our end is closed
    words = [sys.executable, "-P", __file__, str(place), str(theirs.fileno())]
    server = subprocess.Popen(words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True)
    theirs.close()
    assert ours.recv(5) == b"ready"

    @atexit.register
    def end() -> None:
        ours.close()
        server.wait()

    return place / "reconciler"


def _serve(place: Path, parent: socket.socket) -> None:
    """Fork for each stand-in. Returns in the processes that are to be the program, and in those alone."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "socket"))
        listener.listen(64)
        parent.send(b"ready")
        while listener in select.select([listener, parent], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                break
            connection.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass
        else:
            shutil.rmtree(place)
            sys.exit()
    parent.close()
    for number in _PASSED_ON:
        signal.signal(number, signal.SIG_DFL)
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile(encoding="utf-8") as text:
        words, directory, environment = json.loads(text.readline())
    child = os.fork()
    if child:
        for descriptor in (0, 1, 2, *descriptors):
            os.close(descriptor)
        _wait(child, connection)
    connection.close()
    _become(words, directory, environment, descriptors)


def _wait(child: int, connection: socket.socket) -> None:
    """Pass signals on, and say how the program ended. It is killed where its stand-in was."""
    ended = os.pidfd_open(child)
    while ended not in select.select([ended, connection.fileno()], [], [])[0]:
        for number in connection.recv(16) or [signal.SIGKILL]:
            os.kill(child, number)
    with contextlib.suppress(OSError):
        connection.send(os.waitpid(child, 0)[1].to_bytes(2, "big"))
    os._exit(0)


def _become(words: list[str], directory: str, environment: dict[str, str], descriptors: list[int]) -> None:
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["reconciler", *words]
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115 - it stays open
    for name in ("stdout", "stderr"):
        stream = open(1 + (name == "stderr"), "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - likewise
        stream.reconfigure(line_buffering=stream.isatty())
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    import click
    import jsonschema  # noqa: F401 - imported where it is needed

    from reconciler.cli.main import main
    from reconciler.cli.program import program as commands
    from reconciler.providers import client  # noqa: F401 - likewise
    from reconciler.providers.aliyun import client as aliyun  # noqa: F401 - likewise
    from reconciler.providers.huaweicloud import client as huaweicloud  # noqa: F401 - likewise
    from reconciler.providers.registry import catalogue
    from reconciler.reports import html  # noqa: F401 - likewise
    from reconciler.review import request  # noqa: F401 - likewise

    for _name in commands.list_commands(click.Context(commands)):
        commands.get_command(click.Context(commands), _name)
    catalogue()
    gc.freeze()
    _serve(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])))
    main()
