"""What accounts may have, as operators see and set it. What it means for a submit: allowance.py."""

from typing import Final

import asyncpg
from msgspec import UNSET, UnsetType

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.quota import Quota, QuotaUse
from taskflow_hub.store.allowance import Counted
from taskflow_hub.store.audit import of_quota
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.limit_admin import patience, set_hub_limit
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
from taskflow_hub.store.quota_uses import given_quota, quota_use, says_something
from taskflow_hub.store.standing import account_key
from taskflow_hub.store.values import News

QUOTA: Final = statement("quota")
QUOTA_LOCK: Final = statement("only/quota_lock")
QUOTA_NUMBERS: Final = statement("quota_numbers")
QUOTAS: Final = statement("quotas")
SET_QUOTA: Final = statement("set_quota")
FORGET: Final = statement("forget_quota")


class Quotas(Part):
    async def quota(self, account: str) -> QuotaUse:
        return await self._readers.read_long(_quota, account)

    async def quotas(self, *, after: str = "", limit: int) -> list[Quota]:
        return await self._readers.read(_quotas, after, limit)

    async def set_quota(
        self,
        account: str,
        *,
        per_minute: int | UnsetType | None = UNSET,
        per_day: int | UnsetType | None = UNSET,
        queued: int | UnsetType | None = UNSET,
        running: int | UnsetType | None = UNSET,
        weight: float | UnsetType | None = UNSET,
        by: By | None = None,
    ) -> Quota:
        return await self._writer.write(
            _set_quota,
            account,
            by,
            per_minute=per_minute,
            per_day=per_day,
            queued=queued,
            running=running,
            weight=weight,
        )


def _quota_of(row: asyncpg.Record, account: str) -> Quota:
    return Quota(
        account_id=account,
        per_minute=row["per_minute"],
        per_day=row["per_day"],
        queued=row["queued"],
        running=row["running"],
        weight=row["weight"],
    )


async def _quota(snapshot: Snapshot, account: str) -> QuotaUse:
    row = await snapshot.row(QUOTA, snapshot.now, account)
    assert row is not None
    counted = Counted(
        account_id=account,
        per_minute=row["per_minute"],
        per_day=row["per_day"],
        queued=row["queued"],
        minute=row["minute"],
        in_minute=row["in_minute"],
        day=row["day"],
        in_day=row["in_day"],
    )
    return quota_use(
        _quota_of(row, account), counted, row["at"], queued=row["waiting"], running=row["active"]
    )


async def _quotas(snapshot: Snapshot, after: str, limit: int) -> list[Quota]:
    return [_quota_of(row, row["account_id"]) for row in await snapshot.fetch(QUOTAS, after, limit)]


async def _set_quota(
    tx: Transaction,
    account: str,
    by: By | None,
    *,
    per_minute: int | UnsetType | None,
    per_day: int | UnsetType | None,
    queued: int | UnsetType | None,
    running: int | UnsetType | None,
    weight: float | UnsetType | None,
) -> Quota:
    async with patience(tx):
        await tx.run(QUOTA_LOCK, account)
    before = await _numbers(tx, account)
    await _write(tx, account, per_minute, per_day, queued, running, weight)
    after = await _numbers(tx, account)
    await record(tx, by, of_quota(before, after))
    return after


async def _numbers(tx: Transaction, account: str) -> Quota:
    row = await tx.row(QUOTA_NUMBERS, account)
    assert row is not None
    return _quota_of(row, account)


async def write_quota(tx: Transaction, quota: Quota) -> None:
    """All of it, for an account that may be new."""
    numbers = (quota.per_minute, quota.per_day, quota.queued, quota.running, quota.weight)
    await _write(tx, quota.account_id, *numbers)


async def _write(
    tx: Transaction,
    account: str,
    per_minute: int | UnsetType | None,
    per_day: int | UnsetType | None,
    queued: int | UnsetType | None,
    running: int | UnsetType | None,
    weight: float | UnsetType | None,
) -> None:
    async with patience(tx):
        if says_something(per_minute, per_day, queued, weight):
            await tx.run(SET_QUOTA, account, *given_quota(per_minute, per_day, queued, weight))
        await tx.run(FORGET, account)
        await set_hub_limit(tx, account_key(account), running=running)
    tx.note(News.OTHER)
