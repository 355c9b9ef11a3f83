"""Limits of how often one may ask: over real connections, and over one store as several processes share it."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, People
from tests.support.stores import open_store

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.domain.buckets import Charge
from taskflow_hub.domain.errors import StoreUnavailable
from taskflow_hub.http.limiting import NEVER_LIMITED
from taskflow_hub.http.rates import KNOWN, Buckets, Rate, Rates

SLOW = Rate("key", 1 / 3600, 50)  # nothing to speak of comes back while a test runs
LIMIT = re.compile(r'"(key|address)";r=(\d+);t=(\d+)')
HEALTH = "/healthz"


def left(answer: httpx.Response) -> dict[str, tuple[int, int]]:
    """By limit: how many are left, and in how many seconds it is whole."""
    return {name: (int(r), int(t)) for name, r, t in LIMIT.findall(answer.headers.get("ratelimit", ""))}


class Flaky:
    """Shared buckets that can be cut off, and count how often they are asked."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets, self.away, self.asked = buckets, False, 0

    async def charge(self, charges: Mapping[str, Charge]) -> dict[str, float]:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("cut off")
        return await self._buckets.charge(charges)


# --- the count ------------------------------------------------------------------------------------------------------------


async def granted(rates: Rates, rate: Rate, whose: str, times: int) -> int:
    found = await asyncio.gather(*[rates.take(rate, whose) for _ in range(times)])
    return sum(not one.wait_s for one in found)


@pytest.mark.parametrize("burst", [1, 7, 50, 400])
async def test_many_processes_grant_hardly_more_than_there_is(database_url: str, burst: int) -> None:
    """More than the limit by a tenth of it for each process, at most; and no less."""
    rate = Rate("key", 1 / 3600, burst)
    stores = [await open_store(database_url) for _ in range(3)]
    processes = [Rates(store) for store in stores]
    for rates in processes:
        await rates.start()
    counts = await asyncio.gather(*[granted(rates, rate, "k", 2 * burst) for rates in processes])
    for rates, store in zip(processes, stores, strict=True):
        await rates.stop()
        await store.close()
    assert burst <= sum(counts) <= burst + len(processes) * rate.slack


async def test_what_was_granted_last_is_told_at_the_end(database_url: str) -> None:
    store = await open_store(database_url)
    for granting in (4, 46, 0):
        rates = Rates(store)
        await rates.start()
        await rates.take(SLOW, "other")  # one process after the other
        assert await granted(rates, SLOW, "k", 60 if granting == 46 else granting) == granting
        await rates.stop()
    await store.close()


async def test_a_request_costs_no_transaction(database_url: str) -> None:
    store = await open_store(database_url)
    shared = Flaky(store)
    rates = Rates(shared)
    await rates.start()
    rate = Rate("key", 1 / 3600, 10_000)
    assert await granted(rates, rate, "k", 20_000) == 10_000
    assert shared.asked <= 12, "each time it tells of a tenth of the limit"
    for n in range(500):
        assert await granted(rates, rate, str(n), 3) == 3
    await rates.stop()
    assert shared.asked <= 30, "and of many at once"
    await store.close()


async def test_while_the_buckets_are_away_each_process_counts_by_itself(database_url: str) -> None:
    store = await open_store(database_url)
    shared = Flaky(store)
    rates, other = Rates(shared), Rates(store)
    shared.away = True
    await rates.start()
    async with asyncio.timeout(20):
        assert await granted(rates, SLOW, "k", 100) == 50, "neither down nor without a limit"
        shared.away = False
        rates.wake()
        await rates.stop()  # when they are back, they are told
        await other.start()
        assert await granted(other, SLOW, "k", 100) == SLOW.slack
        await other.stop()
    await store.close()


async def test_no_fault_of_the_buckets_breaks_the_end() -> None:
    class Broken:
        async def charge(self, charges: Mapping[str, Charge]) -> dict[str, float]:
            raise LookupError("nobody thought of this")

    rates = Rates(Broken())
    assert await granted(rates, SLOW, "k", 1) == 1
    await rates.stop()


async def test_a_store_that_does_not_answer_holds_nobody_up(tmp_path: Path) -> None:
    never = asyncio.Event()

    class Silent:
        async def charge(self, charges: Mapping[str, Charge]) -> dict[str, float]:
            await never.wait()
            return {}

    rates = Rates(Silent())
    await rates.start()
    async with asyncio.timeout(20):
        assert await granted(rates, SLOW, "k", 100) == 50
        assert await granted(rates, SLOW, "another", 100) == 50
        await rates.stop()


async def test_what_is_remembered_is_bounded(database_url: str) -> None:
    store = await open_store(database_url)
    shared = Flaky(store)
    shared.away = True
    rates = Rates(shared)
    for n in range(KNOWN + 5_000):
        await rates.take(SLOW, str(n))
    assert len(rates._known) == len(rates._untold) == KNOWN
    await store.close()


async def test_who_is_forgotten_while_they_wait_is_not_left_waiting(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskflow_hub.http.rates.KNOWN", 2)
    store = await open_store(database_url)
    rates = Rates(store)
    await rates.start()
    async with asyncio.timeout(30):
        found = await asyncio.gather(*[granted(rates, SLOW, str(n % 7), 20) for n in range(50)])
    assert sum(found) >= 7 * 50
    await rates.stop()
    await store.close()


async def test_who_waits_as_long_as_was_said_is_granted_one() -> None:
    now = 1_000.0

    class Nobody:
        async def charge(self, charges: Mapping[str, Charge]) -> dict[str, float]:
            raise StoreUnavailable("away")

    rates = Rates(Nobody(), monotonic=lambda: now)
    for per_second in (0.1, 1 / 3, 3.0, 1 / 7):
        rate = Rate("key", per_second, 2)
        for _ in range(20):
            while not (found := await rates.take(rate, str(per_second))).wait_s:
                pass
            assert 0 < found.wait_s <= 1 / per_second + 1e-6
            assert found.requests == 0
            now += found.wait_s
            assert not (await rates.take(rate, str(per_second))).wait_s
    assert (await rates.take(Rate("key", 1 / 7, 2), "whole")).told == '"key";r=1;t=7'


# --- over HTTP ------------------------------------------------------------------------------------------------------------


async def test_how_much_is_left_is_told_and_what_is_too_much_is_429(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, rate_per_address=6, burst_per_address=3) as hub:
        for remaining in (2, 1, 0):
            answer = await hub.client.get("/tasks")
            assert answer.status_code == 200
            assert answer.headers["ratelimit-policy"] == '"address";q=3;w=30'
            r, t = left(answer)["address"]
            assert r == remaining
            assert 0 < t <= 10 * (3 - remaining)
        refused = await hub.client.post("/tasks", json={"type": "a"})
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["cache-control"] == "no-store"
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert left(refused)["address"][0] == 0
        assert (await hub.client.get("/problems/rate_limited")).status_code == 429, "nor is anything else"
        assert hub.engine.metrics.rate_limited.labels("address")._value.get() == 2
        async with api(tmp_path, loops=False) as unlimited:
            assert await unlimited.count() == 0
            assert "ratelimit" not in (await unlimited.client.get("/tasks")).headers


async def test_who_waits_as_long_as_retry_after_says_is_served(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, rate_per_address=60, burst_per_address=1) as hub:
        for _ in range(3):
            while (answer := await hub.client.get("/tasks")).status_code == 200:
                pass
            assert answer.headers["retry-after"] == "1"
            await asyncio.sleep(1.0)  # what was asked of us
            assert (await hub.client.get("/tasks")).status_code == 200


async def test_who_watches_the_hub_is_never_limited(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, rate_per_address=1) as hub:
        for _ in range(5):
            for path in NEVER_LIMITED:
                answer = await hub.client.get(path)
                assert answer.status_code in {200, 503}
                assert "ratelimit" not in answer.headers
            await hub.client.get("/tasks")
        assert (await hub.client.get("/tasks")).status_code == 429


async def test_every_key_and_every_user_has_a_limit_of_their_own(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, auth=ACCOUNTS, rate_per_key=2) as hub:
        people = People(hub)
        user, first_login = await people.user()
        _, other_user = await people.user()
        second_login = {"Authorization": f"Bearer {await people.token(user)}"}
        key, other_key = [await people.key(Scope.READ, user=user) for _ in range(2)]

        async def statuses(*asking: dict[str, str]) -> list[int]:
            return [(await hub.client.get("/tasks", headers=headers)).status_code for headers in asking]

        assert await statuses(first_login, second_login, first_login, second_login) == [200, 200, 429, 429]
        assert await statuses(other_user, key, other_key, key, other_key) == [200] * 5
        assert await statuses(key, other_key, other_user, other_user) == [429, 429, 200, 429]
        for headers, whose in ((key, "Your key may ask"), (other_user, "You, with all your logins, may ask")):
            assert (await hub.client.get("/tasks", headers=headers)).json()["detail"].startswith(whose)
        assert (await hub.client.get("/tasks")).status_code == 401, "who is nobody has no limit by key"


async def test_both_limits_are_told(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, auth=ACCOUNTS, rate_per_key=60, rate_per_address=120) as hub:
        _, login = await People(hub).user()
        answer = await hub.client.get("/tasks", headers=login)
        assert answer.headers["ratelimit-policy"] == '"address";q=120;w=60, "key";q=60;w=60'
        assert left(answer) == {"address": (119, 1), "key": (59, 1)}
        missing = await hub.client.get("/nowhere", headers=login)
        assert (missing.status_code, set(left(missing))) == (404, {"address", "key"})


async def test_trying_keys_is_bounded_before_anything_is_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api(tmp_path, loops=False, auth=ACCOUNTS, rate_per_address=5) as hub:
        looked: list[Any] = []
        who = hub.engine.accounts.identity.who

        async def watched(credential: str | None, *more: Any) -> Any:
            looked.append(credential)
            return await who(credential, *more)

        monkeypatch.setattr(hub.engine.accounts.identity, "who", watched)
        found = [
            (await hub.client.get("/tasks", headers={"Authorization": f"Bearer tfk_{n}"})).status_code
            for n in range(20)
        ]
        assert found == [401] * 5 + [429] * 15
        assert len(looked) == 5


async def from_address(hub: Running, address: str) -> int:
    return (await hub.client.get("/tasks", headers={"X-Forwarded-For": address})).status_code


async def test_whose_address_it_is_a_trusted_proxy_says(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, rate_per_address=1, trusted_proxies=("127.0.0.1",)) as hub:
        assert await from_address(hub, "203.0.113.7") == 200
        assert await from_address(hub, "203.0.113.7") == 429
        assert await from_address(hub, "198.51.100.1, 203.0.113.7") == 429, (
            "what the client claims is no help"
        )
        assert await from_address(hub, "::ffff:203.0.113.7") == 429
        assert await from_address(hub, "203.0.113.8") == 200
        assert await from_address(hub, "2001:db8:1:2::1") == 200
        assert await from_address(hub, "2001:db8:1:2:ffff::9") == 429, "whoever has a /64 has all of it"
        assert await from_address(hub, "2001:db8:1:3::1") == 200
        assert await from_address(hub, "no address at all") == 200
        assert await from_address(hub, "nor this" * 500) == 429, "all of these are one"


async def test_nobody_else_says_it(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, rate_per_address=2, trusted_proxies=("10.0.0.1",)) as hub:
        assert [await from_address(hub, f"203.0.113.{n}") for n in range(4)] == [200, 200, 429, 429]


async def test_where_both_kinds_of_address_are_listened_for_ipv4_is_told_apart(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"rate_per_address": 1, "trusted_proxies": ("127.0.0.1",)}
    async with api(tmp_path, loops=False, auth=ACCOUNTS, host="::", **settings) as hub:
        port = hub.address[1]
        _, login = await People(hub).user(Role.VIEWER)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=login) as client:

            async def asked(address: str) -> int:
                return (await client.get("/tasks", headers={"X-Forwarded-For": address})).status_code

            assert [await asked(f"203.0.113.{n}") for n in (1, 2, 2)] == [200, 200, 429]
