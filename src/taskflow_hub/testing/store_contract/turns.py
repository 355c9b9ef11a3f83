"""Accounts side by side: whose turn it is, and what a queue, or an account, may run at a time."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store.base import Store
from taskflow_hub.store.values import NewTask, TaskFilter
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit, new_task


def of(account: str, count: int, **fields: Any) -> list[NewTask]:
    return [new_task(account_id=account, **fields) for _ in range(count)]


class TurnsContract(ContractBase):
    # --- turns -------------------------------------------------------------------------------------------------------

    async def whose(self, kit: Kit, attempts: Sequence[Assignment]) -> str:
        """The accounts of these, in their order."""
        owners = await kit.store.owners([one.id for one in attempts])
        return "".join([owners[one.id] for one in attempts])

    async def test_who_comes_late_waits_for_one_turn_of_each_other(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.submit_all(of("a", 400))
        assert await self.whose(kit, await kit.lease(limit=5)) == "aaaaa"
        await kit.submit_all(of("b", 1))
        assert "b" in await self.whose(kit, await kit.lease(limit=2))
        await kit.submit_all([*of("b", 1), *of("c", 1)])
        assert {"b", "c"} <= set(await self.whose(kit, await kit.lease(limit=3)))

    async def test_turns_go_on_from_lease_to_lease(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.submit_all([*of("a", 30), *of("b", 30), *of("c", 30)])
        started = [attempt for _ in range(30) for attempt in await kit.lease(limit=1)]
        assert await self.whose(kit, started) == "abc" * 10

    async def test_an_account_that_ends_leaves_its_turns_to_the_others(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.submit_all([*of("a", 20), *of("b", 3)])
        line = await self.whose(kit, await kit.lease())
        assert (line[:6].count("b"), line[6:]) == (3, "a" * 17)

    async def test_weights_are_the_ratio_of_starts(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.store.set_quota("a", weight=3.0)
        await kit.submit_all([*of("b", 200), *of("a", 200)])
        assert Counter(await self.whose(kit, await kit.lease(limit=40))) == {"a": 30, "b": 10}
        await kit.store.set_quota("a", weight=None)
        assert Counter(await self.whose(kit, await kit.lease(limit=40))) == {"a": 20, "b": 20}

    async def test_a_higher_priority_goes_first_whosever_it_is(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.submit_all([*of("a", 10), *of("b", 10), *of("a", 10, priority=9)])
        assert await self.whose(kit, await kit.lease(limit=10)) == "a" * 10
        assert Counter(await self.whose(kit, await kit.lease(limit=10))) == {"a": 5, "b": 5}

    async def test_inside_an_account_the_order_stays(self, kit: Kit) -> None:
        """Whatever the types, and in whatever steps they are leased."""
        chance = random.Random(5)
        news = [
            new_task(account_id=chance.choice("ab"), type=chance.choice("tu"), priority=chance.choice([1, 5]))
            for _ in range(80)
        ]
        await kit.submit_all(news)
        await kit.worker("t", "u")
        got: list[str] = []
        while some := await kit.leased_ids(limit=chance.randrange(1, 9)):
            got += some
        assert len(got) == len(news)
        for account in "ab":
            mine = [new for new in news if new.account_id == account]
            wanted = [new.id for new in sorted(mine, key=lambda new: -new.priority)]
            assert [id for id in got if id in set(wanted)] == wanted

    async def test_nobody_is_kept_by_what_another_has_piled_up_in_another_queue(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.submit_all(of("a", 300, queue="crowded"))
        await kit.submit_all([*of("b", 1, queue="other"), *of("a", 10, queue="other")])
        first = await kit.lease(limit=2)
        assert await self.whose(kit, first) == "ab"
        queues = [attempt.queue for attempt in await kit.lease(limit=305)]
        assert queues == ["crowded"] * 299 + ["other"] * 6, (
            "and inside an account place is that of its submission"
        )

    async def test_queues_and_types_that_one_worker_joins_are_in_turn(self, kit: Kit) -> None:
        """Another worker serves only one of the types, as while a new version of the code is rolled out."""
        new = await kit.worker("t", "u", slots=4)
        await kit.worker("t", slots=4)
        await kit.submit_all(of("a", 100))
        await kit.submit_all(of("b", 1, type="u"))
        assert "b" in await self.whose(kit, await kit.lease(new, limit=3))

    async def test_what_is_held_is_not_kept_by_what_another_has_in_a_queue_with_a_limit(
        self, kit: Kit
    ) -> None:
        await kit.worker(slots=1_000)
        await kit.store.update_queue("q", running=4)
        (first, *_) = await kit.submit_all(of("b", 4, queue="q", limits=(Limit("k", running=1),)))
        (attempt,) = await kit.lease()
        assert await kit.lease() == []
        await kit.submit_all(of("a", 100, queue="q"))
        assert attempt.id == first.id
        running = [attempt, *await kit.lease()]
        for _ in range(20):  # whenever one of b's ends, its next has its turn soon
            await kit.succeed(running.pop(0))
            running += await kit.lease()
        ended = await kit.store.count("b", TaskFilter(status=(State.SUCCESS, State.RUNNING)))
        assert ended == 4

    async def test_many_accounts_whose_tasks_are_gone_keep_nobody(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        tasks = await kit.submit_all([new for n in range(250) for new in of(f"account-{n:03}", 1)])
        for n in range(249):
            await kit.store.cancel(f"account-{n:03}", [tasks[n].id])
        got: list[str] = []
        for _ in range(5):
            leased = await kit.store.lease(None, 1)
            got += [one.assignment.id for one in leased.leases]
            if not leased.more:
                break
        assert got == [tasks[249].id]

    async def test_many_accounts_all_have_their_turn(self, kit: Kit) -> None:
        """More than are looked at together."""
        await kit.worker(slots=1_000)
        await kit.submit_all([new for n in range(250) for new in of(f"account-{n}", 3)])
        owners = Counter[str]()
        for _ in range(50):
            attempts = await kit.lease(limit=5)
            owners.update((await kit.store.owners([one.id for one in attempts])).values())
        assert len(owners) == 250, "each one, before any its second"
        while attempts := await kit.lease():
            owners.update((await kit.store.owners([one.id for one in attempts])).values())
        assert set(owners.values()) == {3}

    async def test_heavy_payloads_keep_nobody_out(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        heavy = b'"' + b"x" * 900_000 + b'"'
        await kit.submit_all(of("a", 60, payload=Raw(heavy)))
        await kit.submit_all(of("b", 1))
        assert "b" in (await self.whose(kit, await kit.lease()))[:2]

    async def test_what_limits_hold_back_has_turns_too(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.submit_all(of("a", 40, limits=(Limit("k", running=2),)))
        first = await kit.lease()
        assert len(first) == 2
        await kit.submit_all(of("b", 40, limits=(Limit("k", running=100),)))
        await kit.store.set_limit("a", "k", 100, None)
        assert Counter(await self.whose(kit, await kit.lease(limit=10))) == {"a": 5, "b": 5}
        await kit.submit_all(of("c", 1))
        assert "c" in await self.whose(kit, await kit.lease(limit=3))

    async def test_what_comes_before_is_counted_by_turns(self, kit: Kit) -> None:
        await kit.submit_all(of("a", 50))
        (mine,) = await kit.submit_all(of("b", 1))
        assert await kit.store.ahead(mine.id, 100) == 1
        (second,) = await kit.submit_all(of("b", 1))
        assert await kit.store.ahead(second.id, 100) == 3, "its own first, and two of the other"
        await kit.store.set_quota("a", weight=2.0)
        assert await kit.store.ahead(second.id, 100) == 5
        await kit.store.set_quota("a", weight=0.25)
        assert await kit.store.ahead(second.id, 100) == 1
        assert await kit.store.ahead(second.id, 0) == 0
        await kit.submit_all(of("c", 30, priority=9))
        assert await kit.store.ahead(second.id, 100) == 31
        assert await kit.store.ahead(second.id, 20) == 20

    # --- what a queue may run ----------------------------------------------------------------------------------------

    async def test_a_queue_runs_no_more_than_it_may_whosever_they_are(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.store.update_queue("q", running=3)
        tasks = await kit.submit_all([*of("a", 10, queue="q"), *of("b", 10, queue="q"), *of("a", 2)])
        attempts = await kit.lease()
        assert Counter(attempt.queue for attempt in attempts) == {"q": 3, "default": 2}
        assert await kit.lease() == []
        found = await kit.store.tasks([task.id for task in tasks])
        assert {found[task.id].hold for task in tasks} == {None}, (
            "a whole line waits: that is written on nobody"
        )
        await kit.succeed(next(one for one in attempts if one.queue == "q"))
        assert len(await kit.lease()) == 1
        await kit.store.update_queue("q", running=5)
        assert len(await kit.lease()) == 2
        await kit.store.update_queue("q", running=None)
        assert len(await kit.lease()) == 14

    async def test_a_queue_that_may_run_nothing_more_keeps_no_other(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.store.update_queue("q", running=0)
        await kit.submit_all([*of("a", 500, queue="q", priority=9), *of("a", 5)])
        assert [attempt.queue for attempt in await kit.lease(limit=10)] == ["default"] * 5

    async def test_a_queue_starts_no_faster_than_it_may(self, kit: Kit) -> None:
        worker = await kit.worker(slots=1_000)
        await kit.store.update_queue("q", per_second=2.0)
        await kit.submit_all(of("a", 10, queue="q"))
        leased = await kit.store.lease([worker], 10)
        assert (len(leased.leases), leased.next_in_s) == (2, 0.5)
        kit.clock.advance(0.5)
        assert len(await kit.lease()) == 1
        kit.clock.advance(60)
        assert len(await kit.lease()) == 2, "it saves up a second's worth"

    async def test_limits_of_queue_account_and_key_hold_together(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.store.update_queue("q", running=4)
        await kit.store.set_quota("a", running=3)
        key = (Limit("k", running=2),)
        tasks = await kit.submit_all(
            [*of("a", 4, queue="q", limits=key), *of("a", 4, queue="q"), *of("b", 4, queue="q")]
        )
        attempts = await kit.lease()
        assert Counter(await self.whose(kit, attempts))["a"] <= 3
        assert len(attempts) == 4
        assert sum(task.id in {one.id for one in attempts} for task in tasks[:4]) <= 2
        assert await kit.lease() == []

    # --- what an account may run -------------------------------------------------------------------------------------

    async def test_an_account_runs_no_more_than_it_may_and_keeps_nobody(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.store.set_quota("a", running=2)
        await kit.submit_all([*of("a", 20), *of("a", 5, queue="q"), *of("b", 4)])
        attempts = await kit.lease()
        assert Counter(await self.whose(kit, attempts)) == {"a": 2, "b": 4}
        (ended,) = [one for one in attempts[:2] if (await kit.store.owners([one.id]))[one.id] == "a"][:1]
        await kit.succeed(ended)
        assert await self.whose(kit, await kit.lease()) == "a"

    async def test_explained_as_the_next_lease_finds_it(self, kit: Kit) -> None:
        await kit.worker(slots=1_000)
        await kit.store.update_queue("q", running=1)
        await kit.store.set_quota("a", running=5)
        await kit.submit_all(of("b", 1, queue="q"))
        (attempt,) = await kit.lease()
        (waits,) = await kit.submit_all(of("a", 1, queue="q"))
        assert await kit.lease() == []
        account, queue = await kit.store.limits_of(waits.id, shown=5)
        assert (queue.key, queue.running, queue.at_most, queue.hold) == ("queue:q", 1, 1, "limit:queue:q")
        assert queue.tasks == (), "what runs is another account's"
        assert (account.key, account.running, account.hold) == ("account:a", 0, None)
        assert queue.standing
        assert account.standing
        await kit.succeed(attempt)
        assert [one.hold for one in await kit.store.limits_of(waits.id, shown=5)] == [None, None]

    # --- several processes -------------------------------------------------------------------------------------------

    async def test_several_processes_keep_what_a_queue_may_run(self, kit: Kit) -> None:
        stores = [kit.store, await kit.another_store(), await kit.another_store()]
        for _ in stores:
            await kit.worker("t", "u", slots=50)
        await kit.store.update_queue("q", running=3)
        tasks = await kit.submit_all(
            [*of("default", 100, queue="q"), *of("default", 100, queue="q", type="u")]
        )
        most = 0
        done: Counter[str] = Counter()
        running = TaskFilter(status=(State.RUNNING,), queue="q")

        async def drain(store: Store) -> None:
            nonlocal most
            while len(done) < len(tasks):
                leased = await store.lease(None, 50)
                most = max(most, await store.count("default", running))
                items = [moves.Succeed(id=one.assignment.id, attempt=1, ran_s=0.1) for one in leased.leases]
                await store.succeed(items)
                done.update(item.id for item in items)
                if not items:
                    await asyncio.sleep(0.001)

        await asyncio.gather(*map(drain, stores))
        assert most == 3
        assert done == Counter(task.id for task in tasks)

    @pytest.mark.parametrize("seed", range(3))
    async def test_random_walk_beside_each_other(self, kit: Kit, seed: int) -> None:
        """Nothing is ever above what may run, nobody is left behind, and it all drains."""
        chance = random.Random(seed)
        stores = [kit.store, await kit.another_store()]
        worker = await kit.worker("t", "u", slots=40)
        bounds = {"q": 3, "r": 5}
        for queue, most in bounds.items():
            await kit.store.update_queue(queue, running=most, per_second=chance.choice([None, 8.0]))
        await kit.store.set_quota("a", running=4)
        where: dict[str, tuple[str, str]] = {}
        running: dict[str, int] = {}
        ended: set[str] = set()

        async def lease() -> None:
            leased = await chance.choice(stores).lease([worker], chance.choice([1, 3, 50]))
            for one in leased.leases:
                assert one.assignment.id not in running
                running[one.assignment.id] = one.assignment.attempt
            queues = Counter(where[id][0] for id in running)
            accounts = Counter(where[id][1] for id in running)
            assert all(queues[queue] <= most for queue, most in bounds.items()), queues
            assert accounts["a"] <= 4

        for step in range(400):
            if step < 60 and chance.random() < 0.5:
                for _ in range(chance.randrange(1, 9)):
                    limits = chance.choice([(), (), (Limit("k", running=2),)])
                    new = new_task(
                        account_id=chance.choice("abc"),
                        queue=chance.choice(["q", "r", "s"]),
                        type=chance.choice("tu"),
                        priority=chance.choice([1, 5]),
                        limits=limits,
                    )
                    await kit.submit_all([new])
                    where[new.id] = (new.queue or "", new.account_id)
            await lease()
            for id in chance.sample(sorted(running), chance.randrange(0, len(running) + 1)):
                attempt = running.pop(id)
                store = chance.choice(stores)
                if step < 60 and chance.random() < 0.3:
                    await store.release([moves.Release(id=id, attempt=attempt, ran_s=None)])
                else:
                    await store.succeed([moves.Succeed(id=id, attempt=attempt, ran_s=0.1)])
                    ended.add(id)
            kit.clock.advance(chance.choice([0.0, 0.25, 1.0]))
            if step >= 60 and len(ended) == len(where):
                return
        left = await kit.store.tasks(sorted(set(where) - ended))
        raise AssertionError([(task.queue, task.hold, task.status) for task in left.values()])
