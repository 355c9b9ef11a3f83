"""What a handler may answer instead of a value. An exception means: retry by policy."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, in `after` seconds (None: as the retry policy says). Counts as one retry."""

    after: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Snooze:
    """Run again in `seconds`, or at `until` (aware). Costs no retry; exactly one of the two is given."""

    seconds: float | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.until is None):
            raise ValueError("Snooze takes either seconds or until")
        if self.until is not None and self.until.tzinfo is None:
            raise ValueError("Snooze(until=…) needs a time zone")


@dataclass(frozen=True, slots=True)
class Fail:
    """End the task as failed, now, whatever retries are left."""

    reason: str
