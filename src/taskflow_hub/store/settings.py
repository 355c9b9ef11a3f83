"""Which database."""

from pydantic import BaseModel, ConfigDict, Field


class DatabaseSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(
        "sqlite:///taskflow.db",
        description="sqlite:///relative.db or sqlite:////absolute.db, with ?max_page_count=N to bound the file.",
    )
