"""The whole table of domain/lifecycle.py, cell by cell, and every fenced move with a stale or repeated word."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import NotAllowed
from taskflow_hub.domain.lifecycle import FENCED, LIFECYCLE, YIELDS_TO_CANCEL, Move, State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome, Reason
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.testing.store_contract.kit import DAY_S, OOPS, ContractBase, Kit, new_task

APPLIED, ABORTED, DUPLICATE, STALE = Verdict.APPLIED, Verdict.ABORTED, Verdict.DUPLICATE, Verdict.STALE

CELLS = [(state, move) for state in State for move in Move]
IN_AN_HOUR_S = 3_600.0


async def word(kit: Kit, move: Move, id: str, attempt: int, owner: str = "") -> Verdict:
    """What a worker (or the reaper) says of one attempt."""
    fence: dict[str, Any] = {"id": id, "attempt": attempt}
    said: dict[Move, Callable[[], Awaitable[list[Verdict]]]] = {
        Move.SUCCEED: lambda: kit.store.succeed([moves.Succeed(**fence, ran_s=1.0)]),
        Move.RETRY: lambda: kit.store.retry([moves.Retry(**fence, ran_s=1.0, delay_s=5.0, error=OOPS)]),
        Move.SNOOZE: lambda: kit.store.snooze([moves.Snooze(**fence, ran_s=1.0, delay_s=5.0)]),
        Move.FAIL: lambda: kit.store.fail(
            [moves.Fail(**fence, ran_s=1.0, reason=Reason.HANDLER, error=OOPS)]
        ),
        Move.RELEASE: lambda: kit.store.release([moves.Release(**fence, ran_s=1.0)]),
        Move.LOSE: lambda: kit.store.lose(
            [moves.Lose(**fence, worker=owner, outcome=AttemptOutcome.LOST, crashed=True)]
        ),
        Move.ABORT: lambda: kit.store.abort([moves.Abort(**fence, ran_s=1.0)]),
    }
    (verdict,) = await said[move]()
    return verdict


async def make(kit: Kit, move: Move, id: str, attempt: int) -> None:
    """Try a move on a task, whatever its state; refusals are answers."""
    match move:
        case Move.PROMOTE:
            await kit.store.promote(DEFAULT_ACCOUNT, id)
        case Move.UNBLOCK:
            await kit.store.unblock([id])
        case Move.SKIP:
            await kit.store.skip([id])
        case Move.REJECT:
            await kit.store.reject([(id, OOPS)])
        case Move.RESET:
            await kit.store.reset([id])
        case Move.LEASE:
            await kit.worker((await kit.get(id)).type)
            await kit.lease()
        case Move.EXPIRE:
            kit.clock.advance(2 * IN_AN_HOUR_S)
            await kit.store.expire_due(100)
        case Move.CANCEL:
            await kit.store.cancel(DEFAULT_ACCOUNT, [id])
        case Move.REDRIVE:
            await kit.store.redrive(DEFAULT_ACCOUNT, [id])
        case _:
            await word(kit, move, id, max(attempt, 1), (await kit.get(id)).worker or "")


class LifecycleContract(ContractBase):
    @pytest.mark.parametrize(("state", "move"), CELLS, ids=[f"{state}-{move}" for state, move in CELLS])
    async def test_every_cell(self, kit: Kit, state: State, move: Move) -> None:
        """Allowed cells end where the table says; all others change nothing, not even `rev`."""
        id, attempt = await kit.in_state(state, expires_at=kit.clock.now.replace(hour=4))
        if state is State.RUNNING and move is Move.ABORT:
            await kit.cancel(id)
        before = await kit.get(id)
        seen = await kit.everything(id)

        await make(kit, move, id, attempt)

        after = await kit.get(id)
        target = LIFECYCLE[state].get(move)
        if target is not None:
            assert after.status is target, f"{state} --{move}--> should be {target}"
            assert after.rev == before.rev + 1, "rev counts every change, once"
        elif (state, move) == (State.RUNNING, Move.CANCEL):
            assert after.status is State.RUNNING, "a running task is asked, not taken"
            assert after.cancel_requested_at == kit.clock.now
        else:
            assert await kit.everything(id) == seen, f"{state} --{move}--> is not in the table"

    @pytest.mark.parametrize("state", State)
    async def test_promote_due_moves_only_scheduled(self, kit: Kit, state: State) -> None:
        id, _ = await kit.in_state(state)
        kit.clock.advance(200 * DAY_S)
        seen = await kit.everything(id)
        due = await kit.store.promote_due(100)
        if state is State.SCHEDULED:
            assert due.ids == (id,)
            assert await kit.status(id) is State.QUEUED
        else:
            assert due.ids == ()
            assert await kit.everything(id) == seen

    # --- the fence -----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("attempt", [1, 3], ids=["lost", "imagined"])
    @pytest.mark.parametrize("move", sorted(FENCED))
    async def test_a_word_of_another_attempt_changes_nothing(
        self, kit: Kit, move: Move, attempt: int
    ) -> None:
        """A was judged dead, B runs the task, and A wakes up: the first thing an expert looks for."""
        first = await kit.run()
        await kit.lose(first)
        second = await kit.run_again(first.id)
        assert second.attempt == 2
        if move is Move.ABORT:
            await kit.cancel(first.id)
        seen = await kit.everything(first.id)
        owner = (await kit.get(first.id)).worker or ""

        verdict = await word(kit, move, first.id, attempt, owner)

        expected = DUPLICATE if (move, attempt) == (Move.LOSE, 1) else STALE
        assert verdict is expected
        assert await kit.everything(first.id) == seen

    @pytest.mark.parametrize("move", sorted(FENCED))
    async def test_a_word_of_an_unknown_task_is_stale(self, kit: Kit, move: Move) -> None:
        assert await word(kit, move, new_id(), 1) is STALE

    async def test_lose_is_fenced_by_the_owner_too(self, kit: Kit) -> None:
        attempt = await kit.run()
        seen = await kit.everything(attempt.id)
        assert await kit.lose(attempt, new_id()) is STALE
        assert await kit.everything(attempt.id) == seen

    @pytest.mark.parametrize("move", sorted(FENCED))
    async def test_the_same_word_twice_is_a_duplicate(self, kit: Kit, move: Move) -> None:
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker or ""
        if move is Move.ABORT:
            await kit.cancel(attempt.id)
        assert await word(kit, move, attempt.id, 1, owner) is APPLIED
        seen = await kit.everything(attempt.id)
        assert await word(kit, move, attempt.id, 1, owner) is DUPLICATE
        assert await kit.everything(attempt.id) == seen

    @pytest.mark.parametrize("move", sorted(FENCED))
    async def test_a_duplicate_is_told_while_a_later_attempt_runs(self, kit: Kit, move: Move) -> None:
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker or ""
        if move is Move.ABORT:
            await kit.cancel(attempt.id)
        await word(kit, move, attempt.id, 1, owner)
        if await kit.status(attempt.id) is State.SUCCESS:
            return  # it has no later attempt
        if await kit.status(attempt.id) in {State.FAILED, State.CANCELLED}:
            await kit.redrive(attempt.id)
        if await kit.status(attempt.id) is State.SCHEDULED:
            await kit.store.promote(DEFAULT_ACCOUNT, attempt.id)
        await kit.run_again(attempt.id)
        seen = await kit.everything(attempt.id)
        assert await word(kit, move, attempt.id, 1, owner) is DUPLICATE
        assert await kit.everything(attempt.id) == seen

    @pytest.mark.parametrize("second", sorted(FENCED))
    @pytest.mark.parametrize("first", sorted(FENCED))
    async def test_another_word_after_the_end_is_stale(self, kit: Kit, first: Move, second: Move) -> None:
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker or ""
        if first is Move.ABORT:
            await kit.cancel(attempt.id)
        await word(kit, first, attempt.id, 1, owner)
        seen = await kit.everything(attempt.id)
        verdict = await word(kit, second, attempt.id, 1, owner)
        # A retry and a fail are two decisions on the same kind of report.
        same = first is second or {first, second} == {Move.RETRY, Move.FAIL}
        assert verdict is (DUPLICATE if same else STALE)
        assert await kit.everything(attempt.id) == seen

    async def test_an_attempt_handed_back_unstarted_knows_its_duplicate(self, kit: Kit) -> None:
        attempt = await kit.run()
        assert await kit.release(attempt, ran_s=None) is APPLIED
        assert await kit.release(attempt, ran_s=None) is DUPLICATE
        assert await kit.succeed(attempt) is STALE

    async def test_an_end_of_one_attempt_says_nothing_of_another(self, kit: Kit) -> None:
        """Also where the earlier attempt has left no row."""
        first = await kit.run()
        await kit.release(first, ran_s=None)
        second = await kit.run_again(first.id)
        await kit.release(second, ran_s=None)
        assert await word(kit, Move.RELEASE, first.id, 9) is STALE
        third = await kit.run_again(first.id)
        await kit.succeed(third)
        assert await kit.succeed(first) is STALE
        assert await kit.succeed(third) is DUPLICATE

    async def test_many_at_once_each_with_its_own_verdict(self, kit: Kit) -> None:
        one, two, gone = await kit.run(), await kit.run(), await kit.run()
        await kit.succeed(gone)
        items = [
            moves.Succeed(id=one.id, attempt=1, ran_s=1.0),
            moves.Succeed(id=two.id, attempt=9, ran_s=1.0),
            moves.Succeed(id=gone.id, attempt=1, ran_s=1.0),
            moves.Succeed(id=one.id, attempt=1, ran_s=1.0),
            moves.Succeed(id=new_id(), attempt=1, ran_s=1.0),
            moves.Succeed(id=two.id, attempt=1, ran_s=1.0),
        ]
        verdicts = await kit.store.succeed(items)
        assert verdicts == [APPLIED, STALE, DUPLICATE, DUPLICATE, STALE, APPLIED]
        assert await kit.status(one.id) is await kit.status(two.id) is State.SUCCESS

    async def test_large_batches(self, kit: Kit) -> None:
        """Whatever a store does in chunks, it does to all of them."""
        count = 1_300
        await kit.worker(slots=2_000)
        ids = [task.id for task in await kit.submit_all([new_task() for _ in range(count)])]
        assert [each.id for each in await kit.lease_all()] == ids
        items = [moves.Succeed(id=id, attempt=1, ran_s=0.1) for id in ids]
        assert await kit.store.succeed(items[: count // 2]) == [APPLIED] * (count // 2)
        rest = count - count // 2
        assert await kit.store.succeed(items) == [DUPLICATE] * (count // 2) + [APPLIED] * rest
        tasks = await kit.store.tasks(ids)
        assert {task.status for task in tasks.values()} == {State.SUCCESS}
        assert len(tasks) == count

    # --- cancel --------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("move", sorted(YIELDS_TO_CANCEL))
    async def test_with_a_cancel_standing_the_move_becomes_abort(self, kit: Kit, move: Move) -> None:
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker or ""
        await kit.cancel(attempt.id)
        assert await word(kit, move, attempt.id, 1, owner) is ABORTED
        task = await kit.get(attempt.id)
        assert task.status is State.CANCELLED
        assert task.finished_at == kit.clock.now
        assert task.retry_count == task.crashes == 0
        assert await kit.outcomes(attempt.id) == [(1, AttemptOutcome.ABORTED)]
        assert await word(kit, move, attempt.id, 1, owner) is DUPLICATE, "the report was taken, as an abort"

    @pytest.mark.parametrize(("move", "state"), [(Move.SUCCEED, State.SUCCESS), (Move.FAIL, State.FAILED)])
    async def test_with_a_cancel_standing_the_end_stands(self, kit: Kit, move: Move, state: State) -> None:
        attempt = await kit.run()
        await kit.cancel(attempt.id)
        assert await word(kit, move, attempt.id, 1) is APPLIED
        assert await kit.status(attempt.id) is state

    async def test_an_abort_that_nobody_asked_for_is_stale(self, kit: Kit) -> None:
        attempt = await kit.run()
        seen = await kit.everything(attempt.id)
        assert await kit.abort(attempt) is STALE
        assert await kit.everything(attempt.id) == seen

    @pytest.mark.parametrize("state", State)
    async def test_cancelling_twice_changes_nothing(self, kit: Kit, state: State) -> None:
        id, _ = await kit.in_state(state)
        first = await kit.cancel(id)
        kit.clock.advance(1)
        seen = await kit.everything(id)
        second = await kit.cancel(id)
        assert second.rev == first.rev
        assert await kit.everything(id) == seen

    async def test_cancel_answers_each_as_it_is(self, kit: Kit) -> None:
        queued, running, done = await kit.submit(), await kit.run(), await kit.run()
        await kit.succeed(done)
        ids = [queued.id, new_id(), running.id, done.id, queued.id]
        answers = await kit.store.cancel(DEFAULT_ACCOUNT, ids)
        statuses = [None if task is None else task.status for task in answers]
        assert statuses == [State.CANCELLED, None, State.RUNNING, State.SUCCESS, State.CANCELLED]
        assert await kit.store.cancel("another", [queued.id, running.id]) == [None, None]

    async def test_what_was_cancelled_before_it_started_has_no_attempt(self, kit: Kit) -> None:
        task = await kit.submit()
        cancelled = await kit.cancel(task.id)
        assert (cancelled.attempt, cancelled.finished_at, cancelled.started_at) == (0, kit.clock.now, None)
        assert await kit.outcomes(task.id) == []

    # --- bad company ---------------------------------------------------------------------------------------------------

    async def test_refusals_are_values(self, kit: Kit) -> None:
        task = await kit.submit()
        assert isinstance(await kit.store.promote(DEFAULT_ACCOUNT, task.id), NotAllowed)
        (refused,) = await kit.store.redrive(DEFAULT_ACCOUNT, [task.id])
        assert isinstance(refused, NotAllowed)

    async def test_workflow_moves_tell_what_moved(self, kit: Kit) -> None:
        blocked, queued = await kit.submit(blocked=True), await kit.submit()
        assert await kit.store.unblock([queued.id, blocked.id, new_id(), blocked.id]) == [
            False,
            True,
            False,
            False,
        ]
        assert await kit.status(blocked.id) is State.QUEUED
        other = await kit.submit(blocked=True)
        assert await kit.store.skip([other.id, queued.id]) == [True, False]
        assert (await kit.get(other.id)).finished_at == kit.clock.now
        assert await kit.store.reset([other.id, queued.id]) == [True, False]
        back = await kit.get(other.id)
        assert (back.status, back.finished_at) == (State.BLOCKED, None)
