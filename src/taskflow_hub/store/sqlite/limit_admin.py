"""Limits as operators see and set them. What they mean for a lease: limits.py."""

from typing import Final

from msgspec import UNSET, UnsetType

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.model import LimitInUse, LimitRow, LimitUse
from taskflow_hub.store.audit import of_limit
from taskflow_hub.store.documents import decoder
from taskflow_hub.store.groups import counted
from taskflow_hub.store.limit_uses import given_number, uses
from taskflow_hub.store.quota_uses import says_something
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Snapshot, Transaction
from taskflow_hub.store.standing import NOBODY

LIMITS: Final = statement("limits")
LIMITS_IN_USE: Final = statement("limits_in_use")
RUNNING: Final = statement("limit_running")
HELD: Final = statement("limit_held")
SET_LIMIT: Final = statement("set_limit")
FORGET: Final = statement("limit_forget")
UNSET_LIMIT: Final = statement("limit_unset")
NUMBERS: Final = statement("only/limit_numbers")


class LimitAdmin(Part):
    async def limits(
        self, account: str | None, *, after: tuple[str, str] = ("", ""), limit: int
    ) -> list[LimitUse]:
        return await self._readers.read_long(_limits, account, after, limit)

    async def limits_in_use(self) -> list[LimitInUse]:
        return await self._readers.read(_limits_in_use)

    async def set_limit(
        self,
        account: str,
        key: str,
        running: int | UnsetType | None,
        per_second: float | UnsetType | None,
        *,
        pinned: bool = True,
        by: By | None = None,
    ) -> LimitRow:
        return await self._writer.write(_set_limit, account, key, running, per_second, pinned, by)


def _limits(snapshot: Snapshot, account: str | None, after: tuple[str, str], limit: int) -> list[LimitUse]:
    rows = snapshot.document(
        list[tuple[str, str, int | None, float | None, int]], LIMITS, account, *after, account, *after, limit
    )
    running = counted(snapshot.document(list[tuple[str, tuple[str, ...], int]], RUNNING))
    held = snapshot.document(list[tuple[str, str, int]], HELD, account)
    return uses(
        [
            LimitRow(account_id=owner, key=key, running=most, per_second=rate, pinned=bool(pinned))
            for owner, key, most, rate, pinned in rows
        ],
        running,
        {(owner, hold): count for owner, hold, count in held},
    )


def _limits_in_use(snapshot: Snapshot) -> list[LimitInUse]:
    return snapshot.document(list[LimitInUse], LIMITS_IN_USE)


def _set_limit(
    tx: Transaction,
    account: str,
    key: str,
    running: int | UnsetType | None,
    per_second: float | UnsetType | None,
    pinned: bool,
    by: By | None,
) -> LimitRow:
    before = _numbers(tx, account, key)
    given = [part for number in (running, per_second) for part in given_number(number)]
    rows = tx.connection.execute(SET_LIMIT.text, (account, key, *given, pinned)).fetchall()
    most, rate = decoder(tuple[int | None, float | None]).decode(rows[0][0])
    tx.run(FORGET, account, key)
    after = LimitRow(account_id=account, key=key, running=most, per_second=rate, pinned=pinned)
    record(tx, by, of_limit(before, after))
    return after


def _numbers(snapshot: Snapshot, account: str, key: str) -> LimitRow:
    """One that is not there has none."""
    most, rate, pinned = snapshot.document(tuple[int | None, float | None, int], NUMBERS, account, key)
    return LimitRow(account_id=account, key=key, running=most, per_second=rate, pinned=bool(pinned))


def set_hub_limit(
    tx: Transaction,
    key: str,
    *,
    running: int | UnsetType | None = UNSET,
    per_second: float | UnsetType | None = UNSET,
) -> None:
    """Of a queue, or of what runs of an account (store/standing.py)."""
    if says_something(running, per_second):
        given = [part for number in (running, per_second) for part in given_number(number)]
        tx.connection.execute(SET_LIMIT.text, (NOBODY, key, *given, True)).fetchall()
        tx.run(UNSET_LIMIT, key)
