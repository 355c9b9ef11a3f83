"""One fault, tried: a fleet under load, some cycles of before, fault and after, then the books and the checker."""

import math
import re
import shutil
import tempfile
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from statistics import median
from typing import Final

from tests.crash.chaos import books
from tests.crash.chaos.checker import Rule, Violation, check, reruns
from tests.crash.chaos.faults import DATABASE, LOCAL, POSTGRESQL, SQLITE, Fault, Field
from tests.crash.chaos.fleet import Fleet
from tests.crash.chaos.history import History, Strike
from tests.crash.chaos.lines import What
from tests.crash.chaos.load import Load
from tests.crash.chaos.witness import Witness
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer

RECOVERY_S: Final = 90.0  # longer is no recovery
DRAIN_S: Final = 90.0
ENOUGH: Final = 0.95
FOUND_S: Final = 32.0  # until two heartbeats have missed what was lost on its way; so long it holds a slot
WARM_UP_S: Final = 60.0
WELL_S: Final = 20.0  # at least so long a process may take to be at work, and to be well
LOOK_S: Final = 0.1
_STALE: Final = re.compile(r"^taskflow_stale_reports_refused_total (\S+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Options:
    """`processes`: with Redis between them, so many servers and so many workers.

    `seconds`: of each window before and after, and of a fault without a length of its own.
    `warm`: how many lines each process writes before anything is measured. `recovered`: at which share of the rate before.
    `found_s`: from a fault's end until what was lost on its way is found.
    """

    database: str = POSTGRESQL
    broker: str = LOCAL
    processes: int = 3
    slots: int = 8
    cycles: int = 3
    seconds: float = 10.0
    outage_s: float = 60.0
    warm: int = 200
    recovered: float = 0.9
    found_s: float = FOUND_S


@dataclass(frozen=True)
class Window:
    since: float
    until: float


@dataclass(frozen=True)
class Cycle:
    """`recovery_s`: from the moment its cause was gone until the rate was back; None: it never was."""

    before: Window
    during: Window
    recovery_s: float | None
    after: Window


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of it. Rates are tasks that ended in a second."""

    fault: Fault
    tasks: int
    lost: int
    twice: int
    repeated: int  # tasks whose work was done more than once
    reruns_s: list[float]
    cycles: list[Cycle]
    rates: list[tuple[float, float, float]]  # before, during, after
    marks: dict[str, float]
    violations: list[Violation]
    kept: Path | None = None  # where to look into what happened, when it did not pass

    @property
    def recovery_s(self) -> float | None:
        """The slowest."""
        known = [cycle.recovery_s for cycle in self.cycles if cycle.recovery_s is not None]
        return max(known) if len(known) == len(self.cycles) else None

    @property
    def share_during(self) -> float:
        return median(_share(during, before) for before, during, _ in self.rates)

    @property
    def share_after(self) -> float:
        return median(_share(after, before) for before, _, after in self.rates)

    @property
    def failures(self) -> list[str]:
        """Why it did not pass; empty: it did."""
        found = [str(violation) for violation in self.violations]
        if self.recovery_s is None:
            found.append(f"the rate was not back within {RECOVERY_S:g} s")
        if self.fault.must is not None and not self.marks.get(self.fault.must):
            found.append(f"the fault has not done anything: no {self.fault.must}")
        if self.share_after < ENOUGH:
            found.append(f"the rate afterwards is {self.share_after:.0%} of the rate before")
        return found


def _share(rate: float, before: float) -> float:
    """Where nothing ended before, anything is more, and nothing is not."""
    if not before:
        return math.inf if rate else 0.0
    return rate / before


Say = Callable[[str], None]


class NotWorking(Exception):
    """The fleet does not work, before anything was done to it."""


def run(
    fault: Fault,
    options: Options,
    server: PostgresServer | None = None,
    say: Say = lambda _: None,
    *,
    redis: RedisServer | None = None,
) -> Result:
    """`server`: where the database is made, for as long as this takes; a fault of the database strikes it whole. `redis`: what
    is between the processes; without one, each leases for its own worker.

    What the processes said and what the handlers wrote is kept where the result says, when it did not pass.
    """
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="taskflow-chaos-")))
        url = undo.enter_context(_database(options.database, folder, server))
        clock, began = folder / "clock", datetime.now(UTC)
        say("starting")
        fleet = undo.enter_context(
            Fleet(
                folder,
                database_url=url,
                redis=redis,
                processes=options.processes,
                slots=fault.slots or options.slots,
                apart=fault.apart,
                networks=fault.networks,
                only_first=fault.first_environ(clock) if fault.first_environ else None,
            )
        )
        load = Load(fleet.ports, unfinished=3 * options.slots * options.processes)
        witness = undo.enter_context(Witness(fleet.lines, load.on_line))
        ground = Field(fleet, load, witness, server, redis, options.seconds, options.outage_s, clock)
        idle: list[Violation] = []
        load.start()
        try:
            say("warming up")
            _warm_up(fleet, witness, options.warm)
            cycles = []
            for number in range(1, options.cycles + 1):
                cycles.append(_cycle(f"{number}/{options.cycles}", fault, options, ground, say))
                idle += _idle(fleet, witness, cycles[-1].after)
        finally:
            load.end()
        say("reading the books")
        history = _history(fleet, load, witness, ground.strikes, began)
        ground.mark("stale reports", sum(_stale(hub.get("/metrics").text) for hub in fleet.servers))
        say("checking")
        violations = [*check(history), *idle, *_unwell(fleet)]
        result = _result(fault, history, cycles, ground.marks, violations)
        kept = _keep(fault, fleet, result) if result.failures else None
        return replace(result, kept=kept)


def _warm_up(fleet: Fleet, witness: Witness, lines: int) -> None:
    """Until every process has run a few packs of the workload, children and all."""

    def warm() -> bool:
        ran = Counter(line.pid for line in witness.lines)
        return all(ran[hub.pid] >= lines for hub in fleet.workers)

    if not witness.until(warm, WARM_UP_S):
        said = "\n".join(line[:500] for hub in fleet.hubs for line in hub.output().splitlines()[-3:])
        raise NotWorking(f"after {WARM_UP_S:g} s not all processes are at work:\n{said}")


def _cycle(name: str, fault: Fault, options: Options, ground: Field, say: Say) -> Cycle:
    say(f"{name} before")
    before = _window(options.seconds)
    say(f"{name} {fault.words}")
    struck_at = time.monotonic()
    fault.strike(ground)
    during = Window(struck_at, max(time.monotonic(), struck_at + 1.0))
    say(f"{name} recovering")
    ended = [at for at in ground.witness.end_times(before.since) if at < before.until]
    wanted = max(options.recovered * len(ended) / options.seconds, 1.0)
    ground.witness.until(
        lambda: _all_at_work(ground) and _recovered_at(ground, wanted) is not None, RECOVERY_S
    )
    recovered_at = _recovered_at(ground, wanted)
    if fault.loses:
        say(f"{name} finding what was lost")
        _window(max(ground.gone_at + options.found_s - time.monotonic(), 0.0))
    say(f"{name} after")
    after = _window(options.seconds)
    return Cycle(before, during, None if recovered_at is None else recovered_at - ground.gone_at, after)


def _window(seconds: float) -> Window:
    since = time.monotonic()
    threading.Event().wait(seconds)
    return Window(since, time.monotonic())


def _recovered_at(ground: Field, wanted: float) -> float | None:
    """When the first whole second began in which so many attempts ended, since the cause was gone."""
    times = sorted(ground.witness.end_times(ground.gone_at))
    for first, since in enumerate([ground.gone_at, *times]):
        within = bisect_left(times, since + 1.0) - max(first - 1, 0)
        if within >= wanted:
            return since
    return None


def _all_at_work(ground: Field) -> bool:
    at_work = {
        line.pid for line in takewhile(lambda line: line.at >= ground.gone_at, reversed(ground.witness.lines))
    }
    return at_work >= {worker.pid for worker in ground.fleet.workers}


def _idle(fleet: Fleet, witness: Witness, after: Window) -> list[Violation]:
    """A process that runs nothing afterwards has not recovered, however well the others make up for it."""

    def idle() -> list[int]:
        later = takewhile(lambda line: line.at >= after.since, reversed(witness.lines))
        at_work = {line.pid for line in later}
        return [hub.pid for hub in fleet.workers if hub.pid not in at_work and not witness.running(hub.pid)]

    witness.until(lambda: not idle(), after.since + WELL_S - time.monotonic())
    over_s = time.monotonic() - after.since
    return [
        Violation(Rule.PROCESS, None, f"process {pid} ran nothing in the {over_s:.0f} s after")
        for pid in idle()
    ]


def _unwell(fleet: Fleet) -> list[Violation]:
    """Each process must be alive and, soon at the latest, each server ready and each worker listed by every server."""
    if gone := [hub.pid for hub in fleet.hubs if not hub.alive]:
        return [Violation(Rule.PROCESS, None, f"processes {gone} have ended by themselves")]
    give_up_at = time.monotonic() + WELL_S
    while (found := _ailing(fleet)) and time.monotonic() < give_up_at:
        time.sleep(LOOK_S)  # what only an answer shows
    return [Violation(Rule.PROCESS, None, words) for words in found]


def _ailing(fleet: Fleet) -> list[str]:
    found = []
    pids = sorted(worker.pid for worker in fleet.workers)
    for server in fleet.servers:
        ready = server.get("/readyz")
        if ready.status_code != 200:
            found.append(f"process {server.pid} is not ready: {ready.text}")
        listed = sorted(worker["pid"] for worker in server.get("/workers").json()["items"])
        if listed != pids:
            found.append(f"workers {pids} are alive, and process {server.pid} lists workers of {listed}")
    alone = [worker for worker in fleet.workers if worker not in fleet.servers]
    health = {worker.pid: worker.get("/") for worker in alone}
    found += [
        f"worker {pid} is not well: {said.text}" for pid, said in health.items() if said.status_code != 200
    ]
    return found


def _history(
    fleet: Fleet, load: Load, witness: Witness, strikes: Sequence[Strike], began: datetime
) -> History:
    """The lines are read again once the books are: by then the last of them has ended."""
    accepted = dict.fromkeys(submit.id for submit in load.submits if submit.id is not None)
    found = books.read(fleet.ports, accepted, within_s=DRAIN_S)
    children = {line.token for line in witness.lines if line.what is What.SUBMITTED} - accepted.keys()
    found |= books.read(fleet.ports, children, within_s=DRAIN_S)
    over = datetime.now(UTC)
    return History(
        submits=load.submits,
        lines=tuple(witness.lines),
        cancels=load.cancels,
        strikes=strikes,
        books=found,
        began=began,
        over=over,
        in_order=fleet.servers == fleet.workers,  # with Redis, any server stores what any worker says
    )


def _result(
    fault: Fault,
    history: History,
    cycles: Sequence[Cycle],
    marks: dict[str, float],
    violations: Sequence[Violation],
) -> Result:
    over = sorted(case.over_at for case in history.cases if case.over_at is not None)

    def rate(window: Window) -> float:
        ended = bisect_left(over, window.until) - bisect_left(over, window.since)
        return ended / (window.until - window.since)

    def broken(*rules: Rule) -> int:
        return len({violation.task for violation in violations if violation.rule in rules})

    return Result(
        fault=fault,
        tasks=len(history.cases),
        lost=broken(Rule.LOST),
        twice=broken(Rule.TWICE, Rule.STALE),
        repeated=sum(case.effects > 1 for case in history.cases),
        reruns_s=[seconds for case in history.cases for _, seconds in reruns(history, case)],
        cycles=list(cycles),
        rates=[(rate(cycle.before), rate(cycle.during), rate(cycle.after)) for cycle in cycles],
        marks=marks,
        violations=list(violations),
    )


def _stale(metrics: str) -> float:
    found = _STALE.search(metrics)
    return float(found[1]) if found else 0.0


def _keep(fault: Fault, fleet: Fleet, result: Result) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"taskflow-chaos-{fault.name}-"))
    for number, hub in enumerate(fleet.hubs):
        (folder / f"process-{number}.log").write_text(hub.output())
    shutil.copy(fleet.lines, folder / "lines")
    (folder / "failures").write_text("\n".join(result.failures) + "\n")
    return folder


@contextmanager
def _database(kind: str, folder: Path, server: PostgresServer | None) -> Iterator[str]:
    if kind == SQLITE:
        yield f"sqlite:///{folder / DATABASE}.db"
        return
    assert server is not None, "a PostgreSQL server is needed"
    server.run(f"CREATE DATABASE {DATABASE}")
    try:
        yield server.url(DATABASE)
    finally:
        server.run(f"DROP DATABASE {DATABASE} WITH (FORCE)")
