"""Limits as operators see and set them. What they mean for a lease: limits.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from msgspec import UNSET, UnsetType

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.model import LimitInUse, LimitRow, LimitUse
from taskflow_hub.store import refusals
from taskflow_hub.store.audit import of_limit
from taskflow_hub.store.groups import counted
from taskflow_hub.store.limit_uses import given_number, uses
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.rows import keys_of
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
from taskflow_hub.store.quota_uses import says_something
from taskflow_hub.store.standing import NOBODY

LIMITS: Final = statement("limits")
LIMITS_IN_USE: Final = statement("limits_in_use")
RUNNING: Final = statement("limit_running")
HELD: Final = statement("limit_held")
SET_LIMIT: Final = statement("set_limit")
FORGET: Final = statement("limit_forget")
UNSET_LIMIT: Final = statement("limit_unset")
LIMIT_BEFORE: Final = statement("only/limit_before")

PATIENCE_MS: Final = 2_000  # for so long it waits for a transaction that has the limit in its hands


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


async def _limits(
    snapshot: Snapshot, account: str | None, after: tuple[str, str], limit: int
) -> list[LimitUse]:
    rows = [_limit(row) for row in await snapshot.fetch(LIMITS, account, *after, limit)]
    groups = await snapshot.fetch(RUNNING, list({row.account_id for row in rows}))
    held = await snapshot.fetch(HELD, account)
    return uses(
        rows,
        counted((row["account_id"], keys_of(row["limits"]), row["count"]) for row in groups),
        {(row["account_id"], row["hold"]): row["count"] for row in held},
    )


async def _limits_in_use(snapshot: Snapshot) -> list[LimitInUse]:
    return [
        LimitInUse(key=row["key"], running=row["running"], active=row["active"])
        for row in await snapshot.fetch(LIMITS_IN_USE)
    ]


async def _set_limit(
    tx: Transaction,
    account: str,
    key: str,
    running: int | UnsetType | None,
    per_second: float | UnsetType | None,
    pinned: bool,
    by: By | None,
) -> LimitRow:
    given = [part for number in (running, per_second) for part in given_number(number)]
    async with patience(tx):
        before = None if by is None else await tx.row(LIMIT_BEFORE, account, key)
        row = await tx.row(SET_LIMIT, account, key, *given, pinned)
    assert row is not None
    await tx.run(FORGET, account, key)
    tx.note_held()
    after = _limit(row)
    if before is not None:
        await record(tx, by, of_limit(_limit(before), after))
    return after


def _limit(row: asyncpg.Record) -> LimitRow:
    return LimitRow(
        account_id=row["account_id"],
        key=row["key"],
        running=row["running"],
        per_second=row["per_second"],
        pinned=row["pinned"],
    )


@asynccontextmanager
async def patience(tx: Transaction) -> AsyncIterator[None]:
    """Wait for a transaction that has a row in its hands, but not for ever. Raises Unavailable."""
    await tx.connection.execute(f"SET LOCAL lock_timeout = '{PATIENCE_MS}ms'")
    try:
        yield
    except asyncpg.LockNotAvailableError:
        raise refusals.key_busy() from None


async def set_hub_limit(
    tx: Transaction,
    key: str,
    *,
    running: int | UnsetType | None = UNSET,
    per_second: float | UnsetType | None = UNSET,
) -> None:
    """Of a queue, or of what runs of an account (store/standing.py). Within `patience`."""
    if says_something(running, per_second):
        given = [part for number in (running, per_second) for part in given_number(number)]
        await tx.run(SET_LIMIT, NOBODY, key, *given, True)
        await tx.run(UNSET_LIMIT, key)
        tx.note_held()
