"""What a verb is given to work with: one transaction on the write connection."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from taskflow_hub.store.documents import decoder as decoder  # noqa: PLC0414 (bulk.py)
from taskflow_hub.store.documents import to_json as to_json  # noqa: PLC0414 (bulk.py)
from taskflow_hub.store.sqlite.statements import LARGEST, NULL, Statement, Values, size_for
from taskflow_hub.store.values import Followed

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
SECOND: Final = 1_000_000  # microseconds


def to_us(at: datetime) -> int:
    """Microseconds since 1970: how every time is stored."""
    return (at - _EPOCH) // _MICROSECOND


def from_us(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


class Snapshot:
    """Reading. Every statement here answers with one row of one column, mostly a JSON document."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def value(self, sql: Statement, *values: Any) -> Any:
        """The first column of the first row, as it is; None when there is no row."""
        row = self.connection.execute(sql.text, values).fetchone()
        return None if row is None else row[0]

    def document(self, shape: type[T], sql: Statement, *values: Any) -> T:
        """The one JSON document the statement answers with."""
        return self.decode(shape, sql.text, values)

    def decode(self, shape: type[T], text: str, values: Values) -> T:
        found: T = decoder(shape).decode(self.connection.execute(text, values).fetchone()[0])
        return found

    def collect(self, shape: type[T], sql: Statement, items: Sequence[Values], *first: Any) -> list[T]:
        """The documents of all chunks of a batch, chained; each must be a JSON array of `shape`."""
        found: list[T] = []
        for text, values in _chunks(sql, items, first):
            found += self.decode(list[shape], text, values)  # type: ignore[valid-type]
        return found


class Transaction(Snapshot):
    """Writing. `now` is the same for everything in one transaction."""

    def __init__(self, connection: sqlite3.Connection, now: datetime) -> None:
        super().__init__(connection)
        self.at = now
        self.now = to_us(now)
        self.decided = False  # about workflows, which may have moved
        self.followed = Followed()

    def run(self, sql: Statement, *values: Any) -> int:
        """Execute once; how many rows changed. (A cursor's rowcount knows nothing of statements that begin with WITH.)"""
        before = self.connection.total_changes
        self.connection.execute(sql.text, values)
        return self.connection.total_changes - before

    def run_items(self, sql: Statement, items: Sequence[Values], *first: Any) -> int:
        """Execute for a batch, in as few statements as possible; `first` are the values that stand before the items.

        How many rows changed."""
        before = self.connection.total_changes
        for text, values in _chunks(sql, items, first):
            self.connection.execute(text, values)
        return self.connection.total_changes - before

    def commit(self) -> None:
        self.connection.execute("COMMIT")

    def next_seq(self, count: int) -> int:
        """Take `count` places at the end of the line; the first of them."""
        text = "UPDATE sequence SET last = last + ? RETURNING last"
        last: int = self.connection.execute(text, (count,)).fetchall()[0][0]
        return last - count + 1

    @contextmanager
    def part(self) -> Iterator[Callable[[], None]]:
        """A part that may be taken back: call what is given to undo everything done since."""
        self.connection.execute("SAVEPOINT part")

        def undo() -> None:
            self.connection.execute("ROLLBACK TO part")

        yield undo
        self.connection.execute("RELEASE part")


def _chunks(sql: Statement, items: Sequence[Values], first: Values) -> Iterator[tuple[str, list[Any]]]:
    for start in range(0, len(items), LARGEST):
        chunk = items[start : start + LARGEST]
        size = size_for(len(chunk))
        values = [*first, *[NULL if value is None else value for item in chunk for value in item]]
        values.extend(sql.nothing * (size - len(chunk)))
        yield sql.sized(size), values
