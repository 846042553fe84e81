"""Hosts: what one may be, which are permitted, and that nothing leads a vendor's own host elsewhere."""

import pytest

from reconciler.config.model import Target
from reconciler.exceptions import ProviderError, UsageError
from reconciler.providers.registry import providers
from reconciler.providers.transport.endpoint import (
    ENDPOINT_HOSTS,
    base_url,
    credentials_url,
    is_loopback,
    is_permitted,
    service_url,
    vendor_url,
)
from reconciler.providers.transport.surroundings import Surroundings

KEYS = {
    "HUAWEICLOUD_SDK_AK": "ak",
    "HUAWEICLOUD_SDK_SK": "sk",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "ak",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "sk",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://mpc.example.com", "https://mpc.example.com"),
        ("https://mpc.example.com/gateway/", "https://mpc.example.com/gateway"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("HTTPS://MPC.Example.com", "https://mpc.example.com"),
        ("https://my_service.x1", "https://my_service.x1"),
        ("https://xn--mnchen-3ya.example.com", "https://xn--mnchen-3ya.example.com"),
    ],
)
def test_endpoints(text: str, expected: str) -> None:
    assert base_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://mpc.example.com",
        "http://127.0.0.1.example.com",
        "ftp://localhost",
        "mpc.example.com",
        "",
        "https://",
        "https://user:hunter2@mpc.example.com",
        "https://mpc.example.com?x=hunter2",
        "https://[",
        "https://mpc.example.com:0",
        "https://mpc.example.com:65536",
        "https://mpc.example.com.",
        "https://mpc..example.com",
        "https://-a.example.com",
        "https://a@b@mpc.example.com",
        "https://mpc.example.com\\@evil.example.com",
        "https://mpc%2eexample.com",
        "https://m\u00fcnchen.example.com",
        "https://mpc\uff0eexample.com",
        "https://mpc.example.com\n.evil.example.com",
        "https://${HOST}",
        "https://127.1",
        "https://2130706433",
        "https://0x7f.0.0.1",
        "https://0177.0.0.1",
        "https://1.2.3.4.5",
        "https://[::1%25eth0]",
        "https://" + "a" * 64,
        "https://" + "a." * 130 + "com",
        "http://evil.localhost",
    ],
)
def test_endpoints_that_must_not_be_used(text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        base_url(text)
    assert "hunter2" not in caught.value.message


def test_loopback() -> None:
    assert is_loopback("127.8.9.1")
    assert not is_loopback("128.0.0.1")


@pytest.mark.parametrize(
    ("listed", "url", "permitted"),
    [
        ("none", "https://mpc.cn-north-4.myhuaweicloud.com", False),
        ("none", "https://none", False),
        ("NONE", "https://none/", False),
        ("mpc.*.myhuaweicloud.com", "https://MPC.cn-north-4.myhuaweicloud.com:443/x", True),
        ("MPC.*.myhuaweicloud.com", "https://mpc.cn-north-4.myhuaweicloud.com", True),
        ("mpc.*.myhuaweicloud.com", "https://mpc.evil.obs.cn-north-4.myhuaweicloud.com", False),
        ("mpc.*.myhuaweicloud.com", "https://mpc.x.myhuaweicloud.com.evil.example.com", False),
        ("a.example.com, 127.0.0.1", "http://127.0.0.1:8080", True),
        ("a.example.com", "https://axexample.com", False),
        ("::1", "http://[::1]:80", True),
        ("[::1]", "http://[0:0:0:0:0:0:0:1]", True),
        ("*", "https://localhost", True),
        ("*", "https://a.b", False),
        ("*", "https://[::1]", False),
        ("127.0.0.*", "https://127.0.0.1", True),
    ],
)
def test_permitted_hosts(listed: str, url: str, permitted: bool) -> None:
    environment = {ENDPOINT_HOSTS: listed}
    assert is_permitted(url, environment) is permitted
    if permitted:
        assert service_url(url, environment) == base_url(url)
    else:
        with pytest.raises(ProviderError, match=f"its host is not among {ENDPOINT_HOSTS}"):
            service_url(url, environment)


@pytest.mark.parametrize(
    "listed",
    ["", " , ", "https://a.example.com", "a*.example.com", "*;x", "a.example.com:8443", "a.example.com.", "none,a.b"],
)
def test_a_list_that_is_none_permits_nothing(listed: str) -> None:
    with pytest.raises(UsageError, match=ENDPOINT_HOSTS):
        is_permitted("https://a.example.com", {ENDPOINT_HOSTS: listed})


def test_the_vendors_own_hosts_are_always_permitted() -> None:
    for name, region in (("huaweicloud", "cn-north-4"), ("aliyun", "cn-shanghai")):
        target = Target(name="t", provider=name, region=region)
        around = Surroundings(environment={**KEYS, ENDPOINT_HOSTS: "none"})
        assert providers()[name].client(target, concurrency=1, surroundings=around).requests == 0  # type: ignore[call-arg] # for tests


HOSTILE_REGIONS = [
    "evil.test:8443/${x}",
    "evil.test/",
    "evil.test#",
    "evil.test?",
    "evil.test",
    "a@evil.test",
    "x\\evil",
    "a b",
    "a\nb",
    "",
    "-",
    "${REGION}",
    "CN-NORTH-4",
    "\uff41",
    "a" * 64,
]


@pytest.mark.parametrize("region", HOSTILE_REGIONS)
def test_a_region_leads_nowhere_else(region: str) -> None:
    with pytest.raises(ProviderError):
        vendor_url("mpc", region, domain="vendor.example")
    for name in ("huaweicloud", "aliyun"):
        target = Target(name="t", provider=name, region=region)
        with pytest.raises(ProviderError, match="the region is not the id of a region"):
            providers()[name].client(target, concurrency=1, surroundings=Surroundings(environment=KEYS))  # type: ignore[call-arg] # for tests


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("huaweicloud", {"HUAWEICLOUD_SDK_IAM_ENDPOINT": "https://evil.example"}),
        ("huaweicloud", {"HUAWEICLOUD_SDK_REGION_MPC_CN_X": "https://evil.example,https://mpc.example"}),
    ],
)
def test_hosts_that_variables_name_are_listed_too(name: str, variables: dict[str, str]) -> None:
    target = Target(name="t", provider=name, region="cn-x")
    around = Surroundings(environment={**KEYS, **variables, ENDPOINT_HOSTS: "mpc.example"})
    with pytest.raises(ProviderError, match=f"^{next(iter(variables))} cannot be used: its host is not among"):
        providers()[name].client(target, concurrency=1, surroundings=around)  # type: ignore[call-arg] # for tests


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("http://127.0.0.1:1/x?y=1", True),
        ("http://169.254.170.23/v1", True),
        ("https://keys.example", True),
        ("https://evil.example", False),
        ("http://keys.example", False),
        ("https://u@keys.example", False),
        ("ftp://127.0.0.1", False),
    ],
)
def test_services_that_hand_out_keys(text: str, usable: bool) -> None:
    environment = {ENDPOINT_HOSTS: "keys.example"}
    if usable:
        assert str(credentials_url(text, environment, "X")) == text
        return
    with pytest.raises(ProviderError, match=r"^X cannot be used"):
        credentials_url(text, environment, "X")
