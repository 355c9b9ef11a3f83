"""Which database."""

from pydantic import BaseModel, ConfigDict, Field


class DatabaseSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(
        "sqlite:///taskflow.db",
        description="sqlite:///relative.db or sqlite:////absolute.db, with ?max_page_count=N to bound the file; or "
        "postgresql://user:password@host:5432/database, with ?pool_size=N and others (docs/how-to/run-on-postgresql.md).",
    )
    listen_url: str | None = Field(
        None,
        description="PostgreSQL only: where to LISTEN when the URL leads through a pooler, which cannot: a URL that leads "
        "to the server itself. Without one, processes notice each other's work by polling.",
    )
