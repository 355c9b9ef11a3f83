"""What a hub stands on: a database, and a broker between its engine and its workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Literal, NamedTuple

import pytest
from tests.support.far_end import FarProcess
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
    process: FarProcess | None = None  # where one end of the broker is, unless all is within the test's own


class Ends(NamedTuple):
    """The server's and the workers' end of a broker: one and the same within a process, else in two."""

    server: Broker
    workers: Broker


@asynccontextmanager
async def open_ends(
    broker_url: str, process: FarProcess | None, *, far: Literal["server", "workers"]
) -> AsyncIterator[Ends]:
    """`far` is the end that goes into the other process: the one that the test does not look into."""
    if process is None:
        assert broker_url == "local"
        broker = LocalBroker()
        yield Ends(broker, broker)
        return
    async with RedisBroker.open(broker_url, BY_HAND) as here, process.broker(broker_url, BY_HAND) as there:
        yield Ends(here, there) if far == "workers" else Ends(there, here)
