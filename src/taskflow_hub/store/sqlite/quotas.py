"""What accounts may have, as operators see and set it. What it means for a submit: submit.py."""

from datetime import datetime
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.quota import Quota, QuotaUse
from taskflow_hub.store.allowance import Counted
from taskflow_hub.store.audit import of_quota
from taskflow_hub.store.quota_uses import given_quota, quota_use, says_something
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.limit_admin import set_hub_limit
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.submit import ACCOUNT_WAITING
from taskflow_hub.store.sqlite.transaction import Snapshot, Transaction, from_us
from taskflow_hub.store.standing import account_key

QUOTA: Final = statement("quota")
NUMBERS: Final = statement("quota_numbers")
QUOTAS: Final = statement("quotas")
SET_QUOTA: Final = statement("set_quota")
FORGET: Final = statement("forget_quota")


class Quotas(Part):
    async def quota(self, account: str) -> QuotaUse:
        return await self._readers.read_long(_quota, account, self._clock())

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


class _Row(Struct, array_like=True):
    """The row of quota.sql."""

    per_minute: int | None
    per_day: int | None
    queued: int | None
    running: int | None
    weight: float
    minute: int | None
    in_minute: int
    day: int | None
    in_day: int
    active: int


def _quota(snapshot: Snapshot, account: str, now: datetime) -> QuotaUse:
    row = snapshot.document(_Row, QUOTA, account)
    counted = Counted(
        account_id=account,
        per_minute=row.per_minute,
        per_day=row.per_day,
        queued=row.queued,
        minute=None if row.minute is None else from_us(row.minute),
        in_minute=row.in_minute,
        day=None if row.day is None else from_us(row.day),
        in_day=row.in_day,
    )
    quota = Quota(
        account_id=account,
        per_minute=row.per_minute,
        per_day=row.per_day,
        queued=row.queued,
        running=row.running,
        weight=row.weight,
    )
    waiting = None if row.queued is None else snapshot.value(ACCOUNT_WAITING, account, row.queued + 1)
    return quota_use(quota, counted, now, queued=waiting, running=row.active)


def _quotas(snapshot: Snapshot, after: str, limit: int) -> list[Quota]:
    rows = snapshot.document(
        list[tuple[str, int | None, int | None, int | None, int | None, float]], QUOTAS, after, limit
    )
    return [
        Quota(
            account_id=account,
            per_minute=per_minute,
            per_day=per_day,
            queued=queued,
            running=running,
            weight=weight,
        )
        for account, per_minute, per_day, queued, running, weight in rows
    ]


def _set_quota(
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
    before = _numbers(tx, account)
    _write(tx, account, per_minute, per_day, queued, running, weight)
    after = _numbers(tx, account)
    record(tx, by, of_quota(before, after))
    return after


def _numbers(tx: Transaction, account: str) -> Quota:
    per_minute, per_day, queued, running, weight = tx.document(
        tuple[int | None, int | None, int | None, int | None, float], NUMBERS, account
    )
    return Quota(
        account_id=account,
        per_minute=per_minute,
        per_day=per_day,
        queued=queued,
        running=running,
        weight=weight,
    )


def write_quota(tx: Transaction, quota: Quota) -> None:
    """All of it, for an account that may be new."""
    numbers = (quota.per_minute, quota.per_day, quota.queued, quota.running, quota.weight)
    _write(tx, quota.account_id, *numbers)


def _write(
    tx: Transaction,
    account: str,
    per_minute: int | UnsetType | None,
    per_day: int | UnsetType | None,
    queued: int | UnsetType | None,
    running: int | UnsetType | None,
    weight: float | UnsetType | None,
) -> None:
    if says_something(per_minute, per_day, queued, weight):
        tx.run(SET_QUOTA, account, *given_quota(per_minute, per_day, queued, weight))
        tx.run(FORGET, account)
    set_hub_limit(tx, account_key(account), running=running)
