"""Where times, waits and ids come from. All three are passed in, so a test owns them.

Only a store makes times (from its database's clock, or from the one `Clock` that SQLite is given);
the domain returns durations in seconds, and loops measure their patience with a `Monotonic`.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import uuid_utils

Clock = Callable[[], datetime]  # an aware datetime in UTC; may step, so nothing concludes death from it
Monotonic = Callable[[], float]  # seconds that never go back, comparable within one process only
NewId = Callable[[], str]


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    """A UUIDv7 (RFC 9562) in its canonical 36 characters: sorts by the time it was made."""
    return str(uuid_utils.uuid7())
