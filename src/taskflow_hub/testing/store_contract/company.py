"""Several at once: callers, event loops, threads, and processes on one database."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import QueueFull
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.submission import OnConflict, Unique
from taskflow_hub.store.base import Store
from taskflow_hub.store.values import Idempotency, News, Submit, Submitted, TaskFilter
from taskflow_hub.testing.store_contract.kit import START, ContractBase, Kit, new_task


async def on_other_loops(count: int, work: Callable[[int], Awaitable[None]]) -> None:
    """Run `work` on event loops of other threads, all at the same time, and pass on what they raise."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            asyncio.run(_awaited(work(number)))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert not errors, errors


async def listening(store: Store) -> asyncio.Future[News]:
    """It has answered of all there was, and waits for what comes now."""
    while await store.changed(0.0):
        pass
    waiting = asyncio.ensure_future(store.changed(60.0))
    await asyncio.sleep(0)
    return waiting


async def all_news(store: Store, waiting: asyncio.Future[News]) -> News:
    """What it answers, and what it answers right after: work may be told first and alone."""
    news = more = await waiting
    assert news
    while more:
        more = await store.changed(0.1)
        news |= more
    return news


async def _awaited(work: Awaitable[None]) -> None:
    await work


class CompanyContract(ContractBase):
    async def test_many_callers_at_once(self, kit: Kit) -> None:
        requests = [Submit((new_task(),)) for _ in range(200)]
        outcomes = await asyncio.gather(*(kit.store.submit([request]) for request in requests))
        for request, (outcome,) in zip(requests, outcomes, strict=True):
            assert isinstance(outcome, Submitted)
            assert outcome.tasks[0].id == request.tasks[0].id, "each caller gets its own answer"

    async def test_a_bad_call_never_fails_its_neighbours(self, kit: Kit) -> None:
        good = [Submit((new_task(),)) for _ in range(20)]
        bad = new_task(priority="high")

        async def ask(request: Submit) -> Any:
            try:
                return (await kit.store.submit([request]))[0]
            except Exception as error:
                return error

        outcomes = await asyncio.gather(*map(ask, [*good[:10], Submit((bad,)), *good[10:]]))
        assert not isinstance(outcomes.pop(10), Submitted)
        assert all(isinstance(outcome, Submitted) for outcome in outcomes), outcomes
        assert await kit.store.count(DEFAULT_ACCOUNT, TaskFilter()) == 20

    async def test_a_caller_who_gives_up_harms_nobody(self, kit: Kit) -> None:
        waiting = [asyncio.ensure_future(kit.store.submit([Submit((new_task(),))])) for _ in range(20)]
        await asyncio.sleep(0)
        for call in waiting[::2]:
            call.cancel()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(not isinstance(outcome, Exception) for outcome in outcomes)
        await kit.store.ping()

    async def test_from_several_event_loops(self, kit: Kit) -> None:
        """Heartbeats come from a thread of their own."""
        worker = await kit.worker()

        async def work(number: int) -> None:
            for _ in range(20):
                assert (await kit.store.heartbeat(worker, [])).known
                task = await kit.submit(priority=number)
                assert (await kit.get(task.id)).priority == number

        await asyncio.gather(on_other_loops(3, work), work(9))
        assert (await kit.store.workers())[0].beats == 80
        assert await kit.store.count(DEFAULT_ACCOUNT, TaskFilter()) == 80

    async def test_two_processes_never_lease_one_attempt_twice(self, kit: Kit) -> None:
        stores = [kit.store, await kit.another_store(), await kit.another_store()]
        tasks = await kit.submit_all([new_task() for _ in range(300)])
        for _ in range(4):
            await kit.worker(slots=100)
        taken: list[Assignment] = []

        async def drain(store: Store) -> None:
            while leased := (await store.lease(None, 7)).leases:
                taken.extend(lease.assignment for lease in leased)
                items = [moves.Succeed(id=lease.assignment.id, attempt=1, ran_s=0.1) for lease in leased]
                assert set(await store.succeed(items)) == {Verdict.APPLIED}

        await asyncio.gather(*map(drain, stores))
        assert Counter(assignment.id for assignment in taken) == {task.id: 1 for task in tasks}
        assert {task.status for task in (await kit.store.tasks([task.id for task in tasks])).values()} == {
            State.SUCCESS
        }

    async def test_one_end_for_each_attempt_whoever_is_first(self, kit: Kit) -> None:
        other = await kit.another_store()
        for _ in range(10):
            attempt = await kit.run()
            owner = (await kit.get(attempt.id)).worker or ""
            lost = moves.Lose(id=attempt.id, attempt=1, worker=owner, outcome=AttemptOutcome.LOST)
            verdicts = await asyncio.gather(kit.succeed(attempt), other.lose([lost]), kit.succeed(attempt))
            flat = [verdicts[0], verdicts[1][0], verdicts[2]]
            assert flat.count(Verdict.APPLIED) == 1, flat
            status = await kit.status(attempt.id)
            assert status is (State.QUEUED if flat[1] is Verdict.APPLIED else State.SUCCESS)
            await kit.cancel(attempt.id)

    async def test_one_key_for_many_processes(self, kit: Kit) -> None:
        stores = [kit.store, await kit.another_store(), await kit.another_store()]
        requests = [
            Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f")) for _ in range(30)
        ]
        answers = await asyncio.gather(
            *(stores[n % 3].submit([request]) for n, request in enumerate(requests))
        )
        outcomes = [outcome for (outcome,) in answers if isinstance(outcome, Submitted)]
        assert len({outcome.tasks[0].id for outcome in outcomes}) == 1
        assert [outcome.replayed for outcome in outcomes].count(False) == 1

    async def test_one_holder_and_one_bound_for_many_processes(self, kit: Kit) -> None:
        stores = [kit.store, await kit.another_store()]
        await kit.store.update_queue("q", max_size=5)

        def request(n: int) -> Submit:
            unique = Unique("k", 0.0, OnConflict.RETURN) if n % 2 else None
            return Submit((new_task(queue=None if n % 2 else "q", unique=unique),))

        answers = await asyncio.gather(*(stores[n % 4 // 2].submit([request(n)]) for n in range(40)))
        holders = {outcome.tasks[0].id for (outcome,) in answers[1::2] if isinstance(outcome, Submitted)}
        assert len(holders) == 1
        kinds = Counter(type(outcome) for (outcome,) in answers[::2])
        assert kinds == {Submitted: 5, QueueFull: 15}

    async def test_another_process_is_heard(self, kit: Kit) -> None:
        other = await kit.another_store()
        waiting = await listening(kit.store)
        await other.submit([Submit((new_task(),))])
        news = await all_news(kit.store, waiting)
        assert News.WORK in news
        assert News.TASKS in news

    async def test_another_process_gives_a_time_or_changes_a_queue(self, kit: Kit) -> None:
        other = await kit.another_store()
        later = START + timedelta(days=1)
        changes: list[Callable[[], Awaitable[object]]] = [
            lambda: other.submit([Submit((new_task(delay_s=60.0),))]),
            lambda: other.submit([Submit((new_task(expires_at=later),))]),
            lambda: other.submit([Submit(tuple(new_task(run_at=later) for _ in range(100)))]),
            lambda: other.pause("q"),
            lambda: other.update_queue("q", max_size=5),
        ]
        for change in changes:
            waiting = await listening(kit.store)
            await change()
            assert News.OTHER in await all_news(kit.store, waiting)

    async def test_who_submits_and_ends_at_once_is_heard(self, kit: Kit) -> None:
        other = await kit.another_store()
        waiting = await listening(kit.store)
        await other.submit([Submit((new_task(),))])
        await other.close()
        assert await waiting

    async def test_settings_are_shared(self, kit: Kit) -> None:
        other = await kit.another_store()
        await other.pause("default")
        await kit.submit()
        await kit.worker()
        assert await kit.lease() == []
        await kit.store.resume("default")
        assert len((await other.lease(None, 5)).leases) == 1

    async def test_a_worker_dies_while_it_is_given_work(self, kit: Kit) -> None:
        """After `bury` has answered, nobody leases to that worker; what it got before is an orphan."""
        other = await kit.another_store()
        for _ in range(10):
            worker = await kit.worker(f"t.{new_id()}", slots=3)
            type = (await kit.store.workers())[0].types[0]
            await kit.submit_all([new_task(type=type) for _ in range(3)])
            leased, buried = await asyncio.gather(other.lease([worker], 10), kit.store.bury(worker))
            assert buried
            assert (await other.lease([worker], 10)).leases == ()
            orphans = {orphan.id for orphan in await kit.store.orphans(100) if orphan.worker == worker}
            assert orphans == {lease.assignment.id for lease in leased.leases}
