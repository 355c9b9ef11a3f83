"""What an account may have, and how much of that it uses: submits by the clock, tasks that wait, tasks that run, and its share
of the starts beside other accounts."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from taskflow_hub.domain.submission import AtOnce

MOST_WAITING: Final = 100_000  # they are counted with every submit

Most = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Waiting = Annotated[int, Meta(ge=0, le=MOST_WAITING)]
Weight = Annotated[float, Meta(ge=0.01, le=100)]

DEFAULT_WEIGHT: Final = 1.0


class Quota(Struct, frozen=True, kw_only=True):
    """What an account may have; None: as much as it likes."""

    account_id: str
    per_minute: Most | None = None  # tasks submitted in a minute of the clock (UTC)
    per_day: Most | None = None  # and in a day
    queued: Waiting | None = None  # tasks that wait: queued or scheduled
    running: AtOnce | None = None  # tasks that run at a time
    weight: Weight = (
        DEFAULT_WEIGHT  # its share of the starts, beside other accounts that wait for the same workers
    )


class Used(Struct, frozen=True, kw_only=True):
    """What an account uses now. Submits are counted only while one of their two quotas is set, and what waits only while its
    own is, to one above it; None: they are not."""

    in_minute: int | None
    in_day: int | None
    queued: int | None
    running: int


class QuotaUse(Quota, frozen=True, kw_only=True):
    """A quota as the account and its admins see it."""

    used: Used
