"""How often somebody may ask, counted over all processes, without asking anybody for each request.

Each process grants by what it knows, and counts. Once a second it tells what it has granted to the buckets that all share, and
their answer says what the others have. So that many processes together do not grant much more than there is, none grants more
than a tenth of a limit (`Rate.slack`) before it has told: who asks then waits for that. While the buckets cannot be reached,
each process goes on by what it knows itself.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final, Protocol

from msgspec import Struct

from taskflow_hub.domain.buckets import Charge, charged
from taskflow_hub.domain.clock import Monotonic
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.engine.loop import Loop

TELL_S: Final = 1.0
FRESH_S: Final = 0.25  # where nothing is left, this is how old the knowledge of that may be
ANSWER_S: Final = 2.0  # what takes longer counts as away
KNOWN: Final = 20_000  # buckets that a process remembers; the one longest not asked for is forgotten first
AT_ONCE: Final = 500  # buckets told of in one transaction
_NOTHING: Final = 1e-6


class Buckets(Protocol):
    """What all processes share: a store, or Redis."""

    async def charge(self, charges: Mapping[str, Charge]) -> dict[str, float]:
        """See AccessStore.charge. Raises Unavailable."""
        ...


@dataclass(frozen=True)
class Rate:
    """Of whom it is asked: `key` or `address`. A bucket holds `burst` requests and is filled with `per_second`."""

    name: str
    per_second: float
    burst: int

    @cached_property
    def slack(self) -> int:
        """How many requests a process grants before it has told the others."""
        return max(1, self.burst // 10)

    @cached_property
    def policy(self) -> str:
        """As `RateLimit-Policy` says it: a bucket is filled in the time of its window."""
        return f'"{self.name}";q={self.burst};w={math.ceil(self.burst / self.per_second - _NOTHING)}'


def rate_of(name: str, per_minute: int | None, burst: int | None) -> Rate | None:
    """As settings say it."""
    return None if per_minute is None else Rate(name, per_minute / 60, burst or per_minute)


class Left(Struct, frozen=True):
    """What somebody may still ask, now that they have asked this."""

    rate: Rate
    requests: int
    whole_in_s: float
    wait_s: float = 0.0  # above 0: this request was one too many, and so is every other for so long

    @property
    def told(self) -> str:
        """As `RateLimit` says it."""
        return f'"{self.rate.name}";r={self.requests};t={math.ceil(self.whole_in_s - _NOTHING)}'


class _Bucket:
    """One bucket, as this process knows it."""

    __slots__ = ("full_at", "heard_at", "rate", "untold", "untold_full_at")

    def __init__(self, rate: Rate, now: float) -> None:
        self.rate, self.full_at = rate, now
        self.untold = 0  # requests granted here that the shared bucket does not know of
        self.untold_full_at = -math.inf  # when it would be full, had nothing else ever been taken
        self.heard_at = -math.inf

    def wait_s(self, now: float) -> float:
        """Until there is a request in it."""
        missing = 1.0 - self._requests(now)
        return missing / self.rate.per_second if missing > _NOTHING else 0.0

    def must_tell(self, now: float) -> bool:
        """Before another is granted; or refused: others are to know soon that nothing is left, and we for how long."""
        if self.wait_s(now):
            return self.untold > 0 and now - self.heard_at > FRESH_S
        return self.untold >= self.rate.slack

    def grant(self, now: float) -> None:
        one_s = 1.0 / self.rate.per_second
        self.full_at = max(self.full_at, now) + one_s
        self.untold_full_at = max(self.untold_full_at, now) + one_s
        self.untold += 1

    def charge(self, now: float) -> Charge:
        return Charge(self.untold / self.rate.per_second, self.untold_full_at - now)

    def told(self, count: int, full_in_s: float, asked_at: float, now: float) -> None:
        """`count` requests are known to others. What has been granted since we began to tell comes on top."""
        self.untold, self.heard_at = self.untold - count, now
        self.full_at = asked_at + charged(full_in_s, self.charge(asked_at))

    def left(self, now: float, wait_s: float) -> Left:
        requests = max(0, math.floor(self._requests(now) + _NOTHING))
        return Left(self.rate, requests, max(0.0, self.full_at - now), wait_s)

    def _requests(self, now: float) -> float:
        """Below 0: others have been granted some as well, and so were more than there were."""
        return self.rate.burst - max(0.0, self.full_at - now) * self.rate.per_second


class Rates(Loop):
    """Grants requests. While it does not run, this process counts by itself."""

    def __init__(self, buckets: Buckets, *, monotonic: Monotonic = time.monotonic) -> None:
        super().__init__(interval_s=TELL_S, grace_s=ANSWER_S + 1.0)
        self._buckets, self._monotonic = buckets, monotonic
        self._known: OrderedDict[str, _Bucket] = OrderedDict()
        self._untold: dict[str, _Bucket] = {}
        self._away = False
        self._heard = asyncio.Event()  # of the shared buckets, once more; or that they are away

    async def take(self, rate: Rate, whose: str) -> Left:
        """Grant a request, if there is one left."""
        name = f"{rate.name}:{whose}"
        while self._shared and self._bucket(name, rate).must_tell(self._monotonic()):
            if name in self._untold:  # else it is being told
                self.wake()
            await self._heard.wait()
        bucket = self._bucket(name, rate)
        now = self._monotonic()
        wait_s = bucket.wait_s(now)
        if not wait_s:
            bucket.grant(now)
            self._untold[name] = bucket
            if len(self._untold) == AT_ONCE:
                self.wake()
        return bucket.left(now, wait_s)

    async def tick(self) -> float:
        while self._untold:
            await self._tell(dict(islice(self._untold.items(), AT_ONCE)))
        self._release()  # also who waits for what has been forgotten meanwhile
        return TELL_S

    async def stop(self) -> None:
        """What was granted last is told, if anybody hears it. Whatever goes wrong with that, the end goes on."""
        await super().stop()
        try:
            await self.tick()
        except Unavailable:
            pass  # nobody hears it
        except Exception as error:
            self.log.error("last tick failed", exc_info=error)

    @property
    def _shared(self) -> bool:
        return self.running and not self._away

    def _bucket(self, name: str, rate: Rate) -> _Bucket:
        bucket = self._known.get(name)
        if bucket is None:
            bucket = self._known[name] = _Bucket(rate, self._monotonic())
            if len(self._known) > KNOWN:
                oldest, _ = self._known.popitem(last=False)
                self._untold.pop(oldest, None)  # told long ago, unless the shared buckets are away
        else:
            self._known.move_to_end(name)
        return bucket

    async def _tell(self, some: dict[str, _Bucket]) -> None:
        """Raises Unavailable; what was to be told is told later then, at the risk that it is told twice."""
        now = self._monotonic()
        counts = {name: bucket.untold for name, bucket in some.items()}
        charges = {name: bucket.charge(now) for name, bucket in some.items()}
        self._untold = {name: bucket for name, bucket in self._untold.items() if name not in some}
        for bucket in some.values():
            bucket.untold_full_at = -math.inf
        try:
            async with asyncio.timeout(ANSWER_S):
                full_in_s = await self._buckets.charge(charges)
        except Exception as error:
            self._away, self._untold = True, some | self._untold
            for name, bucket in some.items():
                since = Charge(
                    (bucket.untold - counts[name]) / bucket.rate.per_second, bucket.untold_full_at - now
                )
                bucket.untold_full_at = now + charged(charges[name].full_in_s, since)
            if isinstance(error, Unavailable | TimeoutError):
                why = str(error) or "no answer"
                raise Unavailable(f"each process counts requests by itself: {why}") from error
            raise
        else:
            self._away, heard_at = False, self._monotonic()
            for name, bucket in some.items():
                bucket.told(counts[name], full_in_s[name], now, heard_at)
        finally:
            self._release()

    def _release(self) -> None:
        self._heard.set()
        self._heard = asyncio.Event()
