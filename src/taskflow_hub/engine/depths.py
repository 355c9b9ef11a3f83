"""How much there is that has not ended. Where it is much, counting takes long, and is not done for every look."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.limits import COUNTED
from taskflow_hub.engine.sparing import Later, Sparing
from taskflow_hub.store.base import QueueStore
from taskflow_hub.store.values import Depth


class Counted(Struct, frozen=True):
    depths: Sequence[Depth]
    at: datetime  # not before


Depths: TypeAlias = Sparing[str | None, Counted]


def depths_of(store: QueueStore, clock: Clock, later: Later) -> Depths:
    """By account; of all, for None. Up to COUNTED tasks they are those of now."""

    async def count(account: str | None) -> Counted:
        at = clock()
        return Counted(await store.depths(account), at)

    return Sparing(
        count, later, worth_keeping=lambda counted: sum(depth.count for depth in counted.depths) > COUNTED
    )
