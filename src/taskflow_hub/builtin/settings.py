"""The settings of the task types that read and write files: `TASKFLOW_FILES_*`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class FilesSettings(BaseModel):
    """Where tasks may touch files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path | None = Field(
        default=None,
        description="The only folder whose files the types file.* and image.* may read and write beside. Unset: they "
        "refuse every task. Whoever may submit tasks may read the digests of all files in it.",
        examples=["/srv/files"],
    )
