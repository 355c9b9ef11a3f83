"""What becomes of ticks: each exactly once, and as the policies say."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.schedules import T0, schedule

from taskflow_hub.domain.schedule import (
    CatchUp,
    Cause,
    Fire,
    FireOutcome,
    Overlap,
    Schedule,
    by_hand_at,
    decide,
    delay_s,
    undecided,
)
from taskflow_hub.domain.ticks import KEPT

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def told(fires: tuple[Fire, ...]) -> Counter[tuple[str, str | None]]:
    return Counter({(fire.outcome, fire.reason): 0 for fire in fires}) + Counter(
        [(fire.outcome, fire.reason) for fire in fires for _ in range(fire.ticks)]
    )


FIRED = (FireOutcome.FIRED, None)
WAITING = (FireOutcome.WAITING, None)
OVERLAP = (FireOutcome.SKIPPED, Cause.OVERLAP)
DOWNTIME = (FireOutcome.MISSED, Cause.DOWNTIME)


def test_before_its_time_nothing_happens() -> None:
    decided = decide(schedule(), T0 + 9 * SECOND, busy=False)
    assert decided.fires == ()
    assert decided.next_at == T0 + 10 * SECOND


def test_a_tick_fires_at_its_time() -> None:
    decided = decide(schedule(), T0 + 10 * SECOND, busy=False)
    assert decided.fires == (Fire(planned_at=T0 + 10 * SECOND, outcome=FireOutcome.FIRED),)
    assert decided.next_at == T0 + 20 * SECOND


@pytest.mark.parametrize(
    ("overlap", "busy", "expected"),
    [
        (Overlap.ALLOW, False, {FIRED: 3}),
        (Overlap.ALLOW, True, {FIRED: 3}),
        (Overlap.SKIP, False, {FIRED: 1, OVERLAP: 2}),
        (Overlap.SKIP, True, {OVERLAP: 3}),
        (Overlap.QUEUE_ONE, False, {FIRED: 1, WAITING: 1, OVERLAP: 1}),
        (Overlap.QUEUE_ONE, True, {WAITING: 1, OVERLAP: 2}),
    ],
)
def test_ticks_that_meet_a_run(
    overlap: Overlap, busy: bool, expected: dict[tuple[str, str | None], int]
) -> None:
    decided = decide(schedule(overlap=overlap), T0 + 35 * SECOND, busy=busy)
    assert told(decided.fires) == expected
    assert decided.waiting_at == next(
        (fire.planned_at for fire in decided.fires if fire.outcome == "waiting"), None
    )


def test_what_waits_fires_when_the_run_has_ended_and_not_before() -> None:
    waits = schedule(overlap=Overlap.QUEUE_ONE, waiting_at=T0 - 10 * SECOND)
    assert decide(waits, T0, busy=True).ended_wait is None
    decided = decide(waits, T0, busy=False)
    assert (decided.ended_wait, decided.waiting_at, decided.fires) == (T0 - 10 * SECOND, None, ())


def test_the_next_tick_waits_when_what_waited_fires() -> None:
    waits = schedule(overlap=Overlap.QUEUE_ONE, waiting_at=T0)
    decided = decide(waits, T0 + 10 * SECOND, busy=False)
    assert (decided.ended_wait, decided.waiting_at) == (T0, T0 + 10 * SECOND)
    assert told(decided.fires) == {WAITING: 1}


@pytest.mark.parametrize(
    ("catch_up", "limit", "expected"),
    [
        (CatchUp.NONE, 100, {DOWNTIME: 30}),
        (CatchUp.LAST, 100, {DOWNTIME: 29, FIRED: 1}),
        (CatchUp.ALL, 100, {FIRED: 30}),
        (CatchUp.ALL, 12, {DOWNTIME: 18, FIRED: 12}),
    ],
)
def test_a_downtime_of_five_minutes(
    catch_up: CatchUp, limit: int, expected: dict[tuple[str, str | None], int]
) -> None:
    down = schedule(catch_up=catch_up, catch_up_limit=limit)
    decided = decide(down, T0 + 5 * MINUTE, busy=False)
    assert told(decided.fires) == expected
    assert [fire.planned_at for fire in decided.fires] == [T0 + n * 10 * SECOND for n in range(1, 31)]
    assert [fire.outcome for fire in decided.fires] == sorted(fire.outcome for fire in decided.fires)[
        ::-1
    ]  # the latest fire


def test_a_minute_is_no_downtime_and_a_little_more_is() -> None:
    assert told(decide(schedule(), T0 + 70 * SECOND, busy=False).fires) == {FIRED: 7}
    assert told(decide(schedule(), T0 + 71 * SECOND, busy=False).fires) == {DOWNTIME: 7}


def test_of_a_long_gap_the_newest_have_a_record_each_and_the_rest_share_one() -> None:
    decided = decide(schedule(every_s=1.0), T0 + timedelta(days=365), busy=False)
    assert len(decided.fires) == KEPT + 1
    assert decided.fires[0].ticks == 365 * 86_400 - KEPT
    assert decided.fires[1].planned_at - decided.fires[0].planned_at == SECOND
    assert decided.fires[-1].planned_at == T0 + timedelta(days=365)


def test_ticks_of_a_pause_are_skipped_and_those_of_a_change_missed() -> None:
    fires, next_at = undecided(schedule(paused_at=T0), T0 + 35 * SECOND)
    assert told(tuple(fires)) == {(FireOutcome.SKIPPED, Cause.PAUSED): 3}
    assert next_at == T0 + 40 * SECOND
    fires, next_at = undecided(schedule(), T0 + 35 * SECOND)
    assert told(tuple(fires)) == {(FireOutcome.MISSED, Cause.CHANGED): 3}
    assert undecided(schedule(), T0) == ([], T0 + 10 * SECOND)


def test_an_ended_schedule_has_no_next_tick() -> None:
    decided = decide(schedule(ends_at=T0 + 25 * SECOND), T0 + 30 * SECOND, busy=False)
    assert told(decided.fires) == {FIRED: 2}
    assert decided.next_at is None


def test_jitter_is_the_same_for_everybody_and_spread() -> None:
    delays = [delay_s("one", T0 + n * SECOND, 60.0) for n in range(500)]
    assert delays == [delay_s("one", T0 + n * SECOND, 60.0) for n in range(500)]
    assert all(0 <= delay < 60 for delay in delays)
    assert len(set(delays)) > 490
    assert 25 < sum(delays) / len(delays) < 35
    assert delay_s("one", T0, 60.0) != delay_s("two", T0, 60.0)
    assert delay_s("one", T0, 0.0) == 0


def test_what_is_fired_by_hand_is_no_tick() -> None:
    assert by_hand_at(schedule(), T0 + 10 * SECOND) == T0 + 10 * SECOND + timedelta(microseconds=1)
    assert by_hand_at(schedule(), T0 + 11 * SECOND) == T0 + 11 * SECOND


@given(
    said=st.sampled_from(
        [{"every_s": 1.0}, {"every_s": 7.0}, {"cron": "*/5 * * * * *"}, {"cron": "* * * * *"}]
    ),
    overlap=st.sampled_from(Overlap),
    catch_up=st.sampled_from(CatchUp),
    limit=st.integers(1, 20),
    looks=st.lists(st.tuples(st.floats(0.1, 200), st.booleans()), max_size=15),
)
@settings(deadline=None)
def test_every_tick_is_decided_once_however_they_are_looked_at(
    said: dict[str, object], overlap: Overlap, catch_up: CatchUp, limit: int, looks: list[tuple[float, bool]]
) -> None:
    now: datetime = T0
    here: Schedule = schedule(**said, overlap=overlap, catch_up=catch_up, catch_up_limit=limit)
    records: dict[datetime, FireOutcome] = {}
    for pause_s, busy in looks:
        now += timedelta(seconds=pause_s)
        decided = decide(here, now, busy=busy)
        if decided.ended_wait is not None:
            assert records[decided.ended_wait] is FireOutcome.WAITING
            records[decided.ended_wait] = FireOutcome.FIRED
        for fire in decided.fires:
            assert fire.planned_at not in records
            records[fire.planned_at] = fire.outcome
        if overlap is not Overlap.ALLOW:
            made = sum(fire.outcome is FireOutcome.FIRED for fire in decided.fires) + bool(decided.ended_wait)
            assert made <= (0 if busy else 1)
        here = replace(here, next_at=decided.next_at, waiting_at=decided.waiting_at)
    assert sorted(records) == list(here.timing.within(T0, now))
    waiting = [at for at, outcome in records.items() if outcome is FireOutcome.WAITING]
    assert waiting == ([] if here.waiting_at is None else [here.waiting_at])
