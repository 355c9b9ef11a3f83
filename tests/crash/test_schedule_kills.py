"""Three real processes fire schedules while kill -9 ends one after the other: each tick is one task or workflow, or one
record of why not.

A minute; TASKFLOW_TEST_SCHEDULE_KILLS_S says for how many seconds.
"""

import contextlib
import random
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.support.hub_process import READY, HubProcess
from tests.support.schedule_books import check_books

PROCESSES, SCHEDULES = 3, 60
EVERY = (
    {"every": "1s"},
    {"cron": "* * * * * *"},
    {"cron": "*/5 * * * * *", "tz": "Asia/Kolkata"},
    {"every": "2s"},
)
OVERLAP = ("allow", "skip", "queue_one")
CATCH_UP = ("none", "last", "all")


@pytest.fixture
def hubs(database_url: str, tmp_path: Path) -> Iterator[list[HubProcess]]:
    environ = {
        "TASKFLOW_DATABASE_URL": database_url,
        "TASKFLOW_WORKER_GRACE": "1",
        "TASKFLOW_WORKER_SLOTS": "10",
    }
    with contextlib.ExitStack() as undo:
        made = [HubProcess(tmp_path, environ=environ) for _ in range(PROCESSES)]
        for hub in made:
            undo.callback(hub.__exit__)
        made[0].start()  # brings the database to its schema
        for hub in made[1:]:
            hub.start()
        yield made


def started(n: int, seconds: float) -> dict[str, Any]:
    """Every fourth starts a workflow, of two nodes."""
    task = {"type": "demo.sleep", "payload": {"seconds": seconds}}
    if n % 4 != 3:
        return {"task": task}
    return {"workflow": {"name": "w", "nodes": {"first": task, "second": {**task, "after": ["first"]}}}}


@pytest.mark.timeout(300)
def test_each_tick_is_one_run_or_one_record(
    hubs: list[HubProcess], database_url: str, schedule_kills_s: float, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(3)
    for n in range(SCHEDULES):
        body = {
            "name": f"n{n}",
            **started(n, chance.choice([0.01, 0.5, 1.5])),
            "overlap": OVERLAP[n % 3],
            "catch_up": CATCH_UP[n // 3 % 3],
            **EVERY[n % len(EVERY)],
        }
        assert hubs[0].client.post("/schedules", json=body).status_code == 201
    ends, kills = time.monotonic() + schedule_kills_s, 0
    while time.monotonic() < ends:
        hub = chance.choice(hubs)
        until_told(witness(hubs, chance), chance.randrange(1, 8))
        hub.kill()
        kills += 1
        for _ in range(chance.randrange(3)):  # and as it starts, too
            hub.spawn()
            hub.kill()
            kills += 1
        others = [one for one in hubs if one.up.is_set()]
        if others and chance.random() < 0.5:
            until_told(chance.choice(others), chance.randrange(1, 5))
        hub.spawn()
        if not others or chance.random() < 0.5:
            hub.until_says(READY)
            hub.up.set()
    for hub in hubs:
        hub.until_says(READY)
    for hub in hubs:
        hub.kill()
    counted = check_books(database_url)
    with capsys.disabled():
        print(f"\n  {kills} kills, ticks: {dict(counted)}")
    assert kills >= schedule_kills_s / 5
    assert counted["fired"] > SCHEDULES * schedule_kills_s / 20


def witness(hubs: list[HubProcess], chance: random.Random) -> HubProcess:
    """One that answers: of those that do, whichever; else one that is starting."""
    if up := [hub for hub in hubs if hub.up.is_set()]:
        return chance.choice(up)
    hub = chance.choice([hub for hub in hubs if hub.alive])
    hub.until_says(READY)
    hub.up.set()
    return hub


def until_told(hub: HubProcess, times: int) -> None:
    """Until so many times ticks were decided, as the hub tells it: amid whatever comes next."""
    with hub.client.stream("GET", "/events") as stream:
        told = (line for line in stream.iter_lines() if line.startswith("data:") and "schedules" in line)
        assert len(list(islice(told, times))) == times
