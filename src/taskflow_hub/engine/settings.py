"""What an operator may set about the engine."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.quota import MOST_WAITING, Quota
from taskflow_hub.domain.workflow_view import WorkflowState

DAY_S = 86_400.0


class EngineSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    strict_types: bool = Field(
        False, description="Refuse to submit a type that no worker has ever registered."
    )
    results_dir: Path | None = Field(
        None,
        description="Folder for results above 64 KiB, made when needed; default: beside the database, taskflow.db.results; on "
        "PostgreSQL DATABASE.results in the working directory. Processes on several machines must share it.",
    )
    dead_after: float = Field(
        30.0,
        ge=5,
        le=3600,
        description="Seconds without a new heartbeat after which a worker is taken for dead.",
    )


class RetentionSettings(BaseModel):
    """How long a finished task is kept, in seconds from its finish; 0 keeps it for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: float = Field(7 * DAY_S, ge=0, description="Seconds to keep succeeded tasks; 0 = for ever.")
    failed: float = Field(30 * DAY_S, ge=0, description="Seconds to keep failed tasks; 0 = for ever.")
    cancelled: float = Field(7 * DAY_S, ge=0, description="Seconds to keep cancelled tasks; 0 = for ever.")
    skipped: float = Field(7 * DAY_S, ge=0, description="Seconds to keep skipped tasks; 0 = for ever.")

    def by_state(self) -> dict[State, float]:
        """Only the outcomes that are pruned at all."""
        kept_s = {
            State.SUCCESS: self.success,
            State.FAILED: self.failed,
            State.CANCELLED: self.cancelled,
            State.SKIPPED: self.skipped,
        }
        return {state: seconds for state, seconds in kept_s.items() if seconds > 0}

    def of_workflows(self) -> dict[WorkflowState, float]:
        """As long as a task that ended so. Only the outcomes that are pruned at all."""
        kept_s = {
            WorkflowState.SUCCESS: self.success,
            WorkflowState.FAILED: self.failed,
            WorkflowState.CANCELLED: self.cancelled,
        }
        return {state: seconds for state, seconds in kept_s.items() if seconds > 0}


class Registration(StrEnum):
    OPEN = "open"  # whoever reaches the hub may register, with an account of their own
    CLOSED = "closed"  # only the first may; after that an admin adds users


class AuthSettings(BaseModel):
    """Accounts: on as soon as there is a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: str | None = Field(
        None,
        min_length=32,
        repr=False,
        description="Signs logins, at least 32 characters; the same for all processes of a hub. Setting it turns accounts on: "
        "every request then needs a key or a login. `openssl rand -base64 32` makes one. A new one ends all logins; keys stay.",
    )

    @field_validator("secret")
    @classmethod
    def _is_no_blank(cls, secret: str | None) -> str | None:
        if secret is not None and len(set(secret)) < 8:
            raise ValueError("is easily guessed: `openssl rand -base64 32` makes a good one")
        return secret

    registration: Registration = Field(
        Registration.OPEN, description="Who may register by themselves: open, or closed after the first."
    )
    access_ttl: float = Field(
        900.0,
        ge=10,
        le=86_400,
        description="Seconds for which an access token is good; a refresh makes a new one.",
    )
    refresh_ttl: float = Field(
        30 * DAY_S, ge=60, le=366 * DAY_S, description="Seconds without a refresh after which a login ends."
    )


class QuotaSettings(BaseModel):
    """What an account may have that comes with a registration; an admin may change it later."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_minute: int | None = Field(
        None, ge=0, le=1_000_000_000, description="How many tasks it may submit in a minute of the clock."
    )
    per_day: int | None = Field(
        None, ge=0, le=1_000_000_000, description="How many tasks it may submit in a day (UTC)."
    )
    queued: int | None = Field(
        None, ge=0, le=MOST_WAITING, description="How many of its tasks may wait, queued or scheduled."
    )
    running: int | None = Field(
        None, ge=1, le=1_000_000, description="How many of its tasks may run at a time."
    )

    def of(self, account: str) -> Quota:
        return Quota(
            account_id=account,
            per_minute=self.per_minute,
            per_day=self.per_day,
            queued=self.queued,
            running=self.running,
        )
