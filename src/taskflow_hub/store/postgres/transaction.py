"""What a verb is given to work with: one connection, and for a write one transaction on it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from taskflow_hub.store.postgres.known import Lesson
from taskflow_hub.store.values import Followed, News

Line = tuple[str, str, int, str]  # queue, type, priority, account: inside a line, place is `seq` alone


class Snapshot:
    """Reading. `now` is what every statement that needs the time is given: None in production, for the database's clock."""

    def __init__(self, connection: asyncpg.Connection, now: datetime | None) -> None:
        self.connection, self.now = connection, now

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        return await self.connection.fetch(sql, *values)

    async def row(self, sql: str, *values: Any) -> asyncpg.Record | None:
        return await self.connection.fetchrow(sql, *values)

    async def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row; None when there is no row."""
        return await self.connection.fetchval(sql, *values)


class Transaction(Snapshot):
    """Writing. What is noted here is told after the commit (hints only: losing them costs time, never a task).

    `single`: there is no BEGIN around it, so it may write with one statement only.
    """

    def __init__(self, connection: asyncpg.Connection, now: datetime | None, *, single: bool = False) -> None:
        super().__init__(connection, now)
        self.single = single
        self.ready: dict[Line, int] = {}
        self.news = News.NOTHING
        self.held = False
        self.decided = False  # about workflows, which may have moved
        self.lessons: list[Lesson] = []
        self.followed = Followed()

    async def run(self, sql: str, *values: Any) -> int:
        """Execute; how many rows changed."""
        status = await self.connection.execute(sql, *values)
        return int(status.rpartition(" ")[2])

    async def commit(self) -> None:
        await self.connection.execute("COMMIT")

    async def start_over(self) -> None:
        """Undo everything, and go on in a new transaction."""
        await self.connection.execute("ROLLBACK; BEGIN")
        self.ready, self.news, self.held, self.decided, self.lessons = {}, News.NOTHING, False, False, []
        self.followed = Followed()

    def note(self, news: News) -> None:
        self.news |= news

    def note_ready(self, places: Iterable[tuple[str, str, int, str, int]]) -> None:
        """These (queue, type, priority, account, seq) may be leased now: the lowest `seq` of each line is what counts."""
        self.note(News.TASKS)
        for queue, type, priority, account, seq in places:
            line = (queue, type, priority, account)
            if seq < self.ready.get(line, seq + 1):
                self.ready[line] = seq

    def note_held(self) -> None:
        """Limits hold back some more tasks, or fewer: whoever has room may find that they may start."""
        self.note(News.TASKS)
        self.held = True


def columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows as a statement with `unnest` takes them: one array for each column. There must be a row."""
    return [list(column) for column in zip(*rows, strict=True)]
