"""Where a lease begins to look.

Ready tasks of one (queue, type, priority, account), a *line*, stand in the order of `seq`. While a transaction is held open
somewhere, vacuum cannot remove the index entries of what has been leased since, and a scan that began at the front of a line
would walk over all of them each time. So each process remembers, for every line, below which `seq` it found nothing any more.

A hint in memory only: whoever makes a task ready lowers the mark after the commit (in this process at once, in others by
NOTIFY), and a survey of all lines corrects what was missed. A mark that is too low costs a little time; one that is too high
costs a little delay, and never a task. The idea of starting where the last scan ended is known from queues on PostgreSQL that
keep a cursor (pgq); here it is kept for each line, outside the database.
"""

from collections.abc import Mapping

from taskflow_hub.store.postgres.transaction import Line


class Marks:
    """Lines that may have ready tasks, and the `seq` at which to begin. Used on the store's loop only."""

    def __init__(self) -> None:
        self._marks: dict[Line, int] = {}
        self._told: dict[Line, int] = {}  # lowest `seq` of each line that was told of since the last `begin`

    def __len__(self) -> int:
        return len(self._marks)

    def lower(self, ready: Mapping[Line, int]) -> bool:
        """There may be ready tasks from these places on. True if that is news."""
        news = False
        for line, seq in ready.items():
            self._told[line] = min(seq, self._told.get(line, seq))
            known = self._marks.get(line)
            if known is None or seq < known:
                self._marks[line] = seq
                news = True
        return news

    def begin(self) -> dict[Line, int]:
        """Where to begin in each line. What is told from here on outlives `end`."""
        self._told.clear()
        return dict(self._marks)

    def end(self, reached: Mapping[Line, int | None]) -> None:
        """The scan is over: nothing is ready in these lines before the place named (None: in the whole line)."""
        for line, place in reached.items():
            told = self._told.get(line)
            places = [seq for seq in (place, told) if seq is not None]
            if places:
                self._marks[line] = min(places)
            else:
                self._marks.pop(line, None)
