"""Every window in which a crash can fall, with server, worker and Redis as processes, over a network that can be cut.

Heartbeats come every second here, and patience is a fifth of the usual; the order of things is the same.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.hub_process import HubProcess
from tests.support.redis import RedisServer

from taskflow_hub.broker.redis_streams.scripts import SETTLE
from taskflow_hub.testing.faults import TcpProxy

APP = "windows_app:hub"
WAIT_S = 60.0
# Not for the reports: of a worker that is gone they are claimed after 30 s, whatever is set here.
QUICK = {
    "PYTHONPATH": str(Path(__file__).parent),
    "TASKFLOW_WORKER_HEARTBEAT_S": "1",
    "TASKFLOW_WORKER_SELF_STOP_S": "4",
    "TASKFLOW_WORKER_RESEND_S": "1",
    "TASKFLOW_WORKER_GRACE": "5",
    "TASKFLOW_ENGINE_DEAD_AFTER": "6",
}


class Site:
    """A server and workers, each with a network of its own to Redis, and each as if on a machine of its own."""

    def __init__(self, folder: Path, undo: ExitStack) -> None:
        self.folder, self._undo, self.patience = folder, undo, QUICK
        self.redis = RedisServer()
        undo.callback(self.redis.remove)
        self.redis.start()
        self.trace = folder / "trace"
        self.trace.touch()
        self.server_network, environ = self._machine("server")
        self.server = HubProcess(folder / "server", environ=environ, role=("server",))
        undo.callback(self.server.__exit__)
        self.server.start()

    def worker(self, name: str, *flags: str, **settings: float) -> tuple[HubProcess, TcpProxy]:
        network, environ = self._machine(name)
        environ |= {f"TASKFLOW_WORKER_{key.upper()}": str(value) for key, value in settings.items()}
        worker = HubProcess(self.folder / name, app=APP, environ=environ, role=("worker", "run", *flags))
        self._undo.callback(worker.__exit__)
        return worker.start(), network

    def _machine(self, name: str) -> tuple[TcpProxy, dict[str, str]]:
        (self.folder / name).mkdir()
        network = self._undo.enter_context(TcpProxy("127.0.0.1", self.redis.port))
        return network, self.patience | {
            "TASKFLOW_BROKER_URL": f"redis://127.0.0.1:{network.port}/0",
            "TASKFLOW_WORKER_LOCK_DIR": str(self.folder / name / "locks"),  # nobody else can see them
            "TRACE_FILE": str(self.trace),
        }

    def submit(self, seconds: float = 0.0) -> str:
        return str(self.server.submit("windows.work", {"seconds": seconds})["id"])

    def final(self, task_id: str) -> dict[str, Any]:
        return self.server.final(task_id, timeout_s=WAIT_S)

    def outcomes(self, task_id: str) -> list[str]:
        return [one["outcome"] for one in self.server.get(f"/tasks/{task_id}/attempts").json()["items"]]

    def count(self, metric: str) -> float:
        for line in self.server.get("/metrics").text.splitlines():
            if line.startswith(f"taskflow_{metric} "):
                return float(line.split()[1])
        return 0.0

    def until_traced(self, words: str) -> None:
        until(lambda: words in self.trace.read_text(), f"{words!r} in the trace")

    def until_beaten_twice(self) -> None:
        before = self._beats()
        until(lambda: self._beats() >= before + 2, "two heartbeats")

    def _beats(self) -> int:
        return sum(worker["beats"] for worker in self.server.get("/workers").json()["items"])

    def traced(self, task_id: str, word: str) -> int:
        return sum(line.startswith(f"{word} {task_id} ") for line in self.trace.read_text().splitlines())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as undo:
        yield Site(tmp_path, undo)


def until(true: Callable[[], object], what: str) -> None:
    """For what another process does and tells nobody."""
    give_up = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < give_up, f"waited in vain for {what}"
        time.sleep(0.02)


def clean(task: dict[str, Any]) -> None:
    """It succeeded, and nothing was counted against it."""
    assert (task["status"], task["retry_count"], task["crashes"]) == ("success", 0, 0), task


@contextmanager
def stopped(process: HubProcess) -> Iterator[None]:
    process.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.signal(signal.SIGCONT)


# --- between lease and publish --------------------------------------------------------------------------------------


def test_a_server_killed_between_lease_and_publish_costs_nothing(site: Site) -> None:
    site.worker("w1")
    with site.server_network.stopping_at(b'"kind":"assignment"') as reached:
        task_id = site.submit()
        assert reached.wait(WAIT_S)
        site.server.kill()
        site.server_network.hang_up()  # what it was sending does not get there
    assert not site.traced(task_id, "began")
    site.server.start()
    clean(site.final(task_id))
    assert site.outcomes(task_id) == ["undelivered", "succeeded"]


def test_an_assignment_that_comes_later_than_it_was_missed_is_not_run(site: Site) -> None:
    """As after a server was stopped for half a minute between lease and publish."""
    site.worker("w1")
    with site.server_network.stopping_at(b'"kind":"assignment"') as reached:
        task_id = site.submit(seconds=3)
        assert reached.wait(WAIT_S)
        site.server.until_logs("assignments lost in transit", WAIT_S)
    site.until_traced(f"began {task_id} 2")
    clean(site.final(task_id))
    assert site.traced(task_id, "began") == 1


def test_what_redis_refuses_to_take_is_released_at_once(site: Site) -> None:
    site.worker("w1")
    site.redis.run("CONFIG", "SET", "maxmemory", "1")
    task_id = site.submit()
    site.server.until_logs("publish failed, released")
    site.redis.run("CONFIG", "SET", "maxmemory", "0")
    clean(site.final(task_id))
    assert set(site.outcomes(task_id)) == {"released", "succeeded"}


# --- between publish and take ---------------------------------------------------------------------------------------


def test_an_inbox_that_is_lost_costs_nothing(site: Site) -> None:
    _, network = site.worker("w1")
    network.cut()
    task_id = site.submit()
    site.server.until(task_id, "running")
    site.redis.run("FLUSHALL")
    network.heal()
    clean(site.final(task_id))
    assert site.outcomes(task_id) == ["undelivered", "succeeded"]


# --- between take and the handler's end -----------------------------------------------------------------------------


def test_a_worker_killed_while_it_works_costs_a_crash(site: Site) -> None:
    worker, _ = site.worker("w1")
    task_id = site.submit(seconds=60)
    site.until_traced(f"began {task_id} 1")
    worker.kill()
    site.worker("w2")
    site.until_traced(f"began {task_id} 2")
    task = site.server.until(task_id, "running", timeout_s=WAIT_S)
    assert (task["crashes"], task["retry_count"], task["attempt"]) == (1, 0, 2)


def test_what_a_killed_worker_had_not_started_costs_nothing(site: Site) -> None:
    worker, _ = site.worker("w1", "--slots", "1")
    running = site.submit(seconds=60)
    site.until_traced(f"began {running} 1")
    waiting = site.submit()
    site.server.until(waiting, "running")
    site.until_beaten_twice()  # so that it has been listed
    worker.kill()
    site.worker("w2", "--slots", "2")
    task = site.final(waiting)
    clean(task)


def test_a_worker_frozen_beyond_its_lease_is_refused_and_comes_back_clean(site: Site) -> None:
    frozen, _ = site.worker("w1")
    task_id = site.submit(seconds=2)
    site.until_traced(f"began {task_id} 1")
    with stopped(frozen):
        site.worker("w2")
        site.until_traced(f"done {task_id} 2")
        assert site.final(task_id)["result"] == 2
    frozen.until_logs("for dead; its attempts are stopped", WAIT_S)
    task = site.server.task(task_id)
    assert (task["status"], task["result"], task["attempt"]) == ("success", 2, 2)
    more = [site.submit() for _ in range(40)]
    for each in more:
        clean(site.final(each))
    assert len(site.server.get("/workers").json()["items"]) == 2, "it is back, under a new id"


def test_a_worker_that_is_cut_off_stops_its_attempts_and_comes_back(site: Site) -> None:
    worker, network = site.worker("w1")
    task_id = site.submit(seconds=8)
    site.until_traced(f"began {task_id} 1")
    network.cut()
    worker.until_logs("attempts are stopped and handed back", WAIT_S)
    site.server.until(task_id, "queued", timeout_s=WAIT_S)
    network.heal()
    clean(site.final(task_id))
    assert site.traced(task_id, "done") == 1, "the first attempt was stopped in time"


# --- between the handler's end and its report -----------------------------------------------------------------------


def test_a_worker_killed_before_its_report_got_through_costs_a_crash(site: Site) -> None:
    worker, network = site.worker("w1")
    with network.stopping_at(b'"kind":"succeeded"') as reached:
        task_id = site.submit()
        assert reached.wait(WAIT_S)
        worker.kill()
    site.worker("w2")
    task = site.final(task_id)
    assert (task["status"], task["crashes"], task["attempt"]) == ("success", 1, 2)


def test_a_report_that_is_lost_is_sent_again(site: Site) -> None:
    _, network = site.worker("w1")
    with site.server_network.stopping_at(b"XREADGROUP"):
        with network.stopping_at(b'"kind":"succeeded"') as reached:
            task_id = site.submit()
            assert reached.wait(WAIT_S)
        site.redis.run("FLUSHALL")
    site.server_network.heal()
    network.heal()
    clean(site.final(task_id))
    assert (site.traced(task_id, "done"), site.outcomes(task_id)) == (1, ["succeeded"])


# --- between the collector's commit and its acknowledgement ---------------------------------------------------------


def test_a_server_killed_between_commit_and_acknowledgement_stores_nothing_twice(site: Site) -> None:
    site.worker("w1")
    with site.server_network.stopping_at(SETTLE.sha.encode()) as reached:
        task_id = site.submit()
        assert reached.wait(WAIT_S)
        site.server.kill()
    site.server.start()
    clean(site.final(task_id))
    until(lambda: site.count("duplicate_reports_total") >= 1, "the report that comes again")
    assert (site.traced(task_id, "done"), site.outcomes(task_id)) == (1, ["succeeded"])
    clean(site.final(site.submit()))


# --- Redis itself ---------------------------------------------------------------------------------------------------


def test_redis_killed_again_and_again_under_load_loses_nothing(site: Site) -> None:
    site.worker("w1", "--slots", "10")
    site.worker("w2", "--slots", "10")
    ids = []
    for _ in range(3):
        ids += [site.submit(seconds=0.02) for _ in range(60)]
        site.redis.kill()
        ids += [site.submit(seconds=0.02) for _ in range(20)]
        site.redis.start()
    for task_id in ids:
        clean(site.final(task_id))
        assert site.outcomes(task_id).count("succeeded") == 1


def test_a_slow_redis_is_only_slow(site: Site) -> None:
    """A heartbeat has half its period to be answered; that passes Redis five times, so once a second would be too often.

    On a busy machine it takes longer than that second: then the next one is in time, before anybody gives anybody up.
    """
    site.patience = QUICK | {"TASKFLOW_ENGINE_DEAD_AFTER": "60"}
    site.server.terminate()
    site.server.environ |= site.patience
    site.server.start()
    _, network = site.worker("w1", "--slots", "10", heartbeat_s=10, self_stop_s=30)
    network.delay_s = site.server_network.delay_s = 0.2
    ids = [site.submit(seconds=0.02) for _ in range(50)]
    for task_id in ids:
        clean(site.final(task_id))
        assert site.outcomes(task_id) == ["succeeded"]
