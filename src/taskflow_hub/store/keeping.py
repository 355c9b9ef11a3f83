"""How long what has run its course is kept, beside finished tasks, for which there are settings."""

from datetime import timedelta
from typing import Final

WORKERS_KEPT: Final = timedelta(days=1)  # after they died
ROLLUPS_KEPT: Final = timedelta(days=30)
BULKS_KEPT: Final = timedelta(days=7)  # after they ended
