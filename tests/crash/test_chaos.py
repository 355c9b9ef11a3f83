"""Each fault of `make chaos` in short: fewer processes, one cycle, and no word about rates. The checker decides."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from tests.crash.chaos.faults import FAULTS, POSTGRESQL, REDIS, SQLITE, Fault, Field, freeze_midway, kill
from tests.crash.chaos.trial import Options, run
from tests.support.postgres import PostgresServer, postgres
from tests.support.redis import RedisServer, redis_server

# Of the rate in one second before next to nothing must be back: it says that work goes on, on however busy a machine.
SHORT = Options(
    processes=2, slots=6, cycles=1, seconds=1.0, outage_s=5.0, warm=60, recovered=0.1, found_s=0.0
)
pytestmark = pytest.mark.timeout(300)  # a busy machine may need most of what a trial grants for its steps
OVER_REDIS = (
    ("kill", "server", "outage"),
    ("flush", "forget", "silence", "slow"),
    ("cut-worker", "cut-server"),
    ("unpublished", "untaken", "unreported", "unacknowledged"),
)
NAMED = {fault.name: fault for fault in FAULTS}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that may be hurt; what it has committed it keeps."""
    with postgres(max_connections="60") as server:
        yield server


def prove(
    fault: Fault,
    options: Options,
    server: PostgresServer | None = None,
    redis: RedisServer | None = None,
) -> None:
    result = run(fault, options, server, redis=redis)
    assert result.violations == [], f"{result.failures[:5]}; see {result.kept}"
    assert result.recovery_s is not None
    assert fault.must is not None
    assert result.marks.get(fault.must), f"the fault has not done anything: {result.marks}"
    assert result.tasks > 50


def test_a_killed_process_on_sqlite() -> None:
    prove(NAMED["kill"], replace(SHORT, database=SQLITE))


@pytest.mark.parametrize("name", ["kill", "restart", "terminate", "exhaust", "outage"])
def test_fault(name: str, server: PostgresServer) -> None:
    prove(NAMED[name], SHORT, server)


def test_a_killed_worker_that_holds_a_hundred_assignments(server: PostgresServer) -> None:
    with redis_server() as redis:
        prove(NAMED["full"], replace(SHORT, broker=REDIS), server, redis)


@pytest.mark.parametrize("names", OVER_REDIS, ids=" ".join)
def test_faults_over_redis(names: Sequence[str], server: PostgresServer) -> None:
    """One after another, by the same two servers and two workers."""
    waiting = [NAMED[name] for name in names]

    def strike(ground: Field) -> None:
        fault = waiting.pop(0)
        assert fault.must is not None
        before = ground.marks.get(fault.must, 0)
        fault.strike(ground)
        assert ground.marks.get(fault.must, 0) > before, f"{fault.name} has not done anything"

    each = Fault("each", "one after another", strike, networks=True, must=NAMED[names[-1]].must)
    with redis_server() as redis:
        prove(each, replace(SHORT, broker=REDIS, cycles=len(names)), server, redis)


@pytest.mark.debian
def test_a_stepped_clock(server: PostgresServer) -> None:
    prove(NAMED["clock"], SHORT, server)


def test_a_lost_host_and_a_frozen_process_at_default_settings(server: PostgresServer) -> None:
    """The one long wait here, some 35 s: both leases are lost only when nobody has beaten for 30 s. Both faults share it."""

    def strike(ground: Field) -> None:
        kill(ground)
        freeze_midway(ground)

    both = Fault("both", "a host lost, a process frozen", strike, apart=True, must="stale reports")
    prove(both, replace(SHORT, processes=3, database=POSTGRESQL), server)
