"""Submit within a transaction of the caller's, on SQLite: the store's own submit, on their connection.

A transaction that writes has the file to itself until it ends, so everything is as exact as in a submit of the store's own;
but every process that wants to write waits for its end, so it should be short.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from taskflow_hub.domain.clock import Clock, utc_now
from taskflow_hub.domain.errors import SchemaMismatch, TaskflowError
from taskflow_hub.domain.model import NO_TERMS, Terms
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store import refusals
from taskflow_hub.store.callers import Caller, no_transaction
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.submit import submit
from taskflow_hub.store.sqlite.transaction import Transaction
from taskflow_hub.store.values import Bare, Draft, Idempotency, NewTask, Submit

TASK_TYPES: Final = statement("task_types")


class _Declared(Struct):
    """What supplies defaults, of a type that a worker has registered."""

    type: str
    max_retries: int | None
    retry: RetryPolicy
    timeout: float | None
    secret: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()

    def lacking(self, draft: Draft) -> Terms:
        return Terms(() if draft.sealed else self.secret, () if draft.limited else self.limits)


class Within:
    """The hub's tables, on one connection of a caller's."""

    def __init__(self, caller: Caller, clock: Clock = utc_now) -> None:
        self._caller, self._clock = caller, clock

    async def terms(self, types: Collection[str]) -> Mapping[str, Terms]:
        """See engine/within.py. Nothing leaves this process until a submit has learned it by itself."""
        return {}

    async def submit(
        self, drafts: Sequence[Draft], idempotency: Idempotency | None, *, strict: bool
    ) -> Sequence[str]:
        """See engine/within.py."""
        return await _on_connection(
            self._caller, lambda cursor: _submit(cursor, drafts, idempotency, strict, self._clock())
        )


def _submit(
    cursor: Any, drafts: Sequence[Draft], idempotency: Idempotency | None, strict: bool, now: datetime
) -> list[str]:
    """All or nothing, whatever happens: the caller may go on and commit."""
    tx = Transaction(cast(Any, _Connection(cursor)), now)
    cursor.execute("SAVEPOINT within")
    try:
        # Write first: what has been read may be outdated when the lock is had, and then SQLite refuses to write at all.
        cursor.execute("UPDATE sequence SET last = last")
        (outcome,) = submit(tx, [Submit(_tasks(tx, drafts, strict=strict), idempotency)])
    except BaseException:
        with contextlib.suppress(
            sqlite3.Error
        ):  # when the disk is full SQLite has undone the whole transaction
            cursor.execute("ROLLBACK TO within")
            cursor.execute("RELEASE within")
        raise
    cursor.execute("RELEASE within")
    if isinstance(outcome, TaskflowError):
        raise outcome
    return [task.id for task in outcome.tasks]


def _tasks(tx: Transaction, drafts: Sequence[Draft], *, strict: bool) -> tuple[NewTask, ...]:
    declared = {one.type: one for one in tx.document(list[_Declared], TASK_TYPES)}
    lacking = {
        index: terms
        for index, draft in enumerate(drafts)
        if draft.new.type in declared and (terms := declared[draft.new.type].lacking(draft)) != NO_TERMS
    }
    if lacking:
        raise Bare(lacking)
    tasks = []
    for index, draft in enumerate(drafts):
        found = declared.get(draft.new.type)
        if found is None and strict:
            raise refusals.unknown_type(draft.new.type, index)
        defaults = {} if found is None else {name: getattr(found, name) for name in draft.defaults}
        tasks.append(msgspec.structs.replace(draft.new, **defaults))
    return tuple(tasks)


class _Connection:
    """As the store's own connection looks to its verbs. One cursor, so that the caller's row factory makes no difference."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        self._cursor.execute(sql, values)
        return self._cursor

    @property
    def total_changes(self) -> int:
        self._cursor.execute("SELECT total_changes()")
        changes: int = self._cursor.fetchone()[0]
        return changes


# --- drivers ---------------------------------------------------------------------------------------------------------


async def _on_connection(caller: Caller, work: Callable[[Any], list[str]]) -> list[str]:
    """Run it where the connection may be used, on a cursor, inside the transaction."""
    if caller.driver == "sqlite3":
        return _on_cursor(caller.connection, caller.connection, work)
    if hasattr(caller.connection, "run_sync"):
        found: list[str] = await caller.connection.run_sync(
            lambda connection: _on_sqlalchemy(connection, work)
        )
        return found
    return _on_sqlalchemy(caller.connection, work)


def _on_sqlalchemy(connection: Any, work: Callable[[Any], list[str]]) -> list[str]:
    # SQLAlchemy begins its transaction with the first statement it sees; else its `commit` would have none to commit.
    connection.exec_driver_sql("SELECT 1")
    pooled = connection.connection
    return _on_cursor(pooled, pooled.driver_connection, work)


def _on_cursor(connection: Any, driver: Any, work: Callable[[Any], list[str]]) -> list[str]:
    """`connection` gives cursors; `driver` knows whether there is a transaction."""
    cursor = connection.cursor()
    try:
        if isinstance(cursor, sqlite3.Cursor):
            cursor.row_factory = None
        if not driver.in_transaction:
            if driver.isolation_level is None or getattr(driver, "autocommit", False) is True:
                raise no_transaction()
            # The driver begins one before it writes; it would not see that our first statement does.
            cursor.execute("BEGIN IMMEDIATE")
        return work(cursor)
    except Exception as error:
        if "no such table" in str(error) or "no such column" in str(error):
            raise SchemaMismatch(
                f"on this connection the tables of a hub are not found ({error}): is it the hub's database, and is it "
                "up to date?"
            ) from error
        raise
    finally:
        cursor.close()
