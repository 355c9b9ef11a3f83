"""What accounts with quotas may submit in one batch: locked, counted and written; store/allowance.py says what it means."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from taskflow_hub.store.allowance import Allowance, Counted
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Transaction, columns

QUOTAS_LOCK: Final = statement("only/quotas_lock")
ALLOWANCE: Final = statement("only/allowance")
USE_QUOTAS: Final = statement("use_quotas")

PATIENCE_MS: Final = 200  # with somebody who keeps an account's quota locked


async def allowance(tx: Transaction, accounts: Sequence[str], now: datetime, patience_ms: int) -> Allowance:
    """Of these accounts, which have quotas. Until our commit nobody else can submit for them.

    `patience_ms`: for so long what follows waits for locks.
    """
    if not accounts:
        return Allowance((), now)
    await tx.run(QUOTAS_LOCK, accounts, f"{min(patience_ms, PATIENCE_MS)}ms")
    rows = await tx.fetch(ALLOWANCE, tx.now, accounts, f"{patience_ms}ms")
    counted = [
        Counted(
            account_id=row["account_id"],
            per_minute=row["per_minute"],
            per_day=row["per_day"],
            queued=row["queued"],
            minute=row["minute"],
            in_minute=row["in_minute"],
            day=row["day"],
            in_day=row["in_day"],
        )
        for row in rows
    ]
    found = Allowance(counted, max((row["at"] for row in rows), default=now))
    found.waiting.update({row["account_id"]: row["waiting"] for row in rows if row["waiting"] is not None})
    return found


async def use(tx: Transaction, allowance: Allowance) -> None:
    if spent := allowance.spent():
        await tx.run(USE_QUOTAS, *columns(spent))
