"""The settings of requests to URLs that users give: `TASKFLOW_NET_*`."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from taskflow_hub.net.allow import AllowPrivate


def _split(value: object) -> object:
    """An environment variable lists ports with commas between them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    return [each for each in value.split(",") if each.strip()] if isinstance(value, str) else value


Port = Annotated[int, Field(ge=1, le=65_535)]


class NetSettings(BaseModel):
    """What requests to URLs that users give may reach, and how long they may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow_private: AllowPrivate = Field(
        default=AllowPrivate(),
        description="Addresses that may be dialled beside public ones: `false` (none), `true` (private, loopback and "
        "carrier-grade NAT) or a comma-separated list of subnets. Link-local and cloud metadata addresses are "
        "opened by a list only.",
        examples=["true", "10.0.0.0/8,127.0.0.0/8,::1/128"],
    )
    allow_ports: Annotated[tuple[Port, ...], BeforeValidator(_split)] = Field(
        default=(),
        description="The only ports that may be dialled, such as `80,443`. Empty: any.",
        examples=["80,443"],
    )
    connect_timeout: float = Field(
        default=10.0, gt=0, le=600, description="Seconds to wait for a connection to one address."
    )
    read_timeout: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds of silence after which a connection is given up."
    )
    total_timeout: float = Field(
        default=60.0,
        gt=0,
        le=86_400,
        description="Seconds a request may take in all, redirects and body included.",
    )
    max_redirects: int = Field(default=5, ge=0, le=20, description="Redirects to follow before giving up.")
    keep_alive: float = Field(
        default=4.0,
        ge=0,
        le=300,
        description="Seconds an unused connection is kept for the next request to its origin; 0: none is kept. Many servers "
        "close theirs after 5.",
    )
    max_connections: int = Field(
        default=256,
        ge=1,
        le=10_000,
        description="Connections open at once, of each worker, used and kept. Requests beyond wait, within their time.",
    )
    max_connections_per_origin: int = Field(
        default=64, ge=1, le=10_000, description="The same to one scheme, host and port."
    )

    def refusal_of_port(self, port: int) -> str | None:
        """Why this port may not be dialled, or None if it may."""
        if not self.allow_ports or port in self.allow_ports:
            return None
        return f"port {port} is none of those that TASKFLOW_NET_ALLOW_PORTS lists ({', '.join(map(str, self.allow_ports))})"
