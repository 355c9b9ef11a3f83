"""Which of a rollup's rows this process counts in, so that processes do not wait for each other's."""

import random
from typing import Final

SHARDS: Final = 16
SHARD: Final = random.randrange(SHARDS)  # by chance, for in containers every process has the same number


def shard(long: bool) -> int:
    """`long`: of a transaction that holds the row for more than one statement. It shall not keep those waiting that do not."""
    return SHARDS + SHARD if long else SHARD
