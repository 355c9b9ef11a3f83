"""The verbs that may end a task. Those of workflows take a longer way: their roots are locked first, and what follows is done
in the same transaction (store/advance.py).

Each verb is tried without them first, in its one statement, unless it is known that they are. What that has passed over is done
again, in a lane of its own: so nobody whose task is no part of a workflow waits for those whose tasks are. Of most successes it
is known beforehand what follows: then they take one statement, too (foreseen.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, Protocol, TypeVar

from taskflow_hub.domain import moves
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.store.postgres import moves as verbs
from taskflow_hub.store.postgres.advance import advance, lock_roots
from taskflow_hub.store.postgres.foreseen import Foresight
from taskflow_hub.store.postgres.known import KnownTrees
from taskflow_hub.store.postgres.running import OfWorkflows
from taskflow_hub.store.postgres.steps import nobody_waits
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.postgres.writer import Verb, Writer, always, never
from taskflow_hub.store.verdicts import ABORTED, APPLIED, STALE, MoveT

M_contra = TypeVar("M_contra", contravariant=True)
_CANCELLED: Final = {ABORTED: State.CANCELLED}


class _Move(Protocol[M_contra]):
    def __call__(
        self, tx: Transaction, items: Sequence[M_contra], *, whole: bool
    ) -> Awaitable[list[Verdict | None]]: ...


class _Foresight(Protocol[M_contra]):
    def sees(self, items: Sequence[M_contra]) -> bool: ...

    def write(self, tx: Transaction, items: Sequence[M_contra]) -> Awaitable[list[Verdict | None]]: ...


class Ending(Generic[MoveT]):
    """One verb, with both its ways. `how`: which verdicts say that a task has ended, and how it has.

    `known`: which tasks are part of workflows, if that alone decides which way to go. `single`: for which items the first way
    is one statement. `foresight`: for which items the other way may be one, too.
    """

    def __init__(
        self,
        move: _Move[MoveT],
        how: Mapping[Verdict, State],
        known: OfWorkflows | None = None,
        *,
        single: Callable[[Sequence[MoveT]], bool] = always,
        foresight: "_Foresight[MoveT] | None" = None,
        trees: KnownTrees | None = None,
    ) -> None:
        async def alone(tx: Transaction, items: Sequence[MoveT]) -> list[Verdict | None]:
            return await move(tx, items, whole=False)

        async def whole(tx: Transaction, items: Sequence[MoveT]) -> list[Verdict | None]:
            if tx.single and foresight is not None:
                return await foresight.write(tx, items)
            roots = await lock_roots(tx, [item.id for item in items])
            verdicts = [verdict or STALE for verdict in await move(tx, items, whole=True)]
            ended = {
                item.id: how[verdict] for item, verdict in zip(items, verdicts, strict=True) if verdict in how
            }
            await advance(tx, roots, ended, trees)
            return [*verdicts]

        self._known = known
        self._alone: Verb[MoveT, Verdict | None] = Verb(alone, single=single)
        self._whole: Verb[MoveT, Verdict | None] = Verb(
            whole, single=never if foresight is None else foresight.sees
        )

    async def write(self, writer: Writer, items: Sequence[MoveT]) -> list[Verdict]:
        known = self._known
        if known is None:
            return await self._in_turn(writer, items)
        theirs = [place for place, item in enumerate(items) if item.id in known]
        if not theirs:
            return await self._in_turn(writer, items)
        others = [place for place, item in enumerate(items) if item.id not in known]
        first, second = await asyncio.gather(
            self._by_roots(writer, [items[place] for place in theirs]),
            self._in_turn(writer, [items[place] for place in others]),
        )
        known.forget(items[place].id for place in theirs)
        found = dict(zip([*theirs, *others], [*first, *second], strict=True))
        return [found[place] for place in range(len(items))]

    async def _in_turn(self, writer: Writer, items: Sequence[MoveT]) -> list[Verdict]:
        first = await writer.write_many(self._alone, items)
        places = [place for place, verdict in enumerate(first) if verdict is None]
        second = await self._by_roots(writer, [items[place] for place in places])
        found = dict(zip(places, second, strict=True))
        return [found[place] if verdict is None else verdict for place, verdict in enumerate(first)]

    async def _by_roots(self, writer: Writer, items: Sequence[MoveT]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        while len(verdicts) < len(items):  # all or none; what was foreseen in vain is not foreseen again
            found = await writer.write_many(self._whole, items)
            verdicts = [verdict for verdict in found if verdict is not None]
        return verdicts


class Endings:
    def __init__(self, known: OfWorkflows, trees: KnownTrees) -> None:
        self.succeed = Ending[moves.Succeed](
            verbs.succeed,
            {APPLIED: State.SUCCESS},
            known,
            foresight=Foresight(known, trees),
            trees=trees,
        )
        self.fail = Ending[moves.Fail](verbs.fail, {APPLIED: State.FAILED}, known, trees=trees)
        self.retry = Ending[moves.Retry](verbs.retry, _CANCELLED)
        self.snooze = Ending[moves.Snooze](verbs.snooze, _CANCELLED, single=nobody_waits)
        self.release = Ending[moves.Release](verbs.release, _CANCELLED)
        self.lose = Ending[moves.Lose](verbs.lose, _CANCELLED)
        self.abort = Ending[moves.Abort](verbs.abort, {APPLIED: State.CANCELLED}, known)
