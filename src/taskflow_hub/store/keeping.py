"""How long what has run its course is kept, beside finished tasks, for which there are settings."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

WORKERS_KEPT: Final = timedelta(days=1)  # after they died
ROLLUPS_KEPT: Final = timedelta(days=30)
# Samples and durations, by the seconds of their steps: at least twice as long as charts of such steps look back.
TRENDS_KEPT: Final[Mapping[int, timedelta]] = {
    60: timedelta(days=1),
    900: timedelta(days=7),
    7200: timedelta(days=30),
}
WORKFLOWS_AT_ONCE: Final = 20  # are forgotten by one transaction: each may have thousands of nodes and tasks
BULKS_KEPT: Final = timedelta(days=7)  # after they ended
FAILURES_KEPT: Final = timedelta(days=366)  # of which no task is failed any more
FIRES_KEPT: Final = timedelta(days=30)  # what became of each tick, after it was decided
