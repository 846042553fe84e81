"""The wire sends what it is given, once, and tells "never sent" from "maybe sent"."""

import asyncio
import gc
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from reconciler.provider.loopback import GONE_SILENT, Received, Reply, serving
from reconciler.providers.transport.wire import NEVER_SENT, UnreadableAnswer, Wire


def exchange(
    answer: list[Reply] | Callable[[Received], Reply],
    *requests: tuple[str, str],
    body_limit: int = 1 << 20,
    silence: float = 60,
) -> tuple[list[Received], list[httpx.Response | Exception]]:
    """Send requests one after the other over one client; what arrived, and what came back."""

    async def run() -> tuple[list[Received], list[httpx.Response | Exception]]:
        outcomes: list[httpx.Response | Exception] = []
        timeout = aiohttp.ClientTimeout(sock_connect=60, sock_read=silence)
        async with (
            serving(answer) as server,
            httpx.AsyncClient(transport=Wire(body_limit=body_limit, timeout=timeout), trust_env=False) as client,
        ):
            for method, target in requests:
                try:
                    outcomes.append(await client.request(method, f"{server.url}{target}"))
                except httpx.HTTPError as error:
                    outcomes.append(error)
        return server.requests, outcomes

    return asyncio.run(run())


@pytest.mark.parametrize(
    "target",
    [
        "/v1/p/transcodings?a=%2F%2C%7E%2A",
        "/v1/p%2Fq/x?u=http%253A%252F%252Fh%252Fa%2520b%2Chttp%253A",
        "/?a=%20%2B%25&b=1+2&a=~-._",
        "/?=&k=&k=%E4%B8%AD",
        "/a%20b/",
    ],
)
def test_the_target_arrives_byte_for_byte(target: str) -> None:
    received, _ = exchange([Reply()], ("GET", target))
    assert received[0].target == target


def test_a_dropped_keep_alive_connection_repeats_nothing() -> None:
    """aiohttp on its own sends a GET or DELETE again; the server would see three requests."""
    for method in ("GET", "DELETE", "POST", "PUT"):
        received, outcomes = exchange([Reply(), GONE_SILENT, Reply()], (method, "/first"), (method, "/second"))
        assert [request.target for request in received] == ["/first", "/second"], method
        assert received[0].connection == received[1].connection, "the connection was not kept alive"
        assert isinstance(outcomes[1], httpx.RemoteProtocolError)


def test_a_reset_keep_alive_connection_repeats_nothing() -> None:
    async def run() -> tuple[int, Exception | None]:
        seen = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal seen
            while await reader.readline():
                while (await reader.readline()) not in {b"\r\n", b""}:
                    pass
                seen += 1
                if seen > 1:
                    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.close()
                    return
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        caught: Exception | None = None
        async with listener, httpx.AsyncClient(transport=Wire()) as client:
            await client.delete(url)
            try:
                await client.delete(url)
            except httpx.TransportError as error:
                caught = error
        return seen, caught

    seen, caught = asyncio.run(run())
    assert seen == 2
    assert isinstance(caught, httpx.ReadError | httpx.RemoteProtocolError)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    received, outcomes = exchange([Reply(status, headers={"Location": "/elsewhere"})], ("DELETE", "/here"))
    assert len(received) == 1
    assert isinstance(outcomes[0], httpx.Response)
    assert outcomes[0].status_code == status


def test_cookies_are_not_kept() -> None:
    received, outcomes = exchange([Reply(headers={"Set-Cookie": "a=b; Path=/"}), Reply()], ("GET", "/"), ("GET", "/"))
    assert received[1].header("cookie") is None
    assert isinstance(outcomes[0], httpx.Response)
    assert "set-cookie" not in outcomes[0].headers


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (GONE_SILENT, httpx.RemoteProtocolError),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", hang_up=True), httpx.RemoteProtocolError),
        (Reply(raw=b"220 smtp.example.com ESMTP\r\n", hang_up=True), httpx.RemoteProtocolError),
        (Reply(silent=True), httpx.ReadTimeout),
    ],
    ids=["closed", "torn body", "no HTTP", "silence"],
)
def test_what_may_have_been_sent_is_told_from_what_was_not(reply: Reply, expected: type[Exception]) -> None:
    received, outcomes = exchange([reply], ("DELETE", "/task"), silence=0.5 if reply.silent else 60)
    assert len(received) == 1
    assert isinstance(outcomes[0], expected)
    assert not isinstance(outcomes[0], NEVER_SENT)


async def test_no_connection_means_never_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    wire = Wire()
    async with httpx.AsyncClient(transport=wire) as client:
        with pytest.raises(NEVER_SENT):
            await client.delete(f"http://127.0.0.1:{port}/")
        with pytest.raises(NEVER_SENT):
            await client.delete("http://no-such-host.invalid/")
    assert wire.sent == 2


def test_a_body_beyond_the_bound_is_not_read() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n"
    for reply in (Reply(200, b"x" * 1000), Reply(raw=chunked)):
        _, outcomes = exchange([reply], ("GET", "/"), body_limit=999)
        assert isinstance(outcomes[0], UnreadableAnswer)
        _, outcomes = exchange([reply], ("GET", "/"), body_limit=1000)
        assert isinstance(outcomes[0], httpx.Response)
        assert len(outcomes[0].content) == 1000


JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = JSON + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    {
        "half a head": JSON[:-5],
        "a long field": JSON + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n{}",
        "many fields": JSON + b"".join(b"X-%d: a\r\n" % number for number in range(20_000)) + b"\r\n{}",
        "a long reason": b"HTTP/1.1 200 " + b"a" * 1_000_000 + b"\r\n\r\n",
        "a zero byte in a field": JSON + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
        "no number for a status": b"HTTP/1.1 99999 X\r\nContent-Length: 2\r\n\r\n{}",
        "a length that is too long": JSON + b"Content-Length: 1000\r\n\r\n{}",
        "a length that is too short": JSON + b"Content-Length: 1\r\n\r\n{}",
        "two lengths": JSON + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "a negative length": JSON + b"Content-Length: -2\r\n\r\n{}",
        "a length of thirty digits": JSON + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n{}",
        "a length and chunks": CHUNKED[:-2] + b"Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "a chunk without a size": CHUNKED + b"zz\r\n{}\r\n",
        "a chunk of 2**80": CHUNKED + b"f" * 20 + b"\r\n{}\r\n",
        "a long extension": CHUNKED + b"5;" + b"a" * 1_000_000,
        "a body of blanks": JSON + b"\r\n" + b" " * 3_000_000,
        "HTTP/0.9": b"{}",
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "a body of 204": b"HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\nhello",
    }.items(),
    ids=lambda case: case[0],
)
def test_what_is_no_answer_is_an_error_and_nobody_else_says_a_word(
    raw: tuple[str, bytes], caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    _, (outcome,) = exchange([Reply(raw=raw[1], hang_up=True)], ("GET", "/"))
    gc.collect()  # a connection or a task that was forgotten says so when it is thrown away
    assert isinstance(outcome, httpx.RequestError)
    assert len(str(outcome)) < 100
    assert [record.name for record in caplog.records] == []
    assert [str(warning.message) for warning in recwarn] == []


def test_compressed_answers_are_refused() -> None:
    _, outcomes = exchange([Reply(200, b"\x1f\x8b", {"Content-Encoding": "gzip"})], ("GET", "/"))
    assert isinstance(outcomes[0], UnreadableAnswer)


def test_netrc_does_not_replace_the_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    received, _ = exchange([Reply()], ("GET", "/"))
    assert received[0].header("authorization") is None


async def test_the_proxy_of_the_environment_is_used_except_for_loopback() -> None:
    async with serving([Reply(407), Reply()]) as proxy:
        environment = {"HTTPS_PROXY": proxy.url.replace("http://", "http://user:pass@"), "HTTP_PROXY": proxy.url}
        async with httpx.AsyncClient(transport=Wire(environment)) as client:
            with pytest.raises(httpx.ProxyError, match="the proxy of HTTPS_PROXY answered HTTP 407"):
                await client.delete("https://mpc.example.com/v1?a=%2F", headers={"Authorization": "signature"})
            await client.get(f"{proxy.url}/direct")
        tunnel, direct = proxy.requests
    assert (tunnel.method, tunnel.target) == ("CONNECT", "mpc.example.com:443")
    assert tunnel.header("proxy-authorization") == "Basic dXNlcjpwYXNz"
    assert tunnel.header("authorization") is None
    assert (direct.method, direct.target) == ("GET", "/direct")


@pytest.mark.parametrize(
    "reply",
    [
        GONE_SILENT,
        Reply(raw=b"\x05\xff"),
        Reply(raw=b"HTTP/1.1 200 Connection established\r\n", hang_up=True),
        Reply(302, headers={"Location": "https://login.example.com/"}),
        Reply(raw=b"HTTP/1.1 200 OK\r\n\r\nno handshake", hang_up=True),
        Reply(silent=True),
    ],
    ids=["closed", "SOCKS", "half an answer", "redirect", "no TLS", "silence"],
)
async def test_what_goes_wrong_at_a_proxy_was_never_sent(reply: Reply) -> None:
    timeout = aiohttp.ClientTimeout(connect=0.5 if reply.silent else 60)
    async with (
        serving([reply]) as proxy,
        httpx.AsyncClient(transport=Wire({"ALL_PROXY": proxy.url}, timeout=timeout)) as client,
    ):
        with pytest.raises(NEVER_SENT):
            await client.delete("https://mpc.example.com/v1")
        assert [request.method for request in proxy.requests] == ["CONNECT"]


@pytest.mark.parametrize("at", ["127.0.0.1:9", "http://proxy.example.invalid:3128", "https://{plain}"])
async def test_a_proxy_that_is_not_there_is_named_by_its_variable(at: str) -> None:
    async def speaks_no_tls(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(speaks_no_tls, "127.0.0.1", 0)
    where = f"127.0.0.1:{plain.sockets[0].getsockname()[1]}"
    async with plain, httpx.AsyncClient(transport=Wire({"https_proxy": at.format(plain=where)})) as client:
        with pytest.raises(httpx.ProxyError, match="no connection to the proxy of https_proxy: "):
            await client.delete("https://mpc.example.com/v1")


@pytest.mark.parametrize("host", ["a..example.com", f"{'a' * 64}.example.com", "-.example.invalid"])
async def test_a_name_that_cannot_be_looked_up_was_never_sent(host: str) -> None:
    async with httpx.AsyncClient(transport=Wire({})) as client:
        with pytest.raises(NEVER_SENT):
            await client.delete(f"https://{host}/")


async def test_a_tunnel_leads_to_the_server_whose_certificate_the_environment_trusts(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    heads: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.start_tls(context)
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    wire = Wire({"HTTPS_PROXY": f"http://127.0.0.1:{port}", "SSL_CERT_FILE": str(certificate)})
    async with proxy, httpx.AsyncClient(transport=wire) as client:
        answer = await client.delete("https://cloud.example.com/task")
        assert answer.status_code == 204
        with pytest.raises(httpx.ConnectError, match=r"the certificate: .*trusted is what SSL_CERT_FILE names"):
            await client.delete("https://other.example.com/task")
    connect, request, *_ = heads
    assert connect.startswith(b"CONNECT cloud.example.com:443 HTTP/1.1\r\n")
    assert request.startswith(b"DELETE /task HTTP/1.1\r\n")


async def test_an_untrusted_certificate_ends_the_connection(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.read(100))
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = listener.sockets[0].getsockname()[1]
    async with listener, httpx.AsyncClient(transport=Wire()) as client:
        with pytest.raises(httpx.ConnectError):
            await client.delete(f"https://127.0.0.1:{port}/")
        behind = httpx.AsyncClient(transport=Wire({"HTTPS_PROXY": f"https://127.0.0.1:{port}"}))
        with pytest.raises(httpx.ProxyError, match="to the proxy of HTTPS_PROXY: the certificate: "):
            await behind.delete("https://cloud.example.com/task")
        await behind.aclose()
    assert not any(requests)


def self_signed(folder: Path) -> Path:
    """A certificate of cloud.example.com and its key, that no root vouches for."""
    x509 = pytest.importorskip("cryptography.x509")
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - only where cryptography is there

    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("cloud.example.com")]), critical=False)
    builder = builder.not_valid_before(datetime.now(UTC) - timedelta(days=1))
    certificate = builder.not_valid_after(datetime.now(UTC) + timedelta(days=1)).sign(key, hashes.SHA256())
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(pem)
    return path


class Turning(asyncio.SelectorEventLoop):
    """An event loop that knows in which of its turns connections were begun."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0
        self.connects: Counter[int] = Counter()

    def _run_once(self) -> None:
        self.turn += 1
        super()._run_once()  # type: ignore[misc] # not in the stubs

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:  # noqa: ANN401 - as asyncio has it
        self.connects[self.turn] += 1
        await super().sock_connect(sock, address)


def test_requests_of_many_targets_begin_in_turns() -> None:
    """With all of them in one turn of the loop, those of thousands are late before anything is looked at."""

    async def run() -> list[httpx.Response]:
        async with serving(lambda _: Reply()) as server:
            wires = [Wire() for _ in range(300)]
            sent = await asyncio.gather(
                *(wire.handle_async_request(httpx.Request("GET", server.url)) for wire in wires)
            )
            await asyncio.gather(*(wire.aclose() for wire in wires))
            return sent

    with asyncio.Runner(loop_factory=Turning) as runner:
        answers = runner.run(run())
        loop = runner.get_loop()
    assert [answer.status_code for answer in answers] == [200] * 300
    assert isinstance(loop, Turning)
    assert loop.connects.total() == 300
    assert max(loop.connects.values()) <= 64
