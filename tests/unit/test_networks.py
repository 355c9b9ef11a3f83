"""Whom a network address stands for."""

import pytest

from taskflow_hub.domain.networks import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_of_ipv6_it_is_the_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    "text", ["", "unknown", "203.0.113", "203.0.113.7:80", "[::1]", "1" * 5_000, "a\0b", "::1/64"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert network_of(text) is None
