"""Kill points inside the stores: a process dies between two statements of a transaction, or just before or after its commit.

What a killed process leaves is what the database makes of its transaction: nothing, or all. So a kill is an error that every
statement and commit raises from the n-th point on, on both stores' own way to their connection; it is caught by nothing but the
code that rolls back. Whoever drives closes the store then, as the death of its process would.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final

from taskflow_hub.store.postgres import transaction as postgres
from taskflow_hub.store.postgres.foreseen import SUCCEED_FORESEEN
from taskflow_hub.store.sqlite import transaction as sqlite

_POSTGRES: Final = ("fetch", "row", "value", "run")
_SQLITE: Final = ("value", "decode", "run", "run_items", "next_seq")


class Killed(Exception):
    """The process is gone."""


class Point(StrEnum):
    STATEMENT = "before a statement"
    COMMIT = "before a commit"
    COMMITTED = "after a commit"


class Kills:
    """Nobody is killed before `arm`, nor after `spare`. `met`: how often somebody was, and where.

    `foreseen`: how often ends were written together with what follows, by what a process remembered (PostgreSQL).
    """

    def __init__(self) -> None:
        self.met: Counter[Point] = Counter()
        self.foreseen = 0
        self._at, self._left = Point.STATEMENT, -1  # so many such points from now on; negative: nobody dies
        self._dead = False

    @property
    def armed(self) -> bool:
        return self._left >= 0

    def arm(self, chance: random.Random) -> None:
        """Somewhere soon somebody will be."""
        self._at = chance.choice((Point.STATEMENT, Point.STATEMENT, Point.COMMIT, Point.COMMITTED))
        self._left = chance.randrange(25 if self._at is Point.STATEMENT else 2)

    def point(self, at: Point) -> None:
        if self._dead:
            raise Killed
        if self._left < 0 or at is not self._at:
            return
        if self._left == 0:
            self._dead = True
            self.met[at] += 1
            raise Killed
        self._left -= 1

    def spare(self) -> None:
        """From here on nobody is killed."""
        self._left, self._dead = -1, False


@contextmanager
def kill_points() -> Iterator[Kills]:
    """While it lasts, writing transactions of both stores look here before each statement, and around each commit."""
    kills = Kills()
    watched: dict[tuple[type, str], Any] = {
        **{(postgres.Transaction, name): _statement_on_postgres for name in _POSTGRES},
        **{(sqlite.Transaction, name): _statement_on_sqlite for name in _SQLITE},
        (postgres.Transaction, "commit"): _commit_on_postgres,
        (sqlite.Transaction, "commit"): _commit_on_sqlite,
    }
    own = {(kind, name): kind.__dict__.get(name) for kind, name in watched}
    for (kind, name), made in watched.items():
        setattr(kind, name, made(getattr(kind, name), kills))
    try:
        yield kills
    finally:
        for (kind, name), method in own.items():
            if method is None:
                delattr(kind, name)
            else:
                setattr(kind, name, method)


def _statement_on_sqlite(real: Callable[..., Any], kills: Kills) -> Any:
    def watched(self: sqlite.Transaction, *args: Any, **kwargs: Any) -> Any:
        kills.point(Point.STATEMENT)
        return real(self, *args, **kwargs)

    return watched


def _statement_on_postgres(real: Callable[..., Awaitable[Any]], kills: Kills) -> Any:
    async def watched(self: postgres.Transaction, *args: Any, **kwargs: Any) -> Any:
        kills.point(Point.STATEMENT)
        found = await real(self, *args, **kwargs)
        kills.foreseen += args[0] is SUCCEED_FORESEEN and found[0]["done"]
        if self.single:
            kills.point(Point.COMMITTED)
        return found

    return watched


def _commit_on_sqlite(real: Callable[..., None], kills: Kills) -> Any:
    def watched(self: sqlite.Transaction) -> None:
        kills.point(Point.COMMIT)
        real(self)
        kills.point(Point.COMMITTED)

    return watched


def _commit_on_postgres(real: Callable[..., Awaitable[None]], kills: Kills) -> Any:
    async def watched(self: postgres.Transaction) -> None:
        try:
            kills.point(Point.COMMIT)
        except Killed:
            await self.connection.execute("ROLLBACK")  # as the server does when nobody is there any more
            raise
        await real(self)
        kills.point(Point.COMMITTED)

    return watched
