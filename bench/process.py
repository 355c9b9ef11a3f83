"""What processes have used, from /proc: a process and all its descendants."""

import os
from pathlib import Path


def cpu_s(pid: int) -> float:
    """CPU time so far, of those that have ended, too."""
    return _ticks(pid, [11, 12, 13, 14]) / os.sysconf("SC_CLK_TCK")


def pss_mb(pid: int) -> float:
    """Memory, shared pages counted once."""
    return sum(_pss_mb(member) for member in [pid, *_descendants(pid)])


def rss_mb(pid: int) -> float:
    """Memory of this process alone, shared pages counted whole."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel does not tell RSS")


def _ticks(pid: int, fields: list[int]) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(stat[field]) for field in fields) + sum(
        _ticks_or_none(child, fields) for child in _children(pid)
    )


def _ticks_or_none(pid: int, fields: list[int]) -> int:
    try:
        return _ticks(pid, fields)
    except FileNotFoundError:  # it has just ended
        return 0


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _descendants(pid: int) -> list[int]:
    return [one for child in _children(pid) for one in (child, *_descendants(child))]


def _pss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel does not tell PSS")
