"""What kind of address this is. Pure; the tables are the IANA special-purpose registries, and a few clouds' own."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK: Final = "a loopback address"
PRIVATE: Final = "a private address"
SHARED: Final = "a shared (carrier-grade NAT) address"
LINK_LOCAL: Final = "a link-local address"
METADATA: Final = "a cloud provider's metadata address"
RESERVED: Final = "a reserved address"

# The first network that holds an address names its kind, so narrower ones stand before wider ones.
_SPECIAL_V4: Final = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an address of 'this network'"),  # Linux connects 0.0.0.0 to itself
        ("10.0.0.0/8", PRIVATE),
        ("100.100.100.200/32", METADATA),  # Alibaba
        ("100.64.0.0/10", SHARED),
        ("127.0.0.0/8", LOOPBACK),
        ("168.63.129.16/32", METADATA),  # Azure: looks public, answers only to machines inside
        ("169.254.0.0/16", LINK_LOCAL),  # and the metadata of AWS, Google, Azure and others
        ("172.16.0.0/12", PRIVATE),
        ("192.0.0.0/24", RESERVED),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("192.168.0.0/16", PRIVATE),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("240.0.0.0/4", RESERVED),
    )
)
_SPECIAL_V6: Final = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "the unspecified address"),
        ("::1/128", LOOPBACK),
        ("64:ff9b::/96", "a NAT64 address"),
        ("64:ff9b:1::/48", "a NAT64 address"),
        ("fd00:ec2::/32", METADATA),  # AWS
        ("fc00::/7", PRIVATE),
        ("fe80::/10", LINK_LOCAL),
        ("ff00::/8", "a multicast address"),
        ("2001::/32", "a Teredo address"),
        ("2001::/23", RESERVED),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a documentation address"),
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")  # all that IANA has given out for unicast; the rest is reserved

_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")


def canonical(address: Address) -> Address:
    """The address a connection really goes to: `::ffff:127.0.0.1` is spelled IPv6 and travels as IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def kind(address: Address) -> str | None:
    """What makes this address special, to complete "… is", or None for a public one. Give the canonical form."""
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _SPECIAL_V4 if address in network), None)
    special = next((kind for network, kind in _SPECIAL_V6 if address in network), None)
    return special or (None if address in _GLOBAL_V6 else RESERVED)


def inner(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses to which a gateway may carry what is sent to this IPv6 address.

    Those of the local-use NAT64 prefix (64:ff9b:1::/48) cannot be known: where they stand is the operator's choice.
    """
    if not isinstance(address, IPv6Address):
        return
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo


def network_hint(address: Address) -> Network:
    """A subnet to show in "allow it with …": the special one this address lies in, else the address alone."""
    table = _SPECIAL_V4 if isinstance(address, IPv4Address) else _SPECIAL_V6
    return next((network for network, _ in table if address in network), ip_network(str(address)))
