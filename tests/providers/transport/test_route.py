"""Proxies and trusted certificates of the environment: who gets one, and what is said of one that cannot be used."""

import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from reconciler.exceptions import ProviderError
from reconciler.providers.transport.route import proxy_of, trusted
from reconciler.tasks.observation import Meaning

HERE = "http://proxy.example.com:3128"
CLOUD = "https://mpc.cn-north-4.myhuaweicloud.com/v1"


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({}, None),
        ({"HTTPS_PROXY": HERE}, "HTTPS_PROXY"),
        ({"https_proxy": HERE, "HTTPS_PROXY": "http://other.example.com"}, "https_proxy"),
        ({"ALL_PROXY": HERE}, "ALL_PROXY"),
        ({"all_proxy": HERE, "https_proxy": ""}, "all_proxy"),
        ({"https_proxy": "", "HTTPS_PROXY": HERE}, None),
        ({"HTTP_PROXY": HERE}, None),
        ({"HTTPS_PROXY": f" {HERE}/\n"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "proxy.example.com:3128"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": HERE, "NO_PROXY": "*", "no_proxy": ""}, "HTTPS_PROXY"),
    ],
)
def test_the_variable_that_counts(environment: Mapping[str, str], variable: str | None) -> None:
    proxy = proxy_of(httpx.URL(CLOUD), environment)
    assert (proxy.variable if proxy else None) == variable
    if proxy:
        assert httpx.URL(proxy.url).host == "proxy.example.com"
        assert httpx.URL(proxy.url).port == 3128


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"])
def test_this_machine_is_never_reached_through_a_proxy(host: str) -> None:
    assert proxy_of(httpx.URL(f"https://{host}:9/"), {"HTTPS_PROXY": HERE}) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("*", "mpc.example.com", True),
        ("other.example, *", "mpc.example.com", True),
        ("mpc.example.com,*", "10.1.2.3", True),
        ("example.com", "mpc.example.com", True),
        ("example.com", "example.com", True),
        ("example.com", "badexample.com", False),
        ("EXAMPLE.com.", "mpc.Example.COM", True),
        (".example.com", "mpc.example.com", True),
        (".example.com", "example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("mpc.*.example.com", "mpc.cn-north-4.example.com", True),
        ("one.example two.example\tthree.example", "two.example", True),
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("10.0.0.0/8", "10.example.com", False),
        ("10.0.0.0/33", "10.0.0.1", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.30", False),
        ("10.1.*", "10.1.2.3", True),
        ("[fd00::1]", "[fd00::1]", True),
        ("fd00:0:0::1", "[fd00::1]", True),
        ("fd00::/8", "[fd12::1]", True),
        ("[fd00::]/8", "[fd12::1]", True),
        ("fd00::/8", "[fe80::1]", False),
        ("10.0.0.0/8", "[::ffff:10.1.2.3]", True),
        ("mpc.example.com:443", "mpc.example.com", True),
        ("mpc.example.com:8443", "mpc.example.com", False),
        ("mpc.example.com:8443", "mpc.example.com:8443", True),
        ("[fd00::1]:8443", "[fd00::1]:8443", True),
        ("[fd00::1]:8443", "[fd00::1]", False),
        ("10.0.0.0/8:443", "10.1.2.3", True),
        (" , ,. ,/,:,[],", "mpc.example.com", False),
        ("", "mpc.example.com", False),
    ],
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_no_proxy(no_proxy: str, host: str, direct: bool, variable: str) -> None:
    proxy = proxy_of(httpx.URL(f"https://{host}/"), {"HTTPS_PROXY": HERE, variable: no_proxy})
    assert (proxy is None) is direct


@pytest.mark.parametrize(
    ("name", "password", "header"),
    [("user", "pass", "Basic dXNlcjpwYXNz"), ("user", "p%40ss%2Fw%25", "Basic dXNlcjpwQHNzL3cl")],
)
def test_credentials_of_a_proxy_go_to_it_and_are_never_shown(name: str, password: str, header: str) -> None:
    proxy = proxy_of(httpx.URL(CLOUD), {"HTTPS_PROXY": f"http://{name}:{password}@proxy.example.com:3128"})
    assert proxy is not None
    assert proxy.headers == {"Proxy-Authorization": header}
    assert proxy.url == HERE
    assert password not in repr(proxy)
    assert header not in repr(proxy)


@pytest.mark.parametrize(
    "text",
    [
        "socks5://user:hunter2@proxy.example.com:1080",
        "socks4a://proxy.example.com",
        "SOCKS5h://proxy.example.com",
        "ftp://proxy.example.com",
        "http://",
        "http://:3128",
        "http://user:hunter2@",
        "http://proxy.example.com:port",
        "http://proxy.example.com:99999999",
        "http://[fd00::1",
        "http://user:hunter2/x@proxy.example.com:3128",
        "http://user:12/hunter2@proxy.example.com:3128",
        "http://user:12#hunter2@proxy.example.com:3128",
        "http://user:hunter2@proxy example.com",
        "user:hunter2@:3128",
        "http://proxy.example.com\x00:3128",
        "//proxy.example.com:3128",
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_a_proxy_that_cannot_be_used_is_refused_by_the_name_of_its_variable(text: str, variable: str) -> None:
    with pytest.raises(ProviderError) as caught:
        proxy_of(httpx.URL(CLOUD), {variable: text})
    assert caught.value.fault.meaning is Meaning.PERMANENT
    assert f"the environment variable {variable} " in caught.value.message
    assert "hunter2" not in caught.value.message
    assert "proxy.example" not in caught.value.message.replace("http://proxy.example.com:3128", "")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_cannot_be_used_are_refused_by_the_name_of_their_variable(
    variable: str, tmp_path: Path
) -> None:
    text, key = tmp_path / "host.name", tmp_path / "half.pem"
    text.write_text("no certificate")
    key.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    wrong = [tmp_path / "missing", text, key] + ([tmp_path] if variable == "SSL_CERT_FILE" else [])
    for path in wrong:
        with pytest.raises(ProviderError, match=f"^the environment variable {variable} names") as caught:
            trusted({variable: str(path)})
        assert str(path) not in caught.value.message


def test_an_empty_variable_names_no_certificates(tmp_path: Path) -> None:
    assert trusted({"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}) is trusted({})
    assert trusted({"SSL_CERT_DIR": f"{tmp_path / 'missing'}:{tmp_path}"}).verify_mode is ssl.CERT_REQUIRED


def test_a_log_of_keys_that_cannot_be_written_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "missing" / "keys.log"))
    with pytest.raises(ProviderError, match="SSLKEYLOGFILE names"):
        trusted({"SSL_CERT_DIR": str(tmp_path)})
