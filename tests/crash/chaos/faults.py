"""What operators fear, done on purpose to a fleet under load.

Each fault is a function of the `Field`: it strikes, lasts, and returns when its cause is gone, with that moment noted.
"""

import asyncio
import itertools
import math
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
from redis import Redis
from tests.crash.chaos.fleet import Fleet
from tests.crash.chaos.history import Strike, Stroke
from tests.crash.chaos.lines import What
from tests.crash.chaos.load import Load
from tests.crash.chaos.plans import LONG
from tests.crash.chaos.witness import Witness
from tests.support.hub_process import HubProcess
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer

from taskflow_hub.broker.redis_streams import keys
from taskflow_hub.broker.redis_streams.scripts import SETTLE

POSTGRESQL: Final = "postgresql"
SQLITE: Final = "sqlite"
LOCAL: Final = "local"
REDIS: Final = "redis"
DATABASE: Final = "hub"  # the name of the hub's database on the server
KILL_EVERY_S: Final = 5.0
TERMINATE_EVERY_S: Final = 0.5
HOUR_S: Final = 3600
SEEN_S: Final = 2.5  # until a process and its handlers have seen that the time is another
KNOWN_S: Final = 10.0  # from a process's waking until it must know what it has lost
LEASE_LOST_S: Final = 60.0
THE_REST_S: Final = 1.0  # for the rest of them, once the first is taken over
CATCH_S: Final = 30.0  # for a moment in which it can be struck
LOOK_S: Final = 0.02
CUT_S: Final = 2.0  # for something to come for a worker that is cut off, and for its reports in between
MANY: Final = 100  # assignments held by one worker
MANY_SLOTS: Final = 110
SLOW_S: Final = 0.2
NOTICED_S: Final = 30.0  # until a server says that it does not reach Redis
FAKETIME: Final = (
    "faketime/libfaketimeMT.so.1"  # in Debian's folder of libraries, one for each kind of machine
)


@dataclass
class Field:
    """Where a fault strikes. `lasts_s`: how long a fault lasts that has no length of its own; `outage_s`: an outage."""

    fleet: Fleet
    load: Load
    witness: Witness
    server: PostgresServer | None
    redis: RedisServer | None
    lasts_s: float
    outage_s: float
    clock: Path
    strikes: list[Strike] = field(default_factory=list)
    gone_at: float = 0.0  # when the cause of the last fault was gone
    marks: dict[str, float] = field(default_factory=dict)  # what shows that a fault has done something
    _turn: "itertools.count[int]" = field(default_factory=itertools.count)

    def next(self, hubs: Sequence[HubProcess]) -> HubProcess:
        """The next of these to be struck, each in its turn."""
        return hubs[next(self._turn) % len(hubs)]

    def gone(self) -> None:
        self.gone_at = time.monotonic()

    def mark(self, name: str, value: float) -> None:
        self.marks[name] = self.marks.get(name, 0.0) + value

    @property
    def database(self) -> PostgresServer:
        assert self.server is not None, "this fault needs a PostgreSQL server"
        return self.server

    @property
    def broker(self) -> RedisServer:
        assert self.redis is not None, "this fault needs Redis between the processes"
        return self.redis


@dataclass(frozen=True)
class Fault:
    """`apart`: the processes are as on hosts of their own. `must` names the mark without which it has not done anything.
    `brokers`: which must be between the processes for it. `networks`: each process has one of its own to Redis. `loses`: slots
    are held for a while, by what may be gone on its way through Redis or by long tasks of the fault's own. `slots`: of each
    worker, where the usual ones are too few; the load stays the same.
    """

    name: str
    words: str
    strike: Callable[[Field], None]
    on: frozenset[str] = frozenset({POSTGRESQL})
    brokers: frozenset[str] = frozenset({LOCAL})
    apart: bool = False
    networks: bool = False
    loses: bool = False
    slots: int | None = None
    must: str | None = None
    first_environ: Callable[[Path], Mapping[str, str]] | None = None


# --- processes --------------------------------------------------------------------------------------------------------


def kill(ground: Field) -> None:
    hub = ground.next(ground.fleet.workers)
    _kill(ground, hub)
    ground.fleet.replace(hub)


def _kill(ground: Field, hub: HubProcess) -> None:
    ground.strikes.append(Strike(hub.pid, Stroke.KILLED, time.monotonic()))
    hub.kill()
    ground.gone()
    ground.mark("kills", 1)


def kills(ground: Field) -> None:
    until = time.monotonic() + max(ground.lasts_s, 2 * KILL_EVERY_S)
    while time.monotonic() < until:
        struck_at = time.monotonic()
        kill(ground)
        _last(struck_at + KILL_EVERY_S - time.monotonic())


def freeze(ground: Field) -> None:
    """Until others run what it ran: the sign that its lease is lost. It wakes with attempts that are not its own any more."""
    hub = ground.next(ground.fleet.workers)
    frozen_at = time.monotonic()
    ground.fleet.freeze(hub)
    _until_taken_over(ground, hub, frozen_at)


def freeze_midway(ground: Field) -> None:
    """The same, in the worst moment: it holds locks in the database. It is woken and frozen anew until it is such a moment."""
    hub = ground.next(ground.fleet.workers)
    chance, give_up_at = random.Random(0), time.monotonic() + CATCH_S
    while True:
        frozen_at = time.monotonic()
        ground.fleet.freeze(hub)
        caught = _holds_locks(ground.database)
        if caught or time.monotonic() > give_up_at:
            break
        ground.fleet.thaw(hub)
        _last(chance.uniform(0.0, 0.02))
    ground.mark("transactions held", caught)
    _until_taken_over(ground, hub, frozen_at)


def _until_taken_over(ground: Field, hub: HubProcess, frozen_at: float) -> None:
    pid = hub.pid
    try:
        held = ground.witness.running(pid)
        ground.witness.until(lambda: bool(_taken_over(ground.witness, held, pid)), LEASE_LOST_S)
        # The long ones among them are still at work then: the moment in which a late report could do harm.
        ground.witness.until(lambda: len(_taken_over(ground.witness, held, pid)) == len(held), THE_REST_S)
    finally:
        ground.fleet.thaw(hub)
    ground.gone()
    ground.strikes.append(Strike(pid, Stroke.STOPPED, frozen_at, ground.gone_at + KNOWN_S))


def step_clock(ground: Field) -> None:
    """An hour ahead, two back, one ahead. Its handlers say what time they think it is."""
    pid = ground.fleet.workers[0].pid
    for step_s in (HOUR_S, -HOUR_S):
        _set_clock(ground.clock, step_s)
        stepped_at = time.monotonic()
        _last(max(ground.lasts_s / 2, SEEN_S))
        ground.mark("steps seen", _believes(ground.witness, pid, stepped_at, step_s))
    _set_clock(ground.clock, 0)
    ground.gone()


def with_steps(clock: Path) -> Mapping[str, str]:
    """The environment of a process whose clock `step_clock` can step. Its monotonic clock is left alone, as a step does.

    The last one keeps libfaketime from breaking the waits for the interpreter's lock, which made everything slower fourfold.
    """
    library = next(Path("/usr/lib").glob(f"*/{FAKETIME}"), None)
    assert library is not None, "libfaketime is not here: apt-get install libfaketime"
    _set_clock(clock, 0)
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    }


# --- the database -----------------------------------------------------------------------------------------------------


def restart(ground: Field) -> None:
    ground.database.restart("immediate")
    ground.gone()
    ground.mark("restarts", 1)


def outage(ground: Field) -> None:
    ground.database.stop("fast")
    _last(ground.outage_s)
    ground.database.start()
    ground.gone()
    ground.mark("outages", 1)


def terminate(ground: Field) -> None:
    """Every session of the hub's database, twice a second."""

    async def run() -> int:
        ended, until = 0, time.monotonic() + ground.lasts_s
        connection = await asyncpg.connect(ground.database.url("postgres"))
        try:
            while time.monotonic() < until:
                ended += await connection.fetchval(_TERMINATE)
                await asyncio.sleep(TERMINATE_EVERY_S)
        finally:
            await connection.close()
        return ended

    ground.mark("sessions ended", asyncio.run(run()))
    ground.gone()


def exhaust(ground: Field) -> None:
    """Others take every connection the server has to spare, and what becomes free meanwhile."""

    async def run() -> int:
        until, held = math.inf, list[asyncpg.Connection]()
        try:
            while time.monotonic() < until:
                try:
                    held.append(await asyncpg.connect(ground.database.url("postgres")))
                except asyncpg.TooManyConnectionsError:
                    ground.mark("connections refused", 1)
                    # It begins when there are none left.
                    until = min(until, time.monotonic() + ground.lasts_s)
                    await asyncio.sleep(0.05)
        finally:
            for connection in held:
                connection.terminate()
        return len(held)

    ground.mark("connections held", asyncio.run(run()))
    ground.gone()


# --- servers and workers apart ---------------------------------------------------------------------------------------


def kill_server(ground: Field) -> None:
    """One of them; for as long as faults last, those that are left do everything."""
    server = ground.next(ground.fleet.servers)
    _kill(ground, server)
    _last(ground.lasts_s)
    ground.fleet.replace(server)


def kill_full(ground: Field) -> None:
    """A worker that holds a hundred assignments, as it says itself: its handlers have begun."""
    worker = ground.next(ground.fleet.workers)
    ground.load.submit(LONG, 2 * MANY_SLOTS * len(ground.fleet.workers))
    if ground.witness.until(lambda: len(ground.witness.running(worker.pid)) >= MANY, CATCH_S):
        ground.mark("assignments held", len(ground.witness.running(worker.pid)))
    _kill(ground, worker)
    ground.fleet.replace(worker)


def cut_worker(ground: Field) -> None:
    """For as long as an outage. It stops its attempts itself, is taken for dead, and comes back."""
    worker = ground.next(ground.fleet.workers)
    network, cut_at = ground.fleet.networks[worker], time.monotonic()
    network.cut()
    _last(ground.outage_s / 2)
    half_at = time.monotonic()
    _last(ground.outage_s / 2)
    began = [line for line in ground.witness.lines if line.pid == worker.pid and line.what is What.STARTED]
    ground.mark("cuts", not any(line.at > half_at for line in began))
    network.heal(late=True)
    ground.gone()
    ground.strikes.append(Strike(worker.pid, Stroke.CUT_OFF, cut_at, ground.gone_at + KNOWN_S))


def cut_server(ground: Field) -> None:
    """The same. Clients are still answered by it; leases and reports are left to the others."""
    server = ground.next(ground.fleet.servers)
    network = ground.fleet.networks[server]
    network.cut()
    _last(ground.outage_s)
    ground.mark("cuts", _notices(server))
    network.heal(late=True)
    ground.gone()


def slow(ground: Field) -> None:
    """Every answer of Redis takes a while, to whomever."""
    for network in ground.fleet.networks.values():
        network.delay_s = SLOW_S
    _last(ground.lasts_s)
    ground.mark("slow spells", _answered_after_s(ground) >= SLOW_S)
    for network in ground.fleet.networks.values():
        network.delay_s = 0.0
    ground.gone()


# --- the windows in which a crash can fall (docs/adr/0003-crash-windows.md) ------------------------------------------


def unpublished(ground: Field) -> None:
    """A server is killed between lease and publish."""
    _kill_at(ground, ground.next(ground.fleet.servers), b'"kind":"assignment"')


def untaken(ground: Field) -> None:
    """Inboxes are lost between publish and take: of a worker that is cut off until there is something in its own.

    Where it had just been given all that it may hold nothing comes: then it may report, and is cut off anew.
    """
    worker = ground.next(ground.fleet.workers)
    network, inbox = ground.fleet.networks[worker], _inbox(ground, worker)
    give_up_at = time.monotonic() + CATCH_S
    network.cut()
    while not (lost := _comes(ground, inbox)) and time.monotonic() < give_up_at:
        network.heal()
        _last(CUT_S)
        network.cut()
    ground.broker.run("FLUSHALL")
    network.heal()
    ground.gone()
    ground.mark("assignments lost", lost)


def _comes(ground: Field, inbox: str) -> int:
    """How much lies in it, as soon as something does; 0 where nothing comes."""
    give_up_at, lying = time.monotonic() + CUT_S, 0
    while not lying and time.monotonic() < give_up_at:
        _last(LOOK_S)  # Redis tells nobody
        lying = ground.broker.run("XLEN", inbox)
    return lying


def unreported(ground: Field) -> None:
    """A worker is killed between its handler's end and the report of it."""
    _kill_at(ground, ground.next(ground.fleet.workers), b'"kind":"succeeded"')


def unacknowledged(ground: Field) -> None:
    """A server is killed between the commit of what it collected and its acknowledgement."""
    _kill_at(ground, ground.next(ground.fleet.servers), SETTLE.sha.encode())


def _kill_at(ground: Field, hub: HubProcess, words: bytes) -> None:
    """When it sends these words; they never get there."""
    network = ground.fleet.networks[hub]
    with network.stopping_at(words) as reached:
        ground.mark("windows met", reached.wait(CATCH_S))
        _kill(ground, hub)
        network.hang_up()
    ground.fleet.replace(hub)


# --- Redis ------------------------------------------------------------------------------------------------------------


def flush(ground: Field) -> None:
    ground.broker.run("FLUSHALL")
    ground.gone()
    ground.mark("flushes", 1)


def forget(ground: Field) -> None:
    """kill -9, and back a while later with nothing in it."""
    ground.broker.kill()
    _last(ground.lasts_s)
    ground.broker.start()
    ground.gone()
    ground.mark("restarts", 1)


def silence(ground: Field) -> None:
    """It holds every connection and answers none."""
    ground.broker.send(signal.SIGSTOP)
    _last(ground.lasts_s)
    ground.broker.send(signal.SIGCONT)
    ground.gone()
    ground.mark("silences", 1)


# --- below ------------------------------------------------------------------------------------------------------------

_TERMINATE: Final = f"""
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = '{DATABASE}' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""

_STANDING: Final = f"""
SELECT pid, xact_start FROM pg_stat_activity
WHERE datname = '{DATABASE}' AND state = 'idle in transaction' AND backend_xid IS NOT NULL
"""


def _last(seconds: float) -> None:
    """How long a fault lasts; nothing is waited for."""
    threading.Event().wait(max(seconds, 0.0))


def _taken_over(witness: Witness, held: set[tuple[str, int]], pid: int) -> set[tuple[str, int]]:
    """Those that another process runs now, or has run since."""
    later = (
        (line.id, line.attempt - 1) for line in witness.lines if line.what is What.STARTED and line.pid != pid
    )
    return held.intersection(later)


def _holds_locks(server: PostgresServer) -> bool:
    """Whether a transaction that has written stands still between two statements, as none does that goes on."""
    before, after = ({(row["pid"], row["xact_start"]) for row in server.run(_STANDING)} for _ in range(2))
    return bool(before & after)


def _inbox(ground: Field, worker: HubProcess) -> str:
    listed = ground.fleet.servers[0].get("/workers").json()["items"]
    return keys.inbox(next(one["id"] for one in listed if one["pid"] == worker.pid))


def _notices(server: HubProcess) -> bool:
    """Whether it comes to say that it does not reach Redis."""
    give_up_at = time.monotonic() + NOTICED_S
    while not (noticed := "Redis" in server.get("/readyz").text) and time.monotonic() < give_up_at:
        _last(LOOK_S)  # it tells who asks
    return noticed


def _answered_after_s(ground: Field) -> float:
    """By Redis, over the network of a worker."""
    with Redis(port=ground.fleet.networks[ground.fleet.workers[0]].port) as client:
        client.ping()  # connected
        asked_at = time.monotonic()
        client.ping()
        return time.monotonic() - asked_at


def _set_clock(clock: Path, step_s: int) -> None:
    """In one step; the process reads the file once a second."""
    making = clock.with_suffix(".making")
    making.write_text(f"{step_s:+d}\n")
    making.rename(clock)


def _believes(witness: Witness, pid: int, since: float, step_s: int) -> bool:
    now, wall = time.monotonic(), time.time()
    said = [line.wall_at - line.at for line in tuple(witness.lines) if line.pid == pid and line.at > since]
    return bool(said) and abs(said[-1] - (wall - now) - step_s) < HOUR_S / 2


APART: Final = frozenset({REDIS})  # servers and workers
FAULTS: Final = (
    Fault(
        "kill",
        "kill -9 of a process, restarted",
        kill,
        frozenset({POSTGRESQL, SQLITE}),
        brokers=frozenset({LOCAL, REDIS}),
        must="kills",
    ),
    Fault(
        "kills",
        "kill -9 of a process every 5 s, restarted",
        kills,
        frozenset({POSTGRESQL, SQLITE}),
        must="kills",
    ),
    Fault(
        "host",
        "kill -9 of a process as on a host of its own",
        kill,
        brokers=frozenset({LOCAL, REDIS}),
        apart=True,
        must="kills",
    ),
    Fault(
        "freeze",
        "SIGSTOP beyond the lease, then SIGCONT",
        freeze,
        brokers=frozenset({LOCAL, REDIS}),
        must="stale reports",
    ),
    Fault(
        "midway",
        "SIGSTOP in a transaction, beyond the lease, then SIGCONT",
        freeze_midway,
        must="transactions held",
    ),
    Fault(
        "clock", "a process's clock steps by ±1 h", step_clock, must="steps seen", first_environ=with_steps
    ),
    Fault("restart", "PostgreSQL restart -m immediate", restart, must="restarts"),
    Fault("terminate", "pg_terminate_backend twice a second", terminate, must="sessions ended"),
    Fault("exhaust", "others hold all spare connections", exhaust, must="connections refused"),
    Fault("outage", "PostgreSQL is away", outage, brokers=frozenset({LOCAL, REDIS}), must="outages"),
    Fault("flush", "FLUSHALL", flush, brokers=APART, loses=True, must="flushes"),
    Fault("forget", "kill -9 of Redis, back empty", forget, brokers=APART, loses=True, must="restarts"),
    Fault("silence", "Redis falls silent", silence, brokers=APART, loses=True, must="silences"),
    Fault("slow", "Redis answers after 200 ms", slow, brokers=APART, networks=True, must="slow spells"),
    Fault(
        "cut-worker",
        "network cut between a worker and Redis",
        cut_worker,
        brokers=APART,
        networks=True,
        must="cuts",
    ),
    Fault(
        "cut-server",
        "network cut between a server and Redis",
        cut_server,
        brokers=APART,
        networks=True,
        loses=True,
        must="cuts",
    ),
    Fault("server", "kill -9 of one of the servers", kill_server, brokers=APART, loses=True, must="kills"),
    Fault(
        "full",
        "kill -9 of a worker that holds 100 assignments",
        kill_full,
        brokers=APART,
        slots=MANY_SLOTS,
        loses=True,
        must="assignments held",
    ),
    Fault(
        "unpublished",
        "kill -9 of a server between lease and publish",
        unpublished,
        brokers=APART,
        networks=True,
        loses=True,
        must="windows met",
    ),
    Fault(
        "untaken",
        "FLUSHALL between publish and take",
        untaken,
        brokers=APART,
        networks=True,
        loses=True,
        must="assignments lost",
    ),
    Fault(
        "unreported",
        "kill -9 of a worker between end and report",
        unreported,
        brokers=APART,
        networks=True,
        must="windows met",
    ),
    Fault(
        "unacknowledged",
        "kill -9 of a server between commit and acknowledgement",
        unacknowledged,
        brokers=APART,
        networks=True,
        loses=True,
        must="windows met",
    ),
)
