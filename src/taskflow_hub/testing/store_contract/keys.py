"""Idempotency keys and unique keys."""

import pytest

from taskflow_hub.domain.errors import IdempotencyMismatch, QueueFull, TaskflowError, TaskGone, UniqueConflict
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.submission import OnConflict, Unique
from taskflow_hub.store.values import Idempotency, NewTask, Submit, Submitted, TaskFilter
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit, comparable, new_task

RETURN, REJECT, REPLACE = OnConflict.RETURN, OnConflict.REJECT, OnConflict.REPLACE


def keyed(
    *tasks: NewTask,
    key: str = "k",
    fingerprint: str = "f",
    account: str = DEFAULT_ACCOUNT,
    route: str = "/tasks",
) -> Submit:
    return Submit(tasks or (new_task(),), Idempotency(account, route, key, fingerprint, ttl_s=100.0))


def unique(on_conflict: OnConflict = RETURN, key: str = "k", window: float = 0.0, **fields: object) -> Submit:
    return Submit((new_task(unique=Unique(key, window, on_conflict), **fields),))


def good(outcome: Submitted | TaskflowError) -> Submitted:
    assert isinstance(outcome, Submitted), f"refused: {outcome!r}"
    return outcome


class KeysContract(ContractBase):
    # --- idempotency -----------------------------------------------------------------------------------------------------

    async def test_a_key_is_answered_once_and_replayed(self, kit: Kit) -> None:
        first = good(await kit.submit_request(keyed(new_task(), new_task())))
        assert (first.created, first.replayed) == ((True, True), False)
        await kit.cancel(first.tasks[0].id)
        again = good(await kit.submit_request(keyed(new_task(), new_task())))
        assert (again.created, again.replayed) == ((False, False), True)
        assert [task.id for task in again.tasks] == [task.id for task in first.tasks]
        assert again.tasks[0].status is State.CANCELLED, "the tasks as they are now"
        assert await kit.store.count(DEFAULT_ACCOUNT, TaskFilter()) == 2

    async def test_the_same_key_with_another_body(self, kit: Kit) -> None:
        await kit.submit_request(keyed())
        request = keyed(fingerprint="other")
        assert isinstance(await kit.submit_request(request), IdempotencyMismatch)
        assert not await kit.store.tasks([request.tasks[0].id])

    async def test_the_scope_is_account_and_route(self, kit: Kit) -> None:
        await kit.submit_request(keyed())
        for other in (keyed(account="b"), keyed(route="/tasks/batch"), keyed(key="l")):
            assert good(await kit.submit_request(other)).created == (True,)

    async def test_a_key_runs_out(self, kit: Kit) -> None:
        first = good(await kit.submit_request(keyed()))
        kit.clock.advance(99.9)
        assert good(await kit.submit_request(keyed())).replayed
        kit.clock.advance(0.1)
        again = good(await kit.submit_request(keyed(fingerprint="other")))
        assert again.created == (True,)
        assert again.tasks[0].id != first.tasks[0].id
        assert good(await kit.submit_request(keyed(fingerprint="other"))).replayed

    async def test_a_key_whose_task_is_gone_never_runs_again(self, kit: Kit) -> None:
        first = good(await kit.submit_request(keyed()))
        await kit.cancel(first.tasks[0].id)
        await kit.store.delete(DEFAULT_ACCOUNT, [first.tasks[0].id])
        request = keyed()
        assert isinstance(await kit.submit_request(request), TaskGone)
        assert not await kit.store.tasks([request.tasks[0].id])

    async def test_the_very_same_call_again_is_no_replay(self, kit: Kit) -> None:
        request = keyed(new_task())
        first = good(await kit.submit_request(request))
        again = good(await kit.submit_request(request))
        assert (again.created, again.replayed) == (first.created, False)

    async def test_a_refused_submit_leaves_its_key_free(self, kit: Kit) -> None:
        await kit.store.update_queue("full", max_size=0)
        assert isinstance(await kit.submit_request(keyed(new_task(), new_task(queue="full"))), QueueFull)
        await kit.store.update_queue("full", max_size=None)
        assert good(await kit.submit_request(keyed(fingerprint="other"))).created == (True,)

    async def test_two_with_one_key_in_one_call(self, kit: Kit) -> None:
        first, second = await kit.store.submit([keyed(), keyed()])
        assert [good(first).replayed, good(second).replayed] == [False, True]
        assert good(first).tasks[0].id == good(second).tasks[0].id

    # --- unique ----------------------------------------------------------------------------------------------------------

    async def test_return_answers_with_the_holder(self, kit: Kit) -> None:
        first = good(await kit.submit_request(unique()))
        second = good(await kit.submit_request(unique()))
        assert (second.created, second.replayed) == ((False,), False)
        assert comparable(second.tasks[0]) == comparable(first.tasks[0])

    async def test_reject(self, kit: Kit) -> None:
        first = good(await kit.submit_request(unique(REJECT)))
        request = unique(REJECT)
        refused = await kit.submit_request(request)
        assert isinstance(refused, UniqueConflict)
        assert first.tasks[0].id in refused.detail, "it names the holder"
        assert not await kit.store.tasks([request.tasks[0].id])

    async def test_replace_cancels_an_unstarted_holder(self, kit: Kit) -> None:
        first = good(await kit.submit_request(unique(REPLACE, delay_s=9.0))).tasks[0]
        second = good(await kit.submit_request(unique(REPLACE)))
        assert second.created == (True,)
        assert second.replaced == (first.id,), "whoever watches it is to be told"
        assert await kit.status(first.id) is State.CANCELLED
        third = good(await kit.submit_request(unique(RETURN)))
        assert third.tasks[0].id == second.tasks[0].id, "the key has a new holder"

    async def test_replace_is_refused_while_the_holder_runs(self, kit: Kit) -> None:
        running = await kit.run(unique=Unique("k"))
        seen = await kit.everything(running.id)
        request = unique(REPLACE, type=running.type)
        assert isinstance(await kit.submit_request(request), UniqueConflict)
        assert await kit.everything(running.id) == seen
        assert not await kit.store.tasks([request.tasks[0].id])

    async def test_a_refused_submit_does_not_replace(self, kit: Kit) -> None:
        holder = good(await kit.submit_request(unique())).tasks[0]
        await kit.store.update_queue("full", max_size=0)
        request = Submit((new_task(unique=Unique("k", 0.0, REPLACE)), new_task(queue="full")))
        assert isinstance(await kit.submit_request(request), QueueFull)
        assert await kit.status(holder.id) is State.QUEUED
        assert good(await kit.submit_request(unique())).tasks[0].id == holder.id

    @pytest.mark.parametrize("state", [State.SUCCESS, State.FAILED, State.CANCELLED])
    async def test_a_key_is_free_when_its_task_ends(self, kit: Kit, state: State) -> None:
        id, _ = await kit.in_state(state, unique=Unique("k"), type="t1")
        again = good(await kit.submit_request(unique(REJECT, type="t1")))
        assert again.created == (True,)
        assert again.tasks[0].id != id

    async def test_a_window_outlasts_the_task(self, kit: Kit) -> None:
        id, _ = await kit.in_state(State.SUCCESS, unique=Unique("k", window=60.0), type="t1")
        kit.clock.advance(59.9)
        held = good(await kit.submit_request(unique(RETURN, type="t1")))
        assert (held.tasks[0].id, held.created) == (id, (False,))
        assert isinstance(await kit.submit_request(unique(REJECT, type="t1")), UniqueConflict)
        kit.clock.advance(0.1)
        assert good(await kit.submit_request(unique(REJECT, type="t1"))).created == (True,)

    async def test_a_task_outlasts_its_window(self, kit: Kit) -> None:
        holder = good(await kit.submit_request(unique(window=1.0))).tasks[0]
        kit.clock.advance(1_000)
        assert good(await kit.submit_request(unique())).tasks[0].id == holder.id

    async def test_the_scope_is_account_and_type(self, kit: Kit) -> None:
        await kit.submit_request(unique())
        for other in (unique(type="u"), unique(account_id="b"), unique(key="l")):
            assert good(await kit.submit_request(other)).created == (True,)

    async def test_within_one_submit_the_first_holds(self, kit: Kit) -> None:
        request = Submit((new_task(unique=Unique("k")), new_task(unique=Unique("k")), new_task()))
        outcome = good(await kit.submit_request(request))
        assert outcome.created == (True, False, True)
        assert outcome.tasks[0].id == outcome.tasks[1].id

    async def test_replace_within_a_full_queue(self, kit: Kit) -> None:
        await kit.store.update_queue("q", max_size=1)
        holder = good(await kit.submit_request(unique(REPLACE, queue="q"))).tasks[0]
        assert isinstance(await kit.submit_request(unique(REPLACE, key="l", queue="q")), QueueFull)
        replaced = good(await kit.submit_request(unique(REPLACE, queue="q")))
        assert replaced.created == (True,), "the place of the one it replaces is free"
        assert await kit.status(holder.id) is State.CANCELLED

    async def test_redrive_takes_the_key_again(self, kit: Kit) -> None:
        id, _ = await kit.in_state(State.FAILED, unique=Unique("k"), type="t1")
        await kit.redrive(id)
        assert isinstance(await kit.submit_request(unique(REJECT, type="t1")), UniqueConflict)

    async def test_redrive_keeps_the_window(self, kit: Kit) -> None:
        id, _ = await kit.in_state(State.FAILED, unique=Unique("k", window=100.0), type="t1")
        kit.clock.advance(50)
        await kit.redrive(id)
        await kit.cancel(id)
        assert isinstance(await kit.submit_request(unique(REJECT, type="t1")), UniqueConflict)
        kit.clock.advance(50)
        assert good(await kit.submit_request(unique(REJECT, type="t1"))).created == (True,)

    async def test_redrive_is_refused_while_another_holds_the_key(self, kit: Kit) -> None:
        id, _ = await kit.in_state(State.FAILED, unique=Unique("k"), type="t1")
        other = good(await kit.submit_request(unique(type="t1"))).tasks[0]
        seen = await kit.everything(id)
        (refused,) = await kit.store.redrive(DEFAULT_ACCOUNT, [id])
        assert isinstance(refused, UniqueConflict)
        assert await kit.everything(id) == seen
        await kit.cancel(other.id)
        await kit.redrive(id)

    async def test_redrive_of_two_with_one_key(self, kit: Kit) -> None:
        first, _ = await kit.in_state(State.FAILED, unique=Unique("k"), type="t1")
        second, _ = await kit.in_state(State.FAILED, unique=Unique("k"), type="t1")
        outcomes = await kit.store.redrive(DEFAULT_ACCOUNT, [first, second])
        assert isinstance(outcomes[1], UniqueConflict)
        assert await kit.status(first) is State.QUEUED
        assert await kit.status(second) is State.FAILED
