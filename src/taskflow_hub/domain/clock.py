"""Where times, waits and ids come from. All three are passed in, so a test owns them.

Only a store makes times (from its database's clock, or from the one `Clock` that SQLite is given);
the domain returns durations in seconds, and loops measure their patience with a `Monotonic`.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import uuid_utils

LAST_MS: Final = 253_402_300_799_000  # the last second of the year 9999

Clock = Callable[[], datetime]  # an aware datetime in UTC; may step, so nothing concludes death from it
Monotonic = Callable[[], float]  # seconds that never go back, comparable within one process only
NewId = Callable[[], str]


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    """A UUIDv7 (RFC 9562) in its canonical 36 characters: sorts by the time it was made."""
    return str(uuid_utils.uuid7())


def made_at(id: str) -> datetime | None:
    """When a UUIDv7 was made, to the millisecond; None for any other id, and for a time that no date can say."""
    parsed = uuid.UUID(id)
    milliseconds = parsed.int >> 80  # 48 bits, which reach beyond the year 9999
    if parsed.version != 7 or milliseconds > LAST_MS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
