"""What limits do at one moment: their numbers, what was counted as running, and what was counted by hold, put together."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import UnsetType

from taskflow_hub.domain.holds import limit_full, rate_spent
from taskflow_hub.domain.model import LimitRow, LimitUse
from taskflow_hub.store.gates import Key


def uses(
    rows: Iterable[LimitRow], running: Mapping[Key, int], held: Mapping[tuple[str, str], int]
) -> list[LimitUse]:
    """`running`: how many tasks by account and key; `held`: by account and hold."""
    return [
        LimitUse(
            **msgspec.structs.asdict(row),
            active=running.get((row.account_id, row.key), 0),
            held=sum(held.get((row.account_id, hold(row.key)), 0) for hold in (limit_full, rate_spent)),
        )
        for row in rows
    ]


def given_number(number: float | UnsetType | None) -> tuple[bool, float | None]:
    """As a statement takes it: whether it is given, and what it is."""
    return (False, None) if isinstance(number, UnsetType) else (True, number)
