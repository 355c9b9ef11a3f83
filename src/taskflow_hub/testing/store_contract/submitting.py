"""How tasks come in: what they are at first, home queues, all or nothing, full queues, repetitions."""

from datetime import timedelta

import pytest
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import LeaseLost, QueueFull, TaskGone
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Task, TaskType
from taskflow_hub.domain.moves import Fence
from taskflow_hub.domain.retry import RetryKind, RetryPolicy
from taskflow_hub.store.values import Call, NewTask, Submit, Submitted
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit, comparable, new_task


class SubmittingContract(ContractBase):
    async def test_what_is_given_is_kept(self, kit: Kit) -> None:
        new = new_task(
            type="web.title",
            queue="slow",
            priority=8,
            payload=Raw(b'{"url": "http://x/"}'),
            max_retries=None,
            retry=RetryPolicy(RetryKind.FIXED, base=2.5, jitter=False),
            timeout=None,
            expires_at=kit.clock.now + timedelta(days=1),
            tags=("a", 'б "quoted"'),
            user_id="u1",
            parent_id=new_id(),
            schedule_id=new_id(),
            workflow_id=new_id(),
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        (answer,) = await kit.submit_all([new])
        expected = Task(
            id=new.id,
            type="web.title",
            queue="slow",
            priority=8,
            status=State.QUEUED,
            rev=1,
            payload=new.payload,
            max_retries=None,
            retry=new.retry,
            timeout=None,
            created_at=kit.clock.now,
            expires_at=new.expires_at,
            tags=new.tags,
            user_id="u1",
            parent_id=new.parent_id,
            schedule_id=new.schedule_id,
            workflow_id=new.workflow_id,
            traceparent=new.traceparent,
        )
        assert comparable(answer) == comparable(expected)
        assert comparable(await kit.get(new.id)) == comparable(expected), "the answer is what is stored"

    @pytest.mark.parametrize(
        ("given", "state", "due_in_s"),
        [
            ({}, State.QUEUED, None),
            ({"delay_s": 5.0}, State.SCHEDULED, 5.0),
            ({"delay_s": 0.0}, State.QUEUED, None),
            ({"run_in_s": 7.0}, State.SCHEDULED, 7.0),
            ({"run_in_s": -7.0}, State.QUEUED, -7.0),
            ({"run_in_s": 0.0}, State.QUEUED, 0.0),
            ({"blocked": True}, State.BLOCKED, None),
            ({"blocked": True, "delay_s": 5.0}, State.BLOCKED, 5.0),
        ],
    )
    async def test_first_state(
        self, kit: Kit, given: dict[str, float | bool], state: State, due_in_s: float | None
    ) -> None:
        fields = dict(given)
        if "run_in_s" in fields:
            fields["run_at"] = kit.clock.now + timedelta(seconds=fields.pop("run_in_s"))  # type: ignore[assignment]
        task = await kit.submit(**fields)
        due = None if due_in_s is None else kit.clock.now + timedelta(seconds=due_in_s)
        assert (task.status, task.run_at) == (state, due)

    async def test_nothing_to_do(self, kit: Kit) -> None:
        assert await kit.store.submit([]) == []
        assert await kit.submit_request(Submit(())) == Submitted((), ())

    # --- home queues -----------------------------------------------------------------------------------------------------

    async def test_home_queue_of_a_known_type(self, kit: Kit) -> None:
        await kit.worker(TaskType(type="image", queue="cpu"))
        assert (await kit.submit(type="image")).queue == "cpu"
        assert (await kit.submit(type="image", queue="mine")).queue == "mine"

    async def test_home_queue_is_decided_when_the_type_is_registered(self, kit: Kit) -> None:
        running = await kit.run()
        waiting = [await kit.submit(type="image"), await kit.submit(type="image", delay_s=5.0)]
        named = await kit.submit(type="image", queue="default")
        other = await kit.submit(type="other")
        assert {task.queue for task in waiting} == {"default"}
        await kit.worker(TaskType(type="image", queue="cpu"))
        for task in waiting:
            moved = await kit.get(task.id)
            assert (moved.queue, moved.rev) == ("cpu", task.rev + 1)
        assert (await kit.get(named.id)).queue == (await kit.get(other.id)).queue == "default"
        assert (await kit.get(running.id)).queue == "default"
        await kit.worker(TaskType(type="image", queue="gpu"))
        assert (await kit.get(waiting[0].id)).queue == "cpu", "decided once"

    async def test_a_held_task_of_an_unknown_type_goes_home_too(self, kit: Kit) -> None:
        task = await kit.submit(type="image")
        await kit.worker("other")
        await kit.lease()
        assert (await kit.get(task.id)).hold == "no_worker"
        await kit.worker(TaskType(type="image", queue="cpu"))
        moved = await kit.get(task.id)
        assert (moved.queue, moved.hold) == ("cpu", None)
        assert await kit.leased_ids() == [task.id]

    # --- all or nothing --------------------------------------------------------------------------------------------------

    async def test_each_submit_is_all_or_nothing(self, kit: Kit) -> None:
        await kit.store.update_queue("small", max_size=2)
        before, fits, full, after = (
            Submit((new_task(),)),
            Submit(tuple(new_task(queue="small") for _ in range(1))),
            Submit((new_task(), new_task(queue="small"), new_task(queue="small"), new_task(queue="small"))),
            Submit((new_task(queue="small"), new_task())),
        )
        outcomes = await kit.store.submit([before, fits, full, after])
        assert [type(outcome) for outcome in outcomes] == [Submitted, Submitted, QueueFull, Submitted]
        refused = outcomes[2]
        assert isinstance(refused, QueueFull)
        assert [error.pointer for error in refused.errors] == ["/tasks/2/queue", "/tasks/3/queue"]
        assert not await kit.store.tasks([task.id for task in full.tasks]), "nothing of it was stored"
        stored = [task.id for request in (before, fits, after) for task in request.tasks]
        assert set(await kit.store.tasks(stored)) == set(stored)

    async def test_a_payload_that_is_no_json_fails_alone(self, kit: Kit) -> None:
        bad = Submit((new_task(), new_task(payload=Raw(b'{"a":'))))
        good = Submit((new_task(),))
        outcomes = await kit.store.submit([good, bad])
        assert isinstance(outcomes[0], Submitted)
        assert [error.pointer for error in getattr(outcomes[1], "errors", ())] == ["/tasks/1/payload"]
        assert not await kit.store.tasks([task.id for task in bad.tasks])

    # --- max_size --------------------------------------------------------------------------------------------------------

    async def test_max_size_counts_what_waits(self, kit: Kit) -> None:
        await kit.store.update_queue("q", max_size=3)
        await kit.worker()
        running = await kit.submit(queue="q")
        assert await kit.leased_ids() == [running.id]
        await kit.submit(queue="q", blocked=True)
        first = await kit.submit(queue="q")
        await kit.submit(queue="q", delay_s=9.0)
        await kit.submit(queue="q", type="unserved")
        await kit.lease(limit=0)
        assert isinstance(await kit.submit_request(Submit((new_task(queue="q"),))), QueueFull)
        assert isinstance(await kit.submit_request(Submit((new_task(queue="q", delay_s=1.0),))), QueueFull)
        await kit.submit(queue="q", blocked=True)
        await kit.submit(queue="elsewhere")
        await kit.cancel(first.id)
        await kit.submit(queue="q")

    async def test_a_held_task_still_waits(self, kit: Kit) -> None:
        await kit.store.update_queue("q", max_size=1)
        await kit.worker("other")
        await kit.submit(queue="q", type="unserved")
        await kit.lease()
        assert isinstance(await kit.submit_request(Submit((new_task(queue="q"),))), QueueFull)

    async def test_a_smaller_bound_keeps_what_waits(self, kit: Kit) -> None:
        tasks = [await kit.submit(queue="q") for _ in range(3)]
        queue = await kit.store.update_queue("q", max_size=1)
        assert queue.max_size == 1
        assert set(await kit.store.tasks([task.id for task in tasks])) == {task.id for task in tasks}
        await kit.store.update_queue("q", max_size=None)
        await kit.submit(queue="q")

    async def test_the_bound_of_the_home_queue_holds(self, kit: Kit) -> None:
        await kit.worker(TaskType(type="image", queue="cpu"))
        await kit.store.update_queue("cpu", max_size=0)
        assert isinstance(await kit.submit_request(Submit((new_task(type="image"),))), QueueFull)

    # --- the same again --------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("state", [*State])
    async def test_repeating_a_submit_changes_nothing(self, kit: Kit, state: State) -> None:
        """A commit whose answer was lost is repeated; the task may even have ended by then."""
        new = new_task(type="mine", blocked=state in {State.BLOCKED, State.SKIPPED})
        if state is State.SCHEDULED:
            new = new_task(type="mine", delay_s=50.0)
        request = Submit((new, new_task(type="other")))
        first = await kit.submit_request(request)
        await _bring(kit, new, state)
        seen = await kit.everything(new.id)
        again = await kit.submit_request(request)
        assert isinstance(first, Submitted)
        assert isinstance(again, Submitted)
        assert (again.created, again.replayed) == (first.created, first.replayed) == ((True, True), False)
        assert comparable(again.tasks[0]) == seen[0], "it answers with the task as it is now"
        assert await kit.everything(new.id) == seen

    async def test_the_same_submit_twice_in_one_call(self, kit: Kit) -> None:
        request = Submit((new_task(), new_task()))
        first, second = await kit.store.submit([request, request])
        assert isinstance(first, Submitted)
        assert isinstance(second, Submitted)
        assert [comparable(task) for task in first.tasks] == [comparable(task) for task in second.tasks]
        assert first.created == second.created == (True, True)

    # --- calls -----------------------------------------------------------------------------------------------------------

    async def test_a_call_is_made_once(self, kit: Kit) -> None:
        parent = await kit.run()

        def call(attempt: int, number: int, **fields: object) -> Submit:
            return Submit(
                (new_task(parent_id=parent.id, **fields),), call=Call(Fence(parent.id, attempt), number)
            )

        first = await kit.submit_request(call(1, 1))
        repeated = await kit.submit_request(call(1, 1, type="other"))
        second = await kit.submit_request(call(1, 2))
        assert isinstance(first, Submitted)
        assert isinstance(repeated, Submitted)
        assert isinstance(second, Submitted)
        assert (first.created, first.replayed) == ((True,), False)
        assert (repeated.created, repeated.replayed) == ((False,), True)
        assert repeated.tasks[0].id == first.tasks[0].id != second.tasks[0].id

        await kit.retry(parent)
        late = await kit.submit_request(call(1, 1))
        assert isinstance(late, LeaseLost), "the attempt does not own its task any more"
        await kit.store.promote(DEFAULT_ACCOUNT, parent.id)
        await kit.run_again(parent.id)
        retried = await kit.submit_request(call(2, 1))
        assert isinstance(retried, Submitted)
        assert retried.tasks[0].id == first.tasks[0].id, "a retry gets the first child"
        for number in (1, 3):
            late = await kit.submit_request(call(1, number))
            assert isinstance(late, LeaseLost), "another attempt owns it"

    async def test_a_call_of_an_unknown_parent(self, kit: Kit) -> None:
        request = Submit((new_task(),), call=Call(Fence(new_id(), 1), 1))
        assert isinstance(await kit.submit_request(request), LeaseLost)
        assert not await kit.store.tasks([request.tasks[0].id])

    async def test_a_call_whose_child_is_gone(self, kit: Kit) -> None:
        parent = await kit.run()
        request = Submit((new_task(),), call=Call(Fence(parent.id, 1), 1))
        await kit.submit_request(request)
        await kit.cancel(request.tasks[0].id)
        await kit.store.delete(DEFAULT_ACCOUNT, [request.tasks[0].id])
        again = Submit((new_task(),), call=request.call)
        assert isinstance(await kit.submit_request(again), TaskGone)


async def _bring(kit: Kit, new: NewTask, state: State) -> None:
    match state:
        case State.SKIPPED:
            await kit.store.skip([new.id])
        case State.RUNNING | State.SUCCESS | State.FAILED:
            (attempt,) = await kit.lease(await kit.worker("mine"))
            if state is State.SUCCESS:
                await kit.store.succeed([moves.Succeed(id=new.id, attempt=1, ran_s=1.0)])
            elif state is State.FAILED:
                await kit.fail(attempt)
        case State.CANCELLED:
            await kit.cancel(new.id)
        case _:
            pass
    assert await kit.status(new.id) is state
