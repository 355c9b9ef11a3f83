"""Which transport between engine and workers."""

from pydantic import BaseModel, ConfigDict, Field


class BrokerSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(
        "local",
        description="local: engine and worker share one process; or redis://host:6379/0, rediss:// with TLS, "
        "unix:///path: servers and workers apart (docs/how-to/servers-and-workers.md).",
    )
