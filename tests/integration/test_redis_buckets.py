"""Token buckets in Redis: they do what the store's do, and leave nothing behind."""

import asyncio
from collections.abc import Iterator

import pytest
from redis import Redis
from tests.support.redis import RedisServer, redis_server

from taskflow_hub.broker.redis_streams import RedisBroker, Timing
from taskflow_hub.domain.buckets import Charge
from taskflow_hub.domain.errors import Unavailable


@pytest.fixture(params=["redis_url", "cluster_url"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def now(seconds: float) -> Charge:
    """Granted at this moment."""
    return Charge(seconds, seconds)


async def test_a_charge_takes_what_was_granted_already(url: str) -> None:
    async with RedisBroker.open(url) as broker:
        charge = broker.buckets().charge
        told = await charge({"key:a": now(400.0), "address:2001:db8::/64": now(150.5)})
        assert told == pytest.approx({"key:a": 400.0, "address:2001:db8::/64": 150.5})
        assert await charge({"key:a": now(20.0)}) == pytest.approx({"key:a": 420.0}, abs=10.0)
        assert await charge({}) == {}


async def test_a_charge_that_is_told_late_counts_from_when_it_was_granted(url: str) -> None:
    async with RedisBroker.open(url) as broker:
        charge = broker.buckets().charge
        assert await charge({"a": Charge(200.0, 100.0)}) == pytest.approx({"a": 100.0})
        assert await charge({"b": Charge(200.0, -300.0)}) == pytest.approx({"b": -300.0}), (
            "it has filled again"
        )
        assert await charge({"a": Charge(800.0, 1.0)}) == pytest.approx({"a": 900.0}, abs=10.0)
        assert await charge({"b": now(5.0)}) == pytest.approx({"b": 5.0})


async def test_nothing_that_is_said_at_once_is_lost(url: str) -> None:
    async with RedisBroker.open(url) as one, RedisBroker.open(url) as other:
        sets = [{"a": now(100.0), "b": now(200.0)}, {"b": now(200.0)}] * 10
        told = await asyncio.gather(
            *[broker.buckets().charge(some) for broker in (one, other) for some in sets]
        )
        assert max(answer.get("a", 0.0) for answer in told) == pytest.approx(2_000.0, abs=10.0)
        assert max(answer["b"] for answer in told) == pytest.approx(8_000.0, abs=10.0)


async def test_a_bucket_that_is_full_again_is_gone(server: RedisServer) -> None:
    async with RedisBroker.open(server.url) as broker:
        await broker.buckets().charge({"soon": now(0.001), "later": now(90.0), "before": Charge(1.0, -1.0)})
        with Redis.from_url(server.url) as client:
            assert 80_000 < client.pttl("tasks:rate:later") <= 90_001
            async with asyncio.timeout(20):
                while len(client.keys("tasks:rate:*")) > 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


async def test_a_redis_that_is_away_is_unavailable(server: RedisServer) -> None:
    async with RedisBroker.open(server.url, Timing(answer=0.5)) as broker:
        await broker.buckets().charge({"a": now(1.0)})
        server.kill()
        with pytest.raises(Unavailable):
            await broker.buckets().charge({"a": now(1.0)})
        server.start()
        assert await broker.buckets().charge({"a": now(100.0)}) == pytest.approx({"a": 100.0})
