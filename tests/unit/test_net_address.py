"""Which addresses are public, and what the setting opens."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.net.address import canonical, inner, kind
from taskflow_hub.net.allow import AllowPrivate

NOTHING = AllowPrivate()
PRIVATE = AllowPrivate.parse("true")

OPENED_BY_TRUE = ["127.0.0.1", "127.255.255.254", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255"]
OPENED_BY_TRUE += [
    "192.168.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
]
OPENED_BY_LIST_ONLY = [
    *["0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1"],
    *["198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255"],
    *["240.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16"],
    *["::", "::2", "::127.0.0.1", "64:ff9b::1.1.1.1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1"],
    *[
        "2001:2::1",
        "2001:20::1",
        "2002:0101:0101::",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fe80::1",
        "fe80::1%eth0",
    ],
    *["fd00:ec2::254", "fec0::1", "ff02::1", "ffff::1", "::ffff:169.254.169.254"],
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert NOTHING.refusal(ip_address(address)) is None


@pytest.mark.parametrize("address", OPENED_BY_TRUE)
def test_private_addresses_are_opened_by_true(address: str) -> None:
    assert not NOTHING.permits(ip_address(address))
    assert PRIVATE.permits(ip_address(address))


@pytest.mark.parametrize("address", OPENED_BY_LIST_ONLY)
def test_other_special_addresses_are_opened_by_a_list_only(address: str) -> None:
    subnet = str(canonical(ip_address(address))).partition("%")[0]
    assert not NOTHING.permits(ip_address(address))
    assert not PRIVATE.permits(ip_address(address))
    everything = AllowPrivate.parse([subnet, "0.0.0.0/0"])  # 0.0.0.0/0 for the addresses that hide inside
    assert everything.permits(ip_address(address))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_thinks_private(address: IPv4Address | IPv6Address) -> None:
    if NOTHING.permits(address):
        assert canonical(address).is_global


SPECIAL_V4 = st.sampled_from(
    [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
    ]
).flatmap(lambda network: st.ip_addresses(network=network))


@given(SPECIAL_V4)
def test_no_ipv6_spelling_smuggles_a_special_ipv4_address(address: IPv4Address) -> None:
    bits = int(address)
    everything_v6 = AllowPrivate.parse("::/0")
    for disguise in (
        IPv6Address(0xFFFF << 32 | bits),  # IPv4-mapped
        IPv6Address(0x64FF9B << 96 | bits),  # NAT64
        IPv6Address(0x2002 << 112 | bits << 80),  # 6to4
        IPv6Address(0x20010000 << 96 | bits << 64),  # Teredo server
        IPv6Address(0x20010000 << 96 | (bits ^ 0xFFFFFFFF)),  # Teredo client
    ):
        assert not NOTHING.permits(disguise)
        assert not everything_v6.permits(disguise), "opening IPv6 must not open what hides in it"
    if bits > 1:
        assert not everything_v6.permits(IPv6Address(bits))  # IPv4-compatible


@given(st.ip_addresses(v=4))
def test_a_list_opens_its_subnets_and_nothing_else(address: IPv4Address) -> None:
    listed = AllowPrivate.parse("10.0.0.0/8,169.254.0.0/16")
    inside = address in IPv4Network("10.0.0.0/8") or address in IPv4Network("169.254.0.0/16")
    assert listed.permits(address) == (inside or NOTHING.permits(address))


def test_kinds_are_told_apart() -> None:
    assert kind(IPv4Address("127.0.0.1")) == "a loopback address"
    assert kind(IPv4Address("100.100.100.200")) == "a cloud provider's metadata address"
    assert kind(IPv6Address("fe80::1")) == "a link-local address"
    assert kind(IPv4Address("1.1.1.1")) is None
    assert list(inner(IPv6Address("::1"))) == []


def test_a_refusal_names_the_address_its_kind_and_the_setting_that_opens_it() -> None:
    assert NOTHING.refusal(ip_address("::ffff:127.0.0.1")) == (
        "127.0.0.1 is a loopback address; "
        "TASKFLOW_NET_ALLOW_PRIVATE allows it when true, or when it lists 127.0.0.0/8"
    )
    assert PRIVATE.refusal(ip_address("169.254.169.254")) == (
        "169.254.169.254 is a link-local address; "
        "TASKFLOW_NET_ALLOW_PRIVATE allows it only when it lists 169.254.0.0/16"
    )
    assert AllowPrivate.parse("64:ff9b::/96").refusal(ip_address("64:ff9b::10.0.0.1")) == (
        "64:ff9b::a00:1 leads to 10.0.0.1, which is a private address; "
        "TASKFLOW_NET_ALLOW_PRIVATE allows it when true, or when it lists 10.0.0.0/8"
    )
    assert (NOTHING.refusal(ip_address("::7")) or "").endswith("only when it lists ::7/128")


@pytest.mark.parametrize(
    ("given", "private", "subnets"),
    [
        (False, False, []),
        (True, True, []),
        ("false", False, []),
        ("", False, []),
        (" TRUE ", True, []),
        ("1", True, []),
        ("off", False, []),
        ("127.0.0.0/8, ::1/128,", False, ["127.0.0.0/8", "::1/128"]),
        ("10.1.2.3", False, ["10.1.2.3/32"]),
        (["10.0.0.0/8"], False, ["10.0.0.0/8"]),
        (AllowPrivate(private=True), True, []),
    ],
)
def test_the_setting_is_read_from_what_people_write(given: object, private: bool, subnets: list[str]) -> None:
    allow = AllowPrivate.parse(given)
    assert (allow.private, [str(subnet) for subnet in allow.subnets]) == (private, subnets)
    assert AllowPrivate.parse(str(allow)) == allow


@pytest.mark.parametrize("given", ["maybe", "10.0.0.1/8", "true,10.0.0.0/8", ["x"], 7, None])
def test_what_cannot_be_read_is_refused(given: object) -> None:
    with pytest.raises(ValueError):
        AllowPrivate.parse(given)
