"""Durable steps: what is kept, who may keep it, and that no event comes between a look and a sleep."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.audit import Actor, By
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import LeaseLost, NotAllowed, NotFound, TaskflowError, TooLarge
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.limits import EVENTS_MAX, READ_AHEAD, STEPS_MAX
from taskflow_hub.domain.messages import (
    Asleep,
    Assignment,
    Awake,
    EventCame,
    EventMissed,
    KeepStep,
    LoadSteps,
    Sleep,
    StepKept,
    Steps,
    StoredStep,
    WaitEvent,
)
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.steps import Event, Sleeping, Step, StepKind, StepState
from taskflow_hub.store.base import Store
from taskflow_hub.store.values import AuditFilter, News, StepPage
from taskflow_hub.testing.store_contract.company import all_news, listening
from taskflow_hub.testing.store_contract.kit import DAY_S, ContractBase, Kit

HOUR_S = 3_600.0
ADA = By(kind=Actor.USER, id="ada's id", name="ada@example.org", account=DEFAULT_ACCOUNT)


def of(attempt: Assignment) -> dict[str, Any]:
    return {"worker": "w", "id": attempt.id, "attempt": attempt.attempt}


def keeping(attempt: Assignment, name: str, result: bytes = b"1", ran_s: float | None = None) -> KeepStep:
    return KeepStep(**of(attempt), name=name, result=Raw(result), ran_s=ran_s)


def waiting(
    attempt: Assignment, event: str, timeout: float | None = HOUR_S, name: str | None = None
) -> WaitEvent:
    return WaitEvent(**of(attempt), name=name or event, event=event, timeout=timeout)


async def keep(kit: Kit, attempt: Assignment, name: str, result: bytes = b"1") -> StepKept | TaskflowError:
    return (await kit.store.keep_step([keeping(attempt, name, result)]))[0]


async def sleep(kit: Kit, attempt: Assignment, seconds: float, name: str = "sleep") -> Any:
    return (await kit.store.sleep([Sleep(**of(attempt), name=name, seconds=seconds)]))[0]


async def wait(kit: Kit, attempt: Assignment, event: str, timeout: float | None = HOUR_S) -> Any:
    return (await kit.store.wait_event([waiting(attempt, event, timeout)]))[0]


async def lie_down(kit: Kit, attempt: Assignment, answer: Asleep, store: Store | None = None) -> Verdict:
    """End the attempt as its worker does when it was told to."""
    events = () if answer.event is None else (answer.event,)
    delay_s = 10 * 365 * DAY_S if answer.until is None else None
    item = moves.Snooze(
        id=attempt.id,
        attempt=attempt.attempt,
        ran_s=0.1,
        delay_s=delay_s,
        until=answer.until,
        events=events,
    )
    return (await (store or kit.store).snooze([item]))[0]


async def send(kit: Kit, id: str, name: str, payload: bytes = b"true") -> tuple[Event, bool]:
    outcome = await kit.store.send_event(DEFAULT_ACCOUNT, id, name, Raw(payload))
    assert not isinstance(outcome, TaskflowError), f"the event was refused: {outcome!r}"
    return outcome


async def wake(kit: Kit, attempt: Assignment) -> Assignment:
    """The next attempt of a task that is scheduled and due."""
    await kit.store.promote_due(100)
    return await kit.run_again(attempt.id)


async def load(kit: Kit, attempt: Assignment, after: int = 0) -> Steps:
    found = await kit.store.load_steps(LoadSteps(**of(attempt), after=after))
    assert isinstance(found, Steps), f"refused: {found!r}"
    return found


async def shown(kit: Kit, id: str) -> list[Step]:
    page = await kit.store.steps(DEFAULT_ACCOUNT, id, limit=1_000)
    assert page is not None and page.next is None
    return list(page.items)


def results(steps: Steps) -> dict[str, bytes]:
    return {step.name: bytes(step.result) for step in steps.items}


class StepsContract(ContractBase):
    # --- steps -----------------------------------------------------------------------------------------------------------

    async def test_of_a_name_the_first_result_wins_and_is_answered(self, kit: Kit) -> None:
        attempt = await kit.run()
        assert await keep(kit, attempt, "charge", b'{"a":1}') == StepKept()
        again = await keep(kit, attempt, "charge", b"2")
        assert isinstance(again, StepKept)
        assert (again.first, bytes(again.result)) == (False, b'{"a":1}')
        assert [bytes(step.result or b"") for step in await shown(kit, attempt.id)] == [b'{"a":1}']

    async def test_twice_in_one_call_is_once(self, kit: Kit) -> None:
        attempt = await kit.run()
        one, two, three = await kit.store.keep_step(
            [keeping(attempt, "a", b"1"), keeping(attempt, "a", b"2"), keeping(attempt, "b", b"3")]
        )
        assert isinstance(one, StepKept) and isinstance(two, StepKept)
        assert (one.first, two.first, bytes(two.result), three) == (True, False, b"1", StepKept())

    async def test_each_kind_has_names_of_its_own(self, kit: Kit) -> None:
        attempt = await kit.run()
        assert await keep(kit, attempt, "same", b"1") == StepKept()
        assert isinstance(await sleep(kit, attempt, 0.0, "same"), Awake)
        assert isinstance(await wait(kit, attempt, "same"), Asleep)
        assert [(step.kind, step.name) for step in await shown(kit, attempt.id)] == [
            (StepKind.EVENT, "same"),
            (StepKind.SLEEP, "same"),
            (StepKind.STEP, "same"),
        ]

    async def test_later_attempts_find_what_earlier_ones_kept(self, kit: Kit) -> None:
        attempt = await kit.run()
        await keep(kit, attempt, "a", b'"one"')
        kit.clock.advance(1)
        await keep(kit, attempt, "b", b"null")
        await kit.retry(attempt, delay_s=0.0)
        again = await wake(kit, attempt)
        found = await load(kit, again)
        assert found == Steps(
            items=(
                StoredStep(kind=StepKind.STEP, name="a", result=Raw(b'"one"')),
                StoredStep(kind=StepKind.STEP, name="b", result=Raw(b"null")),
            )
        )
        await keep(kit, again, "c")
        assert [(step.name, step.attempt) for step in await shown(kit, again.id)] == [
            ("a", 1),
            ("b", 1),
            ("c", 2),
        ]

    async def test_only_who_owns_the_task_may_keep_sleep_wait_or_look(self, kit: Kit) -> None:
        attempt = await kit.run()
        await kit.lose(attempt)
        again = await kit.run_again(attempt.id)

        async def refused(stale: Assignment) -> None:
            assert isinstance(await keep(kit, stale, "a"), LeaseLost)
            assert isinstance(await sleep(kit, stale, 1.0), LeaseLost)
            assert isinstance(await wait(kit, stale, "e"), LeaseLost)
            assert isinstance(await kit.store.load_steps(LoadSteps(**of(stale))), LeaseLost)

        await refused(attempt)
        await refused(Assignment(**{**fields(again), "id": new_id()}))
        assert await shown(kit, attempt.id) == []
        await kit.succeed(again)
        await refused(again)
        assert await shown(kit, attempt.id) == [], "nothing of it was kept"

    async def test_a_stale_keep_does_not_fail_its_neighbours(self, kit: Kit) -> None:
        here, gone = await kit.run(), await kit.run()
        await kit.fail(gone)
        outcomes = await kit.store.keep_step([keeping(gone, "a"), keeping(here, "a"), keeping(gone, "b")])
        assert [type(outcome) for outcome in outcomes] == [LeaseLost, StepKept, LeaseLost]

    async def test_a_task_keeps_so_many_and_no_more(self, kit: Kit) -> None:
        attempt = await kit.run()
        many = [keeping(attempt, f"step {n}") for n in range(STEPS_MAX - 1)]
        assert set(map(type, await kit.store.keep_step(many))) == {StepKept}
        last, beyond = await kit.store.keep_step([keeping(attempt, "last"), keeping(attempt, "beyond")])
        assert (last, type(beyond)) == (StepKept(), TooLarge)
        for outcome in (await keep(kit, attempt, "more"), await sleep(kit, attempt, 1.0)):
            assert isinstance(outcome, TooLarge) and str(STEPS_MAX) in outcome.detail
        again = await keep(kit, attempt, "last")
        assert isinstance(again, StepKept) and not again.first, "what is there is still answered"

    async def test_they_are_loaded_page_by_page_in_order(self, kit: Kit) -> None:
        attempt = await kit.run()
        large = b'"%s"' % (b"x" * (READ_AHEAD // 4))
        for name in ("z", "y", "x", "w", "v", "u"):
            await keep(kit, attempt, name, large)
            kit.clock.advance(0.001)
        await kit.release(attempt)
        again = await kit.run_again(attempt.id)
        names: list[str] = []
        pages, after = 0, 0
        while True:
            found = await load(kit, again, after)
            names += [step.name for step in found.items]
            assert all(bytes(step.result) == large for step in found.items)
            pages += 1
            if found.next is None:
                break
            after = found.next
        assert (names, pages) == (["z", "y", "x", "w", "v", "u"], 2)

    async def test_one_that_is_larger_than_a_page_comes_alone(self, kit: Kit) -> None:
        attempt = await kit.run()
        huge = b'"%s"' % (b"x" * (2 * READ_AHEAD))
        await kit.store.keep_step([keeping(attempt, "a", huge), keeping(attempt, "b", huge)])
        await kit.release(attempt)
        again = await kit.run_again(attempt.id)
        first = await load(kit, again)
        assert ([step.name for step in first.items], first.next) == (["a"], 1)
        second = await load(kit, again, 1)
        assert ([step.name for step in second.items], second.next) == (["b"], None)

    # --- sleeps ----------------------------------------------------------------------------------------------------------

    async def test_a_sleeps_end_is_fixed_once_by_the_stores_clock(self, kit: Kit) -> None:
        attempt = await kit.run()
        ends = kit.clock.now + timedelta(seconds=1_800)
        assert await sleep(kit, attempt, 1_800) == Asleep(until=ends)
        kit.clock.advance(600)
        await kit.lose(attempt)  # before it could lie down: no minute is added
        again = await kit.run_again(attempt.id)
        assert (await load(kit, again)).items == ()
        assert await sleep(kit, again, 1_800) == Asleep(until=ends)
        assert await lie_down(kit, again, Asleep(until=ends)) is Verdict.APPLIED
        assert (await kit.get(attempt.id)).run_at == ends
        assert await kit.store.sleeping(attempt.id) == Sleeping(until=ends)
        kit.clock.advance(1_200)
        awake = await wake(kit, attempt)
        assert await sleep(kit, awake, 1_800) == Awake()
        assert (await load(kit, awake)).items == (StoredStep(kind=StepKind.SLEEP, name="sleep"),)

    async def test_a_sleep_of_no_time_is_over(self, kit: Kit) -> None:
        attempt = await kit.run()
        assert await sleep(kit, attempt, 0.0) == Awake()

    # --- events ----------------------------------------------------------------------------------------------------------

    async def test_an_event_that_comes_early_is_cached(self, kit: Kit) -> None:
        task = await kit.submit(type="early")
        event, woken = await send(kit, task.id, "approved", b'{"by":"ada"}')
        assert not woken
        assert (event.task_id, event.name, bytes(event.payload)) == (task.id, "approved", b'{"by":"ada"}')
        assert (event.sent_at, event.accepted) == (kit.clock.now, True)
        attempt = await kit.run_again(task.id)
        assert await wait(kit, attempt, "approved") == EventCame(payload=Raw(b'{"by":"ada"}'))
        assert await wait(kit, attempt, "approved") == EventCame(payload=Raw(b'{"by":"ada"}'))

    async def test_of_an_event_the_first_wins(self, kit: Kit) -> None:
        attempt = await kit.run()
        first, _ = await send(kit, attempt.id, "approved", b"1")
        kit.clock.advance(5)
        second, woken = await send(kit, attempt.id, "approved", b"2")
        assert not woken
        assert (bytes(second.payload), second.sent_at, second.accepted) == (b"1", first.sent_at, False)
        assert await wait(kit, attempt, "approved") == EventCame(payload=Raw(b"1"))

    async def test_an_event_wakes_who_sleeps_for_it(self, kit: Kit) -> None:
        attempt = await kit.run()
        answer = await wait(kit, attempt, "approved", HOUR_S)
        assert answer == Asleep(until=kit.clock.now + timedelta(hours=1), event="approved")
        assert await lie_down(kit, attempt, answer) is Verdict.APPLIED
        assert await kit.store.sleeping(attempt.id) == Sleeping(until=answer.until, events=("approved",))
        before = await kit.get(attempt.id)
        assert before.status is State.SCHEDULED
        assert (await send(kit, attempt.id, "other"))[1] is False, "nobody sleeps for it"
        assert await kit.status(attempt.id) is State.SCHEDULED
        assert (await send(kit, attempt.id, "approved"))[1] is True
        task = await kit.get(attempt.id)
        assert (task.status, task.rev) == (State.QUEUED, before.rev + 1)
        assert await kit.store.sleeping(attempt.id) is None
        again = await kit.run_again(attempt.id)
        assert (await load(kit, again)).items == (), "it is not decided until the handler asks"
        assert await wait(kit, again, "approved") == EventCame(payload=Raw(b"true"))
        assert await kit.outcomes(attempt.id) == [(1, "snoozed"), (2, None)]

    async def test_an_event_between_the_look_and_the_sleep_wakes_it(self, kit: Kit) -> None:
        attempt = await kit.run()
        answer = await wait(kit, attempt, "approved")
        assert (await send(kit, attempt.id, "approved"))[1] is False, "it does not sleep yet"
        assert await lie_down(kit, attempt, answer) is Verdict.APPLIED
        task = await kit.get(attempt.id)
        assert (task.status, task.run_at) == (State.SCHEDULED, kit.clock.now), "it sleeps for no time"
        again = await wake(kit, attempt)
        assert isinstance(await wait(kit, again, "approved"), EventCame)

    async def test_whichever_commits_first_the_task_wakes(self, kit: Kit) -> None:
        """Delivery and sleep race on two handles, as two processes."""
        other = await kit.another_store()
        for _ in range(60):
            attempt = await kit.run()
            answer = await wait(kit, attempt, "approved")

            async def deliver(id: str = attempt.id) -> None:
                assert not isinstance(
                    await other.send_event(DEFAULT_ACCOUNT, id, "approved", Raw(b"1")), TaskflowError
                )

            await asyncio.gather(lie_down(kit, attempt, answer), deliver())
            again = await wake(kit, attempt)
            assert isinstance(await wait(kit, again, "approved"), EventCame)
            await kit.succeed(again)

    async def test_of_many_deliveries_at_once_one_is_accepted_and_wakes(self, kit: Kit) -> None:
        stores = [kit.store, await kit.another_store()]
        attempt = await kit.run()
        await lie_down(kit, attempt, await wait(kit, attempt, "approved"))
        outcomes = await asyncio.gather(
            *(
                stores[n % 2].send_event(DEFAULT_ACCOUNT, attempt.id, "approved", Raw(b"%d" % n))
                for n in range(10)
            )
        )
        events = [outcome for outcome in outcomes if not isinstance(outcome, TaskflowError)]
        assert len(events) == 10
        [(accepted, woken)] = [(event, woken) for event, woken in events if event.accepted]
        assert woken and sum(woken for _, woken in events) == 1
        assert {bytes(event.payload) for event, _ in events} == {bytes(accepted.payload)}

    async def test_an_event_for_a_task_in_every_state(self, kit: Kit) -> None:
        unknown = await kit.store.send_event(DEFAULT_ACCOUNT, new_id(), "e", Raw(b"1"))
        assert isinstance(unknown, NotFound)
        for state in State:
            id, _ = await kit.in_state(state)
            before = await kit.everything(id)
            outcome = await kit.store.send_event(DEFAULT_ACCOUNT, id, "e", Raw(b"1"))
            if state in FINAL:
                assert isinstance(outcome, NotAllowed) and state in outcome.detail
            else:
                assert not isinstance(outcome, TaskflowError), (state, outcome)
                assert (outcome[0].accepted, outcome[1]) == (True, False)
            foreign = await kit.store.send_event("another", id, "e", Raw(b"1"))
            assert isinstance(foreign, NotFound)
            assert await kit.everything(id) == before, f"{state}: it is kept, and moves nothing"

    async def test_a_task_is_sent_so_many_events_and_no_more(self, kit: Kit) -> None:
        task = await kit.submit()
        for n in range(EVENTS_MAX):
            await send(kit, task.id, f"e{n}")
        refused = await kit.store.send_event(DEFAULT_ACCOUNT, task.id, "more", Raw(b"1"))
        assert isinstance(refused, NotAllowed) and str(EVENTS_MAX) in refused.detail
        assert (await send(kit, task.id, "e7"))[0].accepted is False

    async def test_that_it_did_not_come_in_time_is_decided_once(self, kit: Kit) -> None:
        attempt = await kit.run()
        answer = await wait(kit, attempt, "approved", 60.0)
        await lie_down(kit, attempt, answer)
        kit.clock.advance(60)
        again = await wake(kit, attempt)
        assert await wait(kit, again, "approved", 60.0) == EventMissed()
        assert (await send(kit, attempt.id, "approved"))[0].accepted is True
        assert await wait(kit, again, "approved", 60.0) == EventMissed(), "whatever came later"
        await kit.release(again)
        third = await kit.run_again(attempt.id)
        missed = StoredStep(kind=StepKind.EVENT, name="approved", timed_out=True)
        assert (await load(kit, third)).items == (missed,)
        later = waiting(third, "approved", 60.0, name="approved#2")
        assert await kit.store.wait_event([later]) == [EventCame(payload=Raw(b"true"))], (
            "another wait finds it"
        )

    async def test_in_time_is_what_was_sent_before_the_end_however_late_the_look(self, kit: Kit) -> None:
        for sent_after_s, expected in ((59.0, EventCame(payload=Raw(b"true"))), (61.0, EventMissed())):
            attempt = await kit.run()
            await lie_down(kit, attempt, await wait(kit, attempt, "approved", 60.0))
            kit.clock.advance(sent_after_s)
            await send(kit, attempt.id, "approved")
            kit.clock.advance(100)
            again = await wake(kit, attempt)
            assert await wait(kit, again, "approved", 60.0) == expected

    async def test_without_a_timeout_it_waits_without_end(self, kit: Kit) -> None:
        attempt = await kit.run()
        answer = await wait(kit, attempt, "approved", None)
        assert answer == Asleep(until=None, event="approved")
        await lie_down(kit, attempt, answer)
        assert await kit.store.sleeping(attempt.id) == Sleeping(until=None, events=("approved",))
        kit.clock.advance(20 * 365 * DAY_S)
        again = await wake(kit, attempt)
        assert await wait(kit, again, "approved", None) == answer

    async def test_a_retrys_pause_is_not_cut_short_by_an_event_that_nobody_sleeps_for(self, kit: Kit) -> None:
        attempt = await kit.run()
        assert isinstance(await wait(kit, attempt, "approved"), Asleep)
        await kit.retry(attempt, delay_s=100.0)  # it asked, but ended in another way
        assert (await send(kit, attempt.id, "approved"))[1] is False
        assert await kit.status(attempt.id) is State.SCHEDULED
        assert await kit.store.sleeping(attempt.id) is None

    async def test_nor_by_one_that_an_earlier_attempt_slept_for(self, kit: Kit) -> None:
        attempt = await kit.run()
        await lie_down(kit, attempt, await wait(kit, attempt, "approved"))
        assert not isinstance(await kit.store.promote(DEFAULT_ACCOUNT, attempt.id), TaskflowError)
        again = await kit.run_again(attempt.id)
        await kit.retry(again, delay_s=100.0)
        assert (await send(kit, attempt.id, "approved"))[1] is False
        assert await kit.status(attempt.id) is State.SCHEDULED
        third_after = await kit.store.sleeping(attempt.id)
        assert third_after is None

    async def test_one_may_sleep_for_several_and_the_first_to_come_wakes(self, kit: Kit) -> None:
        attempt = await kit.run()
        one, two = await kit.store.wait_event([waiting(attempt, "yes"), waiting(attempt, "no")])
        assert isinstance(one, Asleep) and isinstance(two, Asleep)
        snooze = moves.Snooze(
            id=attempt.id, attempt=1, ran_s=0.1, until=one.until, events=("yes", "no", "yes")
        )
        assert await kit.store.snooze([snooze]) == [Verdict.APPLIED]
        assert await kit.store.sleeping(attempt.id) == Sleeping(until=one.until, events=("no", "yes"))
        assert (await send(kit, attempt.id, "no"))[1] is True

    async def test_a_late_snooze_does_not_put_another_attempt_to_sleep(self, kit: Kit) -> None:
        attempt = await kit.run()
        answer = await wait(kit, attempt, "approved")
        await kit.lose(attempt)
        again = await kit.run_again(attempt.id)
        assert await lie_down(kit, attempt, answer) is Verdict.STALE
        await kit.snooze(again, delay_s=100.0)  # sleeps, but for no event
        assert (await send(kit, attempt.id, "approved"))[1] is False

    async def test_a_task_that_shall_end_does_not_lie_down(self, kit: Kit) -> None:
        attempt = await kit.run()
        answer = await wait(kit, attempt, "approved")
        await kit.cancel(attempt.id)
        assert await lie_down(kit, attempt, answer) is Verdict.ABORTED
        assert await kit.status(attempt.id) is State.CANCELLED

    async def test_other_processes_hear_at_once_of_work_that_an_event_made(self, kit: Kit) -> None:
        attempt = await kit.run()
        await lie_down(kit, attempt, await wait(kit, attempt, "approved"))
        other = await kit.another_store()
        hears = await listening(other)
        await send(kit, attempt.id, "approved")
        assert News.WORK in await all_news(other, hears)

    async def test_an_event_is_written_to_the_audit_once_and_without_its_payload(self, kit: Kit) -> None:
        task = await kit.submit()
        for _ in range(2):
            await kit.store.send_event(DEFAULT_ACCOUNT, task.id, "approved", Raw(b'"secret"'), by=ADA)
        page = await kit.store.audit(AuditFilter(), limit=10)
        [entry] = page.items
        assert (entry.action, entry.entity_id, entry.actor) == ("task.event", task.id, "ada's id")
        assert (entry.before, entry.after) == (None, {"event": "approved"})

    # --- looking ---------------------------------------------------------------------------------------------------------

    async def test_people_see_where_it_is(self, kit: Kit) -> None:
        attempt = await kit.run()
        began = kit.clock.now
        await kit.store.keep_step([keeping(attempt, "charge", b"42", ran_s=0.5)])
        kit.clock.advance(1)
        await sleep(kit, attempt, 10.0)
        kit.clock.advance(1)
        await wait(kit, attempt, "approved", 5.0)
        kit.clock.advance(1)
        await wait(kit, attempt, "denied", None)
        charge, slept, approved, denied = await shown(kit, attempt.id)
        assert charge == Step(
            name="charge",
            kind=StepKind.STEP,
            state=StepState.DONE,
            attempt=1,
            kept_at=began,
            ran_s=0.5,
            result=Raw(b"42"),
        )
        assert (slept.kind, slept.state) == (StepKind.SLEEP, StepState.ASLEEP)
        assert slept.wakes_at == began + timedelta(seconds=11)
        assert (approved.state, approved.wakes_at) == (StepState.WAITING, began + timedelta(seconds=7))
        assert (denied.state, denied.wakes_at, denied.decided_at) == (StepState.WAITING, None, None)
        await send(kit, attempt.id, "denied", b'"no"')
        kit.clock.advance(10)
        at = kit.clock.now
        await kit.store.wait_event([waiting(attempt, "approved", 5.0), waiting(attempt, "denied", None)])
        _, slept, approved, denied = await shown(kit, attempt.id)
        assert slept.state is StepState.DONE
        assert (approved.state, approved.decided_at, approved.result) == (StepState.TIMED_OUT, at, None)
        assert (denied.state, denied.decided_at, denied.result) == (StepState.DONE, at, Raw(b'"no"'))

    async def test_people_read_pages(self, kit: Kit) -> None:
        attempt = await kit.run()
        for n in range(5):
            await keep(kit, attempt, f"s{n}")
            kit.clock.advance(0.001)
        seen: list[str] = []
        after: int | None = 0
        while after is not None:
            page = await kit.store.steps(DEFAULT_ACCOUNT, attempt.id, after=after, limit=2)
            assert isinstance(page, StepPage) and 1 <= len(page.items) <= 2
            seen += [step.name for step in page.items]
            after = page.next
        assert seen == [f"s{n}" for n in range(5)]

    async def test_a_task_without_any_and_no_task(self, kit: Kit) -> None:
        task = await kit.submit()
        assert await kit.store.steps(DEFAULT_ACCOUNT, task.id, limit=10) == StepPage((), None)
        assert await kit.store.steps("another", task.id, limit=10) is None
        assert await kit.store.steps(DEFAULT_ACCOUNT, new_id(), limit=10) is None
        assert await kit.store.sleeping(task.id) is None
        assert await kit.store.sleeping(new_id()) is None

    # --- how long they stay ------------------------------------------------------------------------------------------------

    async def test_a_redrive_goes_on_behind_the_last_step(self, kit: Kit) -> None:
        attempt = await kit.run()
        await keep(kit, attempt, "charge", b"42")
        await send(kit, attempt.id, "approved")
        await wait(kit, attempt, "approved")
        await kit.fail(attempt)
        assert len(await shown(kit, attempt.id)) == 2, "a task that has ended still shows them"
        await kit.redrive(attempt.id)
        again = await kit.run_again(attempt.id)
        assert results(await load(kit, again)) == {"charge": b"42", "approved": b"true"}

    @pytest.mark.parametrize("how", ["delete", "prune", "prune_some"])
    async def test_they_go_when_their_task_goes(self, kit: Kit, how: str) -> None:
        attempt = await kit.run()
        await keep(kit, attempt, "charge")
        await lie_down(kit, attempt, await wait(kit, attempt, "approved"))
        await send(kit, attempt.id, "approved")
        await kit.succeed(await kit.run_again(attempt.id))
        if how == "delete":
            assert await kit.store.delete(DEFAULT_ACCOUNT, [attempt.id]) == [None]
        else:
            kit.clock.advance(2 * DAY_S)
            states = FINAL if how == "prune" else {State.SUCCESS}
            await kit.store.prune(dict.fromkeys(states, 1.0), 10)
        assert await kit.store.steps(DEFAULT_ACCOUNT, attempt.id, limit=10) is None
        # The same id again, as no hub ever makes it: nothing of the old one is left for it.
        await kit.submit(id=attempt.id, type=attempt.type)
        assert await shown(kit, attempt.id) == []
        assert (await send(kit, attempt.id, "approved"))[0].accepted is True


def fields(attempt: Assignment) -> dict[str, Any]:
    return {name: getattr(attempt, name) for name in attempt.__struct_fields__}
