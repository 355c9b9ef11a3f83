"""The unique keys of one batch of submits: claimed all at once, given back when what wanted them is refused."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import asyncpg
from msgspec import Struct

from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.submission import OnConflict
from taskflow_hub.store.births import Birth
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.keys import answers
from taskflow_hub.store.postgres.faults import Collision
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Transaction, columns
from taskflow_hub.store.values import NewTask, Submit

UNIQUE_CLAIM: Final = statement("only/unique_claim")
UNIQUE_FIND: Final = statement("unique_find")
UNIQUE_TAKE: Final = statement("unique_take")
UNIQUE_DROP: Final = statement("only/unique_drop")
FINISHED: Final = statement("only/finished")

Key = tuple[str, str, str]  # account, type, key
_Row = tuple[str, datetime]  # the holder, and until when its window lasts


class Holder(Struct, frozen=True):
    id: str
    status: State
    queue: str


class UniqueKeys:
    """After `claim` nobody else can take, or free, one of them before our commit."""

    def __init__(self, submits: Iterable[Submit], now: datetime) -> None:
        self._now = now
        self._claimed: dict[Key, _Row] = {}  # for whoever is the first to want it
        self._replaced: set[Key] = set()  # wanted by someone who would have the holder make way
        self._holders: dict[Key, Holder] = {}
        self._taken: dict[Key, _Row] = {}
        for request in submits:
            for new in request.tasks:
                if new.unique is not None:
                    self._claimed.setdefault(_key(new), self._row(new))
                    if new.unique.on_conflict is OnConflict.REPLACE:
                        self._replaced.add(_key(new))

    async def claim(self, tx: Transaction) -> None:
        if not self._claimed:
            return
        wanted = [(*key, *row) for key, row in self._claimed.items()]
        free = {tuple(row) for row in await tx.fetch(UNIQUE_CLAIM, *columns(wanted))}
        there = [key for key in self._claimed if key not in free]
        for key in there:
            del self._claimed[key]
        if there:
            await self._find(tx, there)

    async def _find(self, tx: Transaction, keys: list[Key]) -> None:
        windowed: dict[str, Key] = {}
        for account, type, key, holder, status, queue, window in await tx.fetch(
            UNIQUE_FIND, tx.now, *columns(keys)
        ):
            if status is not None:
                self._holders[account, type, key] = Holder(holder, State(status), queue)
            elif window:
                windowed[holder] = (account, type, key)
        if windowed:
            for id, status, queue in await tx.fetch(FINISHED, list(windowed), earliest_finish(windowed)):
                self._holders[windowed[id]] = Holder(id, State(status), queue)

    def making_way(self) -> list[str]:
        """The holders that may have to: lock them, and say what was found."""
        return [
            held.id
            for key, held in self._holders.items()
            if key in self._replaced and held.status in UNSTARTED
        ]

    def found(self, tasks: Mapping[str, asyncpg.Record]) -> None:
        """`tasks`: those of `making_way`, locked, as far as they are still unfinished."""
        for key, held in self._holders.items():
            if key in self._replaced and held.status in UNSTARTED:
                task = tasks.get(held.id)
                if task is None:
                    raise Collision("the holder of a unique key ended just now")
                self._holders[key] = Holder(held.id, State(task["status"]), task["queue"])

    def wanted(self) -> "Wanted":
        return Wanted(self._holders)

    def take(self, wanted: "Wanted") -> None:
        """What one Submit came to is so."""
        for new, holder in wanted.taken:
            self._holders[_key(new)] = holder
            self._taken[_key(new)] = self._row(new)

    async def settle(self, tx: Transaction) -> None:
        """Write what came out otherwise than it was claimed."""
        other = [(*key, *row) for key, row in self._taken.items() if self._claimed.get(key) != row]
        if other:
            await tx.run(UNIQUE_TAKE, *columns(other))
        refused = [key for key in self._claimed if key not in self._taken]
        if refused:
            await tx.run(UNIQUE_DROP, *columns(refused))

    def _row(self, new: NewTask) -> _Row:
        assert new.unique is not None
        return new.id, self._now + timedelta(seconds=new.unique.window)


class Wanted:
    """The keys as one Submit finds and takes them; it stays so only if nothing of it is refused."""

    def __init__(self, holders: Mapping[Key, Holder]) -> None:
        self._holders = holders
        self._own: dict[Key, Holder] = {}
        self.taken: list[tuple[NewTask, Holder]] = []
        self.replaced: list[Holder] = []

    def answering(self, new: NewTask, index: int) -> str | None:
        """The task that answers instead of this one; None: the key is free (now). Raises UniqueConflict."""
        held = self.holder(new)
        if new.unique is None or held is None:
            return None
        if answers(new.unique, held.id, held.status, index):
            return held.id
        if held.status in UNSTARTED:
            self.replaced.append(held)
        return None

    def holder(self, new: NewTask) -> Holder | None:
        if new.unique is None:
            return None
        return self._own.get(_key(new)) or self._holders.get(_key(new))

    def take(self, birth: Birth) -> None:
        if birth.new.unique is not None:
            holder = Holder(birth.new.id, birth.status, birth.queue)
            self._own[_key(birth.new)] = holder
            self.taken.append((birth.new, holder))


def _key(new: NewTask) -> Key:
    assert new.unique is not None
    return new.account_id, new.type, new.unique.key
