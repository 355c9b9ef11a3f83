"""Which of a rollup's rows this process counts in, so that processes do not wait for each other's."""

import random
from typing import Final

SHARDS: Final = 16
SHARD: Final = random.randrange(SHARDS)  # by chance, for in containers every process has the same number
