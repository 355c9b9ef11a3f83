"""Where a page of a list begins and ends. Lists go by id, and an id begins with the time it was made."""

import base64
import binascii
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from taskflow_hub.domain.clock import LAST_MS
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.store.values import TaskFilter

BEYOND: Final = "\U0010ffff"  # no id comes after it
ID_SLACK_MS: Final = 86_400_000  # by so much a task's id and its `created_at` may differ

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


# --- opaque to others, to us the id after which the next page begins -------------------------------------------------


def make_cursor(last: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(last).bytes).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """The last id of the page before. Raises Invalid for a cursor we did not make."""
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"==", altchars=b"-_", validate=True)
        found = str(uuid.UUID(bytes=raw))
    except (ValueError, binascii.Error, UnicodeEncodeError):
        raise Invalid.field("/cursor", "not a cursor of this list") from None
    if make_cursor(found) != cursor:
        raise Invalid.field("/cursor", "not a cursor of this list")
    return found


# --- which ids -------------------------------------------------------------------------------------------------------


def id_range(where: TaskFilter, before: str | None) -> tuple[str | None, str | None]:
    """From which id up to below which. Times are bounds for ids, too, so that no list is walked from its newest task."""
    return id_bounds(where.created_after, where.created_before, before)


def id_bounds(
    since: datetime | None, until: datetime | None, before: str | None
) -> tuple[str | None, str | None]:
    """The same of whatever has a time and an id that was made with it: since ≤ time < until."""
    first = None if since is None else _id_of(since, -ID_SLACK_MS)
    ends = [] if before is None else [before]
    if until is not None:
        ends.append(_id_of(until, ID_SLACK_MS))
    return first, min(ends, default=None)


def earliest_finish(ids: Iterable[str]) -> datetime:
    """No task with one of these ids can have finished before: older days of history need not be looked at."""
    first = min(ids)
    made_ms = int(first[:8] + first[9:13], 16)
    return _EPOCH + timedelta(milliseconds=min(max(made_ms - ID_SLACK_MS, 0), LAST_MS))


def _id_of(at: datetime, off_ms: int) -> str:
    """The lowest id of a UUIDv7 made so long after this moment; every id made before is below it."""
    digits = f"{max((at - _EPOCH) // _MILLISECOND + off_ms, 0):012x}"
    return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"
