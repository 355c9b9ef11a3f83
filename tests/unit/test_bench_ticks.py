"""What workers count is what the bench reads, however many processes they are."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.system import LIBRARY
from bench.ticks import Ticks

COUNTS = """
import os, sys, time, tick
for _ in range(int(sys.argv[1])):
    tick.started()
if os.fork() == 0:
    tick.started(time.time_ns() - 5_000_000)
    tick.ended()
    os._exit(0)
os.wait()
"""


def count(folder: Path, tasks: int) -> None:
    environ = os.environ | {"PYTHONPATH": str(LIBRARY), "BENCH_TICKS": str(folder)}
    subprocess.run([sys.executable, "-c", COUNTS, str(tasks)], env=environ, check=True, timeout=60)


def test_starts_are_added_up_over_processes_and_their_forks(tmp_path: Path) -> None:
    ticks = Ticks(tmp_path)
    assert ticks.count() == 0
    before_s = time.time()
    count(tmp_path, 3)
    count(tmp_path, 0)
    assert ticks.count() == 3 + 1 + 0 + 1
    assert before_s <= ticks.first_s() <= ticks.last_s() <= time.time()


def test_latencies_are_those_since_they_were_forgotten(tmp_path: Path) -> None:
    ticks = Ticks(tmp_path)
    count(tmp_path, 1)
    assert [latency >= 5.0 for latency in ticks.latencies_ms()] == [True]
    ticks.forget_latencies()
    assert ticks.latencies_ms() == []
    count(tmp_path, 1)
    assert len(ticks.latencies_ms()) == 1
