"""Counts what a worker runs, and how late it started, in shared memory: measuring costs the servers under test nothing.

Each worker process writes a file of its own in the folder $BENCH_TICKS, named by its process id, 32 040 bytes long. Programs in
other languages write the same: numbers of 8 bytes, signed, little-endian; times in ns since 1970.

| at | |
|---|---|
| 0 | process id |
| 8 | tasks that have started |
| 16 | when the first of them started |
| 24 | when the last of them started or ended |
| 32 | how many latencies follow, at most 4 000; what is beyond is not kept |
| 40, 48 … | the latencies: from submit to start |

The bench reads while the worker writes, and may see numbers of two moments: only counts that have come to rest are exact.
"""

import mmap
import os
import struct
import threading
import time
from pathlib import Path
from typing import Final

HEADER: Final = struct.Struct("<5q")
NUMBER: Final = struct.Struct("<q")
LAST_AT: Final = 24
MOST_LATENCIES: Final = 4_000
SIZE: Final = HEADER.size + NUMBER.size * MOST_LATENCIES

PAYLOAD: Final = "x" * 100  # what every task carries beside its number

_lock = threading.Lock()
_file: mmap.mmap | None = None


def started(sent_ns: int = 0) -> None:
    """Count a task that starts; `sent_ns`: when it was submitted, to keep its latency."""
    now = time.time_ns()
    with _lock:
        file = _own_file()
        pid, count, first, _, latencies = HEADER.unpack_from(file, 0)
        if sent_ns and latencies < MOST_LATENCIES:
            NUMBER.pack_into(file, HEADER.size + NUMBER.size * latencies, now - sent_ns)
            latencies += 1
        HEADER.pack_into(file, 0, pid, count + 1, first or now, now, latencies)


def ended() -> None:
    """For tasks that take a while: the last moment is when they end."""
    with _lock:
        NUMBER.pack_into(_own_file(), LAST_AT, time.time_ns())


def _own_file() -> mmap.mmap:
    global _file
    if _file is None:
        pid = os.getpid()
        with (Path(os.environ["BENCH_TICKS"]) / str(pid)).open("w+b") as opened:
            opened.truncate(SIZE)
            _file = mmap.mmap(opened.fileno(), SIZE)
        HEADER.pack_into(_file, 0, pid, 0, 0, 0, 0)
    return _file


def _after_fork() -> None:
    """The file is the parent's: the child makes one of its own."""
    global _file, _lock
    _file, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
