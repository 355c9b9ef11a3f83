"""Whom a network address stands for, where tries and requests are counted by address."""

import functools
import ipaddress
from typing import Final

NETWORK_V6: Final = 64  # bits of an IPv6 address that whoever has it shares with all their others


@functools.lru_cache(maxsize=4096)
def network_of(address: str) -> str | None:
    """The address as it is usually written, of IPv6 the /64 that is its owner's; None for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    bits = int(parsed) >> (128 - NETWORK_V6) << (128 - NETWORK_V6)
    return f"{ipaddress.IPv6Address(bits)}/{NETWORK_V6}"
