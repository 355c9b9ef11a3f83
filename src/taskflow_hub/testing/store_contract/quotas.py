"""What an account may have: each number of a quota, what is counted and what is not, and the numbers of queues."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from msgspec import UNSET

from taskflow_hub.domain.audit import Action, Actor, By
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import QueueFull, QuotaExceeded, TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Queue
from taskflow_hub.domain.moves import Fence
from taskflow_hub.domain.quota import Quota, QuotaUse, Used
from taskflow_hub.domain.submission import Limit, OnConflict, Unique
from taskflow_hub.store.values import AuditFilter, Call, Idempotency, NewUser, Submit, Submitted
from taskflow_hub.testing.store_contract.kit import DAY_S, ContractBase, Kit, new_task
from taskflow_hub.testing.store_contract.limits import some

A = "a"
TO_NEXT_MINUTE_S = 54.321099  # from the kit's start


def one(account: str = A, **fields: Any) -> Submit:
    return Submit((new_task(account_id=account, **fields),))


def many(count: int, account: str = A, **fields: Any) -> Submit:
    return Submit(tuple([new_task(account_id=account, **fields) for _ in range(count)]))


async def outcome(kit: Kit, request: Submit) -> type[Submitted | TaskflowError]:
    return type(await kit.submit_request(request))


async def refused(kit: Kit, request: Submit) -> QuotaExceeded:
    found = await kit.submit_request(request)
    assert isinstance(found, QuotaExceeded), found
    assert not await kit.store.tasks([task.id for task in request.tasks]), "all or nothing"
    return found


async def used(kit: Kit, account: str = A) -> tuple[int | None, int | None, int | None, int]:
    found = (await kit.store.quota(account)).used
    return found.in_minute, found.in_day, found.queued, found.running


class QuotasContract(ContractBase):
    # --- what is set and shown ---------------------------------------------------------------------------------------

    async def test_an_account_without_a_quota_may_have_all_it_likes(self, kit: Kit) -> None:
        nothing = Used(in_minute=None, in_day=None, queued=None, running=0)
        assert await kit.store.quota(A) == QuotaUse(account_id=A, used=nothing)
        assert await kit.store.quotas(limit=10) == []
        assert await kit.store.set_quota(A) == Quota(account_id=A)
        assert await kit.store.quotas(limit=10) == []

    async def test_numbers_are_set_one_by_one_and_lifted(self, kit: Kit) -> None:
        store = kit.store
        await store.set_quota(A, per_minute=3, running=2)
        await store.set_quota(A, per_day=0, queued=5, weight=0.5)
        whole = Quota(account_id=A, per_minute=3, per_day=0, queued=5, running=2, weight=0.5)
        assert await store.quotas(limit=10) == [whole]
        found = await store.set_quota(A, per_minute=None, per_day=UNSET, weight=None)
        assert (found.per_minute, found.per_day, found.queued, found.running, found.weight) == (
            None,
            0,
            5,
            2,
            1.0,
        )
        await store.set_quota(A, per_day=None, queued=None)
        assert await store.quotas(limit=10) == [Quota(account_id=A, running=2)]
        await store.set_quota(A, running=None)
        assert await store.quotas(limit=10) == []
        await store.set_quota(A, weight=100)
        assert await store.quotas(limit=10) == [Quota(account_id=A, weight=100)]

    async def test_quotas_page_by_page(self, kit: Kit) -> None:
        accounts = sorted(["B", "a", "_", "b-1", "zz", DEFAULT_ACCOUNT])
        for n, account in enumerate(accounts):
            numbers: dict[str, Any] = {"queued": 1} if n % 2 else {"running": 1}
            await kit.store.set_quota(account, **numbers)
        found: list[str] = []
        while page := await kit.store.quotas(after=found[-1] if found else "", limit=2):
            found += [quota.account_id for quota in page]
        assert found == accounts

    async def test_an_account_is_registered_with_a_quota(self, kit: Kit) -> None:
        """But not the first, whose account is that of the hub; and a registration that is refused sets none."""
        first, second = (
            NewUser(id=new_id(), email=f"{name}@example.org", password_hash="h") for name in ("ada", "bob")
        )
        for user in (first, second, second):
            quota = Quota(account_id=user.id, per_day=1, running=2)
            await kit.store.register_user(user, closed=False, quota=quota)
        assert await kit.store.quotas(limit=10) == [Quota(account_id=second.id, per_day=1, running=2)]
        assert await outcome(kit, one(second.id)) is Submitted
        await refused(kit, one(second.id))
        third = NewUser(id=new_id(), email="BOB@example.org", password_hash="h")
        await kit.store.register_user(third, closed=False, quota=Quota(account_id=third.id, per_day=1))
        assert len(await kit.store.quotas(limit=10)) == 1

    async def test_a_quota_given_at_registration_is_in_the_audit(self, kit: Kit) -> None:
        """By whoever registered, in the same transaction."""
        somebody = By(kind=Actor.ANYBODY, address="192.0.2.7")
        first, second = (
            NewUser(id=new_id(), email=f"{name}@example.org", password_hash="h") for name in ("ada", "bob")
        )
        for user in (first, second):
            quota = Quota(account_id=user.id, per_day=1, running=2)
            await kit.store.register_user(user, closed=False, quota=quota, by=somebody)
        [entry] = (await kit.store.audit(AuditFilter(actions=(Action.QUOTA_SET,)), limit=10)).items
        assert (entry.entity_id, entry.account_id) == (second.id, second.id)
        assert (entry.actor_kind, entry.address) == ("anybody", "192.0.2.7")
        assert entry.before == {"per_day": None, "running": None}
        assert entry.after == {"per_day": 1, "running": 2}

    # --- by the clock ------------------------------------------------------------------------------------------------

    async def test_submits_per_minute(self, kit: Kit) -> None:
        await kit.store.set_quota(A, per_minute=3)
        assert await outcome(kit, many(2)) is Submitted
        error = await refused(kit, many(2))
        assert "'a' may submit 3 tasks a minute, and has submitted 2 in this one" in error.detail
        assert [one.pointer for one in error.errors] == ["/tasks/1"]
        assert error.retry_after_s == pytest.approx(TO_NEXT_MINUTE_S)
        assert await outcome(kit, one()) is Submitted, "a refused submit is not counted"
        await refused(kit, one())
        assert await used(kit) == (3, 3, None, 0)
        kit.clock.advance(TO_NEXT_MINUTE_S - 0.001)
        assert (await refused(kit, one())).retry_after_s == pytest.approx(0.001)
        kit.clock.advance(0.001)
        assert await used(kit) == (0, 3, None, 0)
        assert await outcome(kit, many(3)) is Submitted
        await refused(kit, one())
        assert await used(kit) == (3, 6, None, 0)

    async def test_submits_per_day(self, kit: Kit) -> None:
        await kit.store.set_quota(A, per_day=2)
        assert await outcome(kit, one()) is Submitted
        kit.clock.advance(3_600)
        assert await outcome(kit, one()) is Submitted
        kit.clock.advance(3_600)
        error = await refused(kit, one())
        assert "may submit 2 tasks a day (UTC), and has submitted 2 today" in error.detail
        midnight_s = DAY_S - (5 * 3_600 + 4 * 60 + 5.678901)
        assert error.retry_after_s == pytest.approx(midnight_s)
        assert await used(kit) == (0, 2, None, 0)
        kit.clock.advance(midnight_s)
        assert await used(kit) == (0, 0, None, 0)
        assert await outcome(kit, many(2)) is Submitted
        await refused(kit, one())

    async def test_the_first_number_that_is_met_is_named(self, kit: Kit) -> None:
        await kit.store.set_quota(A, per_minute=2, per_day=3, queued=1)
        assert [error.detail for error in (await refused(kit, many(2))).errors] == [
            "is beyond the quota queued"
        ]
        assert (await refused(kit, many(3, blocked=True))).errors[
            0
        ].detail == "is beyond the quota per_minute"
        assert await outcome(kit, many(2, blocked=True)) is Submitted, "what is blocked does not wait yet"
        kit.clock.advance(60)
        assert (await refused(kit, many(2, blocked=True))).errors[0].detail == "is beyond the quota per_day"

    async def test_nothing_at_all(self, kit: Kit) -> None:
        await kit.store.set_quota(A, per_minute=0)
        await refused(kit, one())
        await kit.store.set_quota(A, per_minute=None)
        assert await outcome(kit, one()) is Submitted

    async def test_a_quota_that_begins_and_one_that_is_changed(self, kit: Kit) -> None:
        """Counting begins with the quota; a lower one holds at once, a higher one lets go on."""
        await kit.submit(account_id=A)
        await kit.store.set_quota(A, per_minute=2)
        assert await used(kit) == (0, 0, None, 0)
        assert await outcome(kit, many(2)) is Submitted
        await kit.store.set_quota(A, per_minute=1)
        await refused(kit, one())
        await kit.store.set_quota(A, per_minute=3)
        assert await outcome(kit, one()) is Submitted
        await refused(kit, one())
        await kit.store.set_quota(A, weight=2)
        await refused(kit, one())

    async def test_accounts_by_themselves(self, kit: Kit) -> None:
        for account in (A, DEFAULT_ACCOUNT):
            await kit.store.set_quota(account, per_minute=1, queued=1)
        requests = [one(account) for _ in range(2) for account in (A, "b", DEFAULT_ACCOUNT)]
        outcomes = await kit.store.submit(requests)
        assert [type(found) for found in outcomes] == [
            Submitted,
            Submitted,
            Submitted,
            QuotaExceeded,
            Submitted,
            QuotaExceeded,
        ]

    # --- what waits --------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("account", [A, DEFAULT_ACCOUNT])
    async def test_what_waits(self, kit: Kit, account: str) -> None:
        await kit.store.set_quota(account, queued=3)
        await kit.worker()
        running = await kit.submit(account_id=account)
        assert await kit.leased_ids() == [running.id]
        first, _ = await kit.submit_all(
            [new_task(account_id=account), new_task(account_id=account, delay_s=9.0)]
        )
        await kit.submit(account_id=account, blocked=True)
        await kit.submit(account_id=account, type="unserved", queue="q")
        await kit.lease(limit=0)
        error = await refused(kit, one(account))
        assert f"{account!r} may have 3 tasks waiting, and has 3" in error.detail
        assert error.retry_after_s == 1.0
        assert await used(kit, account) == (None, None, 3, 1)
        assert await outcome(kit, one("other")) is Submitted
        await kit.cancel(first.id, account)
        error = await refused(kit, many(2, account))
        assert [one.pointer for one in error.errors] == ["/tasks/1"]
        assert await outcome(kit, one(account)) is Submitted
        await kit.store.set_quota(account, queued=1)
        assert "more than 1" in (await refused(kit, one(account))).detail

    async def test_in_one_batch_what_comes_first(self, kit: Kit) -> None:
        await kit.store.set_quota(A, queued=4)
        outcomes = await kit.store.submit([many(3), many(2), one(tags=("x",)), one()])
        assert [type(found) for found in outcomes] == [Submitted, QuotaExceeded, Submitted, QuotaExceeded]

    async def test_only_submits_are_refused(self, kit: Kit) -> None:
        """What a retry, a redrive or a promote makes wait is counted; it goes beyond if it must."""
        await kit.worker()
        running = await kit.submit(account_id=A)
        (attempt,) = await kit.lease()
        cancelled = await kit.submit(account_id=A)
        await kit.cancel(cancelled.id, A)
        scheduled = await kit.submit(account_id=A, delay_s=50.0)
        await kit.store.set_quota(A, queued=1, per_minute=0)
        assert (await kit.store.redrive(A, [cancelled.id]))[0].status is State.QUEUED  # type: ignore[union-attr]
        await kit.retry(attempt)
        assert (await kit.store.promote(A, scheduled.id)).status is State.QUEUED  # type: ignore[union-attr]
        assert running.id == attempt.id
        assert await used(kit) == (0, 0, 2, 0), "counted to one above what may wait"

    # --- what is counted ---------------------------------------------------------------------------------------------

    async def test_a_replay_is_free(self, kit: Kit) -> None:
        await kit.store.set_quota(A, per_minute=1, queued=1)

        def keyed(key: str) -> Submit:
            return Submit((new_task(account_id=A),), Idempotency(A, "/tasks", key, "f"))

        first = await kit.submit_request(keyed("k"))
        again = await kit.submit_request(keyed("k"))
        assert isinstance(first, Submitted)
        assert isinstance(again, Submitted)
        assert again.replayed
        request = keyed("l")
        await refused(kit, request)
        kit.clock.advance(60)
        await kit.cancel(first.tasks[0].id, A)
        assert await outcome(kit, keyed("l")) is Submitted, "a refused submit leaves its key free"
        assert await used(kit) == (1, 2, 1, 0)

    async def test_the_same_call_again_is_free(self, kit: Kit) -> None:
        await kit.store.set_quota(A, per_minute=2, queued=2)
        request = many(2)
        assert await outcome(kit, request) is Submitted
        assert await outcome(kit, request) is Submitted
        assert await used(kit) == (2, 2, 2, 0)

    async def test_what_a_holder_answers_is_free(self, kit: Kit) -> None:
        await kit.store.set_quota(A, per_minute=2, queued=2)
        held: dict[str, Any] = {"unique": Unique("k")}
        assert await outcome(kit, one(**held)) is Submitted
        assert await outcome(kit, Submit((*one(**held).tasks, *one().tasks))) is Submitted
        assert await used(kit) == (2, 2, 2, 0)
        assert await outcome(kit, one(**held)) is Submitted
        await refused(kit, one())

    async def test_what_makes_way_leaves_its_room(self, kit: Kit) -> None:
        await kit.store.set_quota(A, queued=1)

        def replacing(key: str) -> Submit:
            return one(unique=Unique(key, on_conflict=OnConflict.REPLACE))

        assert await outcome(kit, replacing("k")) is Submitted
        assert await outcome(kit, replacing("k")) is Submitted
        await refused(kit, replacing("l"))
        outcomes = await kit.store.submit(
            [Submit((*replacing("k").tasks, *one().tasks)), one(), replacing("k"), replacing("k"), one()]
        )
        assert [type(found) for found in outcomes] == [
            QuotaExceeded,
            QuotaExceeded,
            Submitted,
            Submitted,
            QuotaExceeded,
        ]
        assert await used(kit) == (None, None, 1, 0)

    async def test_children_count_for_their_account(self, kit: Kit) -> None:
        parent = await kit.run(account_id=A)
        await kit.store.set_quota(A, per_minute=1)
        fence = Fence(parent.id, parent.attempt)

        def child(number: int) -> Submit:
            return Submit((new_task(account_id=A, parent_id=parent.id),), call=Call(fence, number))

        assert await outcome(kit, child(1)) is Submitted
        assert await outcome(kit, child(1)) is Submitted, "the same call again"
        await refused(kit, child(2))
        kit.clock.advance(60)
        assert await outcome(kit, child(2)) is Submitted, "it may be tried again"

    async def test_what_is_refused_for_something_else_is_not_counted(self, kit: Kit) -> None:
        await kit.store.set_quota(A, per_minute=2, queued=2)
        await kit.store.update_queue("full", max_size=0)
        mixed = Submit((*one().tasks, *one(queue="full").tasks))
        assert await outcome(kit, mixed) is QueueFull
        assert await used(kit) == (0, 0, 0, 0)
        outcomes = await kit.store.submit([mixed, one(), one(limits=(Limit("x", running=1),)), one()])
        assert [type(found) for found in outcomes] == [QueueFull, Submitted, Submitted, QuotaExceeded]
        assert [found.key for found in await kit.store.limits(None, limit=10)] == ["x"]

    async def test_a_refused_submit_states_no_numbers(self, kit: Kit) -> None:
        await kit.store.set_quota(A, per_minute=0)
        await refused(kit, one(limits=(Limit("x", running=1),)))
        assert await kit.store.limits(None, limit=10) == []

    async def test_exact_for_many_processes(self, kit: Kit) -> None:
        stores = [kit.store, await kit.another_store(), await kit.another_store()]
        await kit.store.set_quota(A, per_minute=10)
        await kit.store.set_quota("b", queued=10)
        requests = [one("b" if n % 2 else A, **({"tags": ("x",)} if n % 3 else {})) for n in range(120)]
        answers = await asyncio.gather(
            *(stores[n % 3].submit([request]) for n, request in enumerate(requests))
        )
        for start in (0, 1):
            kinds = Counter(type(found) for (found,) in answers[start::2])
            assert kinds == {Submitted: 10, QuotaExceeded: 50}

    # --- the numbers of queues ---------------------------------------------------------------------------------------

    async def test_a_queue_has_numbers(self, kit: Kit) -> None:
        store = kit.store
        assert await store.update_queue("q", running=2, per_second=0.5) == Queue(
            name="q", running=2, per_second=0.5
        )
        assert await store.queues() == [Queue(name="q", running=2, per_second=0.5)]
        assert await store.update_queue("q", max_size=7) == Queue(
            name="q", max_size=7, running=2, per_second=0.5
        )
        assert await store.pause("q") == Queue(name="q", paused=True, max_size=7, running=2, per_second=0.5)
        assert await store.resume("q") == Queue(name="q", max_size=7, running=2, per_second=0.5)
        assert await store.update_queue("q", running=None) == Queue(name="q", max_size=7, per_second=0.5)
        assert await store.update_queue("q", max_size=None, per_second=None) == Queue(name="q")
        assert await store.queues() == []

    async def test_how_full_queues_are(self, kit: Kit) -> None:
        """Of all accounts, and only what there is a number for."""
        await kit.worker("t", slots=2)
        await kit.submit_all([new_task(account_id=account, queue="q") for account in (A, "b", A)])
        await kit.submit(queue="other")
        assert len(await kit.lease()) == 2
        assert await kit.store.queue_uses() == []
        await kit.store.update_queue("q", max_size=1)
        await kit.store.update_queue("other", running=1)
        found = {one.name: (one.waiting, one.active) for one in await kit.store.queue_uses()}
        assert found["q"][1] is None
        assert found["other"][0] is None
        await kit.store.update_queue("q", running=2)
        both = {one.name: (one.waiting, one.active) for one in await kit.store.queue_uses()}
        assert sum(filter(None, both["q"])) == 3

    async def test_what_belongs_to_no_account_is_no_accounts(self, kit: Kit) -> None:
        """Not shown among the limits of accounts, and not touched by theirs of the same key."""
        await kit.store.set_quota(A, running=3)
        await kit.store.update_queue("q", running=2, per_second=5.0)
        assert await kit.store.limits(None, limit=10) == []
        assert await kit.store.limits("", limit=10) == []
        assert await kit.store.limits(None, after=("", "account:"), limit=10) == []
        await kit.submit_all(some(1, Limit("queue:q", running=1), Limit("account:a", running=1)))
        await kit.store.set_limit(DEFAULT_ACCOUNT, "queue:q", None, None, pinned=False)
        assert await kit.store.queues() == [Queue(name="default"), Queue(name="q", running=2, per_second=5.0)]
        assert (await kit.store.quota(A)).running == 3
