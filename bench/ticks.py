"""What the workers of a run have counted: the reading side of lib/tick.py."""

from collections.abc import Iterator
from pathlib import Path

from bench.lib.tick import HEADER, NUMBER


class Ticks:
    """`folder` is in memory, empty at first, and given to the workers as BENCH_TICKS."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[Path, int] = {}  # latencies that are not asked for

    def count(self) -> int:
        """Tasks that have started."""
        return sum(count for _, count, *_ in self._headers())

    def first_s(self) -> float:
        """When the first task started, in seconds since 1970."""
        return min(first for _, count, first, *_ in self._headers() if count) / 1e9

    def last_s(self) -> float:
        """When the last task started or ended."""
        return max(last for *_, last, _ in self._headers()) / 1e9

    def forget_latencies(self) -> None:
        """Those so far were to get warm."""
        self._seen = {path: header[-1] for path, header in self._files()}

    def latencies_ms(self) -> list[float]:
        found: list[float] = []
        for path, header in self._files():
            latencies = path.read_bytes()[HEADER.size : HEADER.size + NUMBER.size * header[-1]]
            found += [ns / 1e6 for (ns,) in NUMBER.iter_unpack(latencies)][self._seen.get(path, 0) :]
        return found

    def _headers(self) -> Iterator[tuple[int, ...]]:
        return (header for _, header in self._files())

    def _files(self) -> Iterator[tuple[Path, tuple[int, ...]]]:
        for path in self.folder.iterdir():
            with path.open("rb") as opened:
                octets = opened.read(HEADER.size)
            if len(octets) == HEADER.size:  # else it is being made
                yield path, HEADER.unpack(octets)
