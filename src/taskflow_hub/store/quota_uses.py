"""What an account may have and uses, put together; and as statements take it."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from taskflow_hub.domain.quota import DEFAULT_WEIGHT, Quota, QuotaUse, Used
from taskflow_hub.store.allowance import Counted
from taskflow_hub.store.limit_uses import given_number


def given_weight(weight: float | UnsetType | None) -> float | UnsetType:
    """None: as if nothing had been said."""
    return DEFAULT_WEIGHT if weight is None else weight


def given_quota(
    per_minute: int | UnsetType | None,
    per_day: int | UnsetType | None,
    queued: int | UnsetType | None,
    weight: float | UnsetType | None,
) -> list[bool | float | None]:
    """As set_quota.sql takes them: of each whether it is given, and what it is. The weight of a new row is never null."""
    has_weight, number = given_number(given_weight(weight))
    return [
        *(part for one in (per_minute, per_day, queued) for part in given_number(one)),
        has_weight,
        DEFAULT_WEIGHT if number is None else number,
    ]


def says_something(*numbers: float | UnsetType | None) -> bool:
    return any(number is not UNSET for number in numbers)


def quota_use(quota: Quota, counted: Counted, now: datetime, *, queued: int | None, running: int) -> QuotaUse:
    """`queued`, `running`: how many do."""
    in_minute, in_day = counted.at(now) if counted.counts else (None, None)
    return QuotaUse(
        account_id=quota.account_id,
        per_minute=quota.per_minute,
        per_day=quota.per_day,
        queued=quota.queued,
        running=quota.running,
        weight=quota.weight,
        used=Used(in_minute=in_minute, in_day=in_day, queued=queued, running=running),
    )
