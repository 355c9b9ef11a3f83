"""Who is dead? Beats are counted, not dated, so neither a stepped clock nor an outage looks like death."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

DEAD_AFTER_S: Final = 30.0
MIN_READS: Final = 3


@dataclass
class _Seen:
    beats: int
    since: float
    reads: int = 0  # successful reads without a new beat


@dataclass
class Liveness:
    """One observer's memory. `now` is the observer's own monotonic clock, in seconds."""

    dead_after_s: float = DEAD_AFTER_S
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def observe(self, now: float, beats: Mapping[str, int]) -> list[str]:
        """Take in one successful read of {worker id: beats}; answer who has shown no new beat for `dead_after_s`
        over at least MIN_READS reads."""
        self._seen = {worker: self._look(worker, count, now) for worker, count in beats.items()}
        return [
            worker
            for worker, seen in self._seen.items()
            if seen.reads >= MIN_READS and now - seen.since >= self.dead_after_s
        ]

    def interrupted(self) -> None:
        """Store or broker did not answer: workers may have been cut off as well, so everyone's patience starts anew."""
        self._seen.clear()

    def _look(self, worker: str, count: int, now: float) -> _Seen:
        seen = self._seen.get(worker)
        if seen is None or seen.beats != count:
            return _Seen(count, now)
        return _Seen(count, seen.since, seen.reads + 1)
