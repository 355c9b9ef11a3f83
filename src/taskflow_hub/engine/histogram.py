"""A histogram that takes many values at once. The library's own asks for a lock, and for the labels, at each value."""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

BUCKETS_S: Final = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    3600.0,
)
SHORT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram(Collector):
    """May be told from any thread, for stores have threads of their own."""

    def __init__(
        self,
        name: str,
        about: str,
        labels: Sequence[str] = (),
        *,
        bounds: Sequence[float] = BUCKETS_S,
        registry: CollectorRegistry,
    ) -> None:
        self._name, self._about, self._labels, self._bounds = name, about, tuple(labels), tuple(bounds)
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        if not labels:
            self._series(())
        registry.register(self)

    def observe(self, values: Iterable[float], labels: tuple[str, ...] = (), *, times: int = 1) -> None:
        """Each counts `times`. The labels' values are bounded by whoever tells them."""
        with self._lock:
            counts, total = self._series(labels), 0.0
            for value in values:
                counts[bisect_left(self._bounds, value)] += times
                total += value
            self._sums[labels] += total * times

    def _series(self, labels: tuple[str, ...]) -> list[int]:
        if (counts := self._counts.get(labels)) is None:
            counts = self._counts[labels] = [0] * (len(self._bounds) + 1)
            self._sums[labels] = 0.0
        return counts

    def collect(self) -> list[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._about, labels=self._labels)
        names = [*map(str, self._bounds), "+Inf"]
        with self._lock:
            for labels, counts in self._counts.items():
                cumulative = list(zip(names, accumulate(counts), strict=True))
                family.add_metric(labels, cumulative, self._sums[labels])
        return [family]
