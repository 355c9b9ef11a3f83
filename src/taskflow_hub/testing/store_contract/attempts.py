"""What each end of an attempt leaves behind, and what a redrive forgets."""

from datetime import timedelta

import pytest
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import ATTEMPTS_SHOWN
from taskflow_hub.domain.messages import Line, Logged, Progressed
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Attempt, AttemptOutcome, Reason, ResultRef
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.testing.store_contract.kit import OOPS, ContractBase, Kit, comparable, hold

TEN_S = timedelta(seconds=10)


class AttemptsContract(ContractBase):
    async def test_success(self, kit: Kit) -> None:
        attempt = await kit.run()
        kit.clock.advance(30)
        assert await kit.succeed(attempt, b'{"pages":[1, 2]}', ran_s=10.0) is Verdict.APPLIED
        task = await kit.get(attempt.id)
        assert task.status is State.SUCCESS
        assert bytes(task.result or b"") == b'{"pages":[1, 2]}', "a result is kept as it is, to the byte"
        assert task.finished_at == kit.clock.now
        assert task.started_at == kit.clock.now - TEN_S, "started_at rides on the finish"
        assert (task.error, task.reason, task.result_ref) == (None, None, None)
        assert await kit.store.attempts(DEFAULT_ACCOUNT, task.id) == [
            Attempt(
                attempt=1,
                outcome=AttemptOutcome.SUCCEEDED,
                started_at=kit.clock.now - TEN_S,
                ended_at=kit.clock.now,
                worker=task.worker,
                error=None,
            )
        ]

    async def test_a_null_result_is_a_result(self, kit: Kit) -> None:
        attempt = await kit.run()
        assert (await kit.get(attempt.id)).result is None
        await kit.succeed(attempt, b"null")
        assert bytes((await kit.get(attempt.id)).result or b"") == b"null"

    async def test_a_result_outside_the_store(self, kit: Kit) -> None:
        attempt = await kit.run()
        ref = ResultRef(storage="folder", ref="ab/cd", preview='{"a', size=70_000, ttl=None)
        await kit.store.succeed([moves.Succeed(id=attempt.id, attempt=1, ran_s=1.0, result_ref=ref)])
        task = await kit.get(attempt.id)
        assert (task.result, task.result_ref) == (None, ref)

    async def test_a_start_is_never_before_the_lease(self, kit: Kit) -> None:
        leased_at = kit.clock.now
        attempt = await kit.run()
        kit.clock.advance(5)
        await kit.succeed(attempt, ran_s=1e30)
        assert (await kit.get(attempt.id)).started_at == leased_at

    async def test_retry(self, kit: Kit) -> None:
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker
        kit.clock.advance(30)
        item = moves.Retry(
            id=attempt.id, attempt=1, ran_s=10.0, delay_s=60.0, error=OOPS, outcome=AttemptOutcome.TIMEOUT
        )
        assert await kit.store.retry([item]) == [Verdict.APPLIED]
        task = await kit.get(attempt.id)
        assert (task.status, task.retry_count, task.attempt) == (State.SCHEDULED, 1, 1)
        assert task.run_at == kit.clock.now + timedelta(seconds=60)
        assert task.error == OOPS, "what went wrong last can be seen while it waits"
        assert (task.worker, task.started_at) == (None, None)
        assert await kit.store.attempts(DEFAULT_ACCOUNT, task.id) == [
            Attempt(
                attempt=1,
                outcome=AttemptOutcome.TIMEOUT,
                started_at=kit.clock.now - TEN_S,
                ended_at=kit.clock.now,
                worker=owner,
                error=OOPS,
            )
        ]
        kit.clock.advance(60)
        assert (await kit.store.promote_due(10)).ids == (task.id,)
        again = await kit.run_again(task.id)
        assert (again.attempt, again.retry_count) == (2, 1)
        attempts = await kit.store.attempts(DEFAULT_ACCOUNT, task.id) or []
        assert attempts[-1].error is None, "what went wrong before is not this attempt's"
        await kit.succeed(again)
        assert await kit.outcomes(task.id) == [(1, AttemptOutcome.TIMEOUT), (2, AttemptOutcome.SUCCEEDED)]
        assert (await kit.get(task.id)).error is None

    async def test_snooze_counts_nothing(self, kit: Kit) -> None:
        attempt = await kit.run()
        until = kit.clock.now + timedelta(hours=1)
        item = moves.Snooze(id=attempt.id, attempt=1, ran_s=1.0, until=until)
        assert await kit.store.snooze([item]) == [Verdict.APPLIED]
        task = await kit.get(attempt.id)
        assert (task.status, task.run_at, task.retry_count, task.crashes) == (State.SCHEDULED, until, 0, 0)
        assert await kit.outcomes(task.id) == [(1, AttemptOutcome.SNOOZED)]

    async def test_fail(self, kit: Kit) -> None:
        attempt = await kit.run()
        kit.clock.advance(30)
        await kit.fail(attempt, ran_s=10.0)
        task = await kit.get(attempt.id)
        assert (task.status, task.reason, task.error) == (State.FAILED, Reason.HANDLER, OOPS)
        assert (task.started_at, task.finished_at) == (kit.clock.now - TEN_S, kit.clock.now)
        assert await kit.outcomes(task.id) == [(1, AttemptOutcome.FAILED)]

    async def test_fail_by_the_reaper(self, kit: Kit) -> None:
        attempt = await kit.run()
        item = moves.Fail(
            id=attempt.id,
            attempt=1,
            ran_s=None,
            reason=Reason.POISON,
            error=OOPS,
            outcome=AttemptOutcome.LOST,
            crashed=True,
        )
        assert await kit.store.fail([item, item]) == [Verdict.APPLIED, Verdict.DUPLICATE]
        task = await kit.get(attempt.id)
        assert (task.reason, task.crashes, task.started_at) == (Reason.POISON, 1, None)
        assert await kit.outcomes(task.id) == [(1, AttemptOutcome.LOST)]
        assert await kit.fail(attempt) is Verdict.STALE, "the worker's own report comes too late"

    @pytest.mark.parametrize("ran_s", [None, 2.0], ids=["unstarted", "started"])
    async def test_release_counts_nothing(self, kit: Kit, ran_s: float | None) -> None:
        attempt = await kit.run()
        assert await kit.release(attempt, ran_s=ran_s) is Verdict.APPLIED
        task = await kit.get(attempt.id)
        assert (task.status, task.retry_count, task.crashes) == (State.QUEUED, 0, 0)
        assert (task.worker, task.started_at) == (None, None)
        assert await kit.release(attempt, ran_s=ran_s) is Verdict.DUPLICATE

    @pytest.mark.parametrize("outcome", ["released", "lost", "undelivered"])
    async def test_an_attempt_that_never_started_is_on_record(self, kit: Kit, outcome: str) -> None:
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker or ""
        kit.clock.advance(5)
        if outcome == "released":
            await kit.release(attempt, ran_s=None)
        else:
            lost = AttemptOutcome(outcome)
            await kit.store.lose([moves.Lose(id=attempt.id, attempt=1, worker=owner, outcome=lost)])
        assert await kit.store.attempts(DEFAULT_ACCOUNT, attempt.id) == [
            Attempt(
                attempt=1,
                outcome=AttemptOutcome(outcome),
                started_at=None,
                ended_at=kit.clock.now,
                worker=owner,
                error=None,
            )
        ]

    async def test_what_is_released_again_and_again_shows_its_newest_attempts(self, kit: Kit) -> None:
        task, worker = await kit.submit(), await kit.worker()
        rounds = ATTEMPTS_SHOWN + 3
        for _ in range(rounds):
            (attempt,) = await kit.lease(worker)
            assert await kit.release(attempt, ran_s=None) is Verdict.APPLIED
        shown = [number for number, _ in await kit.outcomes(task.id)]
        assert shown == [*range(4, rounds + 1)], "the newest ones, without a gap"
        (attempt,) = await kit.lease(worker)
        assert [number for number, _ in await kit.outcomes(task.id)] == [*range(5, rounds + 2)]
        await kit.fail(attempt)
        await kit.redrive(task.id)
        assert (await kit.outcomes(task.id))[-2:] == [
            (rounds, AttemptOutcome.RELEASED),
            (rounds + 1, AttemptOutcome.FAILED),
        ]
        await kit.cancel(task.id)
        assert await kit.store.delete(DEFAULT_ACCOUNT, [task.id]) == [None]

    @pytest.mark.parametrize("move", ["retry", "snooze", "release", "lose"])
    async def test_the_attempt_takes_its_start_along(self, kit: Kit, move: str) -> None:
        """When a heartbeat has seen it start, that stands, and the task that waits anew has not started."""
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker
        kit.clock.advance(5)
        await kit.store.heartbeat(owner or "", [hold(attempt)])
        started_at = kit.clock.now
        kit.clock.advance(20)
        await getattr(kit, move)(attempt)
        task = await kit.get(attempt.id)
        assert (task.started_at, task.worker, task.finished_at) == (None, None, None)
        ended = (await kit.store.attempts(DEFAULT_ACCOUNT, attempt.id) or [])[0]
        assert (ended.started_at, ended.ended_at, ended.worker) == (started_at, kit.clock.now, owner)

    async def test_release_of_what_a_heartbeat_saw_started(self, kit: Kit) -> None:
        attempt = await kit.run()
        await kit.store.heartbeat((await kit.get(attempt.id)).worker or "", [hold(attempt)])
        await kit.release(attempt, ran_s=None)
        assert await kit.outcomes(attempt.id) == [(1, AttemptOutcome.RELEASED)]

    @pytest.mark.parametrize("crashed", [True, False])
    async def test_lose(self, kit: Kit, crashed: bool) -> None:
        attempt = await kit.run()
        assert await kit.lose(attempt, crashed=crashed) is Verdict.APPLIED
        task = await kit.get(attempt.id)
        assert (task.status, task.crashes, task.worker) == (State.QUEUED, int(crashed), None)
        assert await kit.outcomes(task.id) == [(1, AttemptOutcome.LOST)]

    async def test_lost_in_transit(self, kit: Kit) -> None:
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker or ""
        item = moves.Lose(id=attempt.id, attempt=1, worker=owner, outcome=AttemptOutcome.UNDELIVERED)
        assert await kit.store.lose([item]) == [Verdict.APPLIED]
        assert await kit.store.lose([item]) == [Verdict.DUPLICATE]
        task = await kit.get(attempt.id)
        assert (task.status, task.crashes, task.retry_count) == (State.QUEUED, 0, 0)
        assert await kit.outcomes(task.id) == [(1, AttemptOutcome.UNDELIVERED)]

    async def test_the_running_attempt_is_listed(self, kit: Kit) -> None:
        attempt = await kit.run()
        assert await kit.outcomes(attempt.id) == [(1, None)]
        await kit.release(attempt)
        assert await kit.outcomes(attempt.id) == [(1, AttemptOutcome.RELEASED)]
        await kit.run_again(attempt.id)
        assert await kit.outcomes(attempt.id) == [(1, AttemptOutcome.RELEASED), (2, None)]

    async def test_cancelled_between_attempts(self, kit: Kit) -> None:
        attempt = await kit.run()
        await kit.retry(attempt)
        await kit.cancel(attempt.id)
        assert await kit.outcomes(attempt.id) == [(1, AttemptOutcome.FAILED)], "no attempt ended the task"

    # --- progress --------------------------------------------------------------------------------------------------------

    async def test_progress_the_last_one_wins(self, kit: Kit) -> None:
        attempt = await kit.run()
        worker = (await kit.get(attempt.id)).worker or ""

        def report(fraction: float, number: int = 1, n: int = 1) -> Progressed:
            return Progressed(
                worker=worker, n=n, id=attempt.id, attempt=number, fraction=fraction, message="m"
            )

        rev = (await kit.get(attempt.id)).rev
        verdicts = await kit.store.progress([report(0.4, n=2), report(0.9, 2, n=3), report(0.1, n=1)])
        assert verdicts == [Verdict.APPLIED, Verdict.STALE, Verdict.APPLIED]
        progress = (await kit.get(attempt.id)).progress
        assert progress is not None
        assert (progress.fraction, progress.message, progress.at) == (0.4, "m", kit.clock.now)
        assert (await kit.get(attempt.id)).rev == rev + 1
        for n in (1, 2):
            assert await kit.store.progress([report(0.2, n=n)]) == [Verdict.APPLIED]
            assert (await kit.get(attempt.id)).progress == progress, (
                "another server was slower with an earlier word"
            )
            assert (await kit.get(attempt.id)).rev == rev + 1
        assert await kit.store.progress([report(0.3, n=10)]) == [Verdict.APPLIED]
        later = (await kit.get(attempt.id)).progress
        assert later is not None
        assert later.fraction == 0.3
        await kit.succeed(attempt)
        seen = await kit.everything(attempt.id)
        assert await kit.store.progress([report(1.0, n=11)]) == [Verdict.STALE], "the end wins"
        assert await kit.everything(attempt.id) == seen

    async def test_a_new_attempt_begins_without_progress(self, kit: Kit) -> None:
        attempt = await kit.run()
        await kit.store.progress([Progressed(worker="w", n=1, id=attempt.id, attempt=1, fraction=0.5)])
        await kit.release(attempt)
        assert (await kit.get(attempt.id)).progress is not None, "how far it came can be seen while it waits"
        await kit.run_again(attempt.id)
        assert (await kit.get(attempt.id)).progress is None

    # --- redrive ---------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
    async def test_redrive_starts_anew(self, kit: Kit, state: State) -> None:
        expires_at = kit.clock.now + timedelta(hours=1)
        attempt = await kit.run(expires_at=expires_at, tags=("kept",), run_at=kit.clock.now)
        id = attempt.id
        await kit.store.progress([Progressed(worker="w", n=1, id=id, attempt=1, fraction=0.5)])
        if state is State.FAILED:
            await kit.fail(attempt)
        else:
            await kit.cancel(id)
            await kit.abort(attempt)
        before = await kit.get(id)
        kit.clock.advance(2 * 3_600)
        task = await kit.redrive(id)
        cleared = {
            "status": State.QUEUED,
            "rev": before.rev + 1,
            **dict.fromkeys(
                (
                    "reason",
                    "error",
                    "result",
                    "result_ref",
                    "progress",
                    "run_at",
                    "started_at",
                    "finished_at",
                    "cancel_requested_at",
                    "worker",
                    "hold",
                    "expires_at",
                )
            ),
            "retry_count": 0,
            "crashes": 0,
        }
        assert comparable(task) == {**comparable(before), **cleared}
        assert task.attempt == 1, "the attempt's number never goes back"
        outcome = AttemptOutcome.FAILED if state is State.FAILED else AttemptOutcome.ABORTED
        assert await kit.outcomes(id) == [(1, outcome)]
        again = await kit.run_again(id)
        assert again.attempt == 2
        await kit.succeed(again)
        assert await kit.outcomes(id) == [(1, outcome), (2, AttemptOutcome.SUCCEEDED)]

    async def test_redrive_keeps_an_expiry_still_to_come(self, kit: Kit) -> None:
        expires_at = kit.clock.now + timedelta(hours=1)
        id, _ = await kit.in_state(State.FAILED, expires_at=expires_at)
        assert (await kit.redrive(id)).expires_at == expires_at

    async def test_redrive_of_what_never_ran(self, kit: Kit) -> None:
        task = await kit.submit()
        await kit.cancel(task.id)
        assert (await kit.redrive(task.id)).attempt == 0
        assert await kit.outcomes(task.id) == []

    async def test_redrive_counts_retries_and_crashes_anew(self, kit: Kit) -> None:
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker or ""
        await kit.lose(attempt)
        second = await kit.run_again(attempt.id)
        await kit.retry(second)
        await kit.store.promote(DEFAULT_ACCOUNT, attempt.id)
        await kit.fail(await kit.run_again(attempt.id))
        before = await kit.get(attempt.id)
        assert (before.retry_count, before.crashes) == (1, 1)
        after = await kit.redrive(attempt.id)
        assert (after.retry_count, after.crashes) == (0, 0)
        await kit.lose(await kit.run_again(attempt.id))
        await kit.worker("other", previous=owner)
        assert (await kit.get(attempt.id)).crashes == 1, "a crash that was forgotten is not taken back"

    # --- logs ------------------------------------------------------------------------------------------------------------

    async def test_logs_once_each_in_order_and_late(self, kit: Kit) -> None:
        attempt = await kit.run()
        lines = [line_of(kit, n) for n in (1, 2, 3)]
        await kit.store.log([logged(attempt.id, 1, lines[1:]), logged(attempt.id, 1, lines[:2])])
        await kit.succeed(attempt)
        await kit.store.log([logged(attempt.id, 1, lines)])
        found = await kit.store.logs(DEFAULT_ACCOUNT, attempt.id, limit=100)
        assert [(entry.attempt, entry.n, entry.message, entry.fields) for entry in found or ()] == [
            (1, n, f"line {n}", {"n": n}) for n in (1, 2, 3)
        ]
        rest = await kit.store.logs(DEFAULT_ACCOUNT, attempt.id, after=(1, 1), limit=1)
        assert [entry.n for entry in rest or ()] == [2]
        assert (found or [])[0].at == kit.clock.now

    @pytest.mark.parametrize("off", [-400, -2, 2, 400])
    async def test_a_line_is_kept_once_though_its_clock_is_off_by_days(self, kit: Kit, off: int) -> None:
        attempt = await kit.run()
        line = Line(n=1, at=kit.clock.now + timedelta(days=off), level="info", message="m")
        for _ in range(2):
            await kit.store.log([logged(attempt.id, 1, [line, line])])
            kit.clock.advance(60)
        found = await kit.store.logs(DEFAULT_ACCOUNT, attempt.id, limit=100)
        assert [(entry.n, entry.at) for entry in found or ()] == [(1, line.at)], (
            "and its time is the worker's word"
        )

    async def test_logs_are_bounded_per_attempt(self, kit: Kit) -> None:
        attempt = await kit.run()
        await kit.store.log([logged(attempt.id, 1, [line_of(kit, n) for n in range(1, 1_301)])])
        await kit.retry(attempt)
        await kit.store.promote(DEFAULT_ACCOUNT, attempt.id)
        await kit.run_again(attempt.id)
        await kit.store.log([logged(attempt.id, 2, [line_of(kit, 1)])])
        found = await kit.store.logs(DEFAULT_ACCOUNT, attempt.id, limit=10_000) or []
        assert len(found) == 1_001
        assert [(entry.attempt, entry.n) for entry in (found[0], found[999], found[1_000])] == [
            (1, 1),
            (1, 1_000),
            (2, 1),
        ]

    async def test_logs_of_attempts_that_never_were_are_dropped(self, kit: Kit) -> None:
        attempt = await kit.run()
        await kit.store.log([logged(attempt.id, number, [line_of(kit, 1)]) for number in (-1, 0, 1, 2)])
        found = await kit.store.logs(DEFAULT_ACCOUNT, attempt.id, after=(-9, 0), limit=10)
        assert [entry.attempt for entry in found or ()] == [1]

    async def test_logs_of_a_task_that_is_gone_are_dropped(self, kit: Kit) -> None:
        attempt = await kit.run()
        await kit.succeed(attempt)
        await kit.store.log([logged(attempt.id, 1, [line_of(kit, 1)])])
        await kit.store.delete(DEFAULT_ACCOUNT, [attempt.id])
        await kit.store.log([logged(attempt.id, 1, [line_of(kit, 2)])])
        assert await kit.store.logs(DEFAULT_ACCOUNT, attempt.id, limit=10) is None

    async def test_results_and_payloads_are_opaque(self, kit: Kit) -> None:
        text = (
            '{"b": 1.0, "a":"Ж\\u0000\\ud834\\udd1e","n":1e400,"big":12345678901234567890123,"b": 2}'.encode()
        )
        attempt = await kit.run(payload=Raw(text))
        assert bytes(attempt.payload) == text, "the assignment carries the payload to the byte"
        await kit.succeed(attempt, text)
        task = await kit.get(attempt.id)
        assert (bytes(task.payload), bytes(task.result or b"")) == (text, text)


def line_of(kit: Kit, n: int) -> Line:
    return Line(n=n, at=kit.clock.now, level="info", message=f"line {n}", fields={"n": n})


def logged(id: str, attempt: int, lines: list[Line]) -> Logged:
    return Logged(worker="w", n=1, id=id, attempt=attempt, lines=tuple(lines))
