"""kill -9, again and again, while work is submitted: nothing accepted is lost, and nothing succeeds twice."""

import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.hub_process import STOPPING, HubProcess
from tests.support.stores import on_sqlite_alone

KILLS = 10
TASKS = 2_000
SUBMITTERS = 8
APP = "crash_app:hub"


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Any:
    environ = {
        "PYTHONPATH": str(Path(__file__).parent),
        "TRACE_FILE": str(tmp_path / "trace"),
        "TASKFLOW_DATABASE_URL": database_url,
        "TASKFLOW_WORKER_GRACE": "3",
    }
    hub = HubProcess(tmp_path, app=APP, environ=environ)
    yield hub
    hub.__exit__()


class Submitters:
    """Submit TASKS over HTTP; a call that was cut off is sent anew as another task, for nobody knows what became of it."""

    def __init__(self, hub: HubProcess) -> None:
        self.accepted: list[str] = []
        self.cut_off = 0
        self._hub, self._more = hub, threading.Condition()

    def until_accepted(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.accepted) >= count, 60), (
                "nothing is accepted any more"
            )

    def run(self, share: int, seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(base_url=self._hub.url, timeout=10) as client:
            for _ in range(share):
                while not self._send(client, chance):
                    assert self._hub.up.wait(60), "the hub is not started again"

    def _send(self, client: httpx.Client, chance: random.Random) -> bool:
        kind = chance.choice(["crash.async", "crash.thread"])
        body = {"type": kind, "payload": {"seconds": chance.uniform(0.005, 0.05)}}
        try:
            answer = client.post("/tasks", json=body)
        except httpx.HTTPError:
            with self._more:
                self.cut_off += 1
            return False
        if answer.status_code == 503:
            return False
        assert answer.status_code == 202, answer.text
        with self._more:
            self.accepted.append(answer.json()["id"])
            self._more.notify_all()
        return True


@pytest.mark.timeout(300)
def test_ten_kills_lose_nothing_that_was_accepted(
    hub: HubProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.start()
    submitters = Submitters(hub)
    with ThreadPoolExecutor(SUBMITTERS) as pool:
        jobs = [pool.submit(submitters.run, TASKS // SUBMITTERS, seed) for seed in range(SUBMITTERS)]
        down_s = []
        for kill in range(KILLS):
            submitters.until_accepted((kill + 1) * TASKS // (KILLS + 1))
            killed_at = time.monotonic()
            hub.kill()
            hub.start()
            down_s.append(time.monotonic() - killed_at)
        for job in jobs:
            job.result()

    tasks = {task_id: hub.final(task_id, timeout_s=60) for task_id in submitters.accepted}
    attempts = {task_id: hub.get(f"/tasks/{task_id}/attempts").json()["items"] for task_id in tasks}
    ends = Counter(_trace(hub.folder))
    figures(capsys, tasks, attempts, ends, submitters, down_s)

    assert len(tasks) == TASKS
    assert {task["status"] for task in tasks.values()} == {"success"}
    assert max(task["crashes"] for task in tasks.values()) <= 3
    for task_id, tries in attempts.items():
        succeeded = [one["attempt"] for one in tries if one["outcome"] == "succeeded"]
        assert len(succeeded) == 1, f"task {task_id} succeeded in attempts {succeeded}"
        assert (task_id, succeeded[0]) in ends, (
            f"attempt {succeeded[0]} of {task_id} succeeded without having ended"
        )
        assert [one["attempt"] for one in tries] == sorted({one["attempt"] for one in tries})


@on_sqlite_alone  # the contract has what a release is; this is about the process
def test_sigterm_hands_back_what_is_unfinished_and_a_restart_finishes_it(hub: HubProcess) -> None:
    hub.start()
    ids = [hub.submit("crash.async", {"seconds": 12})["id"] for _ in range(3)]
    ids += [hub.submit("crash.thread", {"seconds": 0.02})["id"] for _ in range(200)]
    long = ids[0]
    hub.until(long, "running")

    assert hub.terminate() == 0, hub.output()
    hub.start()
    for task_id in ids:
        task = hub.final(task_id)
        assert (task["status"], task["crashes"], task["retry_count"]) == ("success", 0, 0), task
    outcomes = [one["outcome"] for one in hub.get(f"/tasks/{long}/attempts").json()["items"]]
    assert outcomes == ["released", "succeeded"], "it was not waited for beyond the grace of 3 s"


@on_sqlite_alone
def test_a_second_signal_ends_it_at_once_and_says_so(hub: HubProcess) -> None:
    hub.environ["TASKFLOW_WORKER_GRACE"] = "600"
    hub.start()
    hub.until(hub.submit("crash.async", {"seconds": 600})["id"], "running")
    hub.signal(signal.SIGTERM)
    hub.until_says(STOPPING)
    hub.signal(signal.SIGTERM)
    assert hub.wait() != 0, "an unclean end must not look like a clean one"


def _trace(folder: Path) -> list[tuple[str, int]]:
    lines = (folder / "trace").read_text().splitlines()
    return [(line.split()[0], int(line.split()[1])) for line in lines]


def figures(
    capsys: pytest.CaptureFixture[str],
    tasks: dict[str, Any],
    attempts: dict[str, Any],
    ends: "Counter[tuple[str, int]]",
    submitters: Submitters,
    down_s: list[float],
) -> None:
    crashes = Counter(task["crashes"] for task in tasks.values())
    opened = sum(len(tries) for tries in attempts.values())
    runs = Counter(task_id for task_id, _ in ends.elements())
    with capsys.disabled():
        print(
            f"\n  {KILLS} kills -9, down {min(down_s):.2f}–{max(down_s):.2f} s each: {len(tasks)} accepted, "
            f"{submitters.cut_off} submits cut off or refused, {opened} attempts, "
            f"crashes by task {dict(sorted(crashes.items()))}, "
            f"{sum(count > 1 for count in runs.values())} tasks whose work was done more than once"
        )
