"""Token buckets that all servers share: each is one key, the time when it is full again (store/buckets.py)."""

from collections.abc import Mapping
from typing import Final

from taskflow_hub.broker.redis_streams.exchange import call
from taskflow_hub.broker.redis_streams.keys import bucket
from taskflow_hub.broker.redis_streams.link import Link
from taskflow_hub.broker.redis_streams.scripts import CHARGE
from taskflow_hub.domain.buckets import Charge

_US: Final = 1_000_000


class RedisBuckets:
    def __init__(self, link: Link) -> None:
        self._link = link

    async def charge(self, charges: Mapping[str, Charge]) -> dict[str, float]:
        """As the store's (AccessStore.charge), each bucket by itself. Raises Unavailable; some may have been charged then."""
        calls = [
            call(CHARGE, bucket(name), round(charge.later_s * _US), round(charge.full_in_s * _US))
            for name, charge in charges.items()
        ]
        answers = await self._link.run(self._link.ask(*calls)) if calls else []
        return {name: us / _US for name, us in zip(charges, answers, strict=True)}
