"""What an idle hub costs: the share of a core, and its memory (PSS: shared pages counted once) over all its processes."""

import os
import tempfile
import time
from pathlib import Path

from bench.hub_process import HubProcess

SETTLE_S = 5.0
WATCH_S = 60.0


class Idle:
    name = "idle"

    def run(self) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as name, HubProcess(Path(name), slots=20) as hub:
            time.sleep(SETTLE_S)
            before_s, began = _cpu_s(hub.pid), time.monotonic()
            time.sleep(WATCH_S)  # what is measured is an hour's minute in which nothing happens
            share = (_cpu_s(hub.pid) - before_s) / (time.monotonic() - began)
            return {"idle cpu": 100 * share, "idle memory": sum(_pss_mb(pid) for pid in _family(hub.pid))}


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _cpu_s(pid: int) -> float:
    ticks = 0
    for member in _family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _pss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel does not tell PSS")
