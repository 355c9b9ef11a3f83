"""Death is concluded from the observer's own clock and own reads, never from dates."""

from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.liveness import DEAD_AFTER_S, MIN_READS, Liveness


def test_a_silent_worker_is_dead_after_thirty_seconds_and_three_reads_without_a_beat() -> None:
    seen = Liveness()
    verdicts = [seen.observe(now, {"w": 7}) for now in (0.0, 10.0, 20.0, 29.9, 30.0)]
    assert verdicts == [[], [], [], [], ["w"]]


def test_time_alone_is_not_enough_there_must_be_three_reads() -> None:
    seen = Liveness()
    verdicts = [seen.observe(now, {"w": 7}) for now in (0.0, 1000.0, 2000.0, 3000.0)]
    assert verdicts == [[], [], [], ["w"]], "the first read is what the three are compared with"


def test_reads_alone_are_not_enough_there_must_be_thirty_seconds() -> None:
    seen = Liveness()
    assert all(seen.observe(step / 100, {"w": 7}) == [] for step in range(2999))


def test_one_beat_starts_the_patience_anew() -> None:
    seen = Liveness()
    for now in (0.0, 10.0, 20.0):
        seen.observe(now, {"w": 7})
    assert seen.observe(29.0, {"w": 8}) == []
    assert [seen.observe(now, {"w": 8}) for now in (39.0, 49.0, 58.9, 59.0)] == [[], [], [], ["w"]]


def test_a_count_that_goes_back_is_a_new_beat_too() -> None:
    """A database restored from a backup knows fewer beats; the worker lives."""
    seen = Liveness()
    for now in (0.0, 10.0, 20.0):
        seen.observe(now, {"w": 7})
    assert seen.observe(30.0, {"w": 3}) == []


def test_an_interruption_starts_everyones_patience_anew() -> None:
    seen = Liveness()
    for now in (0.0, 10.0, 20.0):
        seen.observe(now, {"a": 1, "b": 1})
    seen.interrupted()
    assert [seen.observe(now, {"a": 1, "b": 1}) for now in (40.0, 50.0, 60.0, 70.0)] == [
        [],
        [],
        [],
        ["a", "b"],
    ]


def test_a_worker_first_seen_late_gets_its_full_time() -> None:
    seen = Liveness()
    for now in (0.0, 10.0, 20.0):
        seen.observe(now, {"old": 1})
    assert seen.observe(30.0, {"old": 1, "new": 1}) == ["old"]
    assert seen.observe(59.0, {"new": 1}) == []


def test_a_worker_that_left_and_came_back_is_new() -> None:
    seen = Liveness()
    for now in (0.0, 10.0, 20.0):
        seen.observe(now, {"w": 1})
    seen.observe(25.0, {})
    assert seen.observe(30.0, {"w": 1}) == []


def test_the_patience_can_be_set() -> None:
    seen = Liveness(dead_after_s=5.0)
    assert [seen.observe(now, {"w": 1}) for now in (0.0, 2.0, 4.0, 6.0)] == [[], [], [], ["w"]]


@given(
    st.lists(
        st.tuples(st.floats(0.1, 20.0), st.booleans(), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_whoever_is_called_dead_was_silent_for_long_and_seen_so_often(
    history: list[tuple[float, bool, bool]],
) -> None:
    """Each step: how much later, does the worker beat before, is there an outage before."""
    seen, now, beats = Liveness(), 0.0, 0
    silent_since: float | None = None
    reads = 0
    for later, beat, outage in history:
        now += later
        if outage:
            seen.interrupted()
            silent_since = None
        if beat:
            beats += 1
            silent_since = None
        if silent_since is None:
            silent_since, reads = now, 0
        else:
            reads += 1
        dead = seen.observe(now, {"w": beats})
        expected = ["w"] if now - silent_since >= DEAD_AFTER_S and reads >= MIN_READS else []
        assert dead == expected, f"silent since {silent_since}, now {now}, {reads} reads"
