"""The setting that says which addresses beyond the public Internet may be dialled."""

from ipaddress import ip_network
from typing import Any, Final

from msgspec import Struct
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from taskflow_hub.net.address import (
    LOOPBACK,
    PRIVATE,
    SHARED,
    Address,
    Network,
    canonical,
    inner,
    kind,
    network_hint,
)

SETTING: Final = "TASKFLOW_NET_ALLOW_PRIVATE"

_NO: Final = frozenset({"", "false", "0", "no", "off"})
_YES: Final = frozenset({"true", "1", "yes", "on"})
_OPENED: Final = frozenset({LOOPBACK, PRIVATE, SHARED})


class AllowPrivate(Struct, frozen=True):
    """Nothing but the public Internet (the default), private addresses too, or the listed subnets too.

    `private` opens loopback, private and carrier-grade NAT addresses. Everything else that is not public
    (link-local and metadata addresses above all) is opened by a listed subnet only.
    """

    private: bool = False
    subnets: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, value: object) -> "AllowPrivate":
        """From `true`, `false`, a list of subnets, or the text of any of these ("10.0.0.0/8,::1/128").

        Raises ValueError naming the subnet that cannot be read.
        """
        match value:
            case AllowPrivate():
                return value
            case bool():
                return cls(private=value)
            case str() if value.strip().lower() in _YES | _NO:
                return cls(private=value.strip().lower() in _YES)
            case str():
                return cls.parse([item for item in value.split(",") if item.strip()])
            case list() | tuple():
                return cls(subnets=tuple(ip_network(str(item).strip()) for item in value))
            case _:
                raise ValueError("must be true, false or a list of subnets such as 10.0.0.0/8")

    def permits(self, address: Address) -> bool:
        """Whether this address may be dialled, and every IPv4 address that hides in it."""
        address = canonical(address)
        return self._permits_itself(address) and all(map(self._permits_itself, inner(address)))

    def _permits_itself(self, address: Address) -> bool:
        what = kind(address)
        return (
            what is None
            or (self.private and what in _OPENED)
            or any(address in subnet for subnet in self.subnets)
        )

    def refusal(self, address: Address) -> str | None:
        """Why this address may not be dialled and which setting would allow it, or None if it may."""
        address = canonical(address)
        for candidate in (address, *inner(address)):
            if not self._permits_itself(candidate):
                return f"{_describe(address, candidate)}; {_remedy(candidate)}"
        return None

    def __str__(self) -> str:
        """As the setting spells it."""
        return ",".join(map(str, self.subnets)) or ("true" if self.private else "false")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "anyOf": [{"type": "boolean"}, {"type": "string"}, {"type": "array", "items": {"type": "string"}}]
        }


def _describe(address: Address, culprit: Address) -> str:
    carried = "" if culprit == address else f"leads to {culprit}, which "
    return f"{address} {carried}is {kind(culprit)}"


def _remedy(address: Address) -> str:
    subnet = network_hint(address)
    if kind(address) in _OPENED:
        return f"{SETTING} allows it when true, or when it lists {subnet}"
    return f"{SETTING} allows it only when it lists {subnet}"
