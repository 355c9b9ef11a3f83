"""Of Redis: does it keep what it is given?"""

from collections.abc import Iterator

from msgspec import Struct

from taskflow_hub.domain.checkup.finding import Finding, ok, size, warning, wrong

OLDEST = {"redis": (6, 2), "valkey": (7, 2)}
ALMOST_FULL = 0.9


class RedisFacts(Struct, frozen=True, kw_only=True):
    """Of one server; of a Cluster there are several. `program` is redis or valkey. `max_memory` 0: without a bound.

    `dead`: messages that nobody could read. `ahead_s`: its clock before this machine's, give or take `unsure_s`.
    """

    shown: str
    program: str
    version: str
    policy: str
    memory: int
    max_memory: int
    replica: bool
    append_only: bool
    write_failed: bool
    clients: int
    max_clients: int
    dead: int
    servers: int
    ahead_s: float
    unsure_s: float


def judge_redis(facts: RedisFacts) -> Iterator[Finding]:
    kept = "append-only file" if facts.append_only else "no append-only file, and needs none"
    bound = f" of {size(facts.max_memory)}" if facts.max_memory else ""
    yield ok(
        "broker",
        f"{facts.shown}: {facts.program.capitalize()} {facts.version}, {size(facts.memory)}{bound} used, {kept}; "
        f"{facts.servers} server{'' if facts.servers == 1 else 's'} of the hub",
    )
    oldest = OLDEST.get(facts.program)
    if oldest and _numbers(facts.version) < oldest:
        yield wrong(
            "broker",
            f"{facts.program.capitalize()} {facts.version} is too old",
            f"Use {facts.program.capitalize()} {oldest[0]}.{oldest[1]} or later.",
        )
    if facts.policy != "noeviction":
        yield wrong(
            "broker",
            f"maxmemory-policy is {facts.policy}: messages are thrown away when memory is short, and a hub refuses to start",
            "Give the hub a Redis of its own, with maxmemory-policy noeviction.",
        )
    if facts.replica:
        yield wrong(
            "broker", "This server is a replica, which takes no writes", "Name the primary in broker.url."
        )
    if facts.write_failed:
        yield wrong(
            "broker",
            "Redis could not write to its disk the last time, and may refuse writes",
            "See its log and the room on its disk; or turn persistence off, which the hub does not need.",
        )
    if facts.max_memory and facts.memory >= ALMOST_FULL * facts.max_memory:
        yield warning(
            "broker",
            f"{size(facts.memory)} of {size(facts.max_memory)} are used; a full Redis takes no messages",
            "Raise maxmemory, or see in `taskflow worker list` who does not take what is sent to them.",
        )
    if facts.clients >= ALMOST_FULL * facts.max_clients:
        yield warning(
            "broker",
            f"{facts.clients} of {facts.max_clients} connections are in use; each process of the hub takes three",
            "Raise maxclients.",
        )
    if facts.dead:
        yield warning(
            "broker",
            f"{facts.dead} message{'' if facts.dead == 1 else 's'} could not be read, and lie in the stream tasks:dead",
            "Somebody else writes to this Redis, or a process is of a version that cannot talk to the others. Look with "
            "XRANGE tasks:dead - +, and DEL tasks:dead once it is clear.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
