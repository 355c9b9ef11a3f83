"""The numbers of limits that one batch of submits states: claimed all at once, given back when what stated them is refused.

Who states what is known already, as nearly all do, locks nothing.
"""

from collections.abc import Sequence
from typing import Final

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
        found: dict[Key, Stated] = {
            (row["account_id"], row["key"]): (row["running"], row["per_second"])
            for row in await tx.fetch(LIMIT_ROWS, tx.now, *columns(keys))
        }
        if changed := keys_changed(self._submits, found):
            for account, key, *numbers in await tx.fetch(LIMIT_CLAIM, *columns(changed)):
                found[account, key] = (numbers[0], numbers[1])
            self._new = {key for key in changed if found[key] == (None, None)}
        self.numbers = Numbers(keys, {key: known for key, known in found.items() if key not in self._new})

    async def settle(self, tx: Transaction) -> None:
        """Write what came out."""
        changes = self.numbers.changes()
        if changes:
            await tx.run(LIMIT_STATE, *columns(changes))
        refused = self._new - {(account, key) for account, key, *_ in changes}
        if refused:
            await tx.run(LIMIT_DROP, *columns(sorted(refused)))
