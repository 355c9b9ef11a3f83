"""One run of a workload on a system: what the workload has to work with."""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.servers import Counters, Server
from bench.system import System
from bench.ticks import Ticks
from bench.workers import Workers

SILENT_S = 60.0  # nothing has started for so long: nothing will
LOOK_S = 0.005  # the bench looks from outside, so it can only look again


@dataclass
class Trial:
    """`told` hears how many tasks have been done so far, `started` is given every set of workers: for whoever watches."""

    system: System
    variant: str  # of the workers; empty where nothing works
    tasks: int
    server: Server  # that its tasks are in
    broker: Server  # that it is compared on; most often the same
    addresses: dict[str, str]
    ticks: Ticks
    told: Callable[[int], None]
    started: Callable[[Workers], None]
    already: int = 0  # results that were there before it

    def again(self, tasks: int) -> "Trial":
        """With so many tasks, on what is there by now; what runs is counted from nothing."""
        folder = Path(tempfile.mkdtemp(dir=self.ticks.folder.parent))
        return replace(
            self,
            tasks=tasks,
            addresses=self.addresses | {"BENCH_TICKS": str(folder)},
            ticks=Ticks(folder),
            already=self._stored(),
        )

    def call(self, *words: object) -> str:
        return self.system.call(self.addresses, self.variant, *words)

    def submit(self, *words: object) -> dict[str, float]:
        """The same with a command that measures itself."""
        found: dict[str, float] = json.loads(self.call(*words).strip().splitlines()[-1])
        return found

    def workers(self) -> Workers:
        workers = self.system.start(self.addresses, self.variant)
        self.started(workers)
        return workers

    def pending(self) -> int:
        return self.server.ask(self.system.about.pending)

    def missing(self) -> int:
        """How many tasks have no result, in a system that keeps them."""
        if self.system.about.stored is None:
            return 0
        return self.tasks - (self._stored() - self.already)

    def _stored(self) -> int:
        stored = self.system.about.stored
        return 0 if stored is None else self.server.ask(stored)

    def server_cpu_s(self) -> float:
        return sum(server.cpu_s() for server in {id(one): one for one in (self.server, self.broker)}.values())

    def server_rss_mb(self) -> float:
        return sum(
            server.rss_mb() for server in {id(one): one for one in (self.server, self.broker)}.values()
        )

    def counted(self, before: Counters | None, tasks: int) -> dict[str, float]:
        """What the database has done since, for each task."""
        after = self.server.counters()
        return after.since(before, tasks) if after and before else {}

    def cpu_before_first(self, workers: Workers) -> tuple[float, float]:
        """Wait until a task has started; CPU time of workers and of servers when none had, looked at again and again."""
        before = 0.0, self.server_cpu_s()
        give_up = time.monotonic() + SILENT_S
        while True:
            now = workers.cpu_s(), self.server_cpu_s()
            if self.ticks.count():
                return before
            before = now
            workers.check()
            if time.monotonic() > give_up:
                raise RuntimeError(f"no task has started in {SILENT_S:.0f} s")
            time.sleep(LOOK_S)

    def wait_for(self, tasks: int, workers: Workers) -> None:
        """Until so many have started. Raises RuntimeError when the workers end, or nothing starts any more."""
        done, give_up = 0, time.monotonic() + SILENT_S
        while (now := self.ticks.count()) < tasks:
            if now > done:
                done, give_up = now, time.monotonic() + SILENT_S
                self.told(done)
            workers.sample()
            workers.check()
            if time.monotonic() > give_up:
                raise RuntimeError(f"{done} of {tasks} tasks have started, and then none in {SILENT_S:.0f} s")
            time.sleep(LOOK_S)
        self.told(tasks)
