"""The histogram that takes many values at once."""

from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as TheirHistogram
from prometheus_client.exposition import generate_latest

from taskflow_hub.engine.histogram import Histogram

BOUNDS = (0.1, 1.0, 10.0)
VALUES = (0.0, 0.1, 0.10001, 1.0, 5.0, 10.0, 11.0)


def test_it_says_what_the_librarys_own_says() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    Histogram("x_seconds", "Help.", ["kind"], bounds=BOUNDS, registry=ours).observe(VALUES, ("a",))
    other = TheirHistogram("x_seconds", "Help.", ["kind"], buckets=BOUNDS, registry=theirs)
    for value in VALUES:
        other.labels("a").observe(value)
    created = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert generate_latest(ours).splitlines() == created


def test_without_labels_it_is_there_from_the_start() -> None:
    registry = CollectorRegistry()
    Histogram("x_seconds", "Help.", bounds=BOUNDS, registry=registry)
    assert registry.get_sample_value("x_seconds_count") == 0


def test_a_value_may_stand_for_many() -> None:
    registry = CollectorRegistry()
    Histogram("x_seconds", "Help.", bounds=BOUNDS, registry=registry).observe([0.5, 20.0], times=3)
    assert registry.get_sample_value("x_seconds_count") == 6
    assert registry.get_sample_value("x_seconds_sum") == 61.5
    assert registry.get_sample_value("x_seconds_bucket", {"le": "1.0"}) == 3


def test_threads_lose_nothing() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("x_seconds", "Help.", bounds=BOUNDS, registry=registry)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: histogram.observe([0.5] * 5), range(2_000)))
    assert registry.get_sample_value("x_seconds_count") == 10_000
