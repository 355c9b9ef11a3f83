"""Names and bounds. What they are for stands in __init__.py."""

from typing import Final

from msgspec import Struct

WORKERS: Final = "tasks:workers"
RESULTS: Final = "tasks:results"
CALLS: Final = "tasks:calls"
DEAD: Final = "tasks:dead"
SERVERS: Final = "servers"  # the consumer group
DATA: Final = b"data"

INBOX_MAX: Final = 50_000  # entries: beyond any slots + window, for a worker that does not take
RESULTS_MAX: Final = 100_000  # what is cut off is sent again
CALLS_MAX: Final = 10_000
REPLIES_MAX: Final = 10_000
DEAD_MAX: Final = 1_000


class Timing(Struct, frozen=True, kw_only=True):
    """In seconds."""

    answer: float = 5.0  # for Redis to answer
    block: float = 2.0  # so long at most one read waits; below `answer`, or a silent Redis would look like an empty stream
    seen: float = 15.0  # a worker not seen for so long is not reachable
    seen_every: float = 5.0
    kept: float = 60.0  # an inbox after its worker was last seen, replies after the last one
    fresh: float = (
        8.0  # from its lease until an assignment lies in the inbox; heartbeats begin to miss it after 10
    )
    claim_after: float = 30.0  # reports that a server has collected and not stored for so long are another's
    claim_every: float = 10.0
    gone: float = 600.0  # a server that has asked for nothing for so long leaves the group


USUAL: Final = Timing()


def ms(seconds: float) -> int:
    return max(round(seconds * 1000), 1)


def inbox(worker: str) -> str:
    return f"tasks:created:{worker}"


def bucket(name: str) -> str:
    return f"tasks:rate:{name}"


def replies(name: str) -> str:
    return f"tasks:replies:{name}"
