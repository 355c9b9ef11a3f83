"""The broker's contract on Redis Streams: on one server, on one that loses everything, on a Cluster, and on other servers."""

import platform
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from redis import Redis
from tests.support.redis import RedisServer, redis_server

from taskflow_hub.broker.base import EngineSide, WorkerSide
from taskflow_hub.broker.redis_streams import RedisBroker, Timing
from taskflow_hub.testing.broker_contract import BrokerContract, LossesContract, OpenBroker, Transport
from taskflow_hub.testing.broker_contract.losses import Lose

QUICK = Timing(block=0.2, seen_every=0.1)


class RedisTransport:
    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker

    def engine(self) -> EngineSide:
        return self._broker.engine_side()

    def worker(self) -> WorkerSide:
        return self._broker.worker_side()


def opening(url: str, timing: Timing) -> OpenBroker:
    @asynccontextmanager
    async def open_broker() -> AsyncIterator[Transport]:
        async with RedisBroker.open(url, timing) as broker:
            yield RedisTransport(broker)

    return open_broker


class TestRedis(BrokerContract):
    @pytest.fixture
    def open_broker(self, redis_url: str) -> OpenBroker:
        return opening(redis_url, Timing())


class TestRedisFlushed(LossesContract):
    @pytest.fixture
    def open_broker(self, redis_url: str) -> OpenBroker:
        return opening(redis_url, QUICK)

    @pytest.fixture
    def lose(self, redis_url: str) -> Lose:
        async def flush() -> None:
            with Redis.from_url(redis_url) as client:
                client.flushall()

        return flush


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


class TestRedisKilled(LossesContract):
    @pytest.fixture
    def open_broker(self, server: RedisServer) -> OpenBroker:
        server.run("FLUSHALL")
        return opening(server.url, QUICK)

    @pytest.fixture
    def lose(self, server: RedisServer) -> Lose:
        async def restart() -> None:
            server.kill()
            server.start()

        return restart


class TestRedisCluster(BrokerContract):
    @pytest.fixture
    def open_broker(self, cluster_url: str) -> OpenBroker:
        return opening(cluster_url, Timing())


class TestRedisClusterFlushed(LossesContract):
    @pytest.fixture
    def open_broker(self, cluster_url: str) -> OpenBroker:
        return opening(cluster_url, QUICK)

    @pytest.fixture
    def lose(self, cluster: list[RedisServer]) -> Lose:
        async def flush() -> None:
            for server in cluster:
                server.run("FLUSHALL")

        return flush


HAS_6_2 = sys.version_info < (3, 12) and sys.platform == "linux" and platform.machine() == "x86_64"
OTHERS = [  # those that can be had here; CI has more (.github/workflows)
    pytest.param(
        "redis-6.2", marks=pytest.mark.skipif(not HAS_6_2, reason="there is no wheel of it for here")
    ),
    pytest.param("debian", marks=pytest.mark.debian),
]


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with redis_server(program=request.param) as server:
        yield server


class TestOtherRedis(BrokerContract):
    @pytest.fixture
    def open_broker(self, other: RedisServer) -> OpenBroker:
        other.run("FLUSHALL")
        return opening(other.url, Timing())


class TestOtherRedisKilled(TestRedisKilled):
    @pytest.fixture
    def server(self, other: RedisServer) -> RedisServer:
        return other
