"""Reads for people: lists that page well, counts, and no moment in which a task is nowhere."""

import asyncio
import random
from datetime import timedelta

import pytest
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Reason, Task, TaskError
from taskflow_hub.store.values import Count, Entries, Page, TaskFilter
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit, comparable, new_task

ALL = TaskFilter()


async def walk(kit: Kit, where: TaskFilter, limit: int, account: str | None = DEFAULT_ACCOUNT) -> list[str]:
    """Every id of a list, page by page."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await kit.store.search(account, where, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        ids += [task.id for task in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return ids
        assert len(page.items) == limit, "only the last page may be short"


class ReadingContract(ContractBase):
    async def test_by_id(self, kit: Kit) -> None:
        done, _ = await kit.in_state(State.SUCCESS)
        live = await kit.submit()
        found = await kit.store.tasks([live.id, done, new_id(), live.id])
        assert set(found) == {live.id, done}
        assert comparable(found[live.id]) == comparable(live)
        assert comparable(found[done]) == comparable(await kit.get(done))
        assert await kit.store.revs([live.id, done, new_id()]) == {live.id: live.rev, done: found[done].rev}
        assert await kit.store.task(DEFAULT_ACCOUNT, new_id()) is None
        assert await kit.store.attempts(DEFAULT_ACCOUNT, new_id()) is None
        assert await kit.store.tasks([]) == {}
        assert await kit.store.revs([]) == {}

    async def test_newest_first_over_all_states(self, kit: Kit) -> None:
        ids = [(await kit.in_state(state))[0] for state in [*State, *State]]
        for limit in (1, 3, len(ids), 100):
            assert await walk(kit, ALL, limit) == sorted(ids, reverse=True)
        page = await kit.store.search(DEFAULT_ACCOUNT, ALL, limit=1)
        assert comparable(page.items[0]) == comparable(await kit.get(max(ids)))

    async def test_entries_are_the_same_list_in_brief(self, kit: Kit) -> None:
        for state in [*State, *State]:
            await kit.in_state(state)
        await kit.cancel((await kit.run()).id)
        tasks = (await kit.store.search(DEFAULT_ACCOUNT, ALL, limit=100)).items
        entries = (await kit.store.entries(DEFAULT_ACCOUNT, ALL, limit=100)).items
        assert [(entry.id, entry.status, entry.created_at) for entry in entries] == [
            (task.id, task.status, task.created_at) for task in tasks
        ]
        asked = [entry.cancel_requested for entry in entries]
        assert asked == [task.cancel_requested_at is not None for task in tasks]
        assert any(asked)
        first = await kit.store.entries(DEFAULT_ACCOUNT, ALL, limit=5)
        rest = await kit.store.search(DEFAULT_ACCOUNT, ALL, limit=100, cursor=first.next_cursor)
        ids = [entry.id for entry in first.items] + [task.id for task in rest.items]
        assert ids == [task.id for task in tasks]
        assert (await kit.store.entries(DEFAULT_ACCOUNT, ALL, limit=len(tasks))).next_cursor is None
        assert await kit.store.entries("b", ALL, limit=5) == Entries((), None)

    @pytest.mark.parametrize("what", ["payload", "result", "error"])
    async def test_a_page_that_grows_heavy_ends_early(self, kit: Kit, what: str) -> None:
        octets = PAGE_OCTETS // 3
        text = b'"' + b"x" * octets + b'"'
        for _ in range(7):
            attempt = await kit.run(payload=Raw(text if what == "payload" else b"{}"))
            if what == "error":
                error = TaskError(type="ValueError", message="m", traceback="x" * octets)
                await kit.store.fail(
                    [moves.Fail(id=attempt.id, attempt=1, ran_s=1.0, reason=Reason.HANDLER, error=error)]
                )
            else:
                await kit.succeed(attempt, text if what == "result" else b"null")
        tasks: list[Task] = []
        lengths: list[int] = []
        cursor: str | None = None
        while lengths == [] or cursor is not None:
            page = await kit.store.search(DEFAULT_ACCOUNT, ALL, limit=100, cursor=cursor)
            tasks += page.items
            lengths.append(len(page.items))
            cursor = page.next_cursor
        assert lengths == [3, 3, 1], "a page ends with the task that is one too many"
        ids = [task.id for task in tasks]
        assert ids == sorted(ids, reverse=True)
        entries = await kit.store.entries(DEFAULT_ACCOUNT, ALL, limit=100)
        assert [entry.id for entry in entries.items] == ids, "what shows none of it is not cut"

    async def test_nothing_found(self, kit: Kit) -> None:
        assert await kit.store.search(DEFAULT_ACCOUNT, ALL, limit=10) == Page((), None)
        assert await kit.store.count(DEFAULT_ACCOUNT, ALL) == 0

    async def test_filters(self, kit: Kit) -> None:
        """Every filter and many combinations, against the same thing said in Python."""
        chance = random.Random(11)
        start = kit.clock.now
        for _ in range(60):
            kit.clock.advance(chance.choice([0, 1, 30]))
            await kit.in_state(
                state := chance.choice([*State]),
                type="t" if state in UNSTARTED else "r",
                queue=chance.choice("pq"),
                user_id=chance.choice([None, "u", "v"]),
                tags=tuple(chance.sample(["x", "y", "z"], chance.randrange(3))),
                account_id=chance.choice([DEFAULT_ACCOUNT, DEFAULT_ACCOUNT, "other"]),
                priority=5,
            )
        everyone = await walk(kit, ALL, 1_000)
        tasks = list((await kit.store.tasks(everyone)).values())
        assert len(tasks) > 20

        def pick(options: list[object]) -> object:
            return chance.choice([None, None, *options])

        for _ in range(120):
            status = tuple(chance.sample([*State], chance.randrange(4)))
            after, before = pick([0, 30, 200]), pick([100, 400])
            where = TaskFilter(
                status=status,
                type=pick(["t", "r", "nothing"]),  # type: ignore[arg-type]
                queue=pick(["p", "q"]),  # type: ignore[arg-type]
                queues=pick([("p",), ("p", "q")]) or (),  # type: ignore[arg-type]
                user=pick(["u"]),  # type: ignore[arg-type]
                tag=pick(["x", "y"]),  # type: ignore[arg-type]
                created_after=None if after is None else start + timedelta(seconds=after),  # type: ignore[arg-type]
                created_before=None if before is None else start + timedelta(seconds=before),  # type: ignore[arg-type]
            )
            expected = [
                task.id
                for task in sorted(tasks, key=lambda task: task.id, reverse=True)
                if (not status or task.status in status)
                and (where.type is None or task.type == where.type)
                and (where.queue is None or task.queue == where.queue)
                and (not where.queues or task.queue in where.queues)
                and (where.user is None or task.user_id == where.user)
                and (where.tag is None or where.tag in task.tags)
                and (where.created_after is None or task.created_at >= where.created_after)
                and (where.created_before is None or task.created_at < where.created_before)
            ]
            assert await walk(kit, where, chance.choice([1, 4, 50])) == expected, where
            assert await kit.store.count(DEFAULT_ACCOUNT, where) == len(expected), where
            states = [task.status for task in tasks if task.id in expected]
            assert await kit.store.counts(DEFAULT_ACCOUNT, where, at_most=1_000) == {
                state: Count(states.count(state), True) for state in status or State
            }, where
            entries = (await kit.store.entries(DEFAULT_ACCOUNT, where, limit=1_000)).items
            assert [entry.id for entry in entries] == expected, where

    async def test_a_state_is_counted_so_far_and_no_further(self, kit: Kit) -> None:
        await kit.submit_all([new_task(tags=("x",)) for _ in range(5)])
        for _ in range(4):
            await kit.in_state(State.SUCCESS)
        await kit.submit(account_id="b")
        for where in (ALL, TaskFilter(status=(State.QUEUED, State.SUCCESS))):
            found = await kit.store.counts(DEFAULT_ACCOUNT, where, at_most=4)
            assert set(found) == set(where.status or State)
            assert found[State.SUCCESS] == Count(4, True)
            assert not found[State.QUEUED].exact
            assert found[State.QUEUED].count >= 4, (
                "what statistics say may be more, and never less than was seen"
            )
        exact = await kit.store.counts(DEFAULT_ACCOUNT, ALL, at_most=5)
        assert exact[State.QUEUED] == Count(5, True)
        assert {count for state, count in exact.items() if state not in {State.QUEUED, State.SUCCESS}} == {
            Count(0, True)
        }
        assert (await kit.store.counts(None, ALL, at_most=10))[State.QUEUED] == Count(6, True)
        assert (await kit.store.counts("b", ALL, at_most=10))[State.QUEUED] == Count(1, True)
        assert (await kit.store.counts(None, TaskFilter(tag="x"), at_most=10))[State.QUEUED] == Count(5, True)

    async def test_paging_is_stable_while_tasks_come_change_and_go(self, kit: Kit) -> None:
        ids = sorted([(await kit.in_state(state))[0] for state in [*State] * 4])
        page = await kit.store.search(DEFAULT_ACCOUNT, ALL, limit=10)
        seen = [task.id for task in page.items]
        rest = [id for id in reversed(ids) if id not in seen]

        await kit.submit_all([new_task() for _ in range(5)])
        states = {id: task.status for id, task in (await kit.store.tasks(ids)).items()}
        for id in ids:
            if states[id] is State.FAILED:
                await kit.redrive(id)
            elif states[id] is State.SCHEDULED:
                await kit.cancel(id)
        gone = next(id for id in rest if states[id] is State.SUCCESS)
        await kit.store.delete(DEFAULT_ACCOUNT, [gone, seen[-1]])

        while page.next_cursor is not None:
            page = await kit.store.search(DEFAULT_ACCOUNT, ALL, limit=3, cursor=page.next_cursor)
            seen += [task.id for task in page.items]
        assert seen == sorted(seen, reverse=True)
        assert seen[10:] == [id for id in rest if id != gone], "every task that stayed is seen once"

    @pytest.mark.parametrize(
        "cursor", ["", "x", "Ж", "'; DROP TABLE tasks", "AAAA", "A" * 22 + "=", "A" * 200]
    )
    async def test_a_cursor_we_did_not_make(self, kit: Kit, cursor: str) -> None:
        with pytest.raises(Invalid) as refused:
            await kit.store.search(DEFAULT_ACCOUNT, ALL, limit=1, cursor=cursor)
        assert [error.pointer for error in refused.value.errors] == ["/cursor"]

    async def test_words_of_sql_are_only_words(self, kit: Kit) -> None:
        odd = "x' OR '1'='1"
        task = await kit.submit(user_id=odd, tags=(odd,))
        await kit.submit(user_id="other")
        assert await walk(kit, TaskFilter(user=odd), 10) == [task.id]
        assert await walk(kit, TaskFilter(tag=odd), 10) == [task.id]
        assert await walk(kit, TaskFilter(queue=odd), 10) == []

    async def test_accounts_see_only_their_own(self, kit: Kit) -> None:
        mine, theirs = await kit.submit(tags=("x",)), await kit.submit(account_id="b", tags=("x",))
        for where in (ALL, TaskFilter(tag="x"), TaskFilter(type="t"), TaskFilter(status=(State.QUEUED,))):
            assert await walk(kit, where, 10) == [mine.id]
            assert await walk(kit, where, 10, "b") == [theirs.id]
            assert await kit.store.count("b", where) == 1

    async def test_no_moment_in_which_a_task_is_nowhere(self, kit: Kit) -> None:
        """Readers keep asking while tasks finish and are redriven."""
        attempt = await kit.run()
        found: list[bool] = []
        done = asyncio.Event()

        async def look() -> None:
            while not done.is_set():
                task, tasks, revs, attempts, page = await asyncio.gather(
                    kit.store.task(DEFAULT_ACCOUNT, attempt.id),
                    kit.store.tasks([attempt.id]),
                    kit.store.revs([attempt.id]),
                    kit.store.attempts(DEFAULT_ACCOUNT, attempt.id),
                    kit.store.search(DEFAULT_ACCOUNT, ALL, limit=5),
                )
                found.append(
                    task is not None and len(tasks) == len(revs) == len(page.items) == 1 and bool(attempts)
                )

        watcher = asyncio.create_task(look())
        running, rounds = attempt, 0
        while rounds < 30 or len(found) <= 5:
            await kit.fail(running)
            await kit.redrive(running.id)
            (running,) = await kit.lease()
            rounds += 1
        done.set()
        await watcher
        assert all(found)
