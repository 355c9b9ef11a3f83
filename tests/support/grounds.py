"""What a hub stands on: a database, and a broker between its engine and its workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import pytest
from tests.support.stores import STORES

from taskflow_hub.bootstrap import Broker
from taskflow_hub.broker.local import LocalBroker
from taskflow_hub.broker.redis_streams import RedisBroker, Timing

REDIS: Final = "postgres-redis"
CLUSTER: Final = "sqlite-cluster"
# Not every store with every broker: neither sees the other, so each new broker needs one store, and each store one broker.
GROUNDS: Final = (*STORES, REDIS, CLUSTER)

# Narrow the fixture `ground`.
within_one_process: Final = pytest.mark.parametrize("ground", STORES, indirect=True)
apart: Final = pytest.mark.parametrize("ground", [REDIS, CLUSTER], indirect=True)

# A test that plays a worker by hand may be slow, and is no less alive.
BY_HAND: Final = Timing(seen=600.0, kept=600.0, fresh=600.0)


class Ground(NamedTuple):
    database_url: str
    broker_url: str = "local"


class Ends(NamedTuple):
    """The server's and the workers' end of a broker: one and the same within a process, else connections of their own."""

    server: Broker
    workers: Broker


@asynccontextmanager
async def open_ends(broker_url: str) -> AsyncIterator[Ends]:
    if broker_url == "local":
        broker = LocalBroker()
        yield Ends(broker, broker)
        return
    async with (
        RedisBroker.open(broker_url, BY_HAND) as server,
        RedisBroker.open(broker_url, BY_HAND) as workers,
    ):
        yield Ends(server, workers)
