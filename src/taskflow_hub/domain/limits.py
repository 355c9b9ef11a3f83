"""Limits that more than one room keeps to."""

from typing import Final

BATCH_MAX: Final = 10_000  # tasks that one submit commits together
ATTEMPTS_SHOWN: Final = 200  # of a task's attempts, the newest; one with bounded retries seldom has more
PAGE_OCTETS: Final = 8 << 20  # of payloads, results and errors in one page of tasks, but for its last task
MAX_ERROR_TEXT: Final = 200  # characters that errors are searched for
LINES_MAX: Final = 1_000  # of an attempt's log
RESULT_MAX: Final = 16 * 1024 * 1024  # bytes of a result's JSON text
ALONE_FROM: Final = 2  # from this many crashes on a task is leased alone, so that it convicts no neighbour
COUNTED: Final = 10_000  # tasks of one state that are counted for people: of more it is told about how many
AHEAD_COUNTED: Final = 1_000  # tasks before one in line: beyond that it is "more than"
RUNNING_SHOWN: Final = 20  # of the tasks that run under a limit, the ids of those that have run longest
STEPS_MAX: Final = 1_000  # of a task: steps, sleeps and waits together
STEP_NAME_MAX: Final = 100  # characters
STEP_RESULT_MAX: Final = 256 * 1024  # bytes of JSON text
EVENTS_MAX: Final = 1_000  # that one task is sent
EVENT_PAYLOAD_MAX: Final = 64 * 1024  # bytes of JSON text
READ_AHEAD: Final = (
    1 << 20
)  # bytes of results that a worker is sent at once, of steps or of a workflow's node
