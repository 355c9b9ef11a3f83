"""What an operator should look at: nothing while all is well, and what stops everything first."""

from typing import Any

import pytest

from taskflow_hub.domain.attention import (
    SHOWN,
    Attention,
    AttentionCode,
    Lost,
    Missed,
    Seen,
    Severity,
    TypeEnds,
    Waiting,
    attention,
)
from taskflow_hub.domain.quota import QuotaUse, Used


def quota(*, used: dict[str, Any], **numbers: Any) -> QuotaUse:
    unused = {"in_minute": None, "in_day": None, "queued": None, "running": 0}
    return QuotaUse(account_id="ann", used=Used(**{**unused, **used}), **numbers)


WELL = Seen(
    waiting=[
        Waiting(queue="busy", queued=100_000, max_size=200_000, oldest_ready_s=300.0),
        Waiting(queue="paused", queued=0, paused=True),
    ],
    workers_alive=1,
    types=[
        TypeEnds(type="half", success=5, failed=5),
        TypeEnds(type="few", failed=4),
        TypeEnds(type="stopped", failed=5, success=5, cancelled=100),
    ],
    quota=quota(queued=10, per_minute=5, running=1, used={"queued": 9, "in_minute": 4, "running": 1}),
)
# One thing that is wrong, and what is said of it.
WRONG: dict[str, tuple[Seen, dict[str, Any]]] = {
    "nobody works": (
        Seen(waiting=[Waiting(queue="q", queued=1, unserved=("t",))]),
        {"code": "no_workers", "severity": "critical", "text": "No worker is alive, and 1 task waits."},
    ),
    "nobody serves it": (
        Seen(waiting=[Waiting(queue="q", queued=3, unserved=("image.compress",))], workers_alive=1),
        {
            "code": "no_worker",
            "severity": "critical",
            "text": "No worker serves image.compress in the queue q: its tasks wait for one.",
            "queue": "q",
            "type": "image.compress",
        },
    ),
    "paused": (
        Seen(waiting=[Waiting(queue="mail", queued=12_345, paused=True)], workers_alive=1),
        {
            "code": "queue_paused",
            "text": "The queue mail is paused, and 12 345 tasks wait in it.",
            "queue": "mail",
        },
    ),
    "full": (
        Seen(waiting=[Waiting(queue="q", queued=7, full=True, max_size=7)], workers_alive=1),
        {
            "code": "queue_full",
            "text": "The queue q is full: as many tasks wait as may (7), so more are refused.",
            "queue": "q",
        },
    ),
    "too many wait": (
        Seen(quota=quota(queued=7, used={"queued": 8})),
        {
            "code": "quota_full",
            "text": "The account ann has used up a quota: as many of its tasks wait as may (7), so more are refused.",
            "limit": "queued",
        },
    ),
    "too many today": (
        Seen(quota=quota(per_day=7, used={"in_day": 7})),
        {
            "code": "quota_full",
            "text": "The account ann has used up a quota: it has submitted as many tasks as it may on one day (7), so more "
            "are refused.",
            "limit": "per_day",
        },
    ),
    "slow": (
        Seen(waiting=[Waiting(queue="q", queued=7, oldest_ready_s=7_530.0)], workers_alive=1),
        {
            "code": "oldest_waiting",
            "text": "In the queue q a task waits for 2 h 5 min that could run.",
            "queue": "q",
        },
    ),
    "failing": (
        Seen(types=[TypeEnds(type="mail.send", success=4, failed=5, cancelled=9)]),
        {
            "code": "failing_type",
            "text": "mail.send fails: 5 of 9 tasks in the last hour.",
            "type": "mail.send",
        },
    ),
    "lost": (
        Seen(lost=[Lost("w1", "w", "host-a")]),
        {
            "code": "worker_lost",
            "text": "The worker w on host-a was lost in the last hour.",
            "worker_id": "w1",
        },
    ),
    "poison": (
        Seen(poisoned=2),
        {
            "code": "poison",
            "text": "2 tasks have failed in the last 24 h because too many workers died while they ran.",
        },
    ),
    "missed": (
        Seen(missed=[Missed("s1", "nightly", 1)]),
        {
            "code": "schedule_missed",
            "text": "The schedule nightly missed 1 tick in the last 24 h.",
            "schedule_id": "s1",
        },
    ),
    "missed, without a name": (
        Seen(missed=[Missed("s1", None, 3)]),
        {
            "code": "schedule_missed",
            "text": "The schedule s1 missed 3 ticks in the last 24 h.",
            "schedule_id": "s1",
        },
    ),
}


def test_nothing_is_said_while_all_is_well() -> None:
    assert attention(WELL) == ()
    assert attention(Seen()) == ()


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_once_and_in_words(what: str) -> None:
    seen, expected = WRONG[what]
    (found,) = attention(seen)
    assert found == Attention(**{"severity": Severity.WARNING, **expected})


def test_every_code_is_told_of_something() -> None:
    told = {expected["code"] for _, expected in WRONG.values()}
    assert told == set(AttentionCode)


def test_what_stops_everything_comes_first() -> None:
    waiting = [Waiting(queue="q", queued=1, paused=True), Waiting(queue="r", queued=1, unserved=("t",))]
    found = attention(Seen(waiting=waiting, workers_alive=1, poisoned=1, missed=[Missed("s", None, 1)]))
    assert [one.code for one in found] == ["no_worker", "queue_paused", "poison", "schedule_missed"]


@pytest.mark.parametrize("count", [SHOWN, SHOWN + 1, SHOWN + 50])
def test_a_sum_stands_for_the_rest(count: int) -> None:
    found = attention(Seen(missed=[Missed(f"s{n}", None, 1) for n in range(count)]))
    lines, more = found[:SHOWN], found[SHOWN:]
    assert [one.schedule_id for one in lines] == [f"s{n}" for n in range(SHOWN)]
    if count == SHOWN:
        assert more == ()
    else:
        (summed,) = more
        assert summed.schedule_id is None
        assert summed.text == f"{count - SHOWN} more schedules missed ticks in the last 24 h."
