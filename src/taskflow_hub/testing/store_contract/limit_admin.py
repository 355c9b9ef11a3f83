"""Limits as operators see and set them: pins, what is raised, lowered and removed, and what is shown."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import UNSET

from taskflow_hub.domain.errors import Invalid, TaskflowError
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, LimitRow, LimitUse
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store.base import Store
from taskflow_hub.store.values import Idempotency, Submit, Submitted
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit
from taskflow_hub.testing.store_contract.limits import first_of, holds, ids, limited, some


def row(key: str, running: int | None, per_second: float | None, *, pinned: bool = True) -> LimitRow:
    return LimitRow(
        account_id=DEFAULT_ACCOUNT, key=key, running=running, per_second=per_second, pinned=pinned
    )


async def seen(kit: Kit, account: str | None = DEFAULT_ACCOUNT, **options: Any) -> list[LimitUse]:
    return await kit.store.limits(account, **{"limit": 100, **options})


async def numbers(store: Store, key: str = "a") -> tuple[int | None, float | None, bool]:
    """Those of the default account's key."""
    [found] = [one for one in await store.limits(DEFAULT_ACCOUNT, limit=100) if one.key == key]
    return found.running, found.per_second, found.pinned


async def submitted(stores: Sequence[Store], requests: Sequence[Submit]) -> list[Submitted | TaskflowError]:
    """Each of them alone, on every store, at once."""
    calls = (store.submit([request]) for request in requests for store in stores)
    return [outcome for outcomes in await asyncio.gather(*calls) for outcome in outcomes]


class LimitAdminContract(ContractBase):
    # --- what is shown -----------------------------------------------------------------------------------------------

    async def test_no_limits(self, kit: Kit) -> None:
        assert await seen(kit) == await seen(kit, None) == []

    async def test_what_limits_do_now(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(
            [
                *some(4, Limit("a", running=1)),
                *some(3, Limit("b", per_second=2)),
                *some(2, Limit("a"), Limit("c", running=5, per_second=0.5)),
            ]
        )
        assert len(await kit.lease()) == 3
        assert (await holds(kit, tasks)).count("limit:a") == 5
        found = {one.key: (one.running, one.per_second, one.active, one.held) for one in await seen(kit)}
        assert found == {"a": (1, None, 1, 5), "b": (None, 2.0, 2, 1), "c": (5, 0.5, 0, 0)}
        assert not any(one.pinned for one in await seen(kit))
        await kit.succeed(first_of(tasks[0]))
        assert [one.active for one in await seen(kit)] == [0, 2, 0]

    async def test_which_are_in_use(self, kit: Kit) -> None:
        await kit.worker()
        await kit.submit_all(
            [
                *some(4, Limit("a", running=1)),
                *some(2, Limit("a", running=3), account_id="other"),
                *some(3, Limit("b", per_second=2)),
                *some(2, Limit("c", running=5), Limit("d", running=0)),
                *some(1, Limit("c", running=5), Limit("e", running=2)),
            ]
        )
        assert await kit.store.limits_in_use() == []
        await kit.lease()
        found = sorted((one.key, one.running, one.active) for one in await kit.store.limits_in_use())
        assert found == [("a", 1, 1), ("a", 3, 2), ("c", 5, 1), ("e", 2, 1)]

    async def test_what_nobody_can_run_is_held_by_no_limit(self, kit: Kit) -> None:
        await kit.submit_all(some(3, Limit("a", running=1), type="u"))
        await kit.worker("t")
        assert await kit.lease() == []
        assert [one.held for one in await seen(kit)] == [0]

    async def test_each_account_by_itself_and_all_together(self, kit: Kit) -> None:
        await kit.worker()
        await kit.submit_all(
            [*some(3, Limit("a", running=1)), *some(2, Limit("a", running=2), account_id="other")]
        )
        await kit.lease()
        counts = [(one.account_id, one.key, one.active, one.held) for one in await seen(kit, None)]
        assert counts == [(DEFAULT_ACCOUNT, "a", 1, 2), ("other", "a", 2, 0)]
        assert [one.account_id for one in await seen(kit, "other")] == ["other"]
        assert await seen(kit, "nobody") == []

    async def test_page_by_page(self, kit: Kit) -> None:
        """In the order of the characters' codes, whatever the database's language; and of all accounts by account first."""
        keys = ["A", "a", "B", "b", "_", "/", "%", "a/b", "a:b", "~" * 200, "host:example.org/x?y=z#1"]
        for account in (DEFAULT_ACCOUNT, "Other", "other"):
            for key in keys:
                await kit.store.set_limit(account, key, 1, None)
        every = [(account, key) for account in ("Other", DEFAULT_ACCOUNT, "other") for key in sorted(keys)]
        for wanted, expected in (
            (DEFAULT_ACCOUNT, [one for one in every if one[0] == DEFAULT_ACCOUNT]),
            (None, every),
        ):
            found: list[tuple[str, str]] = []
            after = ("", "")
            while page := await seen(kit, wanted, after=after, limit=4):
                found += [(one.account_id, one.key) for one in page]
                after = found[-1]
            assert found == expected

    # --- what is set -------------------------------------------------------------------------------------------------

    async def test_a_new_key(self, kit: Kit) -> None:
        assert await kit.store.set_limit(DEFAULT_ACCOUNT, "a", 2, 0.5) == row("a", 2, 0.5)
        assert await kit.store.set_limit(DEFAULT_ACCOUNT, "b", UNSET, 3.0, pinned=False) == row(
            "b", None, 3.0, pinned=False
        )
        await kit.worker()
        tasks = await kit.submit_all([*some(3, Limit("b")), *some(3, Limit("a"))])
        assert await kit.leased_ids() == ids(tasks[:4]), "a task need not state what is known"

    async def test_what_is_left_out_stays(self, kit: Kit) -> None:
        await kit.submit_all(some(1, Limit("a", running=1, per_second=5)))
        store = kit.store
        assert await store.set_limit(DEFAULT_ACCOUNT, "a", 3, UNSET) == row("a", 3, 5.0)
        assert await store.set_limit(DEFAULT_ACCOUNT, "a", UNSET, None) == row("a", 3, None)
        assert await store.set_limit(DEFAULT_ACCOUNT, "a", UNSET, UNSET, pinned=False) == row(
            "a", 3, None, pinned=False
        )
        assert await numbers(store) == (3, None, False)

    async def test_a_pinned_limit_ignores_what_tasks_state(self, kit: Kit) -> None:
        await kit.worker()
        await kit.store.set_limit(DEFAULT_ACCOUNT, "a", 2, None)
        tasks = await kit.submit_all([*some(2, Limit("a", running=50, per_second=0.1)), *some(2, Limit("a"))])
        assert await numbers(kit.store) == (2, None, True)
        assert await kit.leased_ids() == ids(tasks[:2])
        await kit.store.set_limit(DEFAULT_ACCOUNT, "a", UNSET, UNSET, pinned=False)
        await kit.submit_all(some(1, Limit("a", running=3)))
        assert await numbers(kit.store) == (3, None, False)
        assert await kit.leased_ids() == ids(tasks[2:3])

    async def test_a_pin_holds_for_that_account_alone(self, kit: Kit) -> None:
        await kit.store.set_limit("other", "a", 1, None)
        await kit.submit_all(some(1, Limit("a", running=5)))
        await kit.submit_all(some(1, Limit("a", running=7), account_id="other"))
        assert [one.running for one in await seen(kit, None)] == [5, 1]

    @pytest.mark.parametrize("special", [False, True], ids=["plain", "with a key"])
    async def test_pinned_and_free_ones_in_one_batch(self, kit: Kit, special: bool) -> None:
        await kit.store.set_limit(DEFAULT_ACCOUNT, "a", 2, None)
        tasks = (
            limited(Limit("a", running=9), Limit("b", running=4)),
            limited(Limit("a"), Limit("c", per_second=1)),
            limited(Limit("b", running=5)),
        )
        key = Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f") if special else None
        assert isinstance(await kit.submit_request(Submit(tasks, key)), Submitted)
        assert [(one.key, one.running, one.per_second) for one in await seen(kit)] == [
            ("a", 2, None),
            ("b", 5, None),
            ("c", None, 1.0),
        ]

    async def test_pinned_without_numbers(self, kit: Kit) -> None:
        """It does not limit, whatever tasks state, and even if they state nothing."""
        await kit.worker()
        tasks = await kit.submit_all(some(3, Limit("a", running=1)))
        assert len(await kit.lease()) == 1
        assert await kit.store.set_limit(DEFAULT_ACCOUNT, "a", None, None) == row("a", None, None)
        assert await kit.leased_ids() == ids(tasks[1:])
        more = await kit.submit_all([*some(2, Limit("a", running=1)), *some(2, Limit("a"))])
        assert await kit.leased_ids() == ids(more)
        assert await numbers(kit.store) == (None, None, True)

    async def test_a_limit_without_numbers_or_pin_is_forgotten(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(3, Limit("a", running=1)))
        assert len(await kit.lease()) == 1
        assert await kit.lease() == []
        gone = await kit.store.set_limit(DEFAULT_ACCOUNT, "a", None, None, pinned=False)
        assert gone == row("a", None, None, pinned=False)
        assert await seen(kit) == []
        assert await kit.leased_ids() == ids(tasks[1:]), "what it held back may start"
        assert isinstance(await kit.submit_request(Submit((limited(Limit("a")),))), Invalid)
        await kit.submit_all(some(1, Limit("a", running=4)))
        assert await numbers(kit.store) == (4, None, False)
        assert [one.active for one in await seen(kit)] == [3], "what runs is counted, whenever it began"

    async def test_letting_go_of_an_unknown_key(self, kit: Kit) -> None:
        found = await kit.store.set_limit(DEFAULT_ACCOUNT, "a", UNSET, UNSET, pinned=False)
        assert found == row("a", None, None, pinned=False)
        assert await seen(kit) == []

    # --- what comes of it --------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another process"])
    async def test_a_raised_limit_lets_held_tasks_start(self, kit: Kit, elsewhere: bool) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(6, Limit("a", running=1)))
        assert len(await kit.lease()) == 1
        assert await kit.lease() == []
        store = await kit.another_store() if elsewhere else kit.store
        await store.set_limit(DEFAULT_ACCOUNT, "a", 3, UNSET)
        assert await kit.leased_ids() == ids(tasks[1:3])
        await store.set_limit(DEFAULT_ACCOUNT, "a", 4, UNSET)
        leased = await store.lease(None, 100)
        assert [lease.assignment.id for lease in leased.leases] == [tasks[3].id]

    async def test_a_lowered_limit_leaves_alone_what_runs(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(5, Limit("a", running=3)))
        assert len(await kit.lease()) == 3
        await kit.store.set_limit(DEFAULT_ACCOUNT, "a", 1, None)
        assert [(one.active, one.running) for one in await seen(kit)] == [(3, 1)]
        for task in tasks[:2]:
            await kit.succeed(first_of(task))
            assert await kit.lease() == []
        await kit.succeed(first_of(tasks[2]))
        assert await kit.leased_ids() == [tasks[3].id]

    async def test_a_rate_that_changes(self, kit: Kit) -> None:
        await kit.worker()
        tasks = await kit.submit_all(some(40, Limit("a", per_second=1)))
        assert await kit.leased_ids() == ids(tasks[:1])
        assert await kit.lease() == []
        await kit.store.set_limit(DEFAULT_ACCOUNT, "a", None, 8.0)
        assert await kit.lease() == [], "a new rate gives no tokens"
        kit.clock.advance(0.5)
        assert await kit.leased_ids() == ids(tasks[1:5])
        await kit.store.set_limit(DEFAULT_ACCOUNT, "a", 7, None)
        assert await kit.leased_ids() == ids(tasks[5:7]), "no rate any more, but a limit"

    # --- at once -----------------------------------------------------------------------------------------------------

    async def test_pins_and_submits_at_once(self, kit: Kit) -> None:
        """Whoever comes first: in the end the pinned numbers are there, and no submit is refused or makes an error."""
        stores = [kit.store, await kit.another_store()]
        for round_ in range(10):
            key = f"k{round_}"
            requests = [Submit((limited(Limit(key, running=number + 2)),)) for number in range(4)]
            sets = asyncio.gather(*(store.set_limit(DEFAULT_ACCOUNT, key, 1, None) for store in stores))
            outcomes, _ = await asyncio.gather(submitted(stores, requests), sets)
            assert all(isinstance(one, Submitted) for one in outcomes), outcomes
            assert await numbers(kit.store, key) == (1, None, True)

    async def test_forgetting_and_submits_at_once(self, kit: Kit) -> None:
        stores = [kit.store, await kit.another_store()]
        for round_ in range(10):
            key = f"k{round_}"
            requests = [Submit((limited(Limit(key, running=1)), limited(Limit(key)))) for _ in range(4)]
            sets = asyncio.gather(
                *(store.set_limit(DEFAULT_ACCOUNT, key, None, None, pinned=False) for store in stores)
            )
            outcomes, _ = await asyncio.gather(submitted(stores, requests), sets)
            assert all(isinstance(one, Submitted) for one in outcomes), outcomes
            assert [one for one in await seen(kit) if one.key == key and one.running != 1] == []
