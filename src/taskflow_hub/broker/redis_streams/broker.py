"""Both faces over one link."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from taskflow_hub.broker.redis_streams.buckets import RedisBuckets
from taskflow_hub.broker.redis_streams.engine_side import RedisEngineSide
from taskflow_hub.broker.redis_streams.keys import USUAL, Timing
from taskflow_hub.broker.redis_streams.link import Link
from taskflow_hub.broker.redis_streams.worker_side import RedisWorkerSide


class RedisBroker:
    def __init__(self, link: Link) -> None:
        self._link = link

    @staticmethod
    @asynccontextmanager
    async def open(url: str, timing: Timing = USUAL) -> AsyncIterator["RedisBroker"]:
        """Connected, or trying to. Raises Misconfigured for what can never do."""
        link = Link(url, timing)
        await link.open()
        try:
            yield RedisBroker(link)
        finally:
            await link.close()

    def engine_side(self, on_dead: Callable[[], None] = lambda: None) -> RedisEngineSide:
        """One per process. `on_dead` is called, in another thread, for each entry nobody could read, on one server each."""
        return RedisEngineSide(self._link, on_dead)

    def buckets(self) -> RedisBuckets:
        """Token buckets that all servers share."""
        return RedisBuckets(self._link)

    def worker_side(self) -> RedisWorkerSide:
        """A face for one worker. Each worker of the process needs its own."""
        return RedisWorkerSide(self._link)
