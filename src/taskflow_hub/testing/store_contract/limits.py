"""Limits: how many tasks with one key run at a time, and how many start per second."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import pytest
from msgspec import Struct

from taskflow_hub.domain import moves
from taskflow_hub.domain.errors import Invalid, QueueFull
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome
from taskflow_hub.domain.submission import Limit, OnConflict, Unique
from taskflow_hub.store.base import Store
from taskflow_hub.store.values import Idempotency, NewTask, Submit, Submitted, TaskFilter
from taskflow_hub.testing.store_contract.kit import OOPS, ContractBase, Kit, new_task


def limited(*limits: Limit, **fields: Any) -> NewTask:
    return new_task(limits=limits, **fields)


def some(count: int, *limits: Limit, **fields: Any) -> list[NewTask]:
    return [limited(*limits, **fields) for _ in range(count)]


def ids(tasks: Sequence[Any]) -> list[str]:
    return [task.id for task in tasks]


async def holds(kit: Kit, tasks: Sequence[Any]) -> list[str | None]:
    found = await kit.store.tasks(ids(tasks))
    return [found[task.id].hold for task in tasks]


class Attempt(Struct, frozen=True):
    id: str
    attempt: int = 1


def first_of(task: Any) -> Any:
    """The first attempt of a task, as far as an end names it."""
    return Attempt(task.id)


class LimitsContract(ContractBase):
    # --- so many at a time -------------------------------------------------------------------------------------------

    async def test_no_more_run_than_may(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(5, Limit("a", running=2)))
        first = await kit.lease()
        assert ids(first) == ids(tasks[:2]), "in the order of the line"
        assert await kit.lease() == []
        assert await holds(kit, tasks) == [None, None, "limit:a", "limit:a", "limit:a"]
        await kit.succeed(first[1])
        assert await kit.leased_ids() == [tasks[2].id]
        assert await kit.lease() == []
        assert (await kit.get(tasks[2].id)).hold is None

    @pytest.mark.parametrize("end", ["succeed", "fail", "retry", "snooze", "release", "lose", "abort"])
    async def test_every_end_lets_the_next_one_start(self, kit: Kit, end: str) -> None:
        await kit.worker()
        first, second = await kit.submit_all(some(2, Limit("a", running=1)))
        (running,) = await kit.lease()
        assert await kit.lease() == []
        if end == "abort":
            await kit.cancel(first.id)
        await getattr(kit, end)(running)
        # What was released or lost stands in front again.
        assert await kit.leased_ids() == [first.id if end in {"release", "lose"} else second.id]
        assert await kit.lease() == []

    async def test_a_cancel_that_is_only_asked_for_frees_nothing(self, kit: Kit) -> None:
        await kit.worker()
        first, _ = await kit.submit_all(some(2, Limit("a", running=1)))
        await kit.lease()
        await kit.cancel(first.id)
        assert await kit.lease() == []

    async def test_each_key_and_each_account_by_itself(self, kit: Kit) -> None:
        await kit.worker()
        one = Limit("a", running=1)
        tasks = await kit.submit_all(
            [*some(2, one), *some(2, Limit("b", running=1)), *some(2, one, account_id="other"), *some(1)]
        )
        turns = (0, 4, 2, 6)  # the other account waits for one of the first
        assert await kit.leased_ids() == [tasks[place].id for place in turns]

    async def test_many_that_are_limited_alike(self, kit: Kit) -> None:
        """Lease after lease, in which nothing else is met; then something is."""
        await kit.worker(slots=2_000)
        tasks = await kit.submit_all(some(900, Limit("a", running=700)))
        got: list[str] = []
        while attempts := await kit.lease(limit=200):
            got += ids(attempts)
        assert got == ids(tasks[:700])
        await kit.store.set_limit("default", "a", 750, None)
        await kit.submit_all([limited(Limit("b", running=1)), *some(3), limited(Limit("b"))])
        got = await kit.leased_ids()
        assert got[:50] == ids(tasks[700:750])
        assert len(got) == 50 + 4
        await kit.store.set_limit("default", "a", None, 10.0)
        assert len(await kit.lease()) == 10

    async def test_many_that_are_limited_alike_keep_their_rate(self, kit: Kit) -> None:
        await kit.worker(slots=2_000)
        tasks = await kit.submit_all(some(500, Limit("a", per_second=100.0)))
        got: list[str] = []
        for _ in range(4):
            for _ in range(3):
                got += await kit.leased_ids(limit=40)
            kit.clock.advance(1)
        assert got == ids(tasks[:400])

    async def test_several_limits_hold_together(self, kit: Kit) -> None:
        await kit.worker()
        a, b = Limit("a", running=2), Limit("b", running=1)
        both = await kit.submit_all([limited(b, a), limited(a, b), limited(a), limited(b), limited(a)])
        assert await kit.leased_ids() == [both[0].id, both[2].id]
        assert await holds(kit, both) == [None, "limit:a", None, "limit:b", "limit:a"]
        await kit.succeed(first_of(both[0]))
        assert await kit.leased_ids() == [both[1].id], "the first in line takes both"
        await kit.succeed(first_of(both[2]))
        assert await kit.leased_ids() == [both[4].id]
        await kit.succeed(first_of(both[1]))
        assert await kit.leased_ids() == [both[3].id]

    async def test_priority_and_order_hold_among_what_may_run(self, kit: Kit) -> None:
        await kit.worker()
        one = Limit("a", running=1)
        low = await kit.submit_all([*some(2, one, priority=1), *some(1, priority=1)])
        (running, _) = await kit.lease()
        assert running.id == low[0].id
        await kit.lease()
        high = await kit.submit_all([*some(1, priority=9), *some(2, one, priority=9), *some(1, priority=5)])
        await kit.succeed(running)
        # Held ones, those just met, and those without limits come in one line.
        assert await kit.leased_ids() == [high[0].id, high[1].id, high[3].id]
        await kit.succeed(first_of(high[1]))
        assert await kit.leased_ids() == [high[2].id]
        await kit.succeed(first_of(high[2]))
        assert await kit.leased_ids() == [low[1].id]

    async def test_held_and_ready_are_merged_within_the_room(self, kit: Kit) -> None:
        await kit.worker(slots=3)
        two = Limit("a", running=2)
        tasks = await kit.submit_all([*some(4, two), *some(2), *some(2, Limit("b", running=1)), *some(2)])
        got = await kit.lease_all()
        assert ids(got) == [tasks[0].id, tasks[1].id, tasks[4].id]
        for attempt in got:
            await kit.succeed(attempt)
        got = await kit.lease_all()
        assert ids(got) == [tasks[2].id, tasks[3].id, tasks[5].id]

    async def test_room_of_workers_still_counts(self, kit: Kit) -> None:
        await kit.worker(slots=2)
        tasks = await kit.submit_all(some(8, Limit("a", running=5)))
        first = await kit.lease()
        assert ids(first) == ids(tasks[:2])
        assert await kit.lease() == []
        await kit.worker(slots=100)
        assert await kit.leased_ids() == ids(tasks[2:5])
        assert await kit.lease() == []
        await kit.succeed(first[0])
        assert await kit.leased_ids(limit=1) == [tasks[5].id]

    async def test_held_tasks_go_only_to_who_serves_them(self, kit: Kit) -> None:
        one = Limit("a", running=1)
        worker = await kit.worker("t", "u", queues=("x",))
        tasks = await kit.submit_all(
            [limited(one, type="t", queue="x"), limited(one, type="u", queue="x"), limited(one, queue="y")]
        )
        other = await kit.worker("t", queues=("y",))
        (running,) = await kit.lease()
        assert running.id == tasks[0].id
        await kit.succeed(running)
        assert await kit.lease(other) != []
        assert await kit.lease(worker) == []
        await kit.succeed(first_of(tasks[2]))
        await kit.store.pause("x")
        assert await kit.lease() == []
        await kit.store.resume("x")
        assert await kit.leased_ids() == [tasks[1].id]

    async def test_nobody_serves_them(self, kit: Kit) -> None:
        tasks = await kit.submit_all(some(3, Limit("a", running=1), type="u"))
        await kit.worker("t")
        assert await kit.lease() == []
        assert await holds(kit, tasks) == ["no_worker"] * 3
        await kit.worker("u")
        assert ids(await kit.lease_all()) == [tasks[0].id]
        assert await holds(kit, tasks) == [None, "limit:a", "limit:a"]

    async def test_held_before_its_worker_left(self, kit: Kit) -> None:
        worker = await kit.worker("u")
        tasks = await kit.submit_all(some(2, Limit("a", running=1), type="u"))
        (running,) = await kit.lease()
        await kit.lease()
        await kit.store.retire(worker)
        await kit.worker("t")
        await kit.lose(running, crashed=False)
        assert ids(await kit.lease_all()) == []
        await kit.worker("u")
        assert ids(await kit.lease_all()) == [tasks[0].id]

    async def test_alone_and_limited(self, kit: Kit) -> None:
        """A task that must run alone keeps a worker for itself, and what is behind it gets another."""
        worker = await kit.worker(slots=5)
        (task, *_) = await kit.submit_all(some(3, Limit("a", running=2)))
        for _ in range(2):
            attempt = next(one for one in await kit.lease() if one.id == task.id)
            await kit.lose(attempt)
        others = await kit.lease(worker)
        assert task.id not in ids(others)
        other = await kit.worker(slots=5)
        assert (await kit.lease(other))[0].id == task.id

    # --- so many per second ------------------------------------------------------------------------------------------

    async def test_a_rate(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(20, Limit("a", per_second=4)))
        assert await kit.leased_ids() == ids(tasks[:4]), "one second's worth at once"
        leased = await kit.store.lease(None, 100)
        assert leased.leases == ()
        assert leased.next_in_s == pytest.approx(0.25)
        assert (await holds(kit, tasks))[4:] == ["rate:a"] * 16
        kit.clock.advance(0.2)
        assert (await kit.store.lease(None, 100)).next_in_s == pytest.approx(0.05)
        kit.clock.advance(0.05)
        leased = await kit.store.lease(None, 100)
        assert [lease.assignment.id for lease in leased.leases] == [tasks[4].id]
        assert leased.next_in_s == pytest.approx(0.25)
        kit.clock.advance(0.5)
        assert await kit.leased_ids() == ids(tasks[5:7])
        kit.clock.advance(3_600)
        assert await kit.leased_ids() == ids(tasks[7:11]), "what was not used is not saved up"

    async def test_a_rate_below_one(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(3, Limit("a", per_second=0.2)))
        got = await kit.lease()
        assert ids(got) == [tasks[0].id]
        await kit.succeed(got[0])
        leased = await kit.store.lease(None, 100)
        assert leased.leases == ()
        assert leased.next_in_s == pytest.approx(5.0)
        kit.clock.advance(4.9)
        assert await kit.lease() == []
        kit.clock.advance(0.1)
        assert await kit.leased_ids() == [tasks[1].id]

    async def test_every_start_counts(self, kit: Kit) -> None:
        await kit.worker()
        task, _ = await kit.submit_all(some(2, Limit("a", per_second=1)))
        (attempt,) = await kit.lease()
        await kit.release(attempt)
        assert await kit.lease() == []
        kit.clock.advance(1)
        assert await kit.leased_ids() == [task.id]

    async def test_both_numbers(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(6, Limit("a", running=3, per_second=2)))
        assert await kit.leased_ids() == ids(tasks[:2])
        assert await holds(kit, tasks[2:3]) == ["rate:a"]
        kit.clock.advance(1)
        assert await kit.leased_ids() == ids(tasks[2:3])
        leased = await kit.store.lease(None, 100)
        assert (leased.leases, leased.next_in_s) == ((), None), "an end is waited for, not a moment"
        await kit.succeed(first_of(tasks[0]))
        await kit.succeed(first_of(tasks[1]))
        assert await kit.leased_ids() == ids(tasks[3:4])

    async def test_no_moment_is_named_to_who_has_no_room(self, kit: Kit) -> None:
        await kit.worker(slots=1)
        await kit.submit_all(some(3, Limit("a", per_second=1)))
        leased = await kit.store.lease(None, 100)
        assert (len(leased.leases), leased.next_in_s) == (1, None)

    async def test_a_clock_that_goes_back(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(3, Limit("a", per_second=1)))
        await kit.lease()
        kit.clock.advance(-100)
        assert await kit.lease() == []
        kit.clock.advance(101)
        assert await kit.leased_ids() == [tasks[1].id]

    # --- the numbers -------------------------------------------------------------------------------------------------

    async def test_a_new_key_must_have_a_number(self, kit: Kit) -> None:
        request = Submit((new_task(), limited(Limit("b", running=1), Limit("a"))))
        outcome = await kit.submit_request(request)
        assert isinstance(outcome, Invalid)
        assert [error.pointer for error in outcome.errors] == ["/tasks/1/limits/1/running"]
        assert "'a'" in outcome.detail
        assert await kit.store.count(DEFAULT_ACCOUNT, TaskFilter()) == 0
        outcome = await kit.submit_request(Submit((limited(Limit("b")),)))
        assert isinstance(outcome, Invalid), "what was refused has made no key"

    async def test_later_numbers_change_the_key(self, kit: Kit) -> None:
        await kit.worker()
        tasks = [*await kit.submit_all(some(6, Limit("a", running=1)))]
        assert len(await kit.lease()) == 1
        tasks += await kit.submit_all(some(1, Limit("a", running=3)))
        assert await kit.leased_ids() == ids(tasks[1:3]), "those that wait profit at once"
        tasks += await kit.submit_all(some(1, Limit("a", running=2)))
        await kit.succeed(first_of(tasks[0]))
        assert await kit.lease() == [], "what runs is not touched"
        await kit.succeed(first_of(tasks[1]))
        assert await kit.leased_ids() == [tasks[3].id]

    async def test_what_is_left_out_stays(self, kit: Kit) -> None:
        await kit.worker()
        await kit.submit_all(some(1, Limit("a", running=1)))
        (attempt,) = await kit.lease()
        await kit.submit_all(some(4, Limit("a", per_second=2)))
        assert await kit.lease() == []
        await kit.succeed(attempt)
        await kit.submit_all(some(1, Limit("a")))
        assert len(await kit.lease()) == 1, "one at a time, as the first has said"

    @pytest.mark.parametrize("special", [False, True], ids=["plain", "with a key"])
    async def test_within_one_batch(self, kit: Kit, special: bool) -> None:
        """The first states, the second may rely on it, the last one's number counts."""
        tasks = (limited(Limit("a", running=1)), limited(Limit("a")), *some(4, Limit("a", running=3)))
        key = Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f") if special else None
        outcome = await kit.submit_request(Submit(tasks, key))
        assert isinstance(outcome, Submitted)
        await kit.worker()
        assert await kit.leased_ids() == ids(tasks[:3])

    async def test_what_makes_no_task_changes_no_number(self, kit: Kit) -> None:
        await kit.worker()
        key = Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f")
        one, nine = Limit("a", running=1), Limit("a", running=9)
        await kit.submit_request(Submit((limited(one, unique=Unique("u")),), key))
        await kit.submit_request(Submit((limited(nine),), key))
        await kit.submit_request(Submit((limited(nine, unique=Unique("u")),)))
        refused = Unique("u", 0.0, OnConflict.REJECT)
        await kit.submit_request(Submit((limited(nine), limited(nine, unique=refused))))
        await kit.store.update_queue("full", max_size=0)
        outcome = await kit.submit_request(Submit((limited(nine), limited(nine, queue="full"))))
        assert isinstance(outcome, QueueFull)
        await kit.submit_all(some(3, Limit("a")))
        assert len(await kit.lease()) == 1

    async def test_a_bad_neighbour(self, kit: Kit) -> None:
        """Calls that are merged do not share their fate."""
        requests = [
            Submit((limited(Limit("a", running=1)),)),
            Submit((limited(Limit("new")),)),
            Submit((limited(Limit("a")),)),
        ]
        good, bad, also_good = await kit.store.submit(requests)
        assert isinstance(good, Submitted)
        assert isinstance(bad, Invalid)
        assert isinstance(also_good, Submitted)

    async def test_the_longest_keys_and_the_most_of_them(self, kit: Kit) -> None:
        await kit.worker()
        most = [Limit(f"{number}{'~' * 199}", running=1, per_second=100_000) for number in range(3)]
        tasks = await kit.submit_all(some(3, *most))
        assert await kit.leased_ids() == [tasks[0].id]
        assert await holds(kit, tasks[1:]) == [f"limit:{most[0].key}"] * 2

    # --- what stands in the way, and what does not -------------------------------------------------------------------

    async def test_thousands_ahead_cost_one_write_each(self, kit: Kit) -> None:
        await kit.worker(slots=4)
        count = 5_000
        ahead = await kit.submit_all(some(count, Limit("a", running=2), priority=9))
        free = await kit.submit()
        got = await kit.lease_all()
        assert ids(got) == [ahead[0].id, ahead[1].id, free.id]
        depths = await kit.store.depths(DEFAULT_ACCOUNT)
        assert [depth.count for depth in depths if depth.hold == "limit:a"] == [count - 2]
        for _ in range(5):
            for attempt in got:
                await kit.succeed(attempt)
            got = await kit.lease_all()
            assert len(got) == 2
        await kit.cancel(ahead[17].id)
        later = await kit.store.tasks(ids(ahead[100:200]))
        assert {task.rev for task in later.values()} == {2}, "put on hold, and nothing since"

    async def test_more_kinds_of_limits_than_one_lease_looks_at(self, kit: Kit) -> None:
        await kit.worker(slots=10_000)
        count = 2_500
        news = [limited(Limit(f"k{number}", running=1)) for number in range(count)]
        await kit.submit_all(news)
        running = await kit.lease_all()
        assert len(running) == count
        again = await kit.submit_all([limited(Limit(f"k{number}")) for number in range(count)])
        assert await kit.lease_all() == []
        assert all(await holds(kit, again))
        for attempt in (running[3], running[1_200], running[2_400]):
            await kit.succeed(attempt)
        assert sorted(ids(await kit.lease_all())) == sorted(again[place].id for place in (3, 1_200, 2_400))

    @pytest.mark.parametrize("move", ["cancel", "expire", "priority", "queue", "purge"])
    async def test_what_is_done_to_held_tasks(self, kit: Kit, move: str) -> None:
        await kit.worker()
        late = kit.clock.now + timedelta(seconds=60)
        running, first, second = await kit.submit_all(some(3, Limit("a", running=1), expires_at=late))
        (attempt,) = await kit.lease()
        await kit.lease()
        match move:
            case "cancel":
                await kit.cancel(first.id)
            case "expire":
                kit.clock.advance(60)
                assert set((await kit.store.expire_due(10)).ids) == {first.id, second.id}
            case "purge":
                assert len(await kit.store.purge(DEFAULT_ACCOUNT, "default", 10)) == 2
            case "priority":
                await kit.store.update(DEFAULT_ACCOUNT, second.id, priority=9)
            case _:
                await kit.store.update(DEFAULT_ACCOUNT, second.id, queue="other")
                assert await kit.lease() == []
                assert await holds(kit, [second]) == ["limit:a"]
        if move in {"cancel", "expire", "purge"}:
            assert (await kit.get(first.id)).hold is None
            assert (await kit.get(first.id)).status in FINAL
        await kit.succeed(attempt)
        expected = {"cancel": [second.id], "priority": [second.id], "queue": [first.id]}.get(move, [])
        assert await kit.leased_ids() == expected
        assert running.id == attempt.id

    async def test_what_has_expired_is_not_leased_from_a_hold(self, kit: Kit) -> None:
        await kit.worker()
        late = kit.clock.now + timedelta(seconds=60)
        _, *rest = await kit.submit_all(
            [limited(Limit("a", running=1)), limited(Limit("a"), expires_at=late), limited(Limit("a"))]
        )
        (attempt,) = await kit.lease()
        await kit.lease()
        kit.clock.advance(60)
        await kit.succeed(attempt)
        assert await kit.leased_ids() == [rest[1].id]

    async def test_a_task_keeps_its_limits(self, kit: Kit) -> None:
        """Through retry, snooze, a wait for its time, an end and a redrive."""
        await kit.worker()
        (task,) = await kit.submit_all(some(1, Limit("a", running=1)))
        (attempt,) = await kit.lease()
        for end in (kit.retry, kit.snooze):
            other = (await kit.submit_all([limited(Limit("a"), delay_s=1.0)]))[0].id
            kit.clock.advance(1)
            await kit.store.promote_due(10)
            assert await kit.lease() == []
            await end(attempt, 1.0)
            (its,) = await kit.lease()
            assert its.id == other
            kit.clock.advance(1)
            await kit.store.promote_due(10)
            assert await kit.lease() == [], "it has to wait for its limit again"
            assert (await kit.get(task.id)).hold == "limit:a"
            await kit.succeed(its)
            (attempt,) = await kit.lease()
            assert attempt.id == task.id
        await kit.fail(attempt)
        (last,) = await kit.submit_all([limited(Limit("a"), blocked=True)])
        await kit.store.unblock([last.id])
        (its,) = await kit.lease()
        assert its.id == last.id
        await kit.redrive(task.id)
        assert await kit.lease() == []
        assert (await kit.get(task.id)).hold == "limit:a"
        await kit.succeed(its)
        assert await kit.leased_ids() == [task.id]

    # --- several processes -------------------------------------------------------------------------------------------

    async def test_another_process_goes_on(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(3, Limit("a", running=1), Limit("b", per_second=1)))
        (attempt,) = await kit.lease()
        other = await kit.another_store()
        assert (await other.lease(None, 10)).leases == ()
        await kit.succeed(attempt)
        assert (await other.lease(None, 10)).leases == ()
        kit.clock.advance(1)
        leased = await other.lease(None, 10)
        assert [lease.assignment.id for lease in leased.leases] == [tasks[1].id]

    async def test_several_processes_keep_one_limit(self, kit: Kit) -> None:
        """200 tasks, three at a time, from three stores at once: never four, by the store; and all of them run."""
        stores = [kit.store, await kit.another_store(), await kit.another_store()]
        for _ in stores:
            await kit.worker(slots=50)
        tasks = await kit.submit_all(some(200, Limit("a", running=3), tags=("limited",)))
        most = 0
        done: Counter[str] = Counter()
        running = TaskFilter(status=(State.RUNNING,), tag="limited")

        async def drain(store: Store) -> None:
            nonlocal most
            while len(done) < len(tasks):
                leased = await store.lease(None, 50)
                most = max(most, await store.count(DEFAULT_ACCOUNT, running))
                items = [moves.Succeed(id=one.assignment.id, attempt=1, ran_s=0.1) for one in leased.leases]
                await store.succeed(items)
                done.update(item.id for item in items)
                if not items:
                    await asyncio.sleep(0.001)

        await asyncio.gather(*map(drain, stores))
        assert most == 3
        assert done == Counter(ids(tasks))

    @pytest.mark.parametrize("seed", range(5))
    async def test_random_walk_under_limits(self, kit: Kit, seed: int) -> None:
        await Walk(kit, seed).run()


class Believed(Struct):
    """A task, as it should be."""

    keys: tuple[str, ...]
    priority: int
    place: int
    status: State = State.QUEUED
    attempt: int = 0


class Walk:
    """Random submits, leases from two processes, ends and kills; each lease against what a list and a few counters say."""

    RUNNING: Final = {"a": 2, "b": 3, "c": 1}
    PER_SECOND: Final = {"c": 4.0, "d": 0.5, "e": 2.0}  # exact in binary, and so are the steps of the clock

    def __init__(self, kit: Kit, seed: int) -> None:
        self.kit, self.chance = kit, random.Random(seed)
        self.tasks: dict[str, Believed] = {}
        self.tokens = {key: max(1.0, rate) for key, rate in self.PER_SECOND.items()}
        self.places = 0
        self.stores: list[Store] = []
        self.worker = ""

    async def run(self) -> None:
        self.stores = [self.kit.store, await self.kit.another_store()]
        self.worker = await self.kit.worker(slots=10_000)
        steps: list[Callable[[], Any]] = [self.submit, self.lease, self.lease, self.end, self.end, self.tick]
        for _ in range(120):
            await self.chance.choice(steps)()
        for _ in range(1_000):
            if all(task.status in FINAL for task in self.tasks.values()):
                return
            await self.lease()
            await self.end(drain=True)
            await self.tick()
        raise AssertionError(f"not drained: {self.tasks}")

    async def submit(self) -> None:
        news = []
        for _ in range(self.chance.randrange(1, 12)):
            keys = self.chance.sample("abcde", self.chance.choice([0, 1, 1, 1, 2, 3]))
            limits = [Limit(key, self.RUNNING.get(key), self.PER_SECOND.get(key)) for key in keys]
            new = limited(*limits, priority=self.chance.choice([1, 5, 9]))
            self.places += 1
            self.tasks[new.id] = Believed(tuple(keys), new.priority, self.places)
            news.append(new)
        await self.kit.submit_all(news)

    async def lease(self) -> None:
        limit = self.chance.choice([1, 3, 1_000])
        expected = self.expected(limit)
        got: list[Assignment] = []
        while True:
            leased = await self.chance.choice(self.stores).lease([self.worker], limit - len(got))
            got += [lease.assignment for lease in leased.leases]
            if not leased.more or len(got) >= limit:
                break
        assert ids(got) == expected, self.explained(expected, ids(got))
        for attempt in got:
            task = self.tasks[attempt.id]
            task.status, task.attempt = State.RUNNING, attempt.attempt
            for key in set(task.keys) & set(self.tokens):
                self.tokens[key] -= 1

    def explained(self, expected: list[str], got: list[str]) -> str:
        running = [task.keys for task in self.tasks.values() if task.status is State.RUNNING]
        line = [
            f"{task.priority} {task.place} {task.keys} {'expected ' * (id in expected)}{'got' * (id in got)}"
            for id, task in sorted(self.tasks.items(), key=lambda one: (-one[1].priority, one[1].place))
            if task.status is State.QUEUED
        ]
        return "\n".join([f"running {running}, tokens {self.tokens}", *line])

    def expected(self, limit: int) -> list[str]:
        """The first of the line, each if its limits let one more start."""
        running = Counter(
            key for task in self.tasks.values() if task.status is State.RUNNING for key in task.keys
        )
        tokens = dict(self.tokens)
        chosen: list[str] = []
        line = [(id, task) for id, task in self.tasks.items() if task.status is State.QUEUED]
        for id, task in sorted(line, key=lambda one: (-one[1].priority, one[1].place)):
            full = any(running[key] >= self.RUNNING.get(key, 1_000_000) for key in task.keys)
            if len(chosen) == limit or full or any(tokens.get(key, 1.0) < 1.0 for key in task.keys):
                continue
            chosen.append(id)
            for key in task.keys:
                running[key] += 1
                if key in tokens:
                    tokens[key] -= 1.0
        return chosen

    async def end(self, *, drain: bool = False) -> None:
        running = [(id, task) for id, task in self.tasks.items() if task.status is State.RUNNING]
        for id, task in self.chance.sample(running, self.chance.randrange(0, len(running) + 1)):
            fence: dict[str, Any] = {"id": id, "attempt": task.attempt}
            how = "succeed" if drain else self.chance.choice(["succeed", "fail", "release", "lose"])
            store = self.chance.choice(self.stores)
            match how:
                case "succeed":
                    await store.succeed([moves.Succeed(**fence, ran_s=1.0)])
                    task.status = State.SUCCESS
                case "fail":
                    await store.fail([moves.Fail(**fence, ran_s=1.0, reason="handler", error=OOPS)])  # type: ignore[arg-type]
                    task.status = State.FAILED
                case "release":
                    await store.release([moves.Release(**fence, ran_s=1.0)])
                    task.status = State.QUEUED
                case _:
                    lost = moves.Lose(**fence, worker=self.worker, outcome=AttemptOutcome.LOST, crashed=False)
                    await store.lose([lost])
                    task.status = State.QUEUED

    async def tick(self) -> None:
        seconds = self.chance.choice([0.0, 0.25, 0.5, 2.0])
        self.kit.clock.advance(seconds)
        for key, rate in self.PER_SECOND.items():
            self.tokens[key] = min(max(1.0, rate), self.tokens[key] + seconds * rate)
