"""What processes have used: a process and all its descendants."""

from collections.abc import Callable
from typing import TypeVar

import psutil

T = TypeVar("T")
MB = 1 << 20


def cpu_s(pid: int) -> float:
    """CPU time so far, of those that have ended, too."""
    return sum(sum(found[:4]) for found in _ask(pid, psutil.Process.cpu_times))


def pss_mb(pid: int) -> float:
    """Memory, shared pages counted once."""
    return sum(found.pss for found in _ask(pid, psutil.Process.memory_full_info)) / MB


def rss_mb(pid: int) -> float:
    """Memory of this process alone, shared pages counted whole."""
    return float(psutil.Process(pid).memory_info().rss) / MB


def rss_of_each_mb(pid: int) -> list[float]:
    """Memory of each process, shared pages counted whole in each."""
    return [found.rss / MB for found in _ask(pid, psutil.Process.memory_info)]


def unshared_mb(pid: int) -> float:
    """Memory of them all without what they share: PostgreSQL's buffers are not counted once for each session."""
    return sum(found.rss - found.shared for found in _ask(pid, psutil.Process.memory_info)) / MB


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants; empty when it is gone."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _ask(pid: int, question: Callable[[psutil.Process], T]) -> list[T]:
    found = []
    for process in family(pid):
        try:
            found.append(question(process))
        except (psutil.NoSuchProcess, psutil.ZombieProcess):  # it has just ended
            continue
    return found
