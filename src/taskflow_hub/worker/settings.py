"""What can be set about a worker."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from taskflow_hub.domain.submission import QUEUE_PATTERN


def _queue_name(name: str) -> str:
    if not re.match(QUEUE_PATTERN, name):
        raise ValueError("a queue's name has 1 to 64 characters of a-z, 0-9, '_' and '-'")
    return name


class WorkerSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    slots: int = Field(20, ge=1, le=10_000, description="How many attempts run at once.")
    window: int | None = Field(
        None,
        ge=0,
        le=10_000,
        description="How many attempts wait in the worker for a free slot; none: a tenth of the slots, at least one.",
    )
    grace: float = Field(30.0, ge=0, description="Seconds that running attempts get to finish at shutdown.")
    queues: tuple[Annotated[str, AfterValidator(_queue_name)], ...] = Field(
        (), description="The queues this worker serves; empty: every queue."
    )
    name: str | None = Field(
        None, max_length=200, description="The worker's name for people; default: host:pid."
    )

    heartbeat_s: float = Field(10.0, gt=0, description="Seconds between two heartbeats.")
    self_stop_s: float = Field(
        20.0,
        gt=0,
        description="Seconds after the last accepted heartbeat until the worker stops its own attempts.",
    )
    watchdog_s: float | None = Field(
        60.0,
        gt=0,
        description="Seconds the event loop may stand still before the process ends with status 70; none: never.",
    )
    resend_s: float = Field(
        10.0, gt=0, description="Seconds after which an unacknowledged report is sent again."
    )

    process_max_tasks: int = Field(
        1000, ge=1, description="Attempts after which a child process is replaced."
    )
    process_max_rss_mb: float = Field(
        512.0,
        gt=0,
        description="Megabytes of memory above which a child process is replaced after its attempt.",
    )
    process_idle_s: float = Field(
        60.0, ge=0, description="Seconds after which an idle child process is ended."
    )
    health_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port on which the worker tells probes how it is, and where `taskflow worker healthcheck` asks; "
        "none: nowhere; 0: any free one.",
    )
    health_host: str = Field(
        "127.0.0.1", description="Address of that port. It tells an id and two durations."
    )
    lock_dir: Path | None = Field(
        None,
        description="Folder, local to this host, for the file that proves this worker's death; default: one per user.",
    )

    @model_validator(mode="after")
    def _beats_before_stopping(self) -> Self:  # noqa: N804 (an instance, after validation)
        if self.self_stop_s <= self.heartbeat_s:
            raise ValueError("self_stop_s must be larger than heartbeat_s")
        return self

    @property
    def beyond_slots(self) -> int:
        """How many assignments the worker may hold beyond its slots, not started."""
        return max(1, self.slots // 10) if self.window is None else self.window
