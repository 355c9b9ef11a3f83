"""The numbers of limits that one batch of submits states: claimed all at once, given back when what stated them is refused.

Who states what is known already, as nearly all do, or what is pinned otherwise, locks nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg

from taskflow_hub.store.gates import Key
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Transaction, columns
from taskflow_hub.store.stated import Numbers, Stated, keys_changed, keys_named
from taskflow_hub.store.values import Submit

LIMIT_ROWS: Final = statement("limit_rows")
LIMIT_CLAIM: Final = statement("only/limit_claim")
LIMIT_STATE: Final = statement("limit_state")
LIMIT_DROP: Final = statement("only/limit_drop")


class StatedLimits:
    """After `claim` nobody else can change the numbers that this batch may change, before our commit."""

    def __init__(self, submits: Sequence[Submit]) -> None:
        self._submits = submits
        self._new: set[Key] = set()
        self.numbers = Numbers((), {})

    async def claim(self, tx: Transaction) -> None:
        keys = keys_named(self._submits)
        if not keys:
            return
        found: dict[Key, Stated] = {}
        pinned: set[Key] = set()
        _take_in(await tx.fetch(LIMIT_ROWS, tx.now, *columns(keys)), found, pinned)
        if changed := keys_changed(self._submits, found, pinned):
            _take_in(await tx.fetch(LIMIT_CLAIM, *columns(changed)), found, pinned)
            # A limit that was there before has a number, or is pinned (limit_forget.sql).
            self._new = {key for key in changed if found[key] == (None, None)} - pinned
        known = {key: numbers for key, numbers in found.items() if key not in self._new}
        self.numbers = Numbers(keys, known, pinned)

    async def settle(self, tx: Transaction) -> None:
        """Write what came out."""
        changes = self.numbers.changes()
        if changes:
            await tx.run(LIMIT_STATE, *columns(changes))
        refused = self._new - {(account, key) for account, key, *_ in changes}
        if refused:
            await tx.run(LIMIT_DROP, *columns(sorted(refused)))


def _take_in(rows: Iterable[asyncpg.Record], found: dict[Key, Stated], pinned: set[Key]) -> None:
    """What the store says now. One that was just pinned is locked for nothing; the next batch knows."""
    for row in rows:
        key = (row["account_id"], row["key"])
        found[key] = (row["running"], row["per_second"])
        if row["pinned"]:
            pinned.add(key)
