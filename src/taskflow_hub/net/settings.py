"""The settings of requests to URLs that users give: `TASKFLOW_NET_*`."""

from pydantic import BaseModel, ConfigDict, Field

from taskflow_hub.net.allow import AllowPrivate


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
