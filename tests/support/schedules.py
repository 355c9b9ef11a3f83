"""Schedules as values, for tests of what is decided about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec import Raw

from taskflow_hub.domain.schedule import CatchUp, Origin, Overlap, Schedule

T0 = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


def moments(first: str, last: str) -> st.SearchStrategy[datetime]:
    """Between two dates, in UTC."""
    start = datetime.fromisoformat(f"{first}T00:00Z")
    whole = datetime.fromisoformat(f"{last}T00:00Z") - start
    return st.timedeltas(timedelta(0), whole).map(lambda after: start + after)


def schedule(**given: Any) -> Schedule:
    """Every ten seconds from T0 on, if nothing else is said."""
    known: dict[str, Any] = {
        "id": "01a2074b-0000-7000-8000-000000000000",
        "account_id": "default",
        "user_id": None,
        "name": "nightly",
        "cron": None,
        "every_s": None,
        "timezone": "UTC",
        "type": "demo.noop",
        "template": Raw(b'{"task":{"type":"demo.noop"}}'),
        "overlap": Overlap.ALLOW,
        "catch_up": CatchUp.NONE,
        "catch_up_limit": 100,
        "jitter_s": 0.0,
        "starts_at": None,
        "ends_at": None,
        "paused_at": None,
        "origin": Origin.API,
        "rev": 1,
        "created_at": T0,
        "updated_at": T0,
        "next_at": None,
        "waiting_at": None,
        "last_at": None,
    }
    if "cron" not in given and "every_s" not in given:
        given["every_s"] = 10.0
    made = Schedule(**(known | given))
    return (
        made if "next_at" in given else Schedule(**(known | given | {"next_at": made.timing.next_after(T0)}))
    )
