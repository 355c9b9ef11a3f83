"""What is asked of a task that waits: how many come before it, and how its limits stand."""

from datetime import timedelta

import pytest

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.submission import Limit
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit, new_task


class ExplainContract(ContractBase):
    # --- the place in line -------------------------------------------------------------------------------------------

    async def test_the_place_in_line_is_that_in_which_they_are_leased(self, kit: Kit) -> None:
        tasks = await kit.submit_all(
            [new_task(type=f"t{n % 3}", priority=(n * 7) % 10, account_id=f"a{n % 2}") for n in range(40)]
        )
        places = {task.id: await kit.store.ahead(task.id, 1_000) for task in tasks}
        await kit.worker("t0", "t1", "t2")
        leased = await kit.leased_ids()
        assert sorted(places, key=lambda id: places[id]) == leased
        assert sorted(places.values()) == list(range(40))

    async def test_other_queues_stand_in_lines_of_their_own(self, kit: Kit) -> None:
        await kit.submit_all([new_task(queue="a"), new_task(queue="c")])
        task = await kit.submit(queue="b")
        assert await kit.store.ahead(task.id, 10) == 0

    async def test_what_was_released_stands_before_what_came_later(self, kit: Kit) -> None:
        running = await kit.run(type="t")
        later = await kit.submit()
        assert await kit.store.ahead(later.id, 10) == 0
        await kit.release(running)
        assert await kit.store.ahead(later.id, 10) == 1
        assert await kit.store.ahead(running.id, 10) == 0

    async def test_no_more_are_counted_than_asked_for(self, kit: Kit) -> None:
        *_, last = await kit.submit_all(
            [new_task(type=f"t{n % 2}", priority=9) for n in range(6)] + [new_task()]
        )
        assert [await kit.store.ahead(last.id, most) for most in (1, 5, 6, 7)] == [1, 5, 6, 6]

    async def test_what_is_on_hold_or_not_queued_is_not_counted(self, kit: Kit) -> None:
        await kit.worker()
        await kit.submit_all([new_task(type="unserved", priority=9) for _ in range(3)])
        await kit.submit_all([new_task(limits=(Limit("a", running=1),), priority=9) for _ in range(3)])
        await kit.lease()
        await kit.submit_all([new_task(delay_s=60.0, priority=9), new_task(blocked=True, priority=9)])
        last = await kit.submit()
        assert await kit.store.ahead(last.id, 10) == 0

    async def test_what_is_on_hold_has_the_place_it_kept(self, kit: Kit) -> None:
        await kit.worker()
        one = Limit("a", running=1)
        _, held = await kit.submit_all([new_task(limits=(one,)), new_task(limits=(one,))])
        await kit.lease()
        assert (await kit.get(held.id)).hold == "limit:a"
        await kit.submit_all([new_task(priority=9), new_task(priority=9), new_task()])
        assert await kit.store.ahead(held.id, 10) == 2

    @pytest.mark.parametrize("state", [state for state in State if state is not State.QUEUED])
    async def test_what_is_not_queued_has_no_place(self, kit: Kit, state: State) -> None:
        id, _ = await kit.in_state(state)
        await kit.submit(priority=9)
        assert await kit.store.ahead(id, 10) == 0

    async def test_what_never_was_has_no_place(self, kit: Kit) -> None:
        await kit.submit()
        assert await kit.store.ahead(new_id(), 10) == 0

    # --- limits ------------------------------------------------------------------------------------------------------

    async def test_limits_come_in_the_order_of_the_task_with_what_runs(self, kit: Kit) -> None:
        await kit.worker()
        a, b = Limit("a", running=2), Limit("b", running=1, per_second=100.0)
        first, second, third = await kit.submit_all(
            [new_task(limits=(a,)), new_task(limits=(a,)), new_task(limits=(b, a))]
        )
        running, _ = await kit.lease()
        found = {limit.key: limit for limit in await kit.store.limits_of(third.id, shown=20)}
        assert (found["a"].at_most, found["a"].running, found["a"].per_second) == (2, 2, None)
        assert sorted(found["a"].tasks) == sorted([first.id, second.id])
        assert (found["a"].hold, found["a"].next_in_s) == ("limit:a", None)
        assert (found["b"].at_most, found["b"].running, found["b"].per_second) == (1, 0, 100.0)
        assert (found["b"].tasks, found["b"].hold, found["b"].next_in_s) == ((), None, None)
        assert (await kit.get(third.id)).hold == found["a"].hold
        await kit.succeed(running)
        (state,) = [one for one in await kit.store.limits_of(third.id, shown=20) if one.key == "a"]
        assert (state.running, state.tasks, state.hold) == (1, (second.id,), None)

    async def test_those_that_run_longest_are_named_first_and_no_more_than_asked_for(self, kit: Kit) -> None:
        await kit.worker()
        four = Limit("a", running=4)
        tasks = [await kit.submit(limits=(four,)) for _ in range(5)]
        for task, priority in zip(tasks, (1, 3, 2, 9, 0), strict=True):
            await kit.store.update("default", task.id, priority=priority)
        order = []
        for _ in range(4):
            order += await kit.leased_ids(limit=1)
            kit.clock.advance(1)
        (state,) = await kit.store.limits_of(tasks[4].id, shown=3)
        assert (state.running, state.tasks) == (4, tuple(order[:3]))

    async def test_only_tasks_of_some_queues_are_named(self, kit: Kit) -> None:
        await kit.worker()
        three = Limit("a", running=3)
        tasks = await kit.submit_all([new_task(limits=(three,), queue=queue) for queue in "xyzz"])
        await kit.lease()
        for queues, named in ((("x",), {0}), (("x", "y"), {0, 1}), (("other",), set()), ((), {0, 1, 2})):
            (state,) = await kit.store.limits_of(tasks[3].id, queues=queues, shown=20)
            assert (state.running, set(state.tasks)) == (3, {tasks[n].id for n in named})

    async def test_each_account_has_limits_of_its_own(self, kit: Kit) -> None:
        await kit.worker()
        one = Limit("a", running=1)
        await kit.submit(limits=(one,))
        other, waits = await kit.submit_all([new_task(limits=(one,), account_id="other") for _ in range(2)])
        await kit.lease()
        (state,) = await kit.store.limits_of(waits.id, shown=20)
        assert (state.running, state.tasks) == (1, (other.id,))

    async def test_a_rate_says_when_the_next_start_is_possible(self, kit: Kit) -> None:
        await kit.worker()
        _, waits = await kit.submit_all([new_task(limits=(Limit("r", per_second=0.5),)) for _ in range(2)])
        (fresh,) = await kit.store.limits_of(waits.id, shown=20)
        assert (fresh.per_second, fresh.hold, fresh.next_in_s) == (0.5, None, None)
        await kit.lease()
        kit.clock.advance(0.5)
        (state,) = await kit.store.limits_of(waits.id, shown=20)
        assert (state.hold, state.at_most, state.running) == ("rate:r", None, 1)
        assert state.next_in_s == pytest.approx(1.5)
        assert state.at == kit.clock.now
        kit.clock.now = state.at + timedelta(seconds=1.5)
        (state,) = await kit.store.limits_of(waits.id, shown=20)
        assert (state.hold, state.next_in_s) == (None, None)
        assert await kit.leased_ids() == [waits.id]

    async def test_without_limits_and_without_a_task_there_is_nothing(self, kit: Kit) -> None:
        done, _ = await kit.in_state(State.SUCCESS, limits=(Limit("a", running=1),))
        for id in (done, (await kit.submit()).id, new_id()):
            assert await kit.store.limits_of(id, shown=20) == []
