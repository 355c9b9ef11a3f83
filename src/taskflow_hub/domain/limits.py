"""Limits that more than one room keeps to."""

from typing import Final

BATCH_MAX: Final = 10_000  # tasks that one submit commits together
ATTEMPTS_SHOWN: Final = 200  # of a task's attempts, the newest; one with bounded retries seldom has more
PAGE_OCTETS: Final = 8 << 20  # of payloads, results and errors in one page of tasks, but for its last task
LINES_MAX: Final = 1_000  # of an attempt's log
RESULT_MAX: Final = 16 * 1024 * 1024  # bytes of a result's JSON text
ALONE_FROM: Final = 2  # from this many crashes on a task is leased alone, so that it convicts no neighbour
AHEAD_COUNTED: Final = 1_000  # tasks before one in line: beyond that it is "more than"
RUNNING_SHOWN: Final = 20  # of the tasks that run under a limit, the ids of those that have run longest
