"""Long random walks, checked at every step against a model small enough to be believed."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from taskflow_hub.domain import moves
from taskflow_hub.domain.lifecycle import FINAL, LIFECYCLE, Move, State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome, Reason
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.store.values import TaskFilter
from taskflow_hub.testing.store_contract.kit import OOPS, ContractBase, Kit, new_task

STEPS = 250


class Believed(Struct):
    """What a task should look like."""

    status: State
    priority: int
    place: int  # in the line; larger is later
    rev: int = 1
    attempt: int = 0
    retries: int = 0
    crashes: int = 0
    asked: bool = False  # a cancel is requested

    def go(self, move: Move) -> None:
        self.status = LIFECYCLE[self.status][move]
        self.rev += 1


class Walk:
    """One store, one worker with room for everything, and a few tasks at a time."""

    def __init__(self, kit: Kit, seed: int) -> None:
        self.kit, self.chance = kit, random.Random(seed)
        self.believed: dict[str, Believed] = {}
        self.places = 0
        self.worker = ""

    async def run(self) -> None:
        self.worker = await self.kit.worker(slots=10_000)
        steps: list[Callable[[], Any]] = [
            *[self.submit] * 4,
            *[self.lease] * 3,
            *[self.end] * 8,
            *[self.end_stale] * 2,
            *[self.cancel] * 2,
            self.redrive,
            self.redrive,
            self.promote,
            self.delete,
            self.fall_due,
        ]
        for number in range(STEPS):
            await self.chance.choice(steps)()
            if number % 10 == 0:
                await self.compare()
        await self.compare()

    def next_place(self) -> int:
        self.places += 1
        return self.places

    def some(self, *states: State) -> str | None:
        ids = [id for id, task in self.believed.items() if task.status in states]
        return self.chance.choice(ids) if ids else None

    async def compare(self) -> None:
        tasks = await self.kit.store.tasks([*self.believed])
        for id, believed in self.believed.items():
            task = tasks[id]
            stored = (task.status, task.rev, task.attempt, task.retry_count, task.crashes)
            expected = (believed.status, believed.rev, believed.attempt, believed.retries, believed.crashes)
            assert stored == expected, f"task {id}"
            assert (task.finished_at is not None) is (believed.status in FINAL)
            assert (task.cancel_requested_at is not None) is believed.asked
        for state in State:
            count = sum(task.status is state for task in self.believed.values())
            assert await self.kit.store.count(DEFAULT_ACCOUNT, TaskFilter(status=(state,))) == count

    # --- steps -----------------------------------------------------------------------------------------------------------

    async def submit(self) -> None:
        later = self.chance.random() < 0.3
        news = [
            new_task(priority=self.chance.randrange(3), delay_s=5.0 if later else None)
            for _ in range(self.chance.randrange(1, 4))
        ]
        for task in await self.kit.submit_all(news):
            place = 0 if later else self.next_place()
            self.believed[task.id] = Believed(task.status, task.priority, place)

    async def lease(self) -> None:
        """Exactly the first of the line, and in its order; tasks that must be alone are kept out of the way."""
        limit = self.chance.randrange(1, 5)
        line = sorted(
            (id for id, task in self.believed.items() if task.status is State.QUEUED),
            key=lambda id: (-self.believed[id].priority, self.believed[id].place),
        )
        if any(self.believed[id].crashes >= 2 for id in line):
            return
        got = await self.kit.leased_ids(limit=limit)
        busy_alone = any(t.status is State.RUNNING and t.crashes >= 2 for t in self.believed.values())
        assert got == ([] if busy_alone else line[:limit])
        for id in got:
            self.believed[id].attempt += 1
            self.believed[id].go(Move.LEASE)

    async def end(self) -> None:
        """Any fenced move of a running task."""
        id = self.some(State.RUNNING)
        if id is None:
            return
        task = self.believed[id]
        move = self.chance.choice([Move.SUCCEED, Move.RETRY, Move.SNOOZE, Move.FAIL, Move.RELEASE, Move.LOSE])
        (verdict,) = await self.word(move, id, task.attempt)
        if task.asked and move in {Move.RETRY, Move.SNOOZE, Move.RELEASE, Move.LOSE}:
            assert verdict is Verdict.ABORTED
            task.go(Move.ABORT)
            return
        assert verdict is Verdict.APPLIED
        task.go(move)
        task.retries += move is Move.RETRY
        task.crashes += move is Move.LOSE

    async def end_stale(self) -> None:
        """Words of attempts that are over, or never were, change nothing."""
        id = self.some(*State)
        if id is None:
            return
        task = self.believed[id]
        wrong = [n for n in range(task.attempt + 2) if n != task.attempt or task.status is not State.RUNNING]
        (verdict,) = await self.word(
            self.chance.choice([Move.SUCCEED, Move.RETRY]), id, self.chance.choice(wrong)
        )
        assert verdict in {Verdict.STALE, Verdict.DUPLICATE}

    async def word(self, move: Move, id: str, attempt: int) -> list[Verdict]:
        fence: dict[str, Any] = {"id": id, "attempt": attempt}
        store = self.kit.store
        match move:
            case Move.SUCCEED:
                return await store.succeed([moves.Succeed(**fence, ran_s=1.0)])
            case Move.RETRY:
                return await store.retry([moves.Retry(**fence, ran_s=1.0, delay_s=5.0, error=OOPS)])
            case Move.SNOOZE:
                return await store.snooze([moves.Snooze(**fence, ran_s=1.0, delay_s=5.0)])
            case Move.FAIL:
                return await store.fail([moves.Fail(**fence, ran_s=1.0, reason=Reason.HANDLER, error=OOPS)])
            case Move.RELEASE:
                return await store.release([moves.Release(**fence, ran_s=self.chance.choice([None, 1.0]))])
            case _:
                lost = AttemptOutcome.LOST
                return await store.lose([moves.Lose(**fence, worker=self.worker, outcome=lost, crashed=True)])

    async def cancel(self) -> None:
        id = self.some(*State)
        if id is None:
            return
        task = self.believed[id]
        await self.kit.cancel(id)
        if Move.CANCEL in LIFECYCLE[task.status]:
            task.go(Move.CANCEL)
        elif task.status is State.RUNNING and not task.asked:
            task.asked = True
            task.rev += 1

    async def redrive(self) -> None:
        id = self.some(State.FAILED, State.CANCELLED)
        if id is None:
            return
        await self.kit.redrive(id)
        task = self.believed[id]
        task.go(Move.REDRIVE)
        task.place, task.retries, task.crashes, task.asked = self.next_place(), 0, 0, False

    async def promote(self) -> None:
        id = self.some(State.SCHEDULED)
        if id is not None:
            await self.kit.store.promote(DEFAULT_ACCOUNT, id)
            self.believed[id].go(Move.PROMOTE)
            self.believed[id].place = self.next_place()

    async def fall_due(self) -> None:
        self.kit.clock.advance(5)
        due = await self.kit.store.promote_due(1_000)
        assert set(due.ids) == {id for id, task in self.believed.items() if task.status is State.SCHEDULED}
        for id in due.ids:
            self.believed[id].go(Move.PROMOTE)
            self.believed[id].place = self.next_place()

    async def delete(self) -> None:
        id = self.some(State.SUCCESS)
        if id is not None:
            assert await self.kit.store.delete(DEFAULT_ACCOUNT, [id]) == [None]
            del self.believed[id]


class WalksContract(ContractBase):
    @pytest.mark.parametrize("seed", range(6))
    async def test_random_walk(self, kit: Kit, seed: int) -> None:
        await Walk(kit, seed).run()
