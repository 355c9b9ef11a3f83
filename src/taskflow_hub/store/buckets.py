"""Token buckets, each kept as one time: when it is full again, if nothing more is taken.

A token that is taken moves that time on by what it takes to fill one in; a bucket whose time has come is full, as is one that
was never used. So what is left follows from the time alone, and whoever prunes need not know how large a bucket is.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from taskflow_hub.store.values import Bucket

_NOTHING_S: Final = 1e-6  # stores keep times in microseconds


def take(buckets: Sequence[Bucket], full_in_s: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """A token from each: by how much later each is full then, and how long it is until there is one in each (0: there is)."""
    later_s: dict[str, float] = {}
    wait_s = 0.0
    for bucket in buckets:
        later_s[bucket.name] = later_s.get(bucket.name, 0.0) + 1.0 / bucket.per_second
        empty_s = max(0.0, full_in_s.get(bucket.name, 0.0)) + later_s[bucket.name]
        wait_s = max(wait_s, empty_s - bucket.burst / bucket.per_second)
    return later_s, round(wait_s, 6) if wait_s >= _NOTHING_S else 0.0
