"""What an operator may set about the API."""

import ipaddress
import re
from typing import Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

MIB: Final = 1_048_576
MOST_PER_MINUTE: Final = 10_000_000
_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
WITHOUT_ACCOUNTS: Final = (
    "without accounts everybody who does may do everything: set TASKFLOW_AUTH_SECRET (`openssl rand -base64 32` makes one), or "
    "listen on loopback, 127.0.0.1"
)


def _split(value: object) -> object:
    """Environment variables carry lists with commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class HttpSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        "127.0.0.1", description="Address to listen on; beyond loopback only with accounts (auth.secret)."
    )
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on; 0 takes any that is free.")
    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (), description="Further names that `Host` may say, without port, as a reverse proxy uses them."
    )
    trusted_proxies: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (),
        description="Addresses or networks of reverse proxies, whose X-Forwarded-For and X-Forwarded-Proto are believed.",
    )
    hsts: int = Field(
        365 * 86_400,
        ge=0,
        description="Seconds for which a browser shall come by TLS only (Strict-Transport-Security); said where a trusted "
        "proxy says that it came by TLS. 0: not said.",
    )
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (),
        description="Other origins whose pages may use the API, such as https://app.example.org: with bearer tokens, never "
        "with the hub's cookie.",
    )
    rate_per_key: int | None = Field(
        None,
        ge=1,
        le=MOST_PER_MINUTE,
        description="Requests that one key, or one user with all their logins, may send in a minute; over all processes. "
        "none: any number.",
    )
    burst_per_key: int | None = Field(
        None,
        ge=1,
        le=MOST_PER_MINUTE,
        description="So many of them at once; none: those of a minute.",
    )
    rate_per_address: int | None = Field(
        None,
        ge=1,
        le=MOST_PER_MINUTE,
        description="Requests that may come from one network address (of IPv6: one /64) in a minute; over all processes. "
        "none: any number.",
    )
    burst_per_address: int | None = Field(
        None,
        ge=1,
        le=MOST_PER_MINUTE,
        description="So many of them at once; none: those of a minute.",
    )
    max_body: int = Field(MIB, ge=1024, description="Bytes a request's body may have.")
    max_batch_body: int = Field(
        16 * MIB, ge=1024, description="Bytes the body of POST /tasks/batch may have."
    )
    max_header: int = Field(64 * 1024, ge=4096, description="Bytes a request's line and headers may have.")
    max_connections: int = Field(4096, ge=1, description="Connections served at once; more are answered 503.")
    max_streams: int = Field(
        1000, ge=0, description="Event streams and waiting submits served at once; of one account a quarter."
    )
    header_timeout: float = Field(
        10.0, gt=0, description="Seconds a client may take to send a request's headers."
    )
    body_timeout: float = Field(30.0, gt=0, description="Seconds a client may take to send a request's body.")
    keep_alive: float = Field(
        75.0, gt=0, description="Seconds an idle connection is kept for the next request."
    )
    stop_grace: float = Field(
        5.0, ge=0, description="Seconds that requests under way get when the hub stops."
    )
    backlog: int = Field(2048, ge=1, description="Connections the system may queue before they are accepted.")

    @field_validator("host")
    @classmethod
    def _is_address(cls, host: str) -> str:
        if host == "localhost":
            return "127.0.0.1"
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise ValueError(
                f"{host!r} is not an address; write a loopback address (127.0.0.1, ::1, localhost), or 0.0.0.0 for all of them"
            ) from None
        return host

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.host).is_loopback

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(
                    f"{network!r} is no address or network; write 127.0.0.1 or 10.1.0.0/16"
                ) from None
        return networks

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            _check_origin(origin)
        return origins

    @model_validator(mode="after")
    def _bursts_belong_to_rates(self) -> Self:  # noqa: N804 (an instance, after validation)
        for whose in ("key", "address"):
            if getattr(self, f"burst_per_{whose}") is not None and getattr(self, f"rate_per_{whose}") is None:
                raise ValueError(
                    f"http.burst_per_{whose} says how many of http.rate_per_{whose} may come at once; set that, too"
                )
        return self

    @field_validator("allowed_hosts")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not name or any(char in name for char in "/:*@ ") or not name.isascii():
                raise ValueError(
                    f"{name!r} is not a plain host name; give it without scheme, port or wildcard"
                )
        return tuple(name.lower() for name in names)


def _check_origin(origin: str) -> None:
    """Raises ValueError unless a browser would write it so."""
    if origin == "*":
        raise ValueError(
            "'*' would let every page that anybody visits use the hub; list the origins that may, such as https://app.example.org"
        )
    written = _ORIGIN.fullmatch(origin)
    if written is None:
        raise ValueError(
            f"{origin!r} is not an origin; write scheme, host and port as a browser does: https://app.example.org, "
            "http://localhost:5173"
        )
    if written["port"] == _DEFAULT_PORTS[written["scheme"]]:
        raise ValueError(
            f"{origin!r} names the port that {written['scheme']} has anyway; browsers leave it out"
        )
